#pragma once

// A host name to addresses, on the runtime, without a thread.
//
// Rules
//  1. An IP address in text, and "localhost" (RFC 6761, section 6.3: 127.0.0.1, then ::1), need no question.
//  2. All else is c-ares's: /etc/hosts, then the servers of /etc/resolv.conf, A and AAAA. Both files are read anew for
//     each lookup, because machines move between networks; nothing is kept open between lookups.
//  3. A lookup ends by its deadline, with addresses or an error that names the host.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/socket_addr.hpp"
#include "base/time.hpp"
#include "io/runtime.hpp"

namespace grapevine::io {

struct ResolverOptions {
    std::string servers;  // "127.0.0.1:5353,..."; empty: the system's.
};

class Resolver {
public:
    static constexpr std::size_t kAddressesMax = 8;  // Of one name; more are ignored.
    static constexpr std::size_t kHostBytesMax = 255;
    static constexpr base::Duration kTryTimeout = std::chrono::seconds(2);  // Of a question to one server.
    static constexpr int kTries = 3;

    using Done = std::function<void(base::Result<std::vector<base::SocketAddr>>)>;

    explicit Resolver(Runtime& runtime, ResolverOptions options = {});
    // `done` is not called any more.
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    // One lookup at a time: a new one replaces the old. `done` is called in a later turn, with at least one address.
    void lookup(const std::string& host, std::uint16_t port, base::TimePoint deadline, Done done);
    void cancel();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace grapevine::io
