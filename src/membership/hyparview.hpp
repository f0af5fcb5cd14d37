#pragma once

// HyParView (Leitão, Pereira, Rodrigues: "HyParView: a membership protocol for reliable gossip-based broadcast", DSN
// 2007), on the wire of iroh-gossip 0.101 and with its behaviour. A node keeps a small symmetric active view, over
// which it talks, and a larger passive view, from which it replaces lost neighbours.
//
// Sans-IO: inputs take `now` and append effects; one deadline is pulled. Nothing here fails: a peer's fault costs a
// counter.
//
// Followed from iroh, though the paper says otherwise:
// - A ForwardJoin that ends here sends Neighbor to the newcomer, who becomes active only with its answer: a newcomer
// that
//   cannot be reached never takes a slot.
// - Neighbor is answered with Neighbor, and Join likewise.
// - A dropped peer first gets a ShuffleReply, so that it does not run out of contacts.
// - A peer that is not active after its message (other than Disconnect) is disconnected.
// Different from iroh, invisible on the wire:
// - Every request ends by answer, refusal, loss of the connection or its timeout. iroh keeps requests that a
// ForwardJoin
//   or Join caused for ever, and they then block re-joining and refilling.
// - A peer that we are just asking to be our neighbour is not disconnected for another message of its own.
// - While below capacity, passive peers are tried again (backing off), so that an isolated node recovers by itself.
// - A high-priority Neighbor from a peer with whom a Disconnect was exchanged within parting_hold counts as low: mostly
// it
//   crossed that Disconnect on the way, and obeying it makes evictions echo through the overlay for ever.
// - A settled neighbour that we evict, or that drops us, is asked back now and then for a while, with low priority, and
//   may take our active view beyond its capacity, up to active_view_max. iroh notices the death of others only after
//   30 s and may have no live link left but ours; it takes us back as soon as it has room. During a mass join nobody
//   is settled, so nothing changes there.
// - The answer to our request is confirmed by one more Neighbor. iroh keeps a mark for each peer that it answered until
//   it hears another Neighbor from it, and asks nobody while neighbours and marks together reach the capacity: two or
//   three dead neighbours then are all that it has.
// - A ShuffleReply makes only a node without neighbours ask at once, since every refusal brings one.
// - A node that has been in the topic for walk_end_after and has room, up to active_view_max, ends the walk of a
//   newcomer: nobody loses a place then. Walks that go on end anywhere, and where dead neighbours are noticed late they
//   fill the view until the last live link is evicted. A mass join at the start of a swarm spreads as in the paper.
// - A walk that cannot go on ends here instead of vanishing; walks are never longer than our own would be; a message
// that
//   names this node as newcomer or origin is refused.
// - All lists, tables and data of peers are bounded; see the limits below and in views.hpp.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "base/bounded.hpp"
#include "base/ids.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "membership/views.hpp"
#include "telemetry/ledger.hpp"
#include "wire/gossip.hpp"

namespace grapevine::membership {

using base::Duration;
using base::TimePoint;
using namespace std::chrono_literals;

// Unanswered Neighbor messages at a time. Full: the request is not sent, and counted.
inline constexpr std::size_t kRequestsMax = 64;
// Peers taken from one Shuffle or ShuffleReply (iroh sends 8), and given in a reply: more is ignored and counted.
inline constexpr std::size_t kShuffleTakenMax = 16;
// Peers with whom a Disconnect was exchanged lately. Full: the oldest is forgotten.
inline constexpr std::size_t kPartedMax = 32;
// Settled neighbours that are to be asked back. Full: the oldest is forgotten.
inline constexpr std::size_t kFormerMax = 16;

struct Config {
    std::size_t active_view_capacity = 5;        // Paper, section 5.1. Below it we look for neighbours.
    std::size_t active_view_max = 7;             // Ours: with former neighbours taken back. At least the capacity.
    std::size_t passive_view_capacity = 30;      // Paper, section 5.1.
    wire::Ttl active_random_walk_length{6};      // Paper, section 5.1 (ARWL).
    wire::Ttl passive_random_walk_length{3};     // Paper, section 5.1 (PRWL).
    wire::Ttl shuffle_random_walk_length{6};     // iroh; the paper names none of its own.
    std::size_t shuffle_active_view_count = 3;   // Paper, section 5.1 (ka).
    std::size_t shuffle_passive_view_count = 4;  // Paper, section 5.1 (kp).
    Duration shuffle_interval = 60s;             // iroh, where it is a guess.
    double shuffle_jitter = 0.1;                 // Ours: nodes started together do not shuffle together.
    Duration neighbor_request_timeout = 500ms;   // iroh, where it is a guess.
    Duration answer_hold = 5s;                   // Ours: one answer to Neighbor a peer in this time; ends ping-pong.
    // Ours: a peer that dropped us and lives is replaced at once only while fewer neighbours than this are left, or
    // while few passive peers are known (a small swarm or a newcomer); else the refill timer does it. During a mass
    // join replacing at once doubles the evictions, and the overlay is whole in any case.
    std::size_t refill_at_once_below = 2;
    std::size_t refill_at_once_passive_below = 10;
    Duration refill_interval_min = 2s;   // Ours: first retry while below capacity,
    Duration refill_interval_max = 60s;  // doubling up to this: a refused dial costs a handshake.
    Duration settled_after = 2s;         // Ours: a neighbour for so long is asked back after an eviction,
    Duration take_back_after = 100ms;    // when it has had about a round trip to find another one,
    Duration take_back_interval = 5s;    // and again, or after it dropped us, in this interval,
    std::size_t take_back_tries = 20;    // so often: longer than iroh takes to notice that its neighbours are dead.
    Duration walk_end_after = 30s;       // Ours: in the topic for so long, a node with room ends newcomers' walks.
    Duration parting_hold = 1s;          // Ours: how long a Disconnect is remembered, a few round trips.
};

enum class DownReason : std::uint8_t {
    connection_closed,  // The connection ended or could not be made.
    disconnected,       // The peer dropped us but lives.
    left,               // The peer said that it quits.
    evicted,            // We dropped it to make room.
    quit,               // We quit.
};

struct SendMembership {
    EndpointId to;
    wire::MembershipMessage message;
    friend bool operator==(const SendMembership&, const SendMembership&) = default;
};
// This topic no longer needs the connection.
struct DisconnectPeer {
    EndpointId peer;
    friend bool operator==(const DisconnectPeer&, const DisconnectPeer&) = default;
};
struct NeighborUp {
    EndpointId peer;
    wire::Priority priority;  // Low: it only fills the view.
    friend bool operator==(const NeighborUp&, const NeighborUp&) = default;
};
struct NeighborDown {
    EndpointId peer;
    DownReason reason;
    friend bool operator==(const NeighborDown&, const NeighborDown&) = default;
};
// What a peer, or somebody about it, says of its addresses; unverified. At most kPeerDataBytesMax, never empty.
struct PeerDataLearned {
    EndpointId peer;
    wire::PeerData data;
    friend bool operator==(const PeerDataLearned&, const PeerDataLearned&) = default;
};
// The last neighbour is gone: whoever knows seeds joins again. Not emitted at the start nor on quit.
struct Isolated {
    friend bool operator==(const Isolated&, const Isolated&) = default;
};
// The first neighbour is there, at the start or after Isolated.
struct Rejoined {
    friend bool operator==(const Rejoined&, const Rejoined&) = default;
};
using Effect =
    std::variant<SendMembership, DisconnectPeer, NeighborUp, NeighborDown, PeerDataLearned, Isolated, Rejoined>;
using Effects = std::vector<Effect>;

inline constexpr std::size_t kMessageKinds = std::variant_size_v<wire::MembershipMessage>;

struct Counters {
    std::array<std::uint64_t, kMessageKinds> received{};  // By wire::MembershipMessage index.
    std::array<std::uint64_t, kMessageKinds> sent{};
    std::uint64_t refused_own_id = 0;         // A message from us, or that names us as newcomer or origin.
    std::uint64_t refused_data_oversize = 0;  // PeerData over kPeerDataBytesMax; the rest of the message is used.
    std::uint64_t refused_list_excess = 0;    // Peers beyond kShuffleTakenMax in one message.
    std::uint64_t refused_requests_full = 0;  // Neighbor messages not sent: kRequestsMax.
    std::uint64_t refused_view_full = 0;      // Low-priority Neighbor without room, as the paper wants.
    std::uint64_t passive_replaced = 0;       // Entries of a full passive view that gave way.
    std::uint64_t request_timeouts = 0;
    std::uint64_t evictions = 0;       // Active peers that gave way.
    std::uint64_t take_backs = 0;      // Requests to former neighbours.
    std::uint64_t strangers_told = 0;  // Peers that took us for a neighbour.
    std::uint64_t isolations = 0;
};

class HyParView {
public:
    HyParView(const EndpointId& self, const Config& config, base::Rng& rng, telemetry::Ledger& ledger);

    // Our own data changed: it rides on every later message. Neighbours learn it with the next Neighbor or Shuffle.
    void set_own_data(wire::PeerData data) { own_data_ = std::move(data); }
    void join(const std::vector<EndpointId>& peers, TimePoint now, Effects& out);
    void on_message(const EndpointId& from, const wire::MembershipMessage& message, TimePoint now, Effects& out);
    // The connection closed or a dial failed.
    void on_peer_disconnected(const EndpointId& peer, TimePoint now, Effects& out);
    // A peer that is not active sent a broadcast: it believes that we are neighbours. It is told otherwise, rarely.
    void on_stray_broadcast(const EndpointId& peer, TimePoint now, Effects& out);
    // Says goodbye to all neighbours and forgets everything but the counters.
    void quit(TimePoint now, Effects& out);

    void on_deadline(TimePoint now, Effects& out);
    [[nodiscard]] std::optional<TimePoint> next_deadline() const;

    [[nodiscard]] const std::vector<EndpointId>& active() const { return views_.active().items(); }
    [[nodiscard]] const std::vector<EndpointId>& passive() const { return views_.passive().items(); }
    [[nodiscard]] bool is_active(const EndpointId& peer) const { return views_.is_active(peer); }
    // True while this topic has a use for a connection to the peer: it is active or asked to be.
    [[nodiscard]] bool wants(const EndpointId& peer) const;
    [[nodiscard]] std::size_t requests() const { return requests_.size(); }
    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    // Why a Neighbor is out. An answer needs none in return: the mark only swallows one that comes anyway.
    enum class RequestKind : std::uint8_t { ask, refill, answer };
    struct Request {
        EndpointId peer;
        TimePoint until;
        RequestKind kind;
    };
    struct Parted {
        EndpointId peer;
        TimePoint until;
    };
    struct Former {
        EndpointId peer;
        TimePoint ask_at;
        std::size_t tries;
    };
    enum class Reply { yes, no };
    enum class Taken { yes, no };
    enum class Parting { alive, quitting };

    void on(const EndpointId& from, const wire::Join& message, TimePoint now, Effects& out);
    void on(const EndpointId& from, const wire::ForwardJoin& message, TimePoint now, Effects& out);
    void on(const EndpointId& from, const wire::Shuffle& message, TimePoint now, Effects& out);
    void on(const EndpointId& from, const wire::ShuffleReply& message, TimePoint now, Effects& out);
    void on(const EndpointId& from, const wire::Neighbor& message, TimePoint now, Effects& out);
    void on(const EndpointId& from, const wire::Disconnect& message, TimePoint now, Effects& out);

    void send(const EndpointId& to, wire::MembershipMessage message, Effects& out);
    void send_neighbor(const EndpointId& to, wire::Priority priority, RequestKind kind, TimePoint now, Effects& out);
    void send_disconnect(const EndpointId& to, Parting parting, TimePoint now, Effects& out);
    void send_shuffle_reply(const EndpointId& to, std::size_t count, Effects& out);
    void shuffle(Effects& out);
    void take_peers(const std::vector<wire::PeerInfo>& peers, Effects& out);
    void learn(const EndpointId& peer, const std::optional<wire::PeerData>& data, Effects& out);
    void count(PassiveAdd added);

    Taken add_active(const EndpointId& peer, const std::optional<wire::PeerData>& data, wire::Priority priority,
                     Reply reply, TimePoint now, Effects& out);
    void evict_random(TimePoint now, Effects& out);
    void remember_former(const EndpointId& peer, Duration ask_after, TimePoint now);
    void take_back(TimePoint now, Effects& out);
    [[nodiscard]] bool is_former(const EndpointId& peer) const;
    void lose_active(const EndpointId& peer, DownReason reason, TimePoint now, Effects& out);
    void report_if_isolated(Effects& out);
    void mark_closing(const EndpointId& peer);
    void mark_parted(const EndpointId& peer, TimePoint now);
    [[nodiscard]] bool parted_lately(const EndpointId& peer, TimePoint now) const;

    void refill(const EndpointId* skip, TimePoint now, Effects& out);
    void update_refill_timer(TimePoint now);
    void expire_requests(TimePoint now, Effects& out);
    void start_shuffle_timer(TimePoint now);
    [[nodiscard]] bool of_standing(TimePoint now) const;
    [[nodiscard]] bool below_capacity() const;
    [[nodiscard]] bool has_request(const EndpointId& peer) const;
    std::optional<RequestKind> take_request(const EndpointId& peer);
    [[nodiscard]] std::optional<EndpointId> next_hop(const EndpointId& a, const EndpointId& b);

    EndpointId self_;
    Config config_;
    base::Rng& rng_;
    Views views_;
    wire::PeerData own_data_;  // Empty until addresses are known, as iroh sends it.
    std::vector<Request> requests_;
    // Peers of an orderly Disconnect whose connection still is to close: that close is no failure of theirs.
    base::IndexedSet<EndpointId> closing_;
    std::vector<Parted> parted_;           // Oldest first.
    std::optional<TimePoint> started_at_;  // With the shuffle timer: the first input of this stay in the topic.
    std::optional<TimePoint> shuffle_at_;
    std::optional<TimePoint> refill_at_;
    std::map<EndpointId, TimePoint> active_since_;  // Of the active peers.
    std::vector<Former> former_;                    // Oldest first; welcome beyond the capacity when they answer.
    Duration refill_backoff_;
    bool connected_ = false;
    Counters counters_;
};

}  // namespace grapevine::membership
