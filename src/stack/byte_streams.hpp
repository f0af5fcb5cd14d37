#pragma once

// Streams of bytes that were opened by name, each on a QUIC stream of its own of a session of the mesh service.
//
// Rules
//  1. OpenStream begins the stream, an Outcome answers it, and raw bytes follow both ways once that is `acknowledged`.
//     Whoever says anything in between, or anything else, loses its session.
//  2. Until it is open a stream is a message of the outbox or inbox, which decide how that ends. It opens here when the
//     outbox says so (ours), or with the Outcome that the inbox says (a peer's).
//  3. Flow control is QUIC's: what is received is credited when the application consumed it, and write() takes what the
//     send buffer has room for. A peer that never reads costs one send buffer, one that is never read one window.
//  4. An open stream ends once, for the application: when both sides have finished, when either side resets it (which
//     ends both directions), with its session, or when the node leaves. A session with a stream is in use.
//  5. At most kByteStreamsOfPeer of one peer, and kByteStreamsMax of all, are asked for or open; what is more is
//  `busy`.
//     So the streams of a peer leave a third of the window of its connection to messages, whoever does not read.
//  6. A stream that does not say whom it is for within kStreamHeadMax, or gets no answer within the longest deadline of
//     a message, is reset.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "delivery/types.hpp"
#include "quic/endpoint.hpp"
#include "stack/delivery_effects.hpp"
#include "stack/types.hpp"
#include "telemetry/ledger.hpp"
#include "wire/delivery.hpp"

namespace grapevine::stack {

inline constexpr std::size_t kByteStreamsOfPeer = 8;  // Of quic::Limits' 1.25 MB each; a connection has 16 MiB.
inline constexpr std::size_t kByteStreamsMax = 256;
inline constexpr base::Duration kStreamHeadMax = std::chrono::seconds(10);
inline constexpr base::Duration kStreamAnswerMax = delivery::kDeadlineMax + std::chrono::seconds(5);

struct ByteStreamCounters {
    std::uint64_t opened = 0, accepted = 0;  // By us, by peers.
    std::uint64_t finished = 0, reset = 0, lost = 0;
    std::uint64_t busy_peer = 0, busy_all = 0,
                  no_credit = 0;  // Rule 5; and where the peer allows no more QUIC streams.
    std::uint64_t timeouts = 0, violations = 0;
    std::uint64_t bytes_sent = 0, bytes_received = 0;
};

class ByteStreams {
public:
    // Both outlive this.
    ByteStreams(quic::Endpoint& endpoint, telemetry::Ledger& ledger) : endpoint_(endpoint), ledger_(ledger) {}

    // Ours, on the session that we dialled. What cannot be opened is answered `busy` in the peer's place; without a
    // session nothing happens: the outbox hears of that.
    void open(const base::EndpointId& peer, std::optional<quic::ConnectionRef> session, const wire::OpenStream& frame,
              DeliveryEffects& out);
    void on_finished(delivery::MessageSequence message, delivery::Ending ending, DeliveryEffects& out);

    // A peer's: its first byte is the tag of OpenStream, its data follows by on_stream_data.
    void adopt(const base::EndpointId& peer, quic::ConnectionRef connection, quic::StreamRef stream,
               base::TimePoint now);
    void on_handle(const delivery::Handle& handle);
    // A peer's is taken without the inbox, as the stream of this name. False: it is gone.
    bool take(const base::EndpointId& peer, delivery::MessageSequence message, const ByteStreamRef& ref,
              DeliveryEffects& out);
    // True if the outcome is for a stream.
    bool say(const base::EndpointId& peer, const wire::Outcome& outcome, DeliveryEffects& out);
    // After an answer in time: a stream that was answered `done` is open, or StreamOver follows.
    void on_answered(delivery::HandleId handle, delivery::Verdict verdict, DeliveryEffects& out);
    void on_late(delivery::HandleId handle);

    // The application's. An error: there is no such stream, or it was finished here, or the peer takes no more.
    base::Result<std::size_t> write(const ByteStreamRef& stream, base::ByteView data, node::Last last);
    void consume(const ByteStreamRef& stream, std::size_t bytes);
    void reset(const ByteStreamRef& stream, std::uint32_t code, DeliveryEffects& out);
    void leave(DeliveryEffects& out);

    void on_stream_data(const quic::StreamData& event, base::TimePoint now, DeliveryEffects& out);
    void on_writable(quic::ConnectionRef connection, quic::StreamRef stream, DeliveryEffects& out);
    void on_reset(const quic::StreamReset& event, DeliveryEffects& out);
    void on_stopped(const quic::StreamStopped& event, DeliveryEffects& out);
    void on_closed(quic::ConnectionRef connection, quic::StreamRef stream, DeliveryEffects& out);
    void on_session_end(quic::ConnectionRef connection, DeliveryEffects& out);

    void on_deadline(base::TimePoint now, DeliveryEffects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    [[nodiscard]] bool owns(quic::ConnectionRef connection, quic::StreamRef stream) const {
        return carriers_.contains({connection, stream});
    }
    [[nodiscard]] bool is_open(const ByteStreamRef& stream) const;
    [[nodiscard]] std::size_t streams() const { return carriers_.size(); }
    [[nodiscard]] std::size_t live() const { return live_; }
    [[nodiscard]] const ByteStreamCounters& counters() const { return counters_; }

    [[nodiscard]] static ByteStreamRef ref_of(delivery::MessageSequence message) {
        return {StreamSide::ours, message.value};
    }
    [[nodiscard]] static ByteStreamRef ref_of(delivery::HandleId handle) { return {StreamSide::theirs, handle.value}; }

private:
    using Key = std::pair<quic::ConnectionRef, quic::StreamRef>;
    enum class State : std::uint8_t {
        reading,  // A peer's: its OpenStream is not whole.
        asked,    // No outcome yet.
        open,
        over,  // For the application; QUIC still has words to say.
    };
    struct Carrier {
        base::EndpointId peer;
        StreamSide side = StreamSide::ours;
        State state = State::reading;
        delivery::MessageSequence sequence;
        std::optional<ByteStreamRef> ref;
        wire::DeliveryFrameReader reader;
        std::size_t unconsumed = 0;
        bool fin_in = false;                   // The peer has finished.
        std::optional<std::uint64_t> stopped;  // The peer reads no more.
        std::optional<base::TimePoint> due;
        telemetry::Life life;
    };
    using Carriers = std::map<Key, Carrier>;

    [[nodiscard]] Carriers::iterator find(const ByteStreamRef& stream);
    Carrier& add(const Key& key, const base::EndpointId& peer, StreamSide side);
    void read_question(Carriers::iterator it, base::TimePoint now, DeliveryEffects& out);
    void read_answer(Carriers::iterator it, DeliveryEffects& out);
    void pass_on(Carrier& carrier, base::Bytes data, DeliveryEffects& out);
    [[nodiscard]] bool is_full(const base::EndpointId& peer);
    static wire::Outcome busy(delivery::MessageSequence message);
    void answer(const Key& key, const wire::Outcome& outcome);
    void set_due(const Key& key, Carrier& carrier, std::optional<base::TimePoint> due);
    // From asked or open; QUIC is told by abandon(), or by what came before.
    void end(Carriers::iterator it, StreamEnding ending, std::uint32_t code, DeliveryEffects& out);
    void abandon(const Key& key, std::uint64_t code);
    void violate(Carriers::iterator it, std::string_view rule, DeliveryEffects& out);

    quic::Endpoint& endpoint_;
    telemetry::Ledger& ledger_;
    Carriers carriers_;
    std::map<ByteStreamRef, Key> by_ref_;
    std::map<std::pair<base::EndpointId, delivery::MessageSequence>, Key> asked_;  // By peers.
    std::map<base::EndpointId, std::size_t> of_peer_;                              // Theirs, asked or open.
    std::set<delivery::HandleId> handles_;  // Of streams, unanswered; as many as the inbox has open.
    std::set<std::pair<base::TimePoint, Key>> due_;
    std::size_t live_ = 0;  // Asked or open.
    ByteStreamCounters counters_;
};

}  // namespace grapevine::stack
