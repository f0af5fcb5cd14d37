#pragma once

// Who may do what with the console (docs/design/0003-console.md, "Safety"): looked at before a request's body is read.
//
// Rules
//  1. Host is a loopback address or "localhost", with the port that we listen on; on another address that very one.
//     Anything else is 403: a page elsewhere that gives its own name our address (DNS rebinding) gets nothing.
//  2. A request with an Origin that is not ours is 403, whatever it asks.
//  3. What changes something (POST below /api) needs the type application/json (415), an Origin of ours (403), the
//  token
//     (401), a console that is not read-only (403), and room within kChangesMax (429). The token is compared in a time
//     that does not depend on where it differs.
//  4. OTLP (POST below /v1) needs no token: exporters have none, and what they send is shown, not done.
//  5. Methods other than GET and POST are 405.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/socket_addr.hpp"
#include "base/time.hpp"
#include "base/token_bucket.hpp"
#include "console/http_message.hpp"

namespace grapevine::console {

enum class Access : std::uint8_t { full, read_only };

// Whether two texts are the same, in a time that depends on the length of `given` alone.
bool same_secret(std::string_view secret, std::string_view given);

class Guard {
public:
    static constexpr base::RateLimit kChangesMax{10, 20};

    struct Counters {
        std::uint64_t host = 0, origin = 0, token = 0, read_only = 0, type = 0, rate = 0, method = 0;
    };

    Guard(std::string token, Access access) : token_(std::move(token)), access_(access) {}

    // The address that we listen on; before it is known nothing is admitted.
    void listens_on(const base::SocketAddr& address) { address_ = address; }
    // The refusal, if it is one.
    [[nodiscard]] std::optional<HttpResponse> check(const HttpRequest& request, base::TimePoint now);
    [[nodiscard]] const Counters& counters() const { return counters_; }
    [[nodiscard]] Access access() const { return access_; }

    // Content-Security-Policy and what else every answer carries.
    static std::vector<std::pair<std::string, std::string>> headers();

private:
    [[nodiscard]] bool is_our_host(std::string_view host) const;
    [[nodiscard]] std::optional<HttpResponse> check_change(const HttpRequest& request, base::TimePoint now);

    std::string token_;
    Access access_;
    std::optional<base::SocketAddr> address_;
    base::TokenBucket changes_;
    Counters counters_;
};

}  // namespace grapevine::console
