#include "quic/connection.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace grapevine::quic {

Connection::Connection(Shared& shared, ConnectionRef ref, Origin origin, base::TimePoint now)
    : shared_(shared),
      ref_(ref),
      origin_(origin),
      life_(shared.ledger, telemetry::Kind::connection),
      starting_(shared.ledger, origin == Origin::outgoing ? telemetry::Kind::dial : telemetry::Kind::handshake),
      datagrams_(shared.config.limits.datagram_queue_max),
      created_(now),
      last_received_(now) {}

Connection::~Connection() {
    shared_.cids.remove_all(cids);
    if (peer_counted_ && --shared_.per_peer[peer_] == 0) {
        shared_.per_peer.erase(peer_);
    }
    if (conn_ != nullptr) {
        ngtcp2_conn_del(conn_);
    }
}

// Time as ngtcp2 wants it: never before what it has seen.
ngtcp2_tstamp Connection::stamp(base::TimePoint now) {
    last_stamp_ = std::max(last_stamp_, to_native(now));
    return last_stamp_;
}

void Connection::receive(const ReceivedPacket& packet, base::TimePoint now) {
    if (ending_) {
        return;
    }
    if (origin_ == Origin::outgoing && winner_known_ && packet.remote != remote_) {
        ++shared_.counters.dropped_wrong_path;
        return;
    }
    if (origin_ == Origin::outgoing) {
        remote_ = packet.remote;
    }
    bytes_received_ += packet.payload.size();
    const NativePath native{NativeAddr(packet.local), NativeAddr(packet.remote)};
    const bool true_path = origin_ == Origin::incoming && established_;
    const ngtcp2_path path = true_path ? native.view() : *ngtcp2_conn_get_path(conn_);
    const ngtcp2_pkt_info info{static_cast<std::uint8_t>(packet.ecn)};
    static_cast<void>(take_authenticated());
    const int rv = ngtcp2_conn_read_pkt(conn_, &path, &info, packet.payload.data(), packet.payload.size(), stamp(now));
    if (take_authenticated()) {
        follow_handshake(packet, now);
        answered_ = true;
        last_received_ = now;
    }
    streams_.release_held_back();
    if (rv != 0) {
        fail(rv, now);
    }
    if (established_ && tls_ && !ending_) {
        finish_tls(now);
    }
}

void Connection::follow_handshake(const ReceivedPacket& packet, base::TimePoint now) {
    if (origin_ == Origin::incoming && !established_ && now - last_received_ >= kInitialRtt) {
        remote_ = packet.remote;
        local_ = packet.local;
    }
}

void Connection::expire(base::TimePoint now) {
    if (ending_) {
        return;
    }
    const int rv = ngtcp2_conn_handle_expiry(conn_, stamp(now));
    if (rv != 0) {
        fail(rv, now);
    }
}

void Connection::on_unreachable(const base::SocketAddr& remote) {
    if (ending_ || !dialing_ || answered_ || !dialing_->candidates.strike(remote)) {
        return;
    }
    if (dialing_->candidates.empty()) {
        end({CloseCause::unreachable, 0, "no candidate address is listening"});
    }
}

void Connection::on_stateless_reset() {
    if (!ending_) {
        ++shared_.counters.resets_received;
        end({CloseCause::stateless_reset, 0, {}});
        ending_->linger = linger_time();
    }
}

void Connection::close(CloseCause cause, std::uint64_t code, std::string_view reason, base::TimePoint now) {
    if (ending_) {
        return;
    }
    reason = reason.substr(0, kReasonBytesMax);
    const base::ByteView bytes = base::as_bytes(reason);
    ngtcp2_ccerr error{};
    ngtcp2_ccerr_set_application_error(&error, std::min<std::uint64_t>(code, NGTCP2_MAX_VARINT), bytes.data(),
                                       bytes.size());
    end_with_packet({cause, code, std::string(reason)}, error, now);
}

// Callbacks.

// False if the peer proved no key, or has too many connections already.
bool Connection::admit_peer() {
    const base::EndpointId* seen = tls_->establish_peer();
    if (seen == nullptr) {
        return false;
    }
    if (origin_ == Origin::incoming) {
        if (shared_.connections_of(*seen) >= shared_.config.limits.connections_per_peer_max) {
            ++shared_.counters.dropped_peer_limit;
            refused_ = true;
            return false;
        }
        peer_ = *seen;
        peer_counted_ = true;
        ++shared_.per_peer[peer_];
    }
    alpn_ = tls_->alpn();
    return true;
}

void Connection::announce() {
    announced_ = true;
    shared_.events.push(Connected{ref_, peer_, alpn_, origin_, remote_, early_data_});
}

int Connection::on_handshake_completed() {
    if (!announced_ && !admit_peer()) {
        return NGTCP2_ERR_CALLBACK_FAILURE;
    }
    established_ = true;
    established_at_ = to_time(last_stamp_);
    starting_ = telemetry::Life();
    dialing_.reset();
    ++shared_.counters.handshakes_completed;
    if (shared_.config.keep_alive > base::Duration::zero()) {
        ngtcp2_conn_set_keep_alive_timeout(conn_, to_native(shared_.config.keep_alive));
    }
    settle_early_data();
    if (!announced_) {
        announce();
    }
    return 0;
}

void Connection::on_server_hello() {
    winner_known_ = true;
}

void Connection::on_path_validated(const ngtcp2_path& path) {
    const base::SocketAddr remote = from_native(path.remote);
    if (origin_ == Origin::incoming && remote != remote_) {
        remote_ = remote;
        ++shared_.counters.path_changes;
        shared_.events.push(PathChanged{ref_, remote_});
    }
}

// Ending.

void Connection::end(CloseReason reason) {
    ending_.emplace();
    ending_->reason = std::move(reason);
    ending_->silent = origin_ == Origin::incoming && !answered_ && !announced_;
}

base::Duration Connection::linger_time() const {
    return 3 * base::Duration(static_cast<base::Duration::rep>(ngtcp2_conn_get_pto(conn_)));
}

void Connection::end_with_packet(CloseReason reason, const ngtcp2_ccerr& error, base::TimePoint now) {
    std::array<std::uint8_t, kPacketBytesMax> room;
    ngtcp2_path_storage path;
    ngtcp2_path_storage_zero(&path);
    ngtcp2_pkt_info info{};
    const ngtcp2_ssize bytes =
        ngtcp2_conn_write_connection_close(conn_, &path.path, &info, room.data(), room.size(), &error, stamp(now));
    end(std::move(reason));
    if (bytes > 0) {
        ending_->packet.assign(room.begin(), room.begin() + bytes);
        ending_->destination = destination(path.path, info.ecn);
        ending_->linger = linger_time();
    }
}

void Connection::end_unanswered() {
    if (origin_ == Origin::outgoing && !answered_) {
        end({CloseCause::unreachable, 0, "no candidate address answered"});
    } else {
        end({CloseCause::handshake_timeout, 0, "the handshake did not finish in time"});
    }
}

void Connection::on_peer_closed() {
    if (reset_seen_) {
        ++shared_.counters.resets_received;
        end({CloseCause::stateless_reset, 0, {}});
    } else {
        const ngtcp2_ccerr* error = ngtcp2_conn_get_ccerr(conn_);
        const bool application = error->type == NGTCP2_CCERR_TYPE_APPLICATION;
        const bool alert = (error->error_code & ~0xffULL) == NGTCP2_CRYPTO_ERROR;
        CloseCause cause = alert ? CloseCause::tls : CloseCause::transport_remote;
        cause = application ? CloseCause::application_remote : cause;
        const auto text = base::as_text({error->reason, std::min(error->reasonlen, kReasonBytesMax)});
        end({cause, error->error_code, std::string(text)});
        blame_candidate();
    }
    ending_->linger = linger_time();
}

void Connection::fail_tls(base::TimePoint now) {
    const bool wrong = tls_ && tls_->peer().wrong;
    const std::uint8_t alert = ngtcp2_conn_get_tls_alert(conn_);
    ngtcp2_ccerr error{};
    ngtcp2_ccerr_set_tls_alert(&error, alert, nullptr, 0);
    const CloseCause cause = wrong ? CloseCause::wrong_peer : CloseCause::tls;
    const char* text = wrong ? "another key answered than the id that was dialled" : "the TLS handshake failed";
    end_with_packet({cause, error.error_code, text}, error, now);
    shared_.counters.wrong_peer += wrong ? 1 : 0;
    blame_candidate();
}

// The candidate that answered is not the peer or not fit: the dial goes on with the others, if there are any.
void Connection::blame_candidate() {
    if (dialing_ && dialing_->candidates.strike(remote_)) {
        ending_->retry_dial = !dialing_->candidates.empty();
    }
}

void Connection::fail(int rv, base::TimePoint now) {
    ngtcp2_ccerr error{};
    switch (rv) {
        case NGTCP2_ERR_DRAINING: return on_peer_closed();
        case NGTCP2_ERR_CRYPTO: return fail_tls(now);
        case NGTCP2_ERR_HANDSHAKE_TIMEOUT: return end_unanswered();
        case NGTCP2_ERR_IDLE_CLOSE: return established_ ? end({CloseCause::idle_timeout, 0, {}}) : end_unanswered();
        case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
            return end({CloseCause::version, 0, "the peer does not speak QUIC version 1"});
        case NGTCP2_ERR_DROP_CONN:
        case NGTCP2_ERR_RETRY: return end({CloseCause::transport_local, 0, ngtcp2_strerror(rv)});
        default: break;
    }
    if (refused_) {
        ngtcp2_ccerr_set_transport_error(&error, NGTCP2_CONNECTION_REFUSED, nullptr, 0);
        return end_with_packet({CloseCause::transport_local, error.error_code, "too many connections"}, error, now);
    }
    ngtcp2_ccerr_set_liberr(&error, rv, nullptr, 0);
    end_with_packet({CloseCause::transport_local, error.error_code, ngtcp2_strerror(rv)}, error, now);
}

ConnectionStats Connection::stats() const {
    ConnectionStats out;
    out.peer = peer_;
    out.alpn = alpn_;
    out.origin = origin_;
    out.remote = remote_;
    out.created = created_;
    out.last_received = last_received_;
    ngtcp2_conn_info info{};
    ngtcp2_conn_get_conn_info(conn_, &info);
    out.smoothed_rtt = base::Duration(static_cast<base::Duration::rep>(info.smoothed_rtt));
    out.bytes_sent = bytes_sent_;
    out.bytes_received = bytes_received_;
    out.packets_lost = frames_lost_;
    out.handshake_complete = established_;
    out.early_data = early_data_;
    for (const auto& [ref, stream] : streams_.all()) {
        out.packets_lost += stream.closed ? 0 : ngtcp2_conn_get_stream_loss_count(conn_, ref.value);
        out.streams_open += stream.closed ? 0 : 1;
    }
    return out;
}

}  // namespace grapevine::quic
