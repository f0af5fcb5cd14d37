#pragma once

// Messages whose payload does not fit a frame: each on a QUIC stream of its own of a session of the mesh service.
//
// Rules
//  1. DeliverLarge begins the stream, the payload follows as raw bytes, then the end of that direction. The Outcome
//     comes back on the same stream, and may come before the payload is whole: then the rest is not sent.
//  2. The sender keeps no copy: what is written comes from the outbox, piece by piece, for as long as the message has
//  no
//     outcome there. At most kPayloadsAtOnce are written on one session; the others wait in line, and count as written.
//  3. A receiver reads a payload only when the inbox asked for it, and then as fast as it comes, so that payloads hold
//     no part of a connection's window. Of others it reads no more than has come, and tells the sender to stop.
//  4. A payload that is shorter or longer than announced, a second announcement on one session, and a stream that ends
//     without its outcome cost the session: what was written on it is lost, and the outbox reckons in sessions.
//  5. A stream that does not say what it carries within kStreamHeadMax, or has no outcome within the longest deadline
//  of
//     a message, is reset.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "delivery/types.hpp"
#include "quic/endpoint.hpp"
#include "stack/delivery_effects.hpp"
#include "telemetry/ledger.hpp"
#include "wire/delivery.hpp"

namespace grapevine::stack {

inline constexpr std::size_t kPayloadsAtOnce = 4;  // A send buffer of 1 MiB each.

struct PayloadCounters {
    std::uint64_t sent = 0, received = 0;  // Whole payloads.
    std::uint64_t bytes_sent = 0, bytes_received = 0;
    std::uint64_t not_wanted = 0;  // Announced by peers, and not asked for.
    std::uint64_t no_credit = 0;   // The peer allows no more QUIC streams.
    std::uint64_t timeouts = 0, violations = 0;
};

class PayloadStreams {
public:
    // The payload of a message of ours; nothing when it has its outcome.
    using Source = std::function<base::ByteView(delivery::MessageSequence)>;

    // All outlive this.
    PayloadStreams(quic::Endpoint& endpoint, telemetry::Ledger& ledger, Source source)
        : endpoint_(endpoint), ledger_(ledger), source_(std::move(source)) {}

    // Ours, on the session that we dialled; without one nothing happens: the outbox hears of that.
    void send(const base::EndpointId& peer, std::optional<quic::ConnectionRef> session, wire::DeliverLarge frame,
              DeliveryEffects& out);
    // It needs its payload no more.
    void on_finished(delivery::MessageSequence message, DeliveryEffects& out);

    // A peer's: its first byte is the tag of DeliverLarge, its data follows by on_stream_data.
    void adopt(const base::EndpointId& peer, quic::ConnectionRef connection, quic::StreamRef stream,
               base::TimePoint now);
    void take(const delivery::TakePayload& wanted, DeliveryEffects& out);
    // After what the announcement led to.
    void on_judged(quic::ConnectionRef connection, quic::StreamRef stream);
    // A payload of ours is written, or given up: the next one in line.
    void on_written(quic::ConnectionRef connection, DeliveryEffects& out);
    // True if the outcome is for a message that came on a stream of its own.
    bool say(const base::EndpointId& peer, const wire::Outcome& outcome, DeliveryEffects& out);

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
    [[nodiscard]] std::size_t streams() const { return carriers_.size(); }
    [[nodiscard]] const PayloadCounters& counters() const { return counters_; }

private:
    using Key = std::pair<quic::ConnectionRef, quic::StreamRef>;
    enum class State : std::uint8_t {
        reading,    // A peer's: its announcement is not whole.
        asked,      // A peer's: announced, its payload is not wanted so far.
        receiving,  // A peer's.
        writing,    // Ours.
        waiting,    // For the outcome.
        over,       // QUIC still has words to say.
    };
    struct Carrier {
        base::EndpointId peer;
        State state = State::reading;
        bool ours = false;
        delivery::MessageSequence message;
        std::size_t size = 0;
        std::size_t written = 0;
        bool fin_in = false;  // The peer has finished.
        base::Bytes payload;  // Of a peer, as far as it has come.
        wire::DeliveryFrameReader reader;
        std::optional<base::TimePoint> due;
        telemetry::Life life;
    };
    using Carriers = std::map<Key, Carrier>;
    // What waits for its turn on a session, and how many are being written.
    struct Line {
        base::EndpointId peer;
        std::deque<wire::DeliverLarge> waiting;
        std::size_t writing = 0;
    };

    Carrier& add(const Key& key, const base::EndpointId& peer);
    void start_next(quic::ConnectionRef connection, DeliveryEffects& out);
    void start(quic::ConnectionRef connection, Line& line, const wire::DeliverLarge& frame, DeliveryEffects& out);
    void push(Carriers::iterator it, DeliveryEffects& out);
    void read_announcement(Carriers::iterator it, base::TimePoint now, DeliveryEffects& out);
    void receive(Carriers::iterator it, base::ByteView data, bool fin, DeliveryEffects& out);
    void read_outcome(Carriers::iterator it, DeliveryEffects& out);
    void set_due(const Key& key, Carrier& carrier, std::optional<base::TimePoint> due);
    void end(Carriers::iterator it, DeliveryEffects& out);
    void abandon(const Key& key);
    void violate(Carriers::iterator it, std::string_view rule, DeliveryEffects& out);

    quic::Endpoint& endpoint_;
    telemetry::Ledger& ledger_;
    Source source_;
    Carriers carriers_;
    std::map<quic::ConnectionRef, Line> lines_;
    std::map<delivery::MessageSequence, Key> ours_;
    std::map<std::pair<base::EndpointId, delivery::MessageSequence>, Key> asked_;  // By peers.
    std::set<std::pair<base::TimePoint, Key>> due_;
    PayloadCounters counters_;
};

}  // namespace grapevine::stack
