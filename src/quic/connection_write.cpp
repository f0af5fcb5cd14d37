// What a connection sends: packets within congestion control and pacing, and when it wants to be called again.
//
// Deadlines: ngtcp2's own, with two corrections. Its pacing deadline is left out when there is nothing more to send, or
// every single packet would cost a wake-up. And a deadline that is not after now, although everything due has been
// done, is moved a little into the future, so that no caller can spin.

#include <algorithm>

#include "quic/connection.hpp"

namespace grapevine::quic {
namespace {

// The first byte of a version 1 packet (RFC 9000 section 17.2): header form and type of an Initial.
constexpr std::uint8_t kTypeMask = 0xb0;
constexpr std::uint8_t kInitialType = 0x80;
constexpr int kBurstsPerWrite = 16;  // Then other connections have their turn.
constexpr base::Duration kSpinGuard = base::Duration(std::chrono::milliseconds(1));
constexpr base::Duration kPacingGuard = base::Duration(std::chrono::microseconds(10));

}  // namespace

Destination Connection::destination(const ngtcp2_path& path, std::uint8_t ecn) const {
    Destination out;
    out.ecn = static_cast<Ecn>(ecn & NGTCP2_ECN_MASK);
    if (origin_ == Origin::incoming && !established_) {
        out.local = local_;
        out.add(remote_);
    } else if (origin_ == Origin::incoming) {
        out.local = from_native(path.local);
        out.add(from_native(path.remote));
    } else if (winner_known_ || !dialing_) {
        out.local.family = remote_.family;
        out.add(remote_);
    } else {
        for (const base::SocketAddr& candidate : dialing_->candidates.left()) {
            out.add(candidate);
        }
    }
    return out;
}

void Connection::write(Train& train, base::TimePoint now) {
    if (ending_) {
        return;
    }
    ngtcp2_tstamp ts = stamp(now);
    const bool ping = std::exchange(ping_wanted_, false) && established_;
    if (ping) {
        // A keep-alive that is due at once is ngtcp2's only way to be asked for a PING.
        ngtcp2_conn_set_keep_alive_timeout(conn_, 1);
        ts = ++last_stamp_;
    }
    bool more = true;
    for (int burst = 0; more && burst < kBurstsPerWrite; ++burst) {
        more = write_burst(train, ts, now);
        if (ending_) {
            return;
        }
        expiry_ = ngtcp2_conn_get_expiry(conn_);
        ngtcp2_conn_update_pkt_tx_time(conn_, ts);
        if (more && ngtcp2_conn_get_expiry(conn_) > ts) {
            break;
        }
    }
    if (ping) {
        const base::Duration keep_alive = shared_.config.keep_alive;
        ngtcp2_conn_set_keep_alive_timeout(conn_,
                                           keep_alive > base::Duration::zero() ? to_native(keep_alive) : UINT64_MAX);
    }
    pacing_ = more;
    if (more || ping) {
        expiry_ = ngtcp2_conn_get_expiry(conn_);
    }
}

// One send quantum. True if there may be more to send now.
bool Connection::write_burst(Train& train, ngtcp2_tstamp ts, base::TimePoint now) {
    const std::size_t quantum = ngtcp2_conn_get_send_quantum(conn_);
    std::size_t written = 0;
    while (written < quantum) {
        Destination to;
        const ngtcp2_ssize bytes = write_packet(train.room(), ts, to);
        if (bytes < 0) {
            fail(static_cast<int>(bytes), now);
            return false;
        }
        if (bytes == 0) {
            return false;
        }
        written += static_cast<std::size_t>(bytes);
        bytes_sent_ += static_cast<std::size_t>(bytes) * to.count;
        train.commit(static_cast<std::size_t>(bytes), to);
    }
    return true;
}

// One packet, filled from datagrams first, then from the streams in turn. 0: nothing to send or not allowed now.
ngtcp2_ssize Connection::write_packet(std::span<std::uint8_t> room, ngtcp2_tstamp ts, Destination& to) {
    ngtcp2_path_storage path;
    ngtcp2_path_storage_zero(&path);
    ngtcp2_pkt_info info{};
    for (;;) {
        ngtcp2_ssize rv = 0;
        Stream* stream = nullptr;
        if (!datagrams_.empty()) {
            rv = write_datagram(room, ts, &path.path, &info);
        } else {
            stream = early_data_must_wait() ? nullptr : streams_.next_ready();
            rv = write_stream_frame(stream, room, ts, &path.path, &info);
        }
        if (rv == NGTCP2_ERR_WRITE_MORE || (stream != nullptr && skip_stream(*stream, rv))) {
            continue;
        }
        if (rv > 0) {
            to = destination(path.path, info.ecn);
            rv = fill_up_initial(room, static_cast<std::size_t>(rv));
        }
        return rv;
    }
}

// ngtcp2 pads an Initial in the 0-RTT packet that is to follow it, and sends a short datagram (which a server must
// drop, RFC 9000 section 14.1) if the congestion window then has no room for that one. So early data waits when less is
// left than both need.
bool Connection::early_data_must_wait() const {
    return early_offered_ && ngtcp2_conn_get_cwnd_left(conn_) < kPacketBytesMax;
}

// For what early_data_must_wait() does not foresee: receivers skip what follows the last packet (section 12.2).
ngtcp2_ssize Connection::fill_up_initial(std::span<std::uint8_t> room, std::size_t bytes) const {
    const bool initial = early_offered_ && (room[0] & kTypeMask) == kInitialType;
    if (initial && bytes < kInitialBytesMin) {
        std::fill(room.begin() + static_cast<std::ptrdiff_t>(bytes), room.begin() + kInitialBytesMin, std::uint8_t{0});
        bytes = kInitialBytesMin;
    }
    return static_cast<ngtcp2_ssize>(bytes);
}

ngtcp2_ssize Connection::write_datagram(std::span<std::uint8_t> room, ngtcp2_tstamp ts, ngtcp2_path* path,
                                        ngtcp2_pkt_info* info) {
    base::Bytes& data = datagrams_.front();
    if (data.size() + kDatagramOverhead > ngtcp2_conn_get_path_max_tx_udp_payload_size(conn_)) {
        // The path became narrower since the datagram was taken.
        ++shared_.counters.dropped_datagram_queue;
        static_cast<void>(datagrams_.pop());
        return NGTCP2_ERR_WRITE_MORE;
    }
    int accepted = 0;
    const ngtcp2_vec vector{data.data(), data.size()};
    const ngtcp2_ssize rv = ngtcp2_conn_writev_datagram(conn_, path, info, room.data(), room.size(), &accepted,
                                                        NGTCP2_WRITE_DATAGRAM_FLAG_MORE, 0, &vector, 1, ts);
    if (accepted != 0) {
        static_cast<void>(datagrams_.pop());
    }
    return rv;
}

// `stream` null: what ngtcp2 itself has to send, and the end of a packet that is being filled.
ngtcp2_ssize Connection::write_stream_frame(Stream* stream, std::span<std::uint8_t> room, ngtcp2_tstamp ts,
                                            ngtcp2_path* path, ngtcp2_pkt_info* info) {
    if (stream == nullptr) {
        return ngtcp2_conn_writev_stream(conn_, path, info, room.data(), room.size(), nullptr,
                                         NGTCP2_WRITE_STREAM_FLAG_NONE, -1, nullptr, 0, ts);
    }
    std::array<ngtcp2_vec, kVectorsPerWrite> vectors{};
    const std::size_t count = stream->out.unsent(vectors);
    std::size_t offered = 0;
    for (std::size_t i = 0; i < count; ++i) {
        offered += vectors[i].len;
    }
    const bool fin = stream->fin_wanted && offered == stream->out.unsent_bytes();
    const std::uint32_t flags =
        NGTCP2_WRITE_STREAM_FLAG_MORE | (fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : NGTCP2_WRITE_STREAM_FLAG_NONE);
    ngtcp2_ssize taken = -1;
    const ngtcp2_ssize rv = ngtcp2_conn_writev_stream(conn_, path, info, room.data(), room.size(), &taken, flags,
                                                      stream->ref.value, vectors.data(), count, ts);
    if (taken >= 0 && (rv > 0 || rv == NGTCP2_ERR_WRITE_MORE)) {
        stream->out.sent(static_cast<std::size_t>(taken));
        stream->fin_sent = stream->fin_sent || (fin && static_cast<std::size_t>(taken) == offered);
        streams_.end_turn(*stream);
    }
    return rv;
}

// True if `rv` concerns this stream alone, which then leaves the turn.
bool Connection::skip_stream(Stream& stream, ngtcp2_ssize rv) {
    switch (rv) {
        case NGTCP2_ERR_STREAM_DATA_BLOCKED: streams_.hold_back(stream); return true;
        case NGTCP2_ERR_STREAM_SHUT_WR: on_stream_stopped(stream, 0); [[fallthrough]];
        case NGTCP2_ERR_STREAM_NOT_FOUND: streams_.retire(stream); return true;
        default: return false;
    }
}

Armed Connection::deadline(base::TimePoint now) const {
    if (ending_ || expiry_ == UINT64_MAX) {
        return std::nullopt;
    }
    const base::TimePoint due = to_time(expiry_);
    return due > now ? due : now + (pacing_ ? kPacingGuard : kSpinGuard);
}

}  // namespace grapevine::quic
