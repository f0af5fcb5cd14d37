#pragma once

// Links of /iroh-gossip/1: one peer, its connections, one unidirectional stream a topic and direction.
//
// Rules
//  1. Dial on demand: the first message to a peer without a connection starts a dial; messages wait in a bounded queue.
//  2. Both sides may dial at once. We send on one connection, the current one, and receive on all. The current one is
//  the
//     newest, as iroh-gossip has it; except that of two made within kSimultaneousDial in opposite directions both sides
//     keep the one dialled by the smaller id, so that two grapevine nodes do not each keep a different one for ever.
//  3. A connection that is no longer current gets FIN on our streams. A superseded one is closed (code 0) once the peer
//  has
//     finished its streams too; the peer may go on using it, since its newest need not be ours. A dropped one is closed
//     then, or after kDrainMax.
//  4. Slow peers: what QUIC does not take waits in a queue of kPendingBytesMax a stream; beyond it whole messages are
//     dropped and counted. One slow peer stalls nobody else.
//  5. A bad frame ends its stream (STOP_SENDING), a bad header ends the connection; both are counted.
//
// Source: iroh-gossip 0.101 src/net.rs and src/net/util.rs, as described in docs/design/0001-contracts.md.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bounded.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "quic/endpoint.hpp"
#include "telemetry/ledger.hpp"
#include "wire/gossip.hpp"

namespace grapevine::stack {

inline constexpr std::size_t kGossipPeersMax = 512;        // Peers with a link or a dial; more are refused and counted.
inline constexpr std::size_t kQueueWhileDialingMax = 256;  // Messages that wait for a connection.
inline constexpr std::size_t kPendingBytesMax = 256 * 1024;  // Bytes that wait for QUIC, per stream.
inline constexpr std::size_t kTopicStreamsMax = 64;          // Receive streams per connection.
inline constexpr base::Duration kSimultaneousDial = std::chrono::seconds(2);
inline constexpr base::Duration kDrainMax = std::chrono::seconds(5);

// Gossip that a peer sent.
struct GossipReceived {
    base::EndpointId from;
    base::TopicId topic;
    wire::TopicMessage message;
};
struct LinkUp {
    base::EndpointId peer;
};
// The last connection to the peer is gone, or a dial failed.
struct LinkLost {
    base::EndpointId peer;
    quic::CloseReason reason;
};
// A dial began.
struct LinkDialled {
    quic::ConnectionRef connection;
    base::EndpointId peer;
};
using LinkEffect = std::variant<GossipReceived, LinkUp, LinkLost, LinkDialled>;
using LinkEffects = std::vector<LinkEffect>;

struct LinkCounters {
    std::uint64_t messages_sent = 0, messages_received = 0, bytes_sent = 0, bytes_received = 0;
    std::uint64_t dropped_queue_full = 0, dropped_pending_full = 0, dropped_no_address = 0, dropped_peer_limit = 0;
    std::uint64_t dropped_oversize = 0;
    std::uint64_t bad_frames = 0, bad_headers = 0, dials = 0, dial_failures = 0, superseded = 0;
};

class GossipLinks {
public:
    using Candidates = std::function<std::vector<base::SocketAddr>(const base::EndpointId&)>;

    GossipLinks(quic::Endpoint& endpoint, telemetry::Ledger& ledger, Candidates candidates);

    void send(const base::EndpointId& peer, const base::TopicId& topic, const wire::TopicMessage& message,
              base::TimePoint now, LinkEffects& out);
    // Ends our stream of one topic to the peer (after a Disconnect).
    void finish_topic(const base::EndpointId& peer, const base::TopicId& topic);
    // No topic needs the peer: finish the streams, then close.
    void drop(const base::EndpointId& peer, base::TimePoint now);
    // The peer is dead: close at once.
    void abandon(const base::EndpointId& peer, base::TimePoint now);

    void on_connected(const quic::Connected& event, base::TimePoint now, LinkEffects& out);
    void on_stream_opened(const quic::StreamOpened& event, base::TimePoint now);
    void on_stream_data(const quic::StreamData& event, base::TimePoint now, LinkEffects& out);
    void on_stream_ended(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now);
    void on_writable(quic::ConnectionRef connection, quic::StreamRef stream);
    void on_streams_available(quic::ConnectionRef connection, base::TimePoint now, LinkEffects& out);
    void on_closed(const quic::Closed& event, base::TimePoint now, LinkEffects& out);
    void on_deadline(base::TimePoint now);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    [[nodiscard]] bool owns(quic::ConnectionRef connection) const { return by_connection_.contains(connection); }
    [[nodiscard]] bool is_linked(const base::EndpointId& peer) const;
    // The connection that we send on.
    [[nodiscard]] std::optional<quic::ConnectionRef> current(const base::EndpointId& peer) const;
    // When anything that authenticated last came from the peer.
    [[nodiscard]] std::optional<base::TimePoint> last_heard(const base::EndpointId& peer) const;
    [[nodiscard]] std::vector<base::EndpointId> peers_at(const base::SocketAddr& remote) const;
    [[nodiscard]] const LinkCounters& counters() const { return counters_; }
    // True while bytes wait to be sent or streams wait to be finished.
    [[nodiscard]] bool is_draining() const;
    // Streams, ours and the peers', and connections to peers for which `wanted` holds: for the ledger's laws.
    [[nodiscard]] std::size_t streams() const;
    [[nodiscard]] std::size_t links_to(const std::function<bool(const base::EndpointId&)>& wanted) const;
    [[nodiscard]] std::size_t peers() const { return peers_.size(); }
    // Messages that wait for a connection or a stream.
    [[nodiscard]] std::size_t queued() const;

private:
    struct Outgoing {  // Our stream for a topic.
        quic::StreamRef stream;
        base::Bytes pending;  // Accepted from the core, not yet taken by QUIC.
        bool fin = false;     // Finish once pending is empty.
        bool fin_sent = false;
    };
    struct Incoming {  // The peer's stream.
        std::optional<base::TopicId> topic;
        wire::FrameReader reader;
    };
    enum class Retirement { none, superseded, dropped };
    struct Link {  // One connection.
        base::EndpointId peer;
        quic::Origin origin = quic::Origin::outgoing;
        base::TimePoint made;
        bool connected = false;
        Retirement retirement = Retirement::none;
        std::map<base::TopicId, Outgoing> outgoing;
        std::map<quic::StreamRef, Incoming> incoming;
        telemetry::Life life;
    };
    struct Queued {
        base::TopicId topic;
        base::Bytes frame;
    };
    struct Peer {
        Peer(telemetry::Ledger& ledger) : queue(kQueueWhileDialingMax), life(ledger, telemetry::Kind::send_queue) {}
        std::vector<quic::ConnectionRef> connections;  // Oldest first, retiring ones included.
        std::optional<quic::ConnectionRef> current;
        base::BoundedQueue<Queued> queue;  // While no connection, or no stream, is at hand.
        telemetry::Life life;
    };

    Peer* find_or_dial(const base::EndpointId& id, base::TimePoint now, LinkEffects& out);
    bool dial(const base::EndpointId& id, Peer& peer, base::TimePoint now, LinkEffects& out);
    bool try_send(Peer& peer, const base::TopicId& topic, const base::Bytes& frame);
    Outgoing* outgoing_for(Peer& peer, const base::TopicId& topic);
    void push(quic::ConnectionRef connection, Outgoing& outgoing);
    void drain_queue(Peer& peer);
    void choose_current(Peer& peer, quic::ConnectionRef fresh, base::TimePoint now);
    void retire(quic::ConnectionRef connection, Retirement retirement, base::TimePoint now);
    void close_if_drained(quic::ConnectionRef connection, base::TimePoint now);
    void take_frames(quic::ConnectionRef connection, quic::StreamRef stream, Link& link, Incoming& incoming,
                     base::TimePoint now, LinkEffects& out);
    bool take_frame(quic::ConnectionRef connection, Link& link, Incoming& incoming, const base::Bytes& body,
                    base::TimePoint now, LinkEffects& out);
    Link* find_link(quic::ConnectionRef connection);
    void erase_link(quic::ConnectionRef connection);
    void forget(const base::EndpointId& peer);

    quic::Endpoint& endpoint_;
    telemetry::Ledger& ledger_;
    Candidates candidates_;
    std::map<quic::ConnectionRef, Link> by_connection_;
    std::map<quic::ConnectionRef, base::TimePoint> close_by_;  // Of those that retire; as a rule none.
    std::map<base::EndpointId, Peer> peers_;
    LinkCounters counters_;
};

}  // namespace grapevine::stack
