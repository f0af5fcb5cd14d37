#include "console/guard.hpp"

#include <algorithm>
#include <cctype>

namespace grapevine::console {
namespace {

constexpr std::string_view kScheme = "http://";
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

}  // namespace

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
    if (!address_) {
        return false;
    }
    const std::string port = ":" + std::to_string(address_->port);
    const std::string text = lower(host);
    if (text == "localhost" + port) {
        return address_->is_loopback();
    }
    const auto named = base::SocketAddr::parse(text);
    return named && named->port == address_->port &&
           (address_->is_loopback() ? named->is_loopback() : *named == *address_);
}

std::optional<HttpResponse> Guard::check(const HttpRequest& request, base::TimePoint now) {
    if (!is_our_host(request.host)) {
        ++counters_.host;
        return http_error(403, "host: this server is not '" + request.host.substr(0, 80) + "'");
    }
    const bool foreign = !request.origin.empty() &&
                         (!request.origin.starts_with(kScheme) || !is_our_host(request.origin.substr(kScheme.size())));
    if (foreign) {
        ++counters_.origin;
        return http_error(403, "origin: only this server's own pages are answered");
    }
    if (request.method != "GET" && request.method != "POST") {
        ++counters_.method;
        HttpResponse refusal = http_error(405, "method: GET or POST");
        refusal.headers.emplace_back("Allow", "GET, POST");
        return refusal;
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
        ++counters_.token;
        HttpResponse refusal = http_error(401,
                                          "token: missing or wrong; the link that `grapevine up` or `grapevine "
                                          "console` printed has it behind its '#'");
        refusal.headers.emplace_back("WWW-Authenticate", "Bearer");
        return refusal;
    }
    if (access_ == Access::read_only) {
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
