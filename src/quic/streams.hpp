#pragma once

// The sending side of streams: bytes that wait to be sent or acknowledged, and whose turn it is.
//
// Rules
// - ngtcp2 keeps pointers into the buffered bytes until they are acknowledged: chunks never move or grow in place
// beyond
//   what they reserved.
// - Streams that have something to send take turns, one packet each, in the order in which they became ready.
// - A stream that flow control holds back leaves the turn until the next packet from the peer.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include <ngtcp2/ngtcp2.h>

#include "base/bytes.hpp"
#include "quic/types.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::quic {

inline constexpr std::size_t kChunkBytesMin = 512;
inline constexpr std::size_t kChunkBytesMax = 65536;
inline constexpr std::size_t kVectorsPerWrite = 8;

class SendBuffer {
public:
    void append(base::ByteView data);
    // The unsent bytes, as far as kVectorsPerWrite pieces go. Returns the number of pieces.
    std::size_t unsent(std::array<ngtcp2_vec, kVectorsPerWrite>& out) const;
    void sent(std::size_t bytes);
    void acknowledged(std::size_t bytes);
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t unsent_bytes() const { return unsent_; }
    // All of it is unsent again. Only while nothing was acknowledged or given up.
    void rewind();
    // Gives up what is unsent; nothing may be appended afterwards.
    void discard_unsent();
    void clear();

private:
    std::vector<base::Bytes> chunks_;  // Oldest first.
    std::size_t acknowledged_ = 0;     // Of the first chunk.
    std::size_t cursor_chunk_ = 0;     // The first unsent byte.
    std::size_t cursor_offset_ = 0;
    std::size_t size_ = 0;  // Not yet acknowledged.
    std::size_t unsent_ = 0;
};

struct Stream {
    Stream(StreamRef stream, telemetry::Ledger& ledger) : ref(stream), life(ledger, telemetry::Kind::stream) {}
    StreamRef ref;
    telemetry::Life life;
    SendBuffer out;
    std::uint64_t unconsumed = 0;  // Received and handed to the application, which has not consumed it yet.
    bool writable = true;          // Our side: neither finished by write() nor reset.
    bool given_up = false;         // Reset by us or stopped by the peer: what was not sent never will be.
    bool fin_wanted = false;
    bool fin_sent = false;
    bool ready = false;          // In the ready queue.
    bool held_back = false;      // Among those that flow control holds back.
    bool want_writable = false;  // The application waits for StreamWritable.
    bool closed = false;         // Over on the wire; kept until everything is consumed.
    std::optional<std::uint64_t>
        reset_code;  // Of reset_stream() and stop_sending() before the handshake was over, to be
    std::optional<std::uint64_t> stop_code;  // said again if early data is rejected.
    [[nodiscard]] bool has_output() const { return out.unsent_bytes() > 0 || (fin_wanted && !fin_sent); }
};

class StreamTable {
public:
    Stream& add(StreamRef ref, telemetry::Ledger& ledger);
    [[nodiscard]] Stream* find(StreamRef ref);
    void erase(StreamRef ref);
    [[nodiscard]] std::size_t size() const { return streams_.size(); }
    [[nodiscard]] const std::map<StreamRef, Stream>& all() const { return streams_; }
    [[nodiscard]] std::map<StreamRef, Stream>& all() { return streams_; }

    void make_ready(Stream& stream);
    // The stream whose turn it is, or null.
    [[nodiscard]] Stream* next_ready();
    [[nodiscard]] bool any_ready() const { return !ready_.empty(); }
    // Ends the turn of `stream`, the one next_ready() gave: to the end of the queue if it has more, else out of it.
    void end_turn(Stream& stream);
    // Out of the queue; it will send nothing more.
    void retire(Stream& stream);
    void hold_back(Stream& stream);
    void release_held_back();
    // Nothing was sent and no stream has its turn: as before the first packet.
    void park();

private:
    void leave(Stream& stream);
    std::map<StreamRef, Stream> streams_;
    std::vector<StreamRef> ready_;  // Few: those that have something to send now.
    std::vector<StreamRef> held_back_;
};

}  // namespace grapevine::quic
