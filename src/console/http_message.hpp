#pragma once

// A request and an answer of the HTTP server as values, and what its rules need to know of their headers.

#include <cstdint>
#include <functional>
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
    // Headers as they came; empty if absent.
    std::string host{};
    std::string origin{};
    std::string authorization{};
    std::string cookie{};
    std::string last_event_id{};
    std::string peer{};  // Address and port of the client.

    // The value of a parameter of the query, or empty.
    [[nodiscard]] std::string_view parameter(std::string_view name) const;
};

// A request that is under way: one connection, and which of its requests.
struct HttpExchange {
    std::uint64_t connection = 0;
    std::uint64_t request = 0;
    friend auto operator<=>(const HttpExchange&, const HttpExchange&) = default;
};

struct HttpResponse {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers{};
    // Instead of the above: it is answered by HttpServer::reply(), at once or later.
    std::function<void(HttpExchange)> later{};
    // Status, type and headers are sent now; what follows comes by HttpServer::push() until somebody closes.
    std::function<void(HttpExchange)> stream{};
};
// {"error":{"code":CODE,"message":MESSAGE}}, with "field" if one is to blame.
HttpResponse http_error(unsigned status, std::string_view message, std::string_view field = {});

// "Text/Plain; charset=x" -> "text/plain".
std::string media_type(std::string_view value);
// Whether a Host header names "localhost" or an address, with or without a port: names that no foreign name server can
// give another meaning.
bool is_local_host(std::string_view host);

}  // namespace grapevine::console
