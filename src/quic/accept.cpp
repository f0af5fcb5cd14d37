// Packets that belong to no connection: new connections, and the answers that need none.
//
// Rules
// - Nothing is ever sent that is larger than three times what came (RFC 9000 section 8.1); a stateless reset is smaller
//   than its cause, so that two endpoints cannot reset each other for ever (section 10.3.3).
// - Every kind of answer has a rate limit of its own. Whatever is dropped is counted by cause.
// - A new connection passes, in this order: shutdown, the limit of connections, the token (Retry), the limit of
//   handshakes. From Limits::retry_above_handshakes on, only a client that proved its address gets any state.

#include <algorithm>

#include <ngtcp2/ngtcp2_crypto.h>

#include "quic/endpoint_impl.hpp"

namespace grapevine::quic {
namespace {

// Below this a short packet is no packet of a live connection: header, number and AEAD tag with our eight-byte ids.
constexpr std::size_t kShortPacketBytesMin = 1 + kCidBytes + 4 + 16;
constexpr std::size_t kResetBytesMin = NGTCP2_MIN_STATELESS_RESET_RANDLEN + NGTCP2_STATELESS_RESET_TOKENLEN;
// A reset looks like an ordinary short packet; more bytes would hide nothing better.
constexpr std::size_t kResetBytesMax = 43;
constexpr base::Duration kTokenLifetime = base::Duration(std::chrono::seconds(10));

}  // namespace

void Endpoint::Impl::on_stranger(const ReceivedPacket& packet, const ngtcp2_version_cid& header, base::TimePoint now) {
    if (header.version == 0 && (packet.payload.front() & 0x80U) == 0) {
        return on_unknown_short(packet, now);
    }
    ngtcp2_pkt_hd full{};
    if (ngtcp2_accept(&full, packet.payload.data(), packet.payload.size()) != 0) {
        // A late packet of a handshake that is over, or an Initial that breaks the rules.
        ++shared_.counters.dropped_unknown_connection;
        return;
    }
    on_initial(packet, full, now);
}

// Either the peer lost its state, and its packet ends with a token we know; or we lost ours.
void Endpoint::Impl::on_unknown_short(const ReceivedPacket& packet, base::TimePoint now) {
    const base::ByteView bytes = packet.payload;
    if (bytes.size() >= kResetBytesMin && shared_.cids.has_tokens()) {
        const auto token = bytes.last(NGTCP2_STATELESS_RESET_TOKENLEN);
        const auto ref = shared_.cids.find_token(shared_.secrets.token_digest(token));
        Connection* connection = ref ? touch(*ref) : nullptr;
        if (connection != nullptr) {
            connection->on_stateless_reset();
            return settle(*connection, now);
        }
    }
    ++shared_.counters.dropped_unknown_connection;
    if (bytes.size() >= kShortPacketBytesMin) {
        answer_reset(packet, Cid(bytes.subspan(1, kCidBytes)), now);
    }
}

void Endpoint::Impl::on_initial(const ReceivedPacket& packet, const ngtcp2_pkt_hd& header, base::TimePoint now) {
    if (!may_accept()) {
        return;
    }
    Accepting accepting{header, header.dcid, false, packet.local, packet.remote};
    if (!check_token(packet, accepting, now)) {
        return;
    }
    const Limits& limits = shared_.config.limits;
    if (!accepting.after_retry && handshakes_ >= limits.retry_above_handshakes) {
        return answer_retry(packet, header, now);
    }
    if (handshakes_ >= limits.handshakes_max) {
        ++shared_.counters.dropped_handshake_limit;
        return;
    }
    accept(packet, accepting, now);
}

bool Endpoint::Impl::may_accept() {
    if (shut_down_ || shared_.tls.alpns().empty()) {
        ++shared_.counters.dropped_shutdown;
        return false;
    }
    if (connections_.size() >= shared_.config.limits.connections_max) {
        ++shared_.counters.dropped_connection_limit;
        return false;
    }
    return true;
}

// False if the packet carries a Retry token that is not ours, not for this address, or too old.
bool Endpoint::Impl::check_token(const ReceivedPacket& packet, Accepting& accepting, base::TimePoint now) {
    const ngtcp2_pkt_hd& header = accepting.header;
    if (header.tokenlen == 0 || header.token[0] != NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY2) {
        return true;  // None, or one of another kind, which is as good as none.
    }
    const NativeAddr remote(packet.remote);
    const Secret& secret = shared_.secrets.retry_secret();
    const ngtcp2_addr addr = remote.view();
    const int rv = ngtcp2_crypto_verify_retry_token2(
        &accepting.original_dcid, header.token, header.tokenlen, secret.data(), secret.size(), header.version,
        addr.addr, addr.addrlen, &header.dcid, to_native(kTokenLifetime), to_native(now));
    accepting.after_retry = rv == 0;
    shared_.counters.dropped_bad_token += rv == 0 ? 0 : 1;
    return rv == 0;
}

void Endpoint::Impl::accept(const ReceivedPacket& packet, const Accepting& accepting, base::TimePoint now) {
    const ConnectionRef ref{++last_ref_};
    auto made = Connection::accept(shared_, ref, accepting, now);
    if (!made) {
        ++shared_.counters.dropped_malformed;
        return;
    }
    ++shared_.counters.handshakes_started;
    ++handshakes_;
    connections_[ref] = std::move(*made);
    deliver(ref, packet, now);
}

void Endpoint::Impl::answer_version(const ReceivedPacket& packet, const ngtcp2_version_cid& header,
                                    base::TimePoint now) {
    if (packet.payload.size() < kInitialBytesMin || header.version == 0) {
        ++shared_.counters.dropped_malformed;
        return;
    }
    if (!versions_.take(now)) {
        ++shared_.counters.dropped_rate_limit;
        return;
    }
    std::array<std::uint8_t, 256> out{};
    std::uint8_t unused = 0;
    shared_.secrets.fill({&unused, 1});
    const std::array<std::uint32_t, 1> supported{NGTCP2_PROTO_VER_V1};
    const ngtcp2_ssize bytes =
        ngtcp2_pkt_write_version_negotiation(out.data(), out.size(), unused, header.scid, header.scidlen, header.dcid,
                                             header.dcidlen, supported.data(), supported.size());
    if (bytes > 0 && answer(packet, base::ByteView(out).first(static_cast<std::size_t>(bytes)))) {
        ++shared_.counters.version_negotiations_sent;
    }
}

void Endpoint::Impl::answer_retry(const ReceivedPacket& packet, const ngtcp2_pkt_hd& header, base::TimePoint now) {
    if (!retries_.take(now)) {
        ++shared_.counters.dropped_rate_limit;
        return;
    }
    const ngtcp2_cid own = shared_.secrets.new_cid();
    const NativeAddr remote(packet.remote);
    const ngtcp2_addr addr = remote.view();
    const Secret& secret = shared_.secrets.retry_secret();
    std::array<std::uint8_t, NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2> token{};
    const ngtcp2_ssize token_bytes =
        ngtcp2_crypto_generate_retry_token2(token.data(), secret.data(), secret.size(), header.version, addr.addr,
                                            addr.addrlen, &own, &header.dcid, to_native(now));
    if (token_bytes < 0) {
        return;
    }
    std::array<std::uint8_t, 512> out{};
    const ngtcp2_ssize bytes =
        ngtcp2_crypto_write_retry(out.data(), out.size(), header.version, &header.scid, &own, &header.dcid,
                                  token.data(), static_cast<std::size_t>(token_bytes));
    if (bytes > 0 && answer(packet, base::ByteView(out).first(static_cast<std::size_t>(bytes)))) {
        ++shared_.counters.retries_sent;
    }
}

void Endpoint::Impl::answer_reset(const ReceivedPacket& packet, const Cid& cid, base::TimePoint now) {
    const std::size_t size = std::min(packet.payload.size() - 1, kResetBytesMax);
    if (size < kResetBytesMin) {
        return;
    }
    if (!resets_.take(now)) {
        ++shared_.counters.dropped_rate_limit;
        return;
    }
    ngtcp2_cid native{};
    ngtcp2_cid_init(&native, cid.bytes.data(), cid.length);
    const ResetToken token = shared_.secrets.reset_token(native);
    std::array<std::uint8_t, kResetBytesMax> random{};
    shared_.secrets.fill(random);
    std::array<std::uint8_t, kResetBytesMax> out{};
    const ngtcp2_ssize bytes = ngtcp2_pkt_write_stateless_reset(out.data(), size, token.data(), random.data(),
                                                                size - NGTCP2_STATELESS_RESET_TOKENLEN);
    if (bytes > 0 && answer(packet, base::ByteView(out).first(static_cast<std::size_t>(bytes)))) {
        ++shared_.counters.stateless_resets_sent;
    }
}

bool Endpoint::Impl::answer(const ReceivedPacket& packet, base::ByteView bytes) {
    if (answers_.size() >= kAnswersMax) {
        ++shared_.counters.dropped_rate_limit;
        return false;
    }
    Destination destination;
    destination.local = packet.local;
    destination.add(packet.remote);
    answers_.push_back({destination, base::Bytes(bytes.begin(), bytes.end())});
    return true;
}

}  // namespace grapevine::quic
