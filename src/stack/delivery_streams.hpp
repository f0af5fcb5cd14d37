#pragma once

// Carries the frames of delivery (wire/delivery.hpp) on sessions of the mesh service.
//
// Rules
//  1. To each peer that the outbox needs, one stream of a session that we dialled: it begins with the first Deliver,
//  and
//     outcomes and windows come back on it. Until the first window comes the peer takes kFirstWindow.
//  2. What a peer sends comes on a stream that it opened. One a peer counts: the newest. An outcome for a peer without
//  a
//     stream is dropped: the sender asks again (delivery/inbox.hpp, rule 8).
//  3. A frame that has no place on its side of a stream, or breaks a rule of the wire, ends the session.
//  4. Whoever delivers, or opens a stream (byte_streams.hpp), is a sender to the inbox until that delivery stream ends,
//  or
//     the session: one a peer, the newest.
//  5. Bytes that a stream does not take wait here. To a peer these are at most what its window lets the outbox write.
//     Of answers, which a peer can have repeated as often as it likes, at most kAnswerBytesMax wait for one peer and
//     kAnswersBytesMax for all; who does not read that much loses its session.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "delivery/types.hpp"
#include "quic/endpoint.hpp"
#include "stack/delivery_effects.hpp"
#include "wire/delivery.hpp"

namespace grapevine::stack {

inline constexpr wire::Window kFirstWindow{8, 64U * 1024U};  // delivery::InboxConfig grants no less.
inline constexpr std::size_t kAnswerBytesMax = 4U * 1024U * 1024U;
inline constexpr std::size_t kAnswersBytesMax = 64U * 1024U * 1024U;

struct DeliveryCounters {
    std::uint64_t frames_sent = 0, frames_received = 0, bytes_sent = 0, bytes_received = 0;
    std::uint64_t dropped_no_stream = 0, violations = 0;
};

class DeliveryStreams {
public:
    explicit DeliveryStreams(quic::Endpoint& endpoint) : endpoint_(endpoint) {}

    // Our side. The session that we dialled is greeted.
    void on_session_up(const base::EndpointId& peer, quic::ConnectionRef connection);
    [[nodiscard]] std::optional<quic::ConnectionRef> session_to(const base::EndpointId& peer) const;
    // Nothing where the peer has no session: it is lost, and the outbox hears of that.
    void send(const base::EndpointId& peer, const wire::Deliver& frame, DeliveryEffects& out);

    // The peer's side: a stream whose first byte is the tag of a delivery frame; its data follows by on_stream_data.
    void adopt(const base::EndpointId& peer, delivery::Incarnation incarnation, quic::ConnectionRef connection,
               quic::StreamRef stream, DeliveryEffects& out);
    // The peer opened a stream by name on this session.
    void note_sender(const base::EndpointId& peer, delivery::Incarnation incarnation, quic::ConnectionRef connection,
                     DeliveryEffects& out);
    void say(const base::EndpointId& peer, const wire::Outcome& outcome, DeliveryEffects& out);
    void say(const base::EndpointId& peer, const wire::Window& window, DeliveryEffects& out);

    void on_stream_data(const quic::StreamData& event, DeliveryEffects& out);
    void on_writable(quic::ConnectionRef connection, quic::StreamRef stream);
    // What was sent to the peer went onto a stream of its own.
    void mark_writable(const base::EndpointId& peer) { writable_.insert(peer); }
    // Peers to whom everything that was sent since the last call is on its way.
    [[nodiscard]] std::vector<base::EndpointId> take_writable();
    void on_stream_ended(quic::ConnectionRef connection, quic::StreamRef stream, DeliveryEffects& out);
    void on_session_end(quic::ConnectionRef connection, DeliveryEffects& out);

    [[nodiscard]] bool owns(quic::ConnectionRef connection, quic::StreamRef stream) const {
        return streams_.contains({connection, stream});
    }
    [[nodiscard]] bool is_theirs(quic::ConnectionRef connection, quic::StreamRef stream) const;
    [[nodiscard]] std::size_t streams() const { return streams_.size(); }
    [[nodiscard]] const DeliveryCounters& counters() const { return counters_; }

private:
    enum class Side : std::uint8_t { ours, theirs };
    using Key = std::pair<quic::ConnectionRef, quic::StreamRef>;
    struct Carrier {
        base::EndpointId peer;
        Side side = Side::ours;
        delivery::Incarnation incarnation;  // Of a peer that delivers.
        wire::DeliveryFrameReader reader;
        base::Bytes pending;
    };

    Carrier* current(const std::map<base::EndpointId, Key>& keys, const base::EndpointId& peer, Key& key);
    void write(const Key& key, Carrier& carrier, const wire::DeliveryFrame& frame);
    void push(const Key& key, Carrier& carrier);
    void let_go(Carrier& carrier);
    void answer(const base::EndpointId& peer, const wire::DeliveryFrame& frame, DeliveryEffects& out);
    void take_frames(const Key& key, DeliveryEffects& out);
    [[nodiscard]] static bool has_place(Side side, const wire::DeliveryFrame& frame);
    void violate(const Key& key, std::string_view rule, DeliveryEffects& out);
    void drop(const Key& key, DeliveryEffects& out);
    void end_sender(base::EndpointId peer, quic::ConnectionRef connection, DeliveryEffects& out);

    quic::Endpoint& endpoint_;
    std::map<base::EndpointId, quic::ConnectionRef> sessions_;  // That we dialled.
    std::map<base::EndpointId, Key> ours_;
    std::map<base::EndpointId, Key> theirs_;
    std::map<base::EndpointId, std::pair<quic::ConnectionRef, delivery::Incarnation>> senders_;  // Rule 4.
    std::map<Key, Carrier> streams_;
    std::set<base::EndpointId> writable_;
    std::size_t answers_bytes_ = 0;  // Waiting, on all streams of peers.
    DeliveryCounters counters_;
};

}  // namespace grapevine::stack
