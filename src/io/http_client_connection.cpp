#include "io/http_client_connection.hpp"

#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/assert.hpp"
#include "io/sockaddr.hpp"

namespace grapevine::io {

namespace {

// Reads of one turn: a fast server must not keep the loop.
constexpr int kReadsMax = 8;
constexpr std::size_t kReadBytes = std::size_t{16} * 1024 + 1024;  // More than a TLS record holds.

}  // namespace

HttpConnection::HttpConnection(Runtime& runtime, const HttpServer& server, const ResolverOptions& options,
                               HttpClientCounters& counters, Done done)
    : runtime_(runtime), server_(server), counters_(counters), done_(std::move(done)), resolver_(runtime, options) {}

HttpConnection::~HttpConnection() {
    close();
}

void HttpConnection::start(Exchange exchange) {
    GRAPEVINE_ASSERT(state_ == State::closed || state_ == State::idle, "one exchange at a time");
    exchange_ = std::move(exchange);
    stale_ = false;
    sent_ = 0;
    parser_ = std::make_unique<HttpAnswerParser>(exchange_.answer_bytes_max, exchange_.expect);
    reused_ = state_ == State::idle;
    if (reused_) return begin_sending();
    state_ = State::resolving;
    resolver_.lookup(server_.host, server_.port, exchange_.deadline,
                     [this](auto addresses) { on_addresses(std::move(addresses)); });
}

void HttpConnection::close() {
    resolver_.cancel();
    if (stream_ && (state_ == State::sending || state_ == State::receiving || state_ == State::idle)) stream_->close();
    drop_socket();
    parser_.reset();
    exchange_ = {};
    state_ = State::closed;
}

void HttpConnection::drop_socket() {
    runtime_.cancel(share_);
    stream_.reset();
    if (watch_) runtime_.unwatch(*watch_);
    watch_.reset();
    fd_.reset();
}

void HttpConnection::fail(HttpFailure failure, std::string why) {
    stale_ = reused_ && parser_ && !parser_->started() && failure == HttpFailure::closed;
    close();
    done_(tl::unexpected(HttpError{failure, std::move(why)}));
}

void HttpConnection::on_addresses(base::Result<std::vector<base::SocketAddr>> addresses) {
    if (!addresses) return fail(HttpFailure::resolve, addresses.error().message);
    addresses_ = std::move(*addresses);
    next_address_ = 0;
    last_error_.clear();
    try_next_address();
}

void HttpConnection::try_next_address() {
    drop_socket();
    while (next_address_ < addresses_.size()) {
        const base::SocketAddr address = addresses_[next_address_++];
        last_error_ = dial(address);
        if (last_error_.empty()) return;
        drop_socket();
    }
    fail(HttpFailure::connect, last_error_);
}

// Empty, or why this address will not do.
std::string HttpConnection::dial(const base::SocketAddr& address) {
    const NativeAddr native = to_native(address);
    fd_ = Fd(::socket(native.get()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
             telemetry::Kind::export_connection);
    if (!fd_.valid()) return errno_text(errno);
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd_.get(), native.get(), native.length) != 0 && errno != EINPROGRESS) return errno_text(errno);
    const auto watch = runtime_.watch(fd_.get(), [this] { on_event(); });
    if (!watch) return watch.error().message;
    watch_ = *watch;
    state_ = State::connecting;
    if (const std::size_t others = addresses_.size() - next_address_; others > 0) {
        const base::Duration left = exchange_.deadline - runtime_.now();
        share_ = runtime_.at(runtime_.now() + left / static_cast<std::int64_t>(others + 1),
                             std::chrono::milliseconds(10), [this] {
                                 last_error_ = "no answer to the connection";
                                 try_next_address();
                             });
    }
    wait_writable();
    return {};
}

void HttpConnection::wait_writable() {
    runtime_.when_writable(*watch_, [this] { on_event(); });
}

void HttpConnection::on_event() {
    if (state_ == State::idle) return watch_idle();
    if (state_ == State::connecting && !check_connected()) return;
    if (state_ == State::handshaking && !shake_hands()) return;
    // An answer may come before all is sent: a refusal.
    if (state_ == State::sending && !send()) return;
    if (state_ == State::sending || state_ == State::receiving) receive();
}

bool HttpConnection::check_connected() {
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    sockaddr_storage peer{};
    socklen_t peer_length = sizeof peer;
    if (error == 0 && ::getpeername(fd_.get(), reinterpret_cast<sockaddr*>(&peer), &peer_length) != 0)
        error = errno == ENOTCONN ? EINPROGRESS : errno;
    if (error == EINPROGRESS) return false;
    if (error == 0) return begin_stream();
    last_error_ = errno_text(error);
    try_next_address();
    return false;
}

bool HttpConnection::begin_stream() {
    runtime_.cancel(share_);
    ++counters_.connections;
    if (server_.https) {
        auto stream = TlsStream::make(fd_.get(), server_.host, server_.tls);
        if (!stream) {
            fail(HttpFailure::tls, stream.error().message);
            return false;
        }
        stream_ = std::move(*stream);
    } else {
        stream_ = std::make_unique<PlainStream>(fd_.get());
    }
    state_ = State::handshaking;
    return true;
}

bool HttpConnection::shake_hands() {
    StreamStep step = stream_->handshake();
    switch (step.state) {
        case StreamStep::State::done: state_ = State::sending; return true;
        case StreamStep::State::want_read: return false;
        case StreamStep::State::want_write: wait_writable(); return false;
        case StreamStep::State::closed: step.error = "closed during the TLS handshake"; [[fallthrough]];
        case StreamStep::State::failed: fail(HttpFailure::tls, std::move(step.error)); return false;
    }
    return false;
}

void HttpConnection::begin_sending() {
    state_ = State::sending;
    on_event();
}

// False if the exchange is over. What cannot be sent now waits for the socket.
bool HttpConnection::send() {
    const std::size_t total = exchange_.head.size() + exchange_.body.size();
    while (sent_ < total) {
        const bool in_head = sent_ < exchange_.head.size();
        const std::string_view rest = in_head ? std::string_view(exchange_.head).substr(sent_)
                                              : exchange_.body.substr(sent_ - exchange_.head.size());
        const bool more = in_head && !exchange_.body.empty();
        StreamStep step = stream_->write(rest, more ? ByteStream::More::yes : ByteStream::More::no);
        if (step.state == StreamStep::State::want_write) wait_writable();
        if (step.state == StreamStep::State::want_write || step.state == StreamStep::State::want_read) return true;
        if (step.state != StreamStep::State::done) {
            // The server may have answered before it closed; if not, receive() says so.
            sent_ = total;
            break;
        }
        sent_ += step.bytes;
        counters_.bytes_sent += step.bytes;
    }
    state_ = State::receiving;
    return true;
}

void HttpConnection::receive() {
    for (int i = 0; i < kReadsMax; ++i) {
        const std::span<std::uint8_t> scratch = runtime_.scratch(kReadBytes).first(kReadBytes);
        StreamStep step = stream_->read(scratch);
        if (step.state == StreamStep::State::want_write) return wait_writable();
        if (step.state == StreamStep::State::want_read) return;
        if (step.state == StreamStep::State::failed) return fail(HttpFailure::closed, std::move(step.error));
        if (step.state == StreamStep::State::closed) {
            if (parser_->end() == HttpAnswerParser::State::done) return settle(HttpAnswerParser::State::done);
            return fail(HttpFailure::closed, parser_->error());
        }
        counters_.bytes_received += step.bytes;
        const auto parsed = parser_->put({reinterpret_cast<const char*>(scratch.data()), step.bytes});
        if (parsed != HttpAnswerParser::State::more) return settle(parsed);
    }
}

void HttpConnection::settle(HttpAnswerParser::State parsed) {
    using Parsed = HttpAnswerParser::State;
    if (parsed == Parsed::too_large) return fail(HttpFailure::too_large, parser_->error());
    if (parsed == Parsed::broken) return fail(HttpFailure::broken, parser_->error());
    HttpAnswer answer = parser_->take();
    const bool keep = parser_->keep_alive() && state_ == State::receiving;
    if (keep) {
        state_ = State::idle;
        parser_.reset();
        exchange_ = {};
    } else {
        close();
    }
    done_(std::move(answer));
}

// Whatever comes unasked ends the connection; TLS may have business of its own.
void HttpConnection::watch_idle() {
    const std::span<std::uint8_t> scratch = runtime_.scratch(kReadBytes).first(kReadBytes);
    const StreamStep step = stream_->read(scratch);
    if (step.state == StreamStep::State::want_read || step.state == StreamStep::State::want_write) return;
    close();
}

}  // namespace grapevine::io
