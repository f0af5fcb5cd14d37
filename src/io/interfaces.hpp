#pragma once

// The addresses of this machine's interfaces, and a watch on their changes.

#include <functional>
#include <optional>
#include <vector>

#include "base/socket_addr.hpp"
#include "io/fd.hpp"
#include "io/runtime.hpp"

namespace grapevine::io {

inline constexpr std::size_t kInterfaceAddrsMax = 8;  // As many as a digest carries.

// Addresses at which a socket bound to the unspecified address of `family` can be reached, with `port`. Interfaces that
// are up; no link-local addresses, which mean nothing elsewhere; loopback only when there is nothing else. Sorted.
std::vector<base::SocketAddr> interface_addrs(base::IpFamily family, std::uint16_t port);

// Calls `changed` when addresses or links change (rtnetlink), without a timer. Quiet where the kernel refuses the
// socket.
class InterfaceWatch {
public:
    InterfaceWatch(Runtime& runtime, std::function<void()> changed);
    ~InterfaceWatch();
    InterfaceWatch(const InterfaceWatch&) = delete;
    InterfaceWatch& operator=(const InterfaceWatch&) = delete;

private:
    void drain();
    Runtime& runtime_;
    std::function<void()> changed_;
    Fd socket_;
    std::optional<WatchId> watch_;
};

}  // namespace grapevine::io
