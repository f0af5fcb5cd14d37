#include "stack/stack.hpp"

#include <utility>

#include "stack/stack_impl.hpp"

namespace grapevine::stack {

Stack::Stack(const Config& config, const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger)
    : impl_(std::make_unique<Impl>(config, key, rng, ledger)) {}

Stack::~Stack() = default;

void Stack::start(const std::vector<base::SocketAddr>& addrs, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    impl_->addrs_ = addrs;
    impl_->drive(now, [&](node::Effects& out) { impl_->node_.start(addrs, now, out); });
}

void Stack::set_addrs(const std::vector<base::SocketAddr>& addrs, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    impl_->addrs_ = addrs;
    impl_->drive(now, [&](node::Effects& out) { impl_->node_.set_addrs(addrs, now, out); });
}

void Stack::set_load(const wire::Load& load, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    impl_->load_ = load;
    impl_->drive(now, [&](node::Effects& out) { impl_->node_.set_load(load, now, out); });
}

void Stack::on_datagram(const quic::ReceivedDatagram& datagram, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    impl_->endpoint_.on_datagram(datagram, now);
}

void Stack::on_unreachable(const base::SocketAddr& remote, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    impl_->stories_.on_unreachable(remote);
    impl_->endpoint_.on_unreachable(remote, now);
    impl_->pump(now);
    for (const auto& peer : impl_->links_.peers_at(remote))
        impl_->drive(now, [&](node::Effects& out) { impl_->node_.on_unreachable(peer, now, out); });
}

void Stack::on_deadline(base::TimePoint now) {
    impl_->ledger_.set_now(now);
    impl_->on_deadline(now);
}

std::optional<base::TimePoint> Stack::next_deadline() const {
    return impl_->next_deadline();
}

void Stack::flush(base::TimePoint now, const std::function<void(const quic::Transmit&)>& sink) {
    impl_->ledger_.set_now(now);
    impl_->pump(now);
    impl_->endpoint_.flush(now, sink);
    impl_->pump(now);
    impl_->note_in_hand(now);
    impl_->check_laws(now);
}

void Stack::flush_data(base::TimePoint now, const std::function<void(const quic::Transmit&)>& sink) {
    impl_->ledger_.set_now(now);
    impl_->pump(now);
    impl_->endpoint_.flush_data(now, sink);
}

std::optional<Event> Stack::poll_event() {
    if (impl_->events_.empty()) return std::nullopt;
    Event event = std::move(impl_->events_.front());
    impl_->events_.pop_front();
    return event;
}

void Stack::leave(base::TimePoint now) {
    impl_->ledger_.set_now(now);
    impl_->leave(now);
}

RequestId Stack::ping(const base::EndpointId& peer, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    const RequestId request{impl_->next_request_++};
    impl_->now_ = now;
    SessionEffects effects;
    impl_->mesh_spans_.ping_asked(request, peer);
    if (impl_->sessions_)
        impl_->sessions_->ping(request, peer, impl_->rng_.next(), now, effects);
    else
        effects.push_back(PingDone{request, peer, std::nullopt, "this endpoint belongs to no mesh"});
    impl_->apply(effects, now);
    return request;
}

base::Result<base::EndpointId> Stack::resolve(std::string_view name) const {
    return impl_->node_.resolve(name);
}
std::string Stack::own_name() const {
    return impl_->node_.own_name();
}
std::string Stack::name_of(const base::EndpointId& id) const {
    return impl_->node_.name_of(id);
}
std::vector<DirectoryRow> Stack::directory(base::TimePoint now) const {
    return impl_->node_.directory(now);
}
std::vector<NeighborRow> Stack::neighbors(base::TimePoint now) const {
    return impl_->neighbors(now);
}

base::Status Stack::set_admission(const std::optional<base::EndpointId>& authority, base::Bytes ticket,
                                  base::TimePoint now) {
    impl_->ledger_.set_now(now);
    base::Status status;
    impl_->drive(
        now, [&](node::Effects& out) { status = impl_->node_.set_admission(authority, std::move(ticket), now, out); });
    return status;
}

std::optional<base::EndpointId> Stack::authority() const {
    return impl_->node_.authority();
}

std::uint64_t Stack::revocations_version() const {
    return impl_->node_.revocations_version();
}

void Stack::take_revocations(base::ByteView envelope, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    impl_->drive(now, [&](node::Effects& out) { impl_->node_.on_revocations(std::nullopt, envelope, now, out); });
}

base::Status Stack::join_topic(const base::TopicId& topic, const std::vector<wire::EndpointAddr>& bootstrap,
                               base::TimePoint now) {
    impl_->ledger_.set_now(now);
    base::Status status;
    impl_->drive(now, [&](node::Effects& out) { status = impl_->node_.join_topic(topic, bootstrap, now, out); });
    return status;
}

void Stack::leave_topic(const base::TopicId& topic, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    impl_->drive(now, [&](node::Effects& out) { impl_->node_.leave_topic(topic, now, out); });
}

base::Status Stack::broadcast(const base::TopicId& topic, base::ByteView content, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    base::Status status;
    impl_->drive(now, [&](node::Effects& out) { status = impl_->node_.broadcast(topic, content, now, out); });
    return status;
}

base::Result<quic::ConnectionRef> Stack::connect(const wire::EndpointAddr& peer, std::string_view alpn,
                                                 base::TimePoint now) {
    impl_->ledger_.set_now(now);
    if (alpn == wire::kMeshAlpn || alpn == wire::kGossipAlpn)
        return base::invalid("ALPN '" + std::string(alpn) + "': belongs to the node itself");
    if (impl_->app_.size() >= kAppConnectionsMax)
        return base::fail(base::ErrorCode::exhausted, "connect: too many connections are open");
    impl_->node_.learn_address(peer, now);
    auto connection = impl_->endpoint_.connect(peer.id, impl_->node_.candidates(peer.id, now), alpn, now);
    if (connection) impl_->app_.try_emplace(*connection, impl_->ledger_, telemetry::Kind::app_connection);
    if (connection) impl_->note_dial(*connection, peer.id, alpn, now);
    return connection;
}

base::Result<quic::StreamRef> Stack::open_stream(quic::ConnectionRef connection, quic::Direction direction) {
    return impl_->endpoint_.open_stream(connection, direction);
}

base::Result<std::size_t> Stack::write(quic::ConnectionRef connection, quic::StreamRef stream, base::ByteView data,
                                       bool fin) {
    return impl_->endpoint_.write(connection, stream, data, fin);
}

void Stack::consume(quic::ConnectionRef connection, quic::StreamRef stream, std::size_t bytes) {
    impl_->endpoint_.consume(connection, stream, bytes);
}

void Stack::reset_stream(quic::ConnectionRef connection, quic::StreamRef stream, std::uint64_t code) {
    impl_->endpoint_.reset_stream(connection, stream, code);
}

void Stack::stop_sending(quic::ConnectionRef connection, quic::StreamRef stream, std::uint64_t code) {
    impl_->endpoint_.stop_sending(connection, stream, code);
}

base::Status Stack::send_datagram(quic::ConnectionRef connection, base::ByteView data) {
    return impl_->endpoint_.send_datagram(connection, data);
}

void Stack::close(quic::ConnectionRef connection, std::uint64_t code, std::string_view reason, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    impl_->endpoint_.close(connection, code, reason, now);
}

std::optional<quic::ConnectionStats> Stack::connection_stats(quic::ConnectionRef connection) const {
    return impl_->endpoint_.stats(connection);
}

const base::EndpointId& Stack::id() const {
    return impl_->endpoint_.id();
}

wire::EndpointAddr Stack::addr() const {
    wire::EndpointAddr addr;
    addr.id = id();
    addr.addrs.assign(impl_->addrs_.begin(), impl_->addrs_.end());
    return addr;
}

fabric::QuestionId Stack::ask(std::string_view name, base::TimePoint deadline, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    fabric::QuestionId question;
    impl_->drive(now, [&](node::Effects& out) { question = impl_->node_.ask(name, deadline, now, out); });
    return question;
}

std::vector<fabric::MeshRow> Stack::meshes(base::TimePoint now) const {
    return impl_->node_.meshes(now);
}

std::vector<fabric::CacheRow> Stack::cache(base::TimePoint now) const {
    return impl_->node_.cache(now);
}

Why Stack::why(std::string_view name, base::TimePoint now) const {
    return impl_->why(name, now);
}

std::vector<Figure> Stack::figures() const {
    return impl_->figures();
}
std::vector<telemetry::Metric> Stack::metrics(base::TimePoint now) const {
    return impl_->metrics(now);
}
const telemetry::Ledger& Stack::ledger() const {
    return impl_->ledger_;
}
telemetry::Allowances Stack::allowances() const {
    return impl_->allowances();
}
const telemetry::Laws& Stack::laws() const {
    return impl_->laws_;
}

}  // namespace grapevine::stack
