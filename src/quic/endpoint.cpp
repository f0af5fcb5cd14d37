#include "quic/endpoint.hpp"

#include "quic/endpoint_impl.hpp"

namespace grapevine::quic {
namespace {

tl::unexpected<base::Error> unknown_connection(ConnectionRef ref) {
    return base::fail(base::ErrorCode::not_found, "connection " + std::to_string(ref.value) + ": not open");
}

}  // namespace

Endpoint::Endpoint(const Config& config, const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger)
    : impl_(std::make_unique<Impl>(config, key, rng, ledger)) {}
Endpoint::~Endpoint() = default;

base::Result<ConnectionRef> Endpoint::connect(const base::EndpointId& peer,
                                              const std::vector<base::SocketAddr>& candidates, std::string_view alpn,
                                              base::TimePoint now) {
    return impl_->connect(peer, candidates, alpn, now);
}

void Endpoint::on_datagram(const ReceivedDatagram& datagram, base::TimePoint now) {
    impl_->on_datagram(datagram, now);
}

void Endpoint::on_unreachable(const base::SocketAddr& remote, base::TimePoint now) {
    impl_->on_unreachable(remote, now);
}

void Endpoint::on_deadline(base::TimePoint now) {
    impl_->on_deadline(now);
}

std::optional<base::TimePoint> Endpoint::next_deadline() const {
    return impl_->next_deadline();
}

void Endpoint::flush(base::TimePoint now, const TransmitSink& sink) {
    impl_->flush(now, sink);
}

void Endpoint::flush_data(base::TimePoint now, const TransmitSink& sink) {
    impl_->flush_data(now, sink);
}

std::optional<Event> Endpoint::poll_event() {
    return impl_->shared().events.pop();
}

base::Result<StreamRef> Endpoint::open_stream(ConnectionRef connection, Direction direction) {
    Connection* found = impl_->touch(connection);
    if (found == nullptr) {
        return unknown_connection(connection);
    }
    return found->open_stream(direction);
}

base::Result<std::size_t> Endpoint::write(ConnectionRef connection, StreamRef stream, base::ByteView data, bool fin) {
    Connection* found = impl_->touch(connection);
    if (found == nullptr) {
        return unknown_connection(connection);
    }
    return found->write_stream(stream, data, fin);
}

void Endpoint::reset_stream(ConnectionRef connection, StreamRef stream, std::uint64_t code) {
    if (Connection* found = impl_->touch(connection)) {
        found->reset_stream(stream, code);
    }
}

void Endpoint::stop_sending(ConnectionRef connection, StreamRef stream, std::uint64_t code) {
    if (Connection* found = impl_->touch(connection)) {
        found->stop_sending(stream, code);
    }
}

void Endpoint::consume(ConnectionRef connection, StreamRef stream, std::size_t bytes) {
    if (Connection* found = impl_->touch(connection)) {
        found->consume(stream, bytes);
    }
}

base::Status Endpoint::send_datagram(ConnectionRef connection, base::ByteView data) {
    Connection* found = impl_->touch(connection);
    if (found == nullptr) {
        return unknown_connection(connection);
    }
    return found->send_datagram(data);
}

void Endpoint::ping(ConnectionRef connection) {
    if (Connection* found = impl_->touch(connection)) {
        found->ping();
    }
}

void Endpoint::close(ConnectionRef connection, std::uint64_t code, std::string_view reason, base::TimePoint now) {
    impl_->close(connection, CloseCause::application_local, code, reason, now);
}

void Endpoint::shutdown(std::uint64_t code, std::string_view reason, base::TimePoint now) {
    impl_->shutdown(code, reason, now);
}

std::optional<ConnectionStats> Endpoint::stats(ConnectionRef connection) const {
    const Connection* found = impl_->find(connection);
    return found == nullptr ? std::nullopt : std::optional(found->stats());
}

std::optional<base::TimePoint> Endpoint::last_received(ConnectionRef connection) const {
    const Connection* found = impl_->find(connection);
    return found == nullptr ? std::nullopt : std::optional(found->last_received());
}

std::vector<ConnectionRef> Endpoint::connections() const {
    return impl_->connections();
}

const Counters& Endpoint::counters() const {
    return impl_->shared().counters;
}

const base::EndpointId& Endpoint::id() const {
    return impl_->shared().self;
}

}  // namespace grapevine::quic
