#include <grapevine/endpoint.hpp>

#include "grapevine/convert.hpp"
#include "grapevine/endpoint_impl.hpp"
#include "io/key_file.hpp"

namespace grapevine {

namespace {

quic::ConnectionRef ref_of(const Connection& connection) {
    return quic::ConnectionRef{connection.ref};
}
quic::StreamRef ref_of(const Stream& stream) {
    return quic::StreamRef{stream.ref};
}

EarlyData early_data_of(quic::EarlyData value) {
    switch (value) {
        case quic::EarlyData::none: return EarlyData::none;
        case quic::EarlyData::accepted: return EarlyData::accepted;
        case quic::EarlyData::rejected: return EarlyData::rejected;
    }
    return EarlyData::none;
}

}  // namespace

void Protocol::on_connected(Connection, const std::string&, bool) {}
void Protocol::on_stream(Stream) {}
void Protocol::on_data(Stream, std::span<const std::uint8_t>, bool) {}
void Protocol::on_writable(Stream) {}
void Protocol::on_reset(Stream, std::uint64_t) {}
void Protocol::on_streams_available(Connection) {}
void Protocol::on_datagram(Connection, std::span<const std::uint8_t>) {}
void Protocol::on_closed(Connection, const Closing&) {}

void TopicListener::on_received(const std::string&, std::span<const std::uint8_t>, const std::string&) {}
void TopicListener::on_neighbor_up(const std::string&, const std::string&) {}
void TopicListener::on_neighbor_down(const std::string&, const std::string&) {}

Result<std::unique_ptr<Endpoint>> Endpoint::create(Loop& loop, const EndpointOptions& options) {
    io::HostConfig config;
    const auto bind = parse_binds(options.bind);
    if (!bind) {
        return tl::unexpected(lift(bind.error()));
    }
    config.bind = *bind;
    config.stack.quic.alpns = options.alpns;
    config.stack.quic.zero_rtt = options.zero_rtt;
    const auto key = options.key_file.empty() ? base::Result<base::SecretKey>(base::SecretKey::generate())
                                              : io::load_or_mint_key(options.key_file);
    if (!key) {
        return tl::unexpected(lift(key.error()));
    }
    auto impl = Impl::start(loop.runtime(), config, *key);
    if (!impl) {
        return tl::unexpected(lift(impl.error()));
    }
    return std::unique_ptr<Endpoint>(new Endpoint(std::move(*impl)));
}

Endpoint::Endpoint(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
    impl_->set_self(this);
}
Endpoint::~Endpoint() = default;

std::string Endpoint::id() const {
    return impl_->stack().id().hex();
}
std::string Endpoint::ticket() const {
    return wire::ticket_text(impl_->stack().addr());
}

std::vector<std::string> Endpoint::addresses() const {
    std::vector<std::string> all;
    for (const base::SocketAddr& addr : impl_->host().addrs()) {
        all.push_back(addr.text());
    }
    return all;
}

Status Endpoint::serve(std::string_view alpn, Protocol& protocol) {
    return impl_->serve(alpn, protocol);
}

Result<Connection> Endpoint::connect(std::string_view ticket, std::string_view alpn, Protocol& protocol) {
    return impl_->connect(ticket, alpn, protocol);
}

std::optional<ConnectionState> Endpoint::state(Connection connection) const {
    const auto stats = impl_->stack().connection_stats(ref_of(connection));
    if (!stats) {
        return std::nullopt;
    }
    return ConnectionState{stats->handshake_complete, early_data_of(stats->early_data)};
}

Result<Stream> Endpoint::open_bidirectional(Connection connection) {
    const auto stream = impl_->stack().open_stream(ref_of(connection), quic::Direction::bidirectional);
    if (!stream) {
        return tl::unexpected(lift(stream.error()));
    }
    return Stream{connection, stream->value};
}

Result<Stream> Endpoint::open_unidirectional(Connection connection) {
    const auto stream = impl_->stack().open_stream(ref_of(connection), quic::Direction::unidirectional);
    if (!stream) {
        return tl::unexpected(lift(stream.error()));
    }
    return Stream{connection, stream->value};
}

Result<std::size_t> Endpoint::write(Stream stream, std::span<const std::uint8_t> data, bool fin) {
    auto written = impl_->stack().write(ref_of(stream.connection), ref_of(stream), data, fin);
    impl_->host().touch();
    return lift(std::move(written));
}

void Endpoint::pause(Stream stream) {
    impl_->pause(ref_of(stream.connection), ref_of(stream));
}
void Endpoint::resume(Stream stream) {
    impl_->resume(ref_of(stream.connection), ref_of(stream));
}

void Endpoint::reset(Stream stream, std::uint64_t code) {
    impl_->stack().reset_stream(ref_of(stream.connection), ref_of(stream), code);
    impl_->host().touch();
}

void Endpoint::stop(Stream stream, std::uint64_t code) {
    impl_->stack().stop_sending(ref_of(stream.connection), ref_of(stream), code);
    impl_->host().touch();
}

Status Endpoint::send_datagram(Connection connection, std::span<const std::uint8_t> data) {
    auto sent = impl_->stack().send_datagram(ref_of(connection), data);
    impl_->host().touch();
    return lift(std::move(sent));
}

void Endpoint::close(Connection connection, std::uint64_t code, std::string_view reason) {
    impl_->stack().close(ref_of(connection), code, reason, impl_->now());
    impl_->host().touch();
}

Status Endpoint::join(std::string_view topic, const std::vector<std::string>& tickets, TopicListener& listener) {
    return impl_->join(topic, tickets, listener);
}
Status Endpoint::broadcast(std::string_view topic, std::span<const std::uint8_t> content) {
    return impl_->broadcast(topic, content);
}
void Endpoint::leave(std::string_view topic) {
    impl_->leave(topic);
}
void Endpoint::shutdown(std::function<void()> done) {
    impl_->shutdown(std::move(done));
}

}  // namespace grapevine
