#include "console/guard.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <system_error>

#include "base/blake3.hpp"
#include "base/encoding.hpp"

namespace grapevine::console {
namespace {

constexpr std::string_view kCookie = "__Host-grapevine-session";  // RFC 6265bis: of this host alone, and Secure.
constexpr std::string_view kSessionPath = "/api/session";
constexpr std::string_view kBearer = "bearer ";

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

std::string_view bearer_of(std::string_view authorization) {
    return lower(authorization.substr(0, kBearer.size())) == kBearer ? authorization.substr(kBearer.size())
                                                                     : std::string_view();
}

std::string_view text_of(Scheme scheme) {
    return scheme == Scheme::https ? "https://" : "http://";
}

std::uint16_t port_of(Scheme scheme) {
    return scheme == Scheme::https ? 443 : 80;
}

struct HostPort {
    std::string host;  // An address of IPv6 without its brackets.
    std::optional<std::uint16_t> port;
};

// "name", "name:port", "[address]:port"
std::optional<HostPort> split_host(std::string_view text) {
    HostPort out;
    const std::size_t bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
    const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
    out.host = text.substr(0, colon);
    if (bracket != std::string_view::npos) {
        if (bracket + 1 != std::min(colon, text.size())) {
            return std::nullopt;
        }
        out.host = text.substr(1, bracket - 1);
        if (out.host.find(':') == std::string::npos) {
            return std::nullopt;  // Only addresses of IPv6 have brackets (RFC 3986, section 3.2.2).
        }
    }
    if (colon == std::string_view::npos) {
        return out;
    }
    std::uint16_t port = 0;
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size() || digits.starts_with('0')) {
        return std::nullopt;  // Browsers write a port in one way only.
    }
    out.port = port;
    return out;
}

// Whether one of the cookies (RFC 6265, section 4.2.1) is ours with this value.
bool has_cookie(std::string_view cookies, const std::string& value) {
    bool found = false;
    while (!cookies.empty()) {
        const std::size_t end = std::min(cookies.find(';'), cookies.size());
        std::string_view one = cookies.substr(0, end);
        cookies.remove_prefix(std::min(end + 1, cookies.size()));
        one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
        const std::size_t equals = one.find('=');
        found = (equals != std::string_view::npos && one.substr(0, equals) == kCookie &&
                 same_secret(value, one.substr(equals + 1))) ||
                found;
    }
    return found;
}

std::string session_of(const std::string& token) {
    const base::ByteView secret(reinterpret_cast<const std::uint8_t*>(token.data()), token.size());
    return base::hex_encode(base::blake3_derive_key("grapevine console session v1", secret));
}

bool is_private(std::string_view path) {
    return path.starts_with("/api/") || path.starts_with("/v1/") || path == "/metrics";
}

}  // namespace

Guard::Guard(std::string token, Access access, Scheme scheme, std::vector<std::string> hosts)
    : token_(std::move(token)),
      session_(session_of(token_)),
      access_(access),
      scheme_(scheme),
      hosts_(std::move(hosts)) {
    for (std::string& host : hosts_) {
        host = lower(host);
    }
}

bool same_secret(std::string_view secret, std::string_view given) {
    unsigned difference = secret.size() == given.size() ? 0U : 1U;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const char expected = secret.empty() ? '\0' : secret[i % secret.size()];
        difference |= static_cast<unsigned char>(expected) ^ static_cast<unsigned char>(given[i]);
    }
    return difference == 0 && !secret.empty();
}

std::vector<std::pair<std::string, std::string>> Guard::headers() {
    return {{"Content-Security-Policy",
             "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
             "base-uri 'none'; frame-ancestors 'none'; form-action 'none'"},
            {"Referrer-Policy", "no-referrer"},
            {"Cross-Origin-Opener-Policy", "same-origin"},
            {"Cross-Origin-Resource-Policy", "same-origin"}};
}

bool Guard::is_our_host(std::string_view host) const {
    const auto given = split_host(lower(host));
    if (!address_ || !given || given->port.value_or(port_of(scheme_)) != address_->port) {
        return false;
    }
    if (std::find(hosts_.begin(), hosts_.end(), given->host) != hosts_.end()) {
        return true;
    }
    if (given->host == "localhost") {
        return address_->is_loopback();
    }
    const bool six = given->host.find(':') != std::string::npos;
    const auto named =
        base::SocketAddr::parse((six ? "[" + given->host + "]" : given->host) + ":" + std::to_string(address_->port));
    return named && (address_->is_loopback() ? named->is_loopback() : *named == *address_);
}

bool Guard::is_our_origin(std::string_view origin) const {
    const std::string_view scheme = text_of(scheme_);
    return origin.starts_with(scheme) && is_our_host(origin.substr(scheme.size()));
}

// Rule 6.
bool Guard::may_look(const HttpRequest& request) const {
    return address_->is_loopback() || !is_private(request.path) ||
           same_secret(token_, bearer_of(request.authorization)) ||
           (request.method == "GET" && has_cookie(request.cookie, session_));
}

HttpResponse Guard::refuse_token() {
    ++counters_.token;
    HttpResponse refusal = http_error(401,
                                      "token: missing or wrong; the link that `grapevine up` or `grapevine "
                                      "console` printed has it behind its '#'");
    refusal.headers.emplace_back("WWW-Authenticate", "Bearer");
    return refusal;
}

HttpResponse Guard::session() const {
    HttpResponse out;
    out.body = R"({"session":true})";
    if (scheme_ == Scheme::https) {
        out.headers.emplace_back("Set-Cookie",
                                 std::string(kCookie) + "=" + session_ + "; Path=/; Secure; HttpOnly; SameSite=Strict");
    }
    return out;
}

std::optional<HttpResponse> Guard::check(const HttpRequest& request, base::TimePoint now) {
    if (!is_our_host(request.host)) {
        ++counters_.host;
        return http_error(403, "host: this server is not '" + request.host.substr(0, 80) + "'");
    }
    if (!request.origin.empty() && !is_our_origin(request.origin)) {
        ++counters_.origin;
        return http_error(403, "origin: only this server's own pages are answered");
    }
    if (request.method != "GET" && request.method != "POST") {
        ++counters_.method;
        HttpResponse refusal = http_error(405, "method: GET or POST");
        refusal.headers.emplace_back("Allow", "GET, POST");
        return refusal;
    }
    if (!may_look(request)) {
        return refuse_token();
    }
    const bool changes = request.method == "POST" && !request.path.starts_with("/v1/");
    return changes ? check_change(request, now) : std::nullopt;
}

std::optional<HttpResponse> Guard::check_change(const HttpRequest& request, base::TimePoint now) {
    if (request.content_type != "application/json") {
        ++counters_.type;
        return http_error(415, "content type: application/json is required");
    }
    if (request.origin.empty()) {
        ++counters_.origin;
        return http_error(403, "origin: is required of a request that changes something");
    }
    if (!same_secret(token_, bearer_of(request.authorization))) {
        return refuse_token();
    }
    if (access_ == Access::read_only && request.path != kSessionPath) {
        ++counters_.read_only;
        return http_error(403, "this console is read-only");
    }
    if (!changes_.take(kChangesMax, now)) {
        ++counters_.rate;
        HttpResponse refusal =
            http_error(429, "more than " + std::to_string(kChangesMax.per_second) + " changing requests a second");
        refusal.headers.emplace_back("Retry-After", "1");
        return refusal;
    }
    return std::nullopt;
}

}  // namespace grapevine::console
