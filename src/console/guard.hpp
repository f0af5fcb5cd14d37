#pragma once

// Who may do what with the console (docs/design/0003-console.md, "Safety"): looked at before a request's body is read.
//
// Rules
//  1. Host is, with the port that we listen on, a loopback address or "localhost" if we listen on loopback, the very
//     address that we listen on otherwise, or one of the given names. Anything else is 403: a page elsewhere that gives
//     its own name our address (DNS rebinding) gets nothing.
//  2. A request with an Origin that is not ours is 403, whatever it asks.
//  3. What changes something (POST below /api) needs the type application/json (415), an Origin of ours (403), the
//  token
//     (401), a console that is not read-only (403), and room within kChangesMax (429). The token is compared in a time
//     that does not depend on where it differs.
//  4. OTLP (POST below /v1) needs no more than rules 1 and 2 on loopback: exporters have no token, and what they send
//  is
//     shown, not done.
//  5. Methods other than GET and POST are 405.
//  6. On another address than loopback whoever reaches the port need not be the user of this machine: all of /api, /v1
//     and /metrics then needs the token, or, to look, the cookie of a session (401). The pages are public files, and
//     whether the server lives is no secret.
//  7. POST /api/session gives whoever has the token that cookie, since a browser's EventSource can send no header. Its
//     value follows from the token by a one-way function: it lets look, not change, and ends with the token. It is
//     HttpOnly, SameSite=Strict and Secure, and is given over TLS alone. A read-only console gives it too.

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
enum class Scheme : std::uint8_t { http, https };

// Whether two texts are the same, in a time that depends on the length of `given` alone.
bool same_secret(std::string_view secret, std::string_view given);

class Guard {
public:
    static constexpr base::RateLimit kChangesMax{10, 20};

    struct Counters {
        std::uint64_t host = 0, origin = 0, token = 0, read_only = 0, type = 0, rate = 0, method = 0;
    };

    // `hosts`: names or addresses without a port that Host may have, beside our own address.
    Guard(std::string token, Access access, Scheme scheme = Scheme::http, std::vector<std::string> hosts = {});

    // The address that we listen on; before it is known nothing is admitted.
    void listens_on(const base::SocketAddr& address) { address_ = address; }
    // The refusal, if it is one.
    [[nodiscard]] std::optional<HttpResponse> check(const HttpRequest& request, base::TimePoint now);
    [[nodiscard]] const Counters& counters() const { return counters_; }
    [[nodiscard]] Access access() const { return access_; }

    // The answer to POST /api/session, once it was admitted (rule 7).
    [[nodiscard]] HttpResponse session() const;

    // Content-Security-Policy and what else every answer carries.
    static std::vector<std::pair<std::string, std::string>> headers();

private:
    [[nodiscard]] bool is_our_host(std::string_view host) const;
    [[nodiscard]] bool is_our_origin(std::string_view origin) const;
    [[nodiscard]] bool may_look(const HttpRequest& request) const;
    [[nodiscard]] HttpResponse refuse_token();
    [[nodiscard]] std::optional<HttpResponse> check_change(const HttpRequest& request, base::TimePoint now);

    std::string token_;
    std::string session_;  // The value of its cookie.
    Access access_;
    Scheme scheme_;
    std::vector<std::string> hosts_;  // In lower case.
    std::optional<base::SocketAddr> address_;
    base::TokenBucket changes_;
    Counters counters_;
};

}  // namespace grapevine::console
