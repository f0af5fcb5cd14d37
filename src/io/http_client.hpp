#pragma once

// A small asynchronous HTTP/1.1 client: one server, one connection that is kept alive, one request at a time.
//
// Rules
//  1. Requests are served in order; at most kQueueMax wait. A request's timeout counts from the moment it is its turn
//     and covers everything: name, connection, TLS, sending, the whole answer.
//  2. A kept connection that the server closed before it said anything to a request is replaced once and the request
//     sent again: servers drop idle connections at the very moment of the next request (RFC 9110, section 9.2.2). So a
//     request may, rarely, arrive twice.
//  3. Addresses of the server are tried in turn, each with its share of the time that is left.
//  4. The answer is bounded (http_client_answer.hpp). Redirects are answers like any other and are not followed.
//  5. An idle connection costs nothing but itself; when the server ends it, it is closed.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "base/time.hpp"
#include "io/http_client_answer.hpp"
#include "io/resolver.hpp"
#include "io/runtime.hpp"
#include "io/tls_stream.hpp"

namespace grapevine::io {

struct HttpServer {
    bool https = false;
    std::string host;  // Name or address without brackets.
    std::uint16_t port = 80;
    TlsFiles tls;
    friend auto operator<=>(const HttpServer&, const HttpServer&) = default;
};

struct HttpRequest {
    std::string method = "GET";
    std::string path = "/";                                         // With its query, as it goes on the wire.
    std::vector<std::pair<std::string, std::string>> headers = {};  // See is_http_client_header().
    std::string_view body = {};  // Must outlive the request, that is until `done` or cancel().
    base::Duration timeout = std::chrono::seconds(10);
    std::size_t answer_bytes_max = 64 * 1024;
};

enum class HttpFailure : std::uint8_t {
    invalid,    // The request breaks a rule: a control character in a header, an empty method.
    busy,       // kQueueMax requests wait.
    resolve,    // The host has no address, or no name server answered.
    connect,    // No address of it took the connection.
    tls,        // Its certificate, or the handshake.
    closed,     // The connection broke before the answer was complete.
    timeout,    // The time was over.
    broken,     // What came is not HTTP.
    too_large,  // The answer passed its limit.
};
std::string_view name(HttpFailure failure);

// Whether they can be a header of a request: a token, and no control characters (RFC 9110, section 5).
bool is_http_header(std::string_view key, std::string_view value);
// Host, Content-Length, Transfer-Encoding and Connection, in any case.
bool is_http_client_header(std::string_view key);

struct HttpError {
    HttpFailure failure = HttpFailure::closed;
    std::string message;  // "http://host:4318: connection refused"
};
using HttpResult = tl::expected<HttpAnswer, HttpError>;

struct HttpRequestId {
    std::uint64_t value = 0;
    friend auto operator<=>(const HttpRequestId&, const HttpRequestId&) = default;
};

struct HttpClientCounters {
    std::uint64_t connections = 0;  // Opened so far.
    std::uint64_t reconnects = 0;   // Rule 2.
    std::uint64_t bytes_sent = 0, bytes_received = 0;
};

class HttpClient {
public:
    static constexpr std::size_t kQueueMax = 16;
    static constexpr std::size_t kHeadBytesMax = 16 * 1024;  // Of a request.

    using Done = std::function<void(HttpResult)>;

    HttpClient(Runtime& runtime, HttpServer server, ResolverOptions options = {});
    // What waits is cancelled.
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    // `done` is called once, in a later turn; it may call this client again, or destroy it.
    HttpRequestId request(HttpRequest request, Done done);
    // `done` is not called any more. A request that was under way takes its connection with it.
    void cancel(HttpRequestId id);

    [[nodiscard]] bool connected() const;
    [[nodiscard]] const HttpServer& server() const;
    [[nodiscard]] const HttpClientCounters& counters() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace grapevine::io
