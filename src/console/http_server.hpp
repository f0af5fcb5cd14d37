#pragma once

// A small HTTP/1.1 server on the runtime's loop: a table of routes whose handlers answer at once, later, or by a stream
// that stays open. Boost.Beast does the protocol, in this unit's source alone.
//
// Rules
//  1. Everything a client can make us hold is bounded by HttpLimits: connections, header, body (as sent and inflated),
//     all bodies together, the time a request may take to arrive, and the time a connection may be idle.
//  2. At connections_max the connection that has been idle the longest makes room, so that idle ones cannot lock
//     others out; if none is idle, the new one is closed.
//  3. A body that says it is too long, or that has no room now, is refused before it is read: 413, or 503 with
//     Retry-After. What still comes is thrown away for a moment, so that the client reads the answer and not a reset.
//  4. On a loopback address without a gate only the hosts "localhost" and addresses are served (403 otherwise): a page
//     elsewhere that gives its own name our address (DNS rebinding) can read nothing. A gate looks at hosts itself.
//  5. No answer may be cached or guessed at unless its route says so; there are no CORS headers, so that pages of other
//     origins read nothing.
//  6. With an identity it speaks TLS alone. Handshakes have their own time and number: at handshakes_max the oldest
//  makes
//     room, so that who stalls keeps nobody out.
//  7. A stream is a response without an end: at most streams_max (503 beyond). One whose client does not read, so that
//     more than stream_backlog_max would wait for it, is closed and counted. It has no idle time.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/socket_addr.hpp"
#include "base/time.hpp"
#include "console/http_message.hpp"
#include "console/tls_session.hpp"
#include "io/runtime.hpp"

namespace grapevine::console {

struct HttpLimits {
    std::size_t connections_max = 128;
    std::size_t header_bytes_max = 16U * 1024U;
    std::size_t body_bytes_max = 4U * 1024U * 1024U;     // As sent, and again when inflated.
    std::size_t bodies_bytes_max = 32U * 1024U * 1024U;  // Of all connections, as sent.
    base::Duration request_time = std::chrono::seconds(10);
    base::Duration idle_time = std::chrono::seconds(75);  // More than an exporter's usual interval of 60 s.
    base::Duration handshake_time = std::chrono::seconds(10);
    std::size_t handshakes_max = 16;
    std::size_t streams_max = 24;
    std::size_t stream_backlog_max = 256U * 1024U;  // Of one stream; the kernel holds some 64 KiB beside.
};

// What a server does with every request.
struct HttpManners {
    // Sees a request before its body is read; what it gives is the answer.
    std::function<std::optional<HttpResponse>(const HttpRequest&)> gate{};
    // Of every answer, unless its handler says otherwise.
    std::vector<std::pair<std::string, std::string>> headers{};
    // A stream is over, whoever ended it; in a turn of its own.
    std::function<void(HttpExchange)> stream_ended{};
    // By which url() calls the server, instead of its address.
    std::string name{};
    // Of TLS; plain without.
    std::unique_ptr<TlsIdentity> identity{};
};

using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

struct HttpRoute {
    std::string method;  // "GET", "POST"
    std::string path;    // "/api/traces", or "/api/traces/*" for anything below; the first that fits serves.
    HttpHandler handler;
};

class HttpServer {
public:
    class Impl;
    struct Counters {
        std::uint64_t accepted = 0;
        std::uint64_t requests = 0;
        std::uint64_t connections_refused = 0;  // Rule 2: no room.
        std::uint64_t connections_evicted = 0;  // Rule 2: idle, made room.
        std::uint64_t malformed = 0;            // 400, 431 and broken gzip.
        std::uint64_t too_large = 0;            // 413
        std::uint64_t no_room = 0;              // 503, rule 3
        std::uint64_t host_refused = 0;         // 403, rule 4
        std::uint64_t timed_out = 0;            // Requests that did not arrive in request_time.
        std::uint64_t unknown_route = 0;        // 404, 405
        std::uint64_t gate_refused = 0;
        std::uint64_t streams = 0;
        std::uint64_t streams_refused = 0;  // Rule 7: too many.
        std::uint64_t streams_dropped = 0;  // Rule 7: too far behind.
        std::uint64_t handshakes = 0;       // Rule 6
        std::uint64_t handshakes_failed = 0;
        std::uint64_t handshakes_timed_out = 0;
        std::uint64_t handshakes_evicted = 0;
    };

    // Listens at once. `runtime` outlives the server. Errors: the address is taken (busy) or not ours.
    static base::Result<std::unique_ptr<HttpServer>> start(io::Runtime& runtime, const base::SocketAddr& address,
                                                           const HttpLimits& limits, std::vector<HttpRoute> routes,
                                                           HttpManners manners = {});
    // Closes all connections; no handler is called afterwards.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // The answer to a request whose handler said `later`; nothing happens if its connection is gone.
    void reply(HttpExchange exchange, HttpResponse response);
    // More of a stream; false if it is gone, or goes by this (rule 7).
    bool push(HttpExchange exchange, std::string_view text);
    [[nodiscard]] std::size_t streams() const;

    // With the port that was chosen.
    [[nodiscard]] base::SocketAddr address() const;
    [[nodiscard]] std::string url() const;
    [[nodiscard]] const Counters& counters() const;
    [[nodiscard]] std::size_t connections() const;

private:
    // Owned by this object and by the operations that are under way, which may outlive it.
    explicit HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
    std::shared_ptr<Impl> impl_;
};

}  // namespace grapevine::console
