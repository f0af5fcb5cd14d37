#pragma once

// The HTTP server's own parts: the listener with its table of connections, and a connection. Not for users;
// http_server.hpp has the rules that both keep.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "console/http_server.hpp"
#include "console/http_stream.hpp"

namespace grapevine::console {

// The listener and the table of connections.
class HttpServer::Impl : public std::enable_shared_from_this<HttpServer::Impl> {
public:
    class Connection;
    using Error = boost::beast::error_code;
    using Socket = HttpStream::Lower::socket_type;

    Impl(io::Runtime& runtime, const HttpLimits& limits, std::vector<HttpRoute> routes, HttpManners manners)
        : runtime_(runtime),
          limits_(limits),
          routes_(std::move(routes)),
          manners_(std::move(manners)),
          acceptor_(runtime.context().get_executor()) {}

    base::Status listen(const base::SocketAddr& address);
    void accept();
    void close();
    void forget(std::uint64_t id) {
        connections_.erase(id);
        std::erase(handshakes_, id);
    }
    void end_handshake(std::uint64_t id, const Error& error);
    HttpResponse answer(const HttpRequest& request);
    // Rule 3: room for a body, until release() is called.
    bool reserve(std::size_t bytes);
    void release(std::size_t bytes) { reserved_ -= bytes; }
    std::shared_ptr<Connection> find(HttpExchange exchange);  // Owned as in connections_.
    [[nodiscard]] bool is_open(std::uint64_t id) const { return connections_.contains(id); }
    void end_stream(HttpExchange exchange);

    io::Runtime& runtime_;
    const HttpLimits limits_;
    const std::vector<HttpRoute> routes_;
    const HttpManners manners_;
    std::size_t streams_ = 0;
    Counters counters_;
    base::SocketAddr address_;
    bool closed_ = false;
    boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type> acceptor_;
    std::map<std::uint64_t, std::shared_ptr<Connection>> connections_;  // Each owned by its pending operation too.

private:
    void on_accept(const Error& error, Socket socket);
    bool make_room();

    void evict_handshake();

    std::uint64_t next_id_ = 1;
    std::size_t reserved_ = 0;
    std::vector<std::uint64_t> handshakes_;  // Under way, the oldest first.
};

// One connection, owned by the table and by its pending operation: waits, reads a request, answers, and waits again.
// One operation is under way at any time, and it keeps the connection alive.
class HttpServer::Impl::Connection : public std::enable_shared_from_this<Connection> {
public:
    static constexpr std::size_t kFirstRead = 4096;

    // The server is owned by HttpServer and by us.
    Connection(std::shared_ptr<Impl> server, std::uint64_t id, Socket socket)
        : server_(std::move(server)), id_(id), stream_(std::move(socket), server_->manners_.identity.get()) {}
    ~Connection() { server_->release(reserved_); }

    void greet();
    void wait();
    void close();
    [[nodiscard]] bool idle() const { return idle_; }
    [[nodiscard]] base::TimePoint idle_since() const { return idle_since_; }
    [[nodiscard]] HttpExchange exchange() const { return {id_, request_}; }
    // The answer that was promised.
    void reply(HttpResponse response);
    // More of a stream (rule 7).
    bool push(std::string_view text);

private:
    using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

    void read_header();
    void on_header(const Error& error);
    void read_body();
    void on_body(const Error& error);
    void send_continue();
    void serve();
    [[nodiscard]] std::optional<HttpResponse> refuse_header();
    [[nodiscard]] base::Result<HttpRequest> head();
    [[nodiscard]] base::Result<HttpRequest> request();
    void on_error(const Error& error);
    void respond(HttpResponse response, bool keep_alive);
    void send(HttpResponse response, bool keep_alive);
    void start_stream(const HttpResponse& response);
    void flush_stream();
    void on_written(const Error& error);
    void drain();
    void end();

    template <typename Method>
    auto bound(Method method) {
        return [self = shared_from_this(), method](const Error& error, std::size_t) {
            if (!self->server_->closed_) {
                (self.get()->*method)(error);
            }
        };
    }

    std::shared_ptr<Impl> server_;  // Owned by HttpServer too; its table lets go of us when we end.
    std::uint64_t id_;
    HttpStream stream_;
    boost::beast::flat_buffer buffer_;
    std::optional<Parser> parser_;
    boost::beast::http::response<boost::beast::http::string_body> response_;
    std::size_t reserved_ = 0;
    std::size_t drained_ = 0;
    std::array<char, kFirstRead> waste_{};
    bool idle_ = false;
    bool body_unread_ = false;
    base::TimePoint idle_since_;
    std::uint64_t request_ = 0;
    std::optional<bool> promised_;  // An answer is owed; whether the connection is kept after it.
    bool streaming_ = false;
    std::string pending_, in_flight_;  // Of a stream.
};

}  // namespace grapevine::console
