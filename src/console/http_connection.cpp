// One connection of the HTTP server.

#include <algorithm>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include "console/gunzip.hpp"
#include "console/http_server_impl.hpp"
#include "console/http_target.hpp"
#include "io/sockaddr.hpp"

namespace grapevine::console {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;
using beast::error_code;

constexpr std::size_t kDrainBytesMax = 8U * 1024U * 1024U;  // Rule 3.
constexpr int kStreamSocketBytes = 64 * 1024;               // What the kernel may hold beside our backlog.
constexpr base::Duration kDrainTime = std::chrono::seconds(2);

}  // namespace

using Connection = HttpServer::Impl::Connection;

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
        head.append(name).append(": ").append(value).append("\r\n");
    }
    streaming_ = true;
    ++server_->streams_;
    ++server_->counters_.streams;
    error_code ignored;
    stream_.socket().set_option(asio::socket_base::send_buffer_size(kStreamSocketBytes), ignored);
    stream_.expires_never();
    drain();  // A client has nothing to say on a stream; that it goes away is noticed by reading.
    if (push(head + "\r\n")) {
        response.stream(exchange());
    }
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

}  // namespace grapevine::console
