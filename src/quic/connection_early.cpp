// Early data (0-RTT) and the session tickets that make it possible. See Config::zero_rtt for what it means.

#include <algorithm>

#include "quic/connection.hpp"

namespace grapevine::quic {
namespace {

// The parameters that matter to early data, encoded: at most ten ids and varints.
constexpr std::size_t kParametersBytesMax = 256;

}  // namespace

// Client.

void Connection::offer_early_data() {
    const auto ticket = shared_.remembered.take(dialing_->peer, dialing_->alpn);
    if (!ticket || !tls_->resume(ticket->session)) {
        return;
    }
    const base::Bytes& parameters = ticket->parameters;
    early_offered_ = ngtcp2_conn_decode_and_set_0rtt_transport_params(conn_, parameters.data(), parameters.size()) == 0;
}

// At the end of the handshake. Also when GnuTLS in the end offered no early data (the ticket was too old): then nothing
// was sent, which comes to the same.
void Connection::settle_early_data() {
    if (origin_ != Origin::outgoing) {
        return;
    }
    const bool used = !streams_.all().empty();
    const bool accepted = early_offered_ && tls_->early_data_accepted();
    if (used) {
        early_data_ = accepted ? EarlyData::accepted : EarlyData::rejected;
        ++(accepted ? shared_.counters.early_data_accepted : shared_.counters.early_data_rejected);
    }
    if (early_offered_ && !accepted) {
        ngtcp2_conn_tls_early_data_rejected(conn_);  // Cannot fail without a callback.
    }
    if (!accepted) {
        open_again();
    }
    early_offered_ = false;
}

void Connection::open_again() {
    streams_.park();
    for (auto& [ref, stream] : streams_.all()) {
        open_again(stream);
    }
    std::erase_if(streams_.all(), [](const auto& entry) { return entry.second.closed; });
}

// Streams of each direction are numbered in the order in which they are opened, so the ids come out as before. A server
// that now allows fewer streams than it did closes those beyond.
void Connection::open_again(Stream& stream) {
    StreamRef ref;
    const int rv = stream.ref.is_bidirectional() ? ngtcp2_conn_open_bidi_stream(conn_, &ref.value, nullptr)
                                                 : ngtcp2_conn_open_uni_stream(conn_, &ref.value, nullptr);
    if (rv != 0 || ref != stream.ref) {
        on_stream_stopped(stream, 0);
        stream.closed = true;
        shared_.events.push(StreamClosed{ref_, stream.ref});
        return;
    }
    if (stream.reset_code) {
        ngtcp2_conn_shutdown_stream_write(conn_, 0, ref.value,
                                          std::min<std::uint64_t>(*stream.reset_code, NGTCP2_MAX_VARINT));
    }
    if (stream.stop_code) {
        ngtcp2_conn_shutdown_stream_read(conn_, 0, ref.value,
                                         std::min<std::uint64_t>(*stream.stop_code, NGTCP2_MAX_VARINT));
    }
    if (!stream.given_up && stream.has_output()) {
        streams_.make_ready(stream);
    }
}

StreamTable Connection::take_streams() {
    streams_.park();
    return std::exchange(streams_, StreamTable{});
}

void Connection::adopt_streams(StreamTable streams) {
    streams_ = std::move(streams);
}

void Connection::collect_tickets() {
    for (base::Bytes& session : tls_->take_tickets()) {
        base::Bytes parameters(kParametersBytesMax);
        const ngtcp2_ssize bytes =
            ngtcp2_conn_encode_0rtt_transport_params(conn_, parameters.data(), parameters.size());
        if (bytes < 0) {
            ++shared_.counters.tickets_dropped;
            continue;
        }
        parameters.resize(static_cast<std::size_t>(bytes));
        ++shared_.counters.tickets_received;
        shared_.counters.tickets_dropped +=
            shared_.remembered.put(peer_, {alpn_, std::move(session), std::move(parameters)});
    }
}

// Server.

// With the first early data: the connection is announced, for otherwise the data would have to wait for the end of the
// handshake, and nothing would be gained. The key is that of the session that was resumed.
int Connection::announce_early() {
    if (established_ || announced_) {
        return 0;
    }
    if (origin_ != Origin::incoming || !tls_ || !admit_peer()) {
        return NGTCP2_ERR_CALLBACK_FAILURE;
    }
    early_data_ = EarlyData::accepted;
    ++shared_.counters.early_data_accepted;
    announce();
    return 0;
}

// Both.

// After each packet while the session is alive and the handshake is complete.
void Connection::finish_tls(base::TimePoint now) {
    if (!shared_.config.zero_rtt) {
        return tls_.reset();
    }
    if (origin_ == Origin::incoming) {
        tls_->send_tickets();
        shared_.counters.tickets_dropped += tls_->tickets_displaced();
        return tls_.reset();
    }
    const std::uint64_t before = shared_.counters.tickets_received;
    collect_tickets();
    if (shared_.counters.tickets_received != before || now - established_at_ > kTicketWait) {
        tls_.reset();
    }
}

}  // namespace grapevine::quic
