#include "io/http_client_testing.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/assert.hpp"

namespace grapevine::io {

namespace {

Fd listen_on_loopback(std::uint16_t& port) {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in addr{};
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof addr;
    GRAPEVINE_ASSERT(::bind(socket.get(), reinterpret_cast<sockaddr*>(&addr), length) == 0, "a port of loopback");
    GRAPEVINE_ASSERT(::listen(socket.get(), 64) == 0, "a listener");
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&addr), &length);
    port = ntohs(addr.sin_port);
    return socket;
}

// Takes one whole request out of `bytes`.
std::optional<ServedRequest> take_request(std::string& bytes) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string::npos) return std::nullopt;
    ServedRequest request;
    std::size_t line_end = bytes.find("\r\n");
    const std::string first = bytes.substr(0, line_end);
    request.method = first.substr(0, first.find(' '));
    request.path = first.substr(request.method.size() + 1, first.rfind(' ') - request.method.size() - 1);
    while (line_end < end) {
        const std::size_t begin = line_end + 2;
        line_end = bytes.find("\r\n", begin);
        const std::string line = bytes.substr(begin, line_end - begin);
        std::string key = line.substr(0, line.find(':'));
        std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) { return std::tolower(c); });
        request.headers[key] = line.substr(key.size() + 2);
    }
    const auto length = request.headers.find("content-length");
    const std::size_t body = length == request.headers.end() ? 0 : std::stoul(length->second);
    if (bytes.size() - end - 4 < body) return std::nullopt;
    request.body = bytes.substr(end + 4, body);
    bytes.erase(0, end + 4 + body);
    return request;
}

}  // namespace

std::string http_answer(unsigned status, const std::string& body, const std::string& headers) {
    return "HTTP/1.1 " + std::to_string(status) + " Words\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           headers + "\r\n" + body;
}

struct TestHttpServer::Connection {
    std::uint64_t id = 0;
    Fd fd;
    WatchId watch;
    std::unique_ptr<ByteStream> stream;
    bool ready = false;  // The handshake is over.
    std::string in;
    std::optional<ServedAnswer> answer;
    std::size_t sent = 0;
    TaskId timer;
};

TestHttpServer::TestHttpServer(Runtime& runtime, Handler handler, MakeStream make_stream)
    : runtime_(runtime), handler_(std::move(handler)), make_stream_(std::move(make_stream)) {
    listener_ = listen_on_loopback(port_);
    watch_ = *runtime_.watch(listener_.get(), [this] { on_accept(); });
}

TestHttpServer::~TestHttpServer() {
    shut();
    hang_up();
}

void TestHttpServer::shut() {
    if (watch_) runtime_.unwatch(*watch_);
    watch_.reset();
    listener_.reset();
}

void TestHttpServer::hang_up() {
    while (!connections_.empty())
        drop(connections_.begin()->first);
}

void TestHttpServer::drop(std::uint64_t id) {
    const auto it = connections_.find(id);
    if (it == connections_.end()) return;
    runtime_.cancel(it->second->timer);
    runtime_.unwatch(it->second->watch);
    it->second->stream->close();
    connections_.erase(it);
}

void TestHttpServer::on_accept() {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) return;
    auto connection = std::make_unique<Connection>();
    const std::uint64_t id = ++accepted_;
    connection->id = id;
    if (make_stream_)
        connection->stream = make_stream_(fd.get());
    else
        connection->stream = std::make_unique<PlainStream>(fd.get());
    connection->watch = *runtime_.watch(fd.get(), [this, id] { on_event(id); });
    connection->fd = std::move(fd);
    connections_.emplace(id, std::move(connection));
}

void TestHttpServer::on_event(std::uint64_t id) {
    const auto it = connections_.find(id);
    if (it != connections_.end() && !serve(*it->second)) drop(id);
}

// False: it is over.
bool TestHttpServer::serve(Connection& connection) {
    using State = StreamStep::State;
    if (!connection.ready) {
        const StreamStep step = connection.stream->handshake();
        if (step.state == State::want_read) return true;
        if (step.state != State::done) return false;
        connection.ready = true;
    }
    std::array<std::uint8_t, 17000> buffer{};
    while (true) {
        const StreamStep step = connection.stream->read(buffer);
        if (step.state == State::want_read) break;
        if (step.state != State::done) return false;
        connection.in.append(reinterpret_cast<const char*>(buffer.data()), step.bytes);
    }
    while (!connection.answer) {
        auto request = take_request(connection.in);
        if (!request) return true;
        answer(connection, std::move(*request));
        if (!write(connection)) return false;
    }
    return write(connection);
}

void TestHttpServer::answer(Connection& connection, ServedRequest request) {
    request.connection = connection.id;
    requests_.push_back(request);
    connection.answer = handler_(request);
    connection.sent = 0;
    if (connection.answer->each) drip(connection.id);
}

bool TestHttpServer::write(Connection& connection) {
    using State = StreamStep::State;
    while (connection.answer && !connection.answer->each) {
        ServedAnswer& answer = *connection.answer;
        if (connection.sent == answer.bytes.size() && answer.more) {
            answer.bytes = answer.more();
            connection.sent = 0;
        }
        if (connection.sent == answer.bytes.size()) {
            const auto then = answer.then;
            if (then == ServedAnswer::Then::close) return false;
            connection.answer.reset();
            return true;
        }
        const StreamStep step =
            connection.stream->write(std::string_view(answer.bytes).substr(connection.sent), ByteStream::More::no);
        if (step.state == State::want_write) {
            runtime_.when_writable(connection.watch, [this, id = connection.id] { on_event(id); });
            return true;
        }
        if (step.state != State::done) return false;
        connection.sent += step.bytes;
    }
    return true;
}

void TestHttpServer::drip(std::uint64_t id) {
    const auto it = connections_.find(id);
    if (it == connections_.end()) return;
    Connection& connection = *it->second;
    const std::string& bytes = connection.answer->bytes;
    if (bytes.empty()) return;  // Silence.
    if (connection.sent == bytes.size()) {
        if (connection.answer->then == ServedAnswer::Then::close) return drop(id);
        connection.answer.reset();
        return on_event(id);
    }
    const StreamStep step =
        connection.stream->write(std::string_view(bytes).substr(connection.sent, 1), ByteStream::More::no);
    if (step.state != StreamStep::State::done) return drop(id);
    ++connection.sent;
    connection.timer =
        runtime_.at(runtime_.now() + *connection.answer->each, base::Duration(0), [this, id] { drip(id); });
}

std::uint16_t closed_port() {
    std::uint16_t port = 0;
    listen_on_loopback(port);
    return port;
}

}  // namespace grapevine::io
