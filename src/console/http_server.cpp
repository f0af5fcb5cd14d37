#include "console/http_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "console/gunzip.hpp"
#include "console/http_stream.hpp"
#include "console/http_target.hpp"
#include "io/fd.hpp"
#include "io/sockaddr.hpp"

namespace grapevine::console {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Executor = asio::io_context::executor_type;
using Tcp = asio::ip::tcp;
using Socket = HttpStream::Lower::socket_type;
using Acceptor = asio::basic_socket_acceptor<Tcp, Executor>;
using Parser = http::request_parser<http::string_body>;
using beast::error_code;

constexpr std::size_t kFirstRead = 4096;
constexpr std::size_t kDrainBytesMax = 8U * 1024U * 1024U;  // Rule 3.
constexpr int kStreamSocketBytes = 64 * 1024;               // What the kernel may hold beside our backlog.
constexpr base::Duration kDrainTime = std::chrono::seconds(2);
constexpr base::Duration kAcceptPause = std::chrono::milliseconds(100);  // When descriptors have run out.

Tcp::endpoint to_endpoint(const base::SocketAddr& address) {
    const io::NativeAddr native = io::to_native(address);
    Tcp::endpoint out;
    std::copy_n(reinterpret_cast<const unsigned char*>(native.get()), native.length,
                reinterpret_cast<unsigned char*>(out.data()));
    out.resize(native.length);
    return out;
}

}  // namespace

// The listener and the table of connections.
class HttpServer::Impl : public std::enable_shared_from_this<HttpServer::Impl> {
public:
    class Connection;

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
    void end_handshake(std::uint64_t id, const error_code& error);
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
    Acceptor acceptor_;
    std::map<std::uint64_t, std::shared_ptr<Connection>> connections_;  // Each owned by its pending operation too.

private:
    void on_accept(const error_code& error, Socket socket);
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
    void read_header();
    void on_header(const error_code& error);
    void read_body();
    void on_body(const error_code& error);
    void send_continue();
    void serve();
    [[nodiscard]] std::optional<HttpResponse> refuse_header();
    [[nodiscard]] base::Result<HttpRequest> head();
    [[nodiscard]] base::Result<HttpRequest> request();
    void on_error(const error_code& error);
    void respond(HttpResponse response, bool keep_alive);
    void send(HttpResponse response, bool keep_alive);
    void start_stream(const HttpResponse& response);
    void flush_stream();
    void watch_stream();
    void on_written(const error_code& error);
    void drain();
    void end();

    template <typename Method>
    auto bound(Method method) {
        return [self = shared_from_this(), method](const error_code& error, std::size_t) {
            if (!self->server_->closed_) {
                (self.get()->*method)(error);
            }
        };
    }

    std::shared_ptr<Impl> server_;  // Owned by HttpServer too; its table lets go of us when we end.
    std::uint64_t id_;
    HttpStream stream_;
    beast::flat_buffer buffer_;
    std::optional<Parser> parser_;
    http::response<http::string_body> response_;
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

using Connection = HttpServer::Impl::Connection;

base::Status HttpServer::Impl::listen(const base::SocketAddr& address) {
    const auto failed = [&](std::string_view what, const error_code& error) {
        return base::Status(tl::unexpected(io::system_error(address.text(), what, error.value())));
    };
    const Tcp::endpoint endpoint = to_endpoint(address);
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (error) {
        return failed("open a socket", error);
    }
    acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    acceptor_.bind(endpoint, error);
    if (error) {
        return failed("bind", error);
    }
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
        return failed("listen", error);
    }
    address_ = io::from_native(*acceptor_.local_endpoint(error).data()).value_or(address);
    return {};
}

void HttpServer::Impl::accept() {
    acceptor_.async_accept([self = shared_from_this()](const error_code& error, auto socket) {
        self->on_accept(error, std::move(socket));
    });
}

void HttpServer::Impl::on_accept(const error_code& error, Socket socket) {
    if (closed_) {
        return;
    }
    if (error) {
        runtime_.at(runtime_.now() + kAcceptPause, base::Duration::zero(), [weak = weak_from_this()] {
            if (const auto self = weak.lock(); self && !self->closed_) {
                self->accept();
            }
        });
        return;
    }
    ++counters_.accepted;
    if (connections_.size() < limits_.connections_max || make_room()) {
        error_code ignored;
        socket.set_option(Tcp::no_delay(true), ignored);
        const std::uint64_t id = next_id_++;
        const auto connection = std::make_shared<Connection>(shared_from_this(), id, std::move(socket));
        connections_.emplace(id, connection);
        if (manners_.identity) {
            evict_handshake();
            handshakes_.push_back(id);
            connection->greet();
        } else {
            connection->wait();
        }
    } else {
        ++counters_.connections_refused;
    }
    accept();
}

// Rule 6.
void HttpServer::Impl::evict_handshake() {
    if (handshakes_.size() < limits_.handshakes_max) {
        return;
    }
    ++counters_.handshakes_evicted;
    const auto oldest = connections_.at(handshakes_.front());  // Owned here until it is closed.
    oldest->close();
}

void HttpServer::Impl::end_handshake(std::uint64_t id, const error_code& error) {
    std::erase(handshakes_, id);
    ++(!error                           ? counters_.handshakes
       : error == beast::error::timeout ? counters_.handshakes_timed_out
                                        : counters_.handshakes_failed);
}

bool HttpServer::Impl::make_room() {
    std::shared_ptr<Connection> oldest;  // Owned here so that it lives until it is closed.
    for (const auto& [id, connection] : connections_) {
        if (connection->idle() && (!oldest || connection->idle_since() < oldest->idle_since())) {
            oldest = connection;
        }
    }
    if (oldest) {
        ++counters_.connections_evicted;
        oldest->close();
    }
    return oldest != nullptr;
}

void HttpServer::Impl::close() {
    closed_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    for (const auto& connections = std::exchange(connections_, {}); const auto& [id, connection] : connections) {
        connection->close();
    }
}

bool HttpServer::Impl::reserve(std::size_t bytes) {
    if (bytes > limits_.bodies_bytes_max - reserved_) {
        return false;
    }
    reserved_ += bytes;
    return true;
}

// Owned as in connections_, by the table and by its pending operation.
std::shared_ptr<HttpServer::Impl::Connection> HttpServer::Impl::find(HttpExchange exchange) {
    const auto it = connections_.find(exchange.connection);
    return it != connections_.end() && it->second->exchange() == exchange ? it->second : nullptr;
}

// Told in a turn of its own, since whoever pushes may be walking over its streams.
void HttpServer::Impl::end_stream(HttpExchange exchange) {
    --streams_;
    runtime_.post([weak = weak_from_this(), exchange] {
        if (const auto self = weak.lock(); self && !self->closed_ && self->manners_.stream_ended) {
            self->manners_.stream_ended(exchange);
        }
    });
}

HttpResponse HttpServer::Impl::answer(const HttpRequest& request) {
    ++counters_.requests;
    std::string allowed;
    for (const HttpRoute& route : routes_) {
        const bool below = route.path.ends_with("/*");
        const std::string_view prefix = std::string_view(route.path).substr(0, route.path.size() - (below ? 1 : 0));
        if (below ? !request.path.starts_with(prefix) || request.path.size() == prefix.size()
                  : request.path != route.path) {
            continue;
        }
        if (route.method == request.method) {
            HttpRequest routed = request;
            routed.rest = below ? request.path.substr(prefix.size()) : std::string{};
            return route.handler(routed);
        }
        allowed += (allowed.empty() ? "" : ", ") + route.method;
    }
    ++counters_.unknown_route;
    if (allowed.empty()) {
        return http_error(404, "no such path");
    }
    HttpResponse response = http_error(405, "this path takes " + allowed);
    response.headers.emplace_back("Allow", allowed);
    return response;
}

void Connection::greet() {
    stream_.expires_after(server_->limits_.handshake_time);
    stream_.handshake([self = shared_from_this()](const error_code& error, std::size_t) {
        if (self->server_->closed_ || !self->server_->is_open(self->id_)) {
            return;
        }
        self->server_->end_handshake(self->id_, error);
        error ? self->close() : self->wait();
    });
}

void Connection::wait() {
    server_->release(std::exchange(reserved_, 0));
    ++request_;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(server_->limits_.header_bytes_max));
    parser_->body_limit(server_->limits_.body_bytes_max);
    if (buffer_.size() > 0) {  // The next request came with the last.
        read_header();
        return;
    }
    idle_ = true;
    idle_since_ = server_->runtime_.now();
    stream_.expires_after(server_->limits_.idle_time);
    stream_.async_read_some(buffer_.prepare(kFirstRead),
                            [self = shared_from_this()](const error_code& error, std::size_t size) {
                                if (self->server_->closed_ || error) {
                                    self->close();
                                    return;
                                }
                                self->buffer_.commit(size);
                                self->read_header();
                            });
}

void Connection::read_header() {
    idle_ = false;
    stream_.expires_after(server_->limits_.request_time);
    http::async_read_header(stream_, buffer_, *parser_, bound(&Connection::on_header));
}

// Nothing of the body has been looked at yet.
std::optional<HttpResponse> Connection::refuse_header() {
    const auto& header = parser_->get();
    if (!server_->manners_.gate && server_->address_.is_loopback() && !is_local_host(header[http::field::host])) {
        ++server_->counters_.host_refused;
        return http_error(403, "only localhost and addresses are served here");
    }
    if (server_->manners_.gate) {
        const auto asked = head();
        auto refusal = asked ? server_->manners_.gate(*asked) : http_error(400, asked.error().message);
        if (refusal) {
            ++server_->counters_.gate_refused;
            return refusal;
        }
    }
    const bool has_body = parser_->chunked() || parser_->content_length().value_or(0) > 0;
    const std::size_t most = server_->limits_.body_bytes_max;
    const std::uint64_t length = has_body ? parser_->content_length().value_or(most) : 0;
    if (length > most) {
        ++server_->counters_.too_large;
        return http_error(413, "a body is at most " + std::to_string(most) + " bytes");
    }
    if (!server_->reserve(static_cast<std::size_t>(length))) {
        ++server_->counters_.no_room;
        HttpResponse busy = http_error(503, "too many bodies at once");
        busy.headers.emplace_back("Retry-After", "1");
        return busy;
    }
    reserved_ = static_cast<std::size_t>(length);
    return std::nullopt;
}

void Connection::on_header(const error_code& error) {
    if (error) {
        on_error(error);
        return;
    }
    if (auto refusal = refuse_header()) {
        body_unread_ = !parser_->is_done();
        respond(std::move(*refusal), false);
    } else if (!parser_->is_done() && beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
        send_continue();
    } else {
        read_body();
    }
}

void Connection::send_continue() {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(kContinue),
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                          self->server_->closed_ || error ? self->close() : self->read_body();
                      });
}

void Connection::read_body() {
    http::async_read(stream_, buffer_, *parser_, bound(&Connection::on_body));
}

void Connection::on_body(const error_code& error) {
    if (error) {
        on_error(error);
        return;
    }
    serve();
}

void Connection::serve() {
    const bool keep_alive = parser_->get().keep_alive();
    auto parsed = request();
    if (!parsed) {
        const bool large = parsed.error().code == base::ErrorCode::exhausted;
        ++(large ? server_->counters_.too_large : server_->counters_.malformed);
        respond(http_error(large ? 413 : 400, parsed.error().message), keep_alive);
        return;
    }
    respond(server_->answer(*parsed), keep_alive);
}

// The request without its body.
base::Result<HttpRequest> Connection::head() {
    const auto& message = parser_->get();
    auto target = HttpTarget::parse(message.target());
    if (!target) {
        return tl::unexpected(target.error());
    }
    HttpRequest out;
    out.method = message.method_string();
    out.path = std::move(target->path);
    out.parameters = std::move(target->parameters);
    out.content_type = media_type(message[http::field::content_type]);
    out.host = message[http::field::host];
    out.origin = message[http::field::origin];
    out.authorization = message[http::field::authorization];
    out.cookie = message[http::field::cookie];
    out.last_event_id = message["Last-Event-ID"];
    error_code error;
    const Tcp::endpoint peer = stream_.socket().remote_endpoint(error);
    out.peer = error ? std::string{} : io::from_native(*peer.data()).value_or(base::SocketAddr{}).text();
    return out;
}

base::Result<HttpRequest> Connection::request() {
    auto asked = head();
    if (!asked) {
        return asked;
    }
    auto& message = parser_->get();
    HttpRequest out = std::move(*asked);
    const std::string encoding = media_type(message[http::field::content_encoding]);
    if (encoding.empty() || encoding == "identity") {
        out.body = std::move(message.body());
        return out;
    }
    if (encoding != "gzip") {
        return base::invalid("content encoding: only gzip and identity are understood");
    }
    auto inflated = gunzip(message.body(), server_->limits_.body_bytes_max);
    if (!inflated) {
        return tl::unexpected(inflated.error());
    }
    out.body = std::move(*inflated);
    return out;
}

// A request that could not be read.
void Connection::on_error(const error_code& error) {
    auto& counters = server_->counters_;
    if (error == beast::error::timeout) {
        ++counters.timed_out;
        close();  // The stream is unusable after a timeout.
        return;
    }
    if (error == http::error::end_of_stream || error == http::error::partial_message ||
        error.category() != http::make_error_code(http::error::bad_method).category()) {
        close();
        return;
    }
    body_unread_ = true;
    if (error == http::error::body_limit) {
        ++counters.too_large;
        respond(http_error(413, "a body is at most " + std::to_string(server_->limits_.body_bytes_max) + " bytes"),
                false);
        return;
    }
    ++counters.malformed;
    respond(http_error(error == http::error::header_limit ? 431 : 400, "request: " + error.message()), false);
}

void Connection::respond(HttpResponse response, bool keep_alive) {
    if (response.later) {
        promised_ = keep_alive;
        response.later(exchange());
        return;
    }
    if (!response.stream) {
        send(std::move(response), keep_alive);
        return;
    }
    if (server_->streams_ >= server_->limits_.streams_max) {
        ++server_->counters_.streams_refused;
        send(http_error(503, "too many streams at once"), keep_alive);
        return;
    }
    start_stream(response);
}

void Connection::reply(HttpResponse response) {
    if (promised_) {
        send(std::move(response), *std::exchange(promised_, std::nullopt));
    }
}

void Connection::start_stream(const HttpResponse& response) {
    std::map<std::string, std::string> headers{{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
    for (const auto* more : {&server_->manners_.headers, &response.headers}) {
        for (const auto& [name, value] : *more) {
            headers[name] = value;
        }
    }
    std::string head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: " + response.content_type + "\r\n";
    for (const auto& [name, value] : headers) {
        head += name + ": " + value + "\r\n";
    }
    streaming_ = true;
    ++server_->streams_;
    ++server_->counters_.streams;
    error_code ignored;
    stream_.socket().set_option(asio::socket_base::send_buffer_size(kStreamSocketBytes), ignored);
    stream_.expires_never();
    watch_stream();
    if (push(head + "\r\n")) {
        response.stream(exchange());
    }
}

// A client has nothing to say on a stream; that it goes away is noticed by reading.
void Connection::watch_stream() {
    stream_.async_read_some(asio::buffer(waste_),
                            [self = shared_from_this()](const error_code& error, std::size_t size) {
                                self->drained_ += size;
                                if (self->server_->closed_ || error || self->drained_ > kDrainBytesMax) {
                                    self->close();
                                } else {
                                    self->watch_stream();
                                }
                            });
}

bool Connection::push(std::string_view text) {
    if (!streaming_) {
        return false;
    }
    if (pending_.size() + in_flight_.size() + text.size() > server_->limits_.stream_backlog_max) {
        ++server_->counters_.streams_dropped;
        close();
        return false;
    }
    pending_ += text;
    flush_stream();
    return true;
}

void Connection::flush_stream() {
    if (!in_flight_.empty() || pending_.empty()) {
        return;
    }
    in_flight_.swap(pending_);
    asio::async_write(stream_, asio::buffer(in_flight_),
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                          self->in_flight_.clear();
                          if (self->server_->closed_ || error) {
                              self->close();
                          } else if (self->streaming_) {
                              self->flush_stream();
                          }
                      });
}

void Connection::send(HttpResponse response, bool keep_alive) {
    response_ = {};
    response_.version(11);
    response_.result(response.status);
    response_.set(http::field::content_type, response.content_type);
    response_.set(http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    for (const auto* headers : {&server_->manners_.headers, &std::as_const(response.headers)}) {
        for (const auto& [name, value] : *headers) {
            response_.set(name, value);
        }
    }
    response_.body() = std::move(response.body);
    response_.keep_alive(keep_alive);
    response_.prepare_payload();
    stream_.expires_after(server_->limits_.request_time);
    http::async_write(stream_, response_, bound(&Connection::on_written));
}

void Connection::on_written(const error_code& error) {
    if (error) {
        close();
    } else if (response_.keep_alive()) {
        wait();
    } else if (body_unread_) {
        stream_.expires_after(kDrainTime);
        stream_.say_goodbye();
        error_code ignored;
        stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
        drain();
    } else {
        end();
    }
}

void Connection::drain() {
    stream_.async_read_some(asio::buffer(waste_),
                            [self = shared_from_this()](const error_code& error, std::size_t size) {
                                self->drained_ += size;
                                if (self->server_->closed_ || error || self->drained_ > kDrainBytesMax) {
                                    self->close();
                                } else {
                                    self->drain();
                                }
                            });
}

void Connection::end() {
    stream_.say_goodbye();
    error_code ignored;
    stream_.socket().shutdown(Tcp::socket::shutdown_both, ignored);
    close();
}

void Connection::close() {
    if (std::exchange(streaming_, false)) {
        server_->end_stream(exchange());
    }
    stream_.close();
    server_->forget(id_);
}

base::Result<std::unique_ptr<HttpServer>> HttpServer::start(io::Runtime& runtime, const base::SocketAddr& address,
                                                            const HttpLimits& limits, std::vector<HttpRoute> routes,
                                                            HttpManners manners) {
    auto impl = std::make_shared<Impl>(runtime, limits, std::move(routes), std::move(manners));
    if (const auto listening = impl->listen(address); !listening) {
        return tl::unexpected(listening.error());
    }
    impl->accept();
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::~HttpServer() {
    impl_->close();
}

void HttpServer::reply(HttpExchange exchange, HttpResponse response) {
    if (const auto connection = impl_->find(exchange)) {
        connection->reply(std::move(response));
    }
}

bool HttpServer::push(HttpExchange exchange, std::string_view text) {
    const auto connection = impl_->find(exchange);
    return connection != nullptr && connection->push(text);
}

std::size_t HttpServer::streams() const {
    return impl_->streams_;
}

base::SocketAddr HttpServer::address() const {
    return impl_->address_;
}

std::string HttpServer::url() const {
    const HttpManners& manners = impl_->manners_;
    const std::string host =
        manners.name.empty() ? impl_->address_.text() : manners.name + ":" + std::to_string(impl_->address_.port);
    return (manners.identity ? "https://" : "http://") + host;
}

const HttpServer::Counters& HttpServer::counters() const {
    return impl_->counters_;
}

std::size_t HttpServer::connections() const {
    return impl_->connections_.size();
}

}  // namespace grapevine::console
