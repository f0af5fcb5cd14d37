// The application's side of streams and datagrams.
//
// Flow control: the peer gets credit for what the application has consumed, for no more. A stream that is over stays in
// the table until its data is consumed, and only then may the peer open another in its place, so that short streams
// cannot outrun the application either.

#include <algorithm>

#include "quic/connection.hpp"

namespace grapevine::quic {
namespace {

base::Status unknown_stream(StreamRef ref) {
    return base::fail(base::ErrorCode::not_found, "stream " + std::to_string(ref.value) + ": not open for writing");
}

}  // namespace

base::Result<StreamRef> Connection::open_stream(Direction direction) {
    if (ending_ || !may_use_streams()) {
        return base::fail("connection " + std::to_string(ref_.value) + ": not connected");
    }
    const bool bidirectional = direction == Direction::bidirectional;
    StreamRef ref;
    const int rv = bidirectional ? ngtcp2_conn_open_bidi_stream(conn_, &ref.value, nullptr)
                                 : ngtcp2_conn_open_uni_stream(conn_, &ref.value, nullptr);
    if (rv == NGTCP2_ERR_STREAM_ID_BLOCKED) {
        (bidirectional ? wants_bidi_ : wants_uni_) = true;
        return base::fail(base::ErrorCode::exhausted, "the peer allows no more streams at the moment");
    }
    if (rv != 0) {
        return base::fail(std::string("QUIC: ") + ngtcp2_strerror(rv));
    }
    streams_.add(ref, shared_.ledger);
    return ref;
}

base::Result<std::size_t> Connection::write_stream(StreamRef ref, base::ByteView data, bool fin) {
    Stream* stream = streams_.find(ref);
    if (ending_ || stream == nullptr || !stream->writable || stream->closed) {
        return tl::unexpected(unknown_stream(ref).error());
    }
    const std::size_t limit = shared_.config.limits.send_buffer_bytes;
    const std::size_t room = limit - std::min(limit, stream->out.size());
    const std::size_t taken = std::min(room, data.size());
    stream->out.append(data.first(taken));
    if (taken < data.size()) {
        stream->want_writable = true;
    } else if (fin) {
        stream->fin_wanted = true;
        stream->writable = false;
    }
    if (stream->has_output() && may_use_streams()) {
        streams_.make_ready(*stream);
    }
    return taken;
}

void Connection::reset_stream(StreamRef ref, std::uint64_t code) {
    Stream* stream = streams_.find(ref);
    if (!ending_ && stream != nullptr && !stream->closed) {
        stream->writable = false;
        stream->given_up = true;
        stream->reset_code = code;
        streams_.retire(*stream);
        ngtcp2_conn_shutdown_stream_write(conn_, 0, ref.value, std::min<std::uint64_t>(code, NGTCP2_MAX_VARINT));
    }
}

void Connection::stop_sending(StreamRef ref, std::uint64_t code) {
    Stream* stream = streams_.find(ref);
    if (!ending_ && stream != nullptr && !stream->closed) {
        stream->stop_code = code;
        ngtcp2_conn_shutdown_stream_read(conn_, 0, ref.value, std::min<std::uint64_t>(code, NGTCP2_MAX_VARINT));
    }
}

void Connection::consume(StreamRef ref, std::size_t bytes) {
    Stream* stream = streams_.find(ref);
    if (ending_ || stream == nullptr) {
        return;
    }
    const std::uint64_t credit = std::min<std::uint64_t>(bytes, stream->unconsumed);
    stream->unconsumed -= credit;
    ngtcp2_conn_extend_max_offset(conn_, credit);
    if (!stream->closed) {
        // Cannot fail but for a stream that is gone.
        ngtcp2_conn_extend_max_stream_offset(conn_, ref.value, credit);
    } else if (stream->unconsumed == 0) {
        forget_stream(ref);
    }
}

base::Status Connection::send_datagram(base::ByteView data) {
    if (ending_ || !(established_ || announced_)) {
        return base::fail("connection " + std::to_string(ref_.value) + ": not connected");
    }
    const ngtcp2_transport_params* remote = ngtcp2_conn_get_remote_transport_params(conn_);
    const std::size_t path = ngtcp2_conn_get_path_max_tx_udp_payload_size(conn_);
    if (remote == nullptr || remote->max_datagram_frame_size == 0) {
        return base::fail("the peer takes no datagrams");
    }
    const std::uint64_t frame = data.size() + 3;  // Type and length.
    if (data.size() + kDatagramOverhead > path || frame > remote->max_datagram_frame_size) {
        return base::invalid("datagram of " + std::to_string(data.size()) + " bytes: larger than the path carries");
    }
    if (datagrams_.push_drop_oldest(base::Bytes(data.begin(), data.end()))) {
        ++shared_.counters.dropped_datagram_queue;
    }
    return {};
}

// Callbacks.

int Connection::on_stream_data(StreamRef ref, base::ByteView data, bool fin) {
    Stream* stream = streams_.find(ref);
    if (stream == nullptr) {
        return NGTCP2_ERR_CALLBACK_FAILURE;
    }
    stream->unconsumed += data.size();
    shared_.events.push_data(ref_, ref, data, fin);
    return 0;
}

void Connection::on_stream_reset(StreamRef ref, std::uint64_t code) {
    Stream* stream = streams_.find(ref);
    if (stream != nullptr) {
        // What the application holds of a stream that the peer gave up is worth nothing: it need not consume it.
        ngtcp2_conn_extend_max_offset(conn_, stream->unconsumed);
        stream->unconsumed = 0;
    }
    shared_.events.push(StreamReset{ref_, ref, code});
}

void Connection::on_acknowledged(StreamRef ref, std::size_t bytes) {
    Stream* stream = streams_.find(ref);
    if (stream == nullptr) {
        return;
    }
    stream->out.acknowledged(bytes);
    const std::size_t limit = shared_.config.limits.send_buffer_bytes;
    if (stream->want_writable && stream->writable && stream->out.size() <= limit / 2) {
        stream->want_writable = false;
        shared_.events.push(StreamWritable{ref_, ref});
    }
}

// ngtcp2 does not report STOP_SENDING: it shows when the next bytes are refused, or when the stream is over with a code
// although we neither finished nor reset our side.
void Connection::on_stream_stopped(Stream& stream, std::uint64_t code) {
    if (!stream.given_up) {
        stream.given_up = true;
        stream.writable = false;
        shared_.events.push(StreamStopped{ref_, stream.ref, code});
    }
}

void Connection::on_stream_closed(StreamRef ref, std::optional<std::uint64_t> code) {
    Stream* stream = streams_.find(ref);
    if (stream == nullptr) {
        return;
    }
    const bool ours = ref.is_bidirectional() || ngtcp2_conn_is_local_stream(conn_, ref.value) != 0;
    const bool finished = stream->fin_sent && stream->out.size() == 0;
    if (ours && code && !finished) {
        on_stream_stopped(*stream, *code);
    }
    stream->closed = true;
    streams_.retire(*stream);
    stream->out.clear();
    shared_.events.push(StreamClosed{ref_, ref});
    if (stream->unconsumed == 0) {
        forget_stream(ref);
    }
}

void Connection::forget_stream(StreamRef ref) {
    streams_.erase(ref);
    if (ngtcp2_conn_is_local_stream(conn_, ref.value) != 0) {
        return;
    }
    if (ref.is_bidirectional()) {
        ngtcp2_conn_extend_max_streams_bidi(conn_, 1);
    } else {
        ngtcp2_conn_extend_max_streams_uni(conn_, 1);
    }
}

}  // namespace grapevine::quic
