#pragma once

// A request and an answer of the HTTP server as values, and what its rules need to know of their headers.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grapevine::console {

struct HttpRequest {
    std::string method;
    std::string path;          // Decoded, without the query.
    std::string rest;          // What stands for the '*' of the route.
    std::string content_type;  // Lower case, without parameters; empty if absent.
    std::vector<std::pair<std::string, std::string>> parameters;
    std::string body;  // Inflated.

    // The value of a parameter of the query, or empty.
    [[nodiscard]] std::string_view parameter(std::string_view name) const;
};

struct HttpResponse {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
};
// {"error":{"code":CODE,"message":MESSAGE}}
HttpResponse http_error(unsigned status, std::string_view message);

// "Text/Plain; charset=x" -> "text/plain".
std::string media_type(std::string_view value);
// Whether a Host header names "localhost" or an address, with or without a port: names that no foreign name server can
// give another meaning.
bool is_local_host(std::string_view host);

}  // namespace grapevine::console
