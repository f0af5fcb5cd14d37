#include "console/http_server.hpp"

#include <algorithm>
#include <cerrno>

#include <boost/asio/ip/tcp.hpp>

#include "console/http_server_impl.hpp"
#include "io/fd.hpp"
#include "io/sockaddr.hpp"

namespace grapevine::console {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Tcp = asio::ip::tcp;
using beast::error_code;

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
