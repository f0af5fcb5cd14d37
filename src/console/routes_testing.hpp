#pragma once

// Routes without a server: which one serves a request, and what it says.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "console/http_server.hpp"

namespace grapevine::console::testing {

// The answer of the first route that fits, as the server finds it; nothing if none does.
inline std::optional<HttpResponse> served(const std::vector<HttpRoute>& routes, HttpRequest request) {
    for (const HttpRoute& route : routes) {
        const bool below = route.path.ends_with("/*");
        const std::string prefix = route.path.substr(0, route.path.size() - (below ? 1 : 0));
        const bool fits = below ? request.path.starts_with(prefix) && request.path.size() > prefix.size()
                                : request.path == route.path;
        if (!fits || route.method != request.method) continue;
        if (below) request.rest = request.path.substr(prefix.size());
        return route.handler(request);
    }
    return std::nullopt;
}

}  // namespace grapevine::console::testing
