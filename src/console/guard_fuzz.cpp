// Host, Origin, path, token and cookies of a request: five texts, divided by newlines. A bit of the first byte says
// whether the console is on loopback or elsewhere.
//
// Whoever is admitted named a loopback address or "localhost" with our port, elsewhere that address; whoever may change
// something gave the token, too, and elsewhere whoever may look that or the session's cookie. Read by hand.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/socket_addr.hpp"
#include "console/guard.hpp"

using namespace grapevine;

namespace {

const std::string kToken(64, '7');

std::string next(std::string_view& text) {
    const std::size_t end = text.find('\n');
    const std::string out(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return out;
}

bool is_ours(std::string_view host) {
    constexpr std::string_view kPort = ":19090";
    if (!host.ends_with(kPort)) return false;
    host.remove_suffix(kPort.size());
    return host.starts_with("127.") || host == "[::1]" || (host.size() == 9 && (host[0] | 0x20) == 'l') ||
           host.starts_with("[");
}

bool is_private(std::string_view path) {
    return path.starts_with("/api/") || path.starts_with("/v1/") || path == "/metrics";
}

void check_elsewhere(const console::HttpRequest& request) {
    console::Guard guard(kToken, console::Access::full, console::Scheme::https);
    guard.listens_on(base::SocketAddr::v4(192, 0, 2, 7, 19090));
    if (guard.check(request, {})) return;
    GRAPEVINE_ASSERT(request.host == "192.0.2.7:19090", "only our own address");
    GRAPEVINE_ASSERT(request.origin.empty() || request.origin.starts_with("https://"), "only our own pages");
    const std::string set = guard.session().headers.at(0).second;
    const bool session =
        request.method == "GET" && request.cookie.find(set.substr(0, set.find(';'))) != std::string::npos;
    GRAPEVINE_ASSERT(!is_private(request.path) || session || request.authorization.ends_with(kToken),
                     "looking needs the token");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    std::string_view rest = base::as_text({data + 1, size - 1});
    console::Guard guard(kToken, console::Access::full);
    guard.listens_on(base::SocketAddr::v4(127, 0, 0, 1, 19090));
    console::HttpRequest request;
    request.method = data[0] % 2 == 0 ? "GET" : "POST";
    request.content_type = "application/json";
    request.host = next(rest);
    request.origin = next(rest);
    request.path = next(rest);
    request.authorization = next(rest);
    request.cookie = next(rest);
    if ((data[0] & 4U) != 0) check_elsewhere(request);
    const auto refusal = guard.check(request, {});
    if (refusal) {
        GRAPEVINE_ASSERT(refusal->status >= 400 && !refusal->body.empty(), "a refusal says why");
        return 0;
    }
    GRAPEVINE_ASSERT(is_ours(request.host), "only our own names");
    GRAPEVINE_ASSERT(request.origin.empty() ||
                         (request.origin.starts_with("http://") && is_ours(std::string_view(request.origin).substr(7))),
                     "only our own pages");
    if (request.method == "POST" && !request.path.starts_with("/v1/"))
        GRAPEVINE_ASSERT(request.authorization.ends_with(kToken) && !request.origin.empty(), "changes need the token");
    return 0;
}
