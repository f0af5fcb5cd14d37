#include "quic/endpoint_impl.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace grapevine::quic {
namespace {

constexpr base::Duration kAnswerInterval = base::Duration(std::chrono::milliseconds(10));
constexpr std::uint64_t kAnswerBurst = 100;
constexpr base::Duration kRetryInterval = base::Duration(std::chrono::microseconds(200));
constexpr std::uint64_t kRetryBurst = 256;

}  // namespace

Endpoint::Impl::Impl(const Config& config, const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger)
    : shared_(config, key, rng, ledger),
      resets_(kAnswerBurst, kAnswerInterval),
      versions_(kAnswerBurst, kAnswerInterval),
      retries_(kRetryBurst, kRetryInterval) {}

Endpoint::Impl::~Impl() {
    connections_.clear();  // Before what they share.
}

// Time never runs backwards inside: ngtcp2 asserts it, and a caller's mistake must not reach that.
base::TimePoint Endpoint::Impl::clamp(base::TimePoint now) {
    now_ = std::max(now_, now);
    return now_;
}

base::Status Endpoint::Impl::check_dial(const base::EndpointId& peer, const std::vector<base::SocketAddr>& candidates,
                                        std::string_view alpn) const {
    const Limits& limits = shared_.config.limits;
    if (shut_down_) {
        return base::fail("the endpoint is shut down");
    }
    if (peer == shared_.self) {
        return base::invalid("dial " + peer.short_hex() + ": that is this endpoint itself");
    }
    if (candidates.empty() || candidates.size() > kCandidatesMax) {
        return base::invalid("dial " + peer.short_hex() + ": one to eight candidate addresses are needed, not " +
                             std::to_string(candidates.size()));
    }
    for (const base::SocketAddr& candidate : candidates) {
        if (candidate.is_unspecified() || candidate.port == 0) {
            return base::invalid("dial " + peer.short_hex() + ": " + candidate.text() + " is no address of a peer");
        }
    }
    if (alpn.empty() || alpn.size() > kAlpnBytesMax) {
        return base::invalid("dial " + peer.short_hex() + ": an ALPN has 1 to 31 bytes");
    }
    if (connections_.size() >= limits.connections_max) {
        return base::fail(base::ErrorCode::exhausted, "too many connections");
    }
    if (shared_.connections_of(peer) >= limits.connections_per_peer_max) {
        return base::fail(base::ErrorCode::exhausted, "too many connections with " + peer.short_hex());
    }
    return {};
}

base::Result<ConnectionRef> Endpoint::Impl::connect(const base::EndpointId& peer,
                                                    const std::vector<base::SocketAddr>& candidates,
                                                    std::string_view alpn, base::TimePoint now) {
    now = clamp(now);
    auto status = check_dial(peer, candidates, alpn);
    if (!status) {
        return tl::unexpected(std::move(status.error()));
    }
    const ConnectionRef ref{++last_ref_};
    auto made = Connection::dial(shared_, ref, Dialing{peer, std::string(alpn), Candidates(candidates), now}, now);
    if (!made) {
        return tl::unexpected(std::move(made.error()));
    }
    ++shared_.counters.handshakes_started;
    Connection& connection = *(connections_[ref] = std::move(*made));
    mark(ref, connection.dirty);
    return ref;
}

Connection* Endpoint::Impl::touch(ConnectionRef ref) {
    const auto it = connections_.find(ref);
    if (it == connections_.end() || it->second->ended()) {
        return nullptr;
    }
    mark(ref, it->second->dirty);
    return it->second.get();
}

const Connection* Endpoint::Impl::find(ConnectionRef ref) const {
    const auto it = connections_.find(ref);
    return it == connections_.end() ? nullptr : it->second.get();
}

std::vector<ConnectionRef> Endpoint::Impl::connections() const {
    std::vector<ConnectionRef> out;
    out.reserve(connections_.size());
    for (const auto& [ref, connection] : connections_) {
        out.push_back(ref);
    }
    return out;
}

void Endpoint::Impl::mark(ConnectionRef ref, bool& dirty) {
    if (!std::exchange(dirty, true)) {
        dirty_.push_back(ref);
    }
}

void Endpoint::Impl::on_datagram(const ReceivedDatagram& datagram, base::TimePoint now) {
    now = clamp(now);
    base::ByteView rest = datagram.payload;
    const std::size_t segment = datagram.segment_bytes == 0 ? rest.size() : datagram.segment_bytes;
    while (!rest.empty()) {
        const base::ByteView piece = rest.first(std::min(segment, rest.size()));
        rest = rest.subspan(piece.size());
        ++shared_.counters.datagrams_received;
        shared_.counters.bytes_received += piece.size();
        if (shared_.events.full()) {
            ++shared_.counters.dropped_event_queue;
            continue;
        }
        on_packet({datagram.local, datagram.remote, datagram.ecn, piece}, now);
    }
}

void Endpoint::Impl::on_packet(const ReceivedPacket& packet, base::TimePoint now) {
    ngtcp2_version_cid header{};
    const int rv = ngtcp2_pkt_decode_version_cid(&header, packet.payload.data(), packet.payload.size(), kCidBytes);
    if (rv != 0 && rv != NGTCP2_ERR_VERSION_NEGOTIATION) {
        ++shared_.counters.dropped_malformed;
        return;
    }
    const auto ref = shared_.cids.find(Cid(base::ByteView(header.dcid, header.dcidlen)));
    if (ref) {
        deliver(*ref, packet, now);
    } else if (rv == NGTCP2_ERR_VERSION_NEGOTIATION) {
        answer_version(packet, header, now);
    } else {
        on_stranger(packet, header, now);
    }
}

void Endpoint::Impl::deliver(ConnectionRef ref, const ReceivedPacket& packet, base::TimePoint now) {
    const auto late = lingering_.find(ref);
    if (late != lingering_.end()) {
        late->second.on_packet();
        mark(ref, late->second.dirty);
        return;
    }
    Connection* connection = touch(ref);
    if (connection == nullptr) {
        return;
    }
    const bool was_established = connection->established();
    connection->receive(packet, now);
    if (!was_established && connection->established() && connection->origin() == Origin::incoming) {
        --handshakes_;
    }
    settle(*connection, now);
}

void Endpoint::Impl::on_unreachable(const base::SocketAddr& remote, base::TimePoint now) {
    now = clamp(now);
    for (const ConnectionRef ref : connections()) {
        Connection& connection = *connections_.at(ref);
        if (!connection.established() && connection.origin() == Origin::outgoing) {
            connection.on_unreachable(remote);
            settle(connection, now);
        }
    }
}

void Endpoint::Impl::on_deadline(base::TimePoint now) {
    now = clamp(now);
    while (const auto ref = deadlines_.due(now)) {
        const auto late = lingering_.find(*ref);
        if (late != lingering_.end()) {
            forget(*ref);
            continue;
        }
        Connection& connection = *connections_.at(*ref);
        deadlines_.set(*ref, connection.armed, std::nullopt);
        mark(*ref, connection.dirty);
        connection.expire(now);
        settle(connection, now);
    }
}

void Endpoint::Impl::close(ConnectionRef ref, CloseCause cause, std::uint64_t code, std::string_view reason,
                           base::TimePoint now) {
    now = clamp(now);
    Connection* connection = touch(ref);
    if (connection != nullptr) {
        connection->close(cause, code, reason, now);
        settle(*connection, now);
    }
}

void Endpoint::Impl::shutdown(std::uint64_t code, std::string_view reason, base::TimePoint now) {
    shut_down_ = true;
    for (const ConnectionRef ref : connections()) {
        close(ref, CloseCause::endpoint_shutdown, code, reason, now);
    }
}

// After every input to a connection.
void Endpoint::Impl::settle(Connection& connection, base::TimePoint now) {
    if (connection.ended()) {
        retire(connection.ref(), now);
    }
}

void Endpoint::Impl::retire(ConnectionRef ref, base::TimePoint now) {
    const auto it = connections_.find(ref);
    const std::unique_ptr<Connection> connection = std::move(it->second);
    connections_.erase(it);
    deadlines_.set(ref, connection->armed, std::nullopt);
    Ending& ending = connection->ending();
    if (connection->origin() == Origin::incoming && !connection->established()) {
        --handshakes_;
    }
    if (ending.silent) {
        ++shared_.counters.dropped_malformed;
        return;
    }
    if (ending.retry_dial && redial(*connection, now)) {
        return;
    }
    shared_.counters.handshakes_failed += connection->established() ? 0 : 1;
    Closed closed{ref, std::move(ending.reason)};
    if (connection->origin() == Origin::incoming && !connection->announced()) {
        const ConnectionStats stats = connection->stats();
        closed.failed_handshake = FailedHandshake{stats.remote, stats.created};
    }
    linger(*connection, now);
    shared_.events.push(std::move(closed));
}

// Starts again under the same ref. The failed attempt leaves nothing behind; its packets find a stranger.
bool Endpoint::Impl::redial(Connection& connection, base::TimePoint now) {
    Dialing dialing = connection.dialing();
    dialing.attempt = Attempt::again;
    auto made = Connection::dial(shared_, connection.ref(), std::move(dialing), now);
    if (!made) {
        return false;
    }
    ++shared_.counters.dials_retried;
    Connection& next = *(connections_[connection.ref()] = std::move(*made));
    next.adopt_streams(connection.take_streams());
    mark(next.ref(), next.dirty);
    return true;
}

void Endpoint::Impl::linger(Connection& connection, base::TimePoint now) {
    Ending& ending = connection.ending();
    if (ending.linger <= base::Duration::zero()) {
        return;
    }
    if (lingering_.size() >= kLingeringMax) {
        forget(lingering_.begin()->first);
    }
    Lingering& late = lingering_[connection.ref()];
    late.cids = std::exchange(connection.cids, CidOwner{});
    late.packet = std::move(ending.packet);
    late.destination = ending.destination;
    late.send_wanted = !late.packet.empty();
    mark(connection.ref(), late.dirty);
    deadlines_.set(connection.ref(), late.armed, now + ending.linger);
}

void Endpoint::Impl::forget(ConnectionRef ref) {
    const auto it = lingering_.find(ref);
    deadlines_.set(ref, it->second.armed, std::nullopt);
    shared_.cids.remove_all(it->second.cids);
    lingering_.erase(it);
}

void Endpoint::Impl::flush(base::TimePoint now, const TransmitSink& sink) {
    now = clamp(now);
    if (dirty_.empty() && answers_.empty()) {
        return;
    }
    Train train(sink, shared_.counters, train_buffer_);
    for (const Answer& answer : std::exchange(answers_, {})) {
        train.add(answer.packet, answer.destination);
    }
    // By index: a connection that ends here is marked again, as what lingers of it.
    for (std::size_t i = 0; i < dirty_.size(); ++i) {
        flush_one(dirty_[i], train, now);
    }
    dirty_.clear();
    train.send();
}

void Endpoint::Impl::flush_data(base::TimePoint now, const TransmitSink& sink) {
    now = clamp(now);
    const auto has_data = [this](ConnectionRef ref) {
        const Connection* connection = find(ref);
        return connection != nullptr && connection->has_data();
    };
    const auto first = std::stable_partition(dirty_.begin(), dirty_.end(), [&](auto ref) { return !has_data(ref); });
    if (first == dirty_.end()) {
        return;
    }
    const std::vector<ConnectionRef> ready(first, dirty_.end());
    dirty_.erase(first, dirty_.end());
    Train train(sink, shared_.counters, train_buffer_);
    for (const ConnectionRef ref : ready) {
        flush_one(ref, train, now);
    }
    train.send();
}

void Endpoint::Impl::flush_one(ConnectionRef ref, Train& train, base::TimePoint now) {
    const auto late = lingering_.find(ref);
    if (late != lingering_.end()) {
        late->second.dirty = false;
        if (std::exchange(late->second.send_wanted, false)) {
            train.add(late->second.packet, late->second.destination);
        }
        return;
    }
    const auto it = connections_.find(ref);
    if (it == connections_.end()) {
        return;
    }
    Connection& connection = *it->second;
    connection.dirty = false;
    connection.write(train, now);
    if (connection.ended()) {
        retire(ref, now);
        return;
    }
    deadlines_.set(ref, connection.armed, connection.deadline(now));
}

}  // namespace grapevine::quic
