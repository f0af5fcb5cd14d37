#pragma once

// Plumtree (Leitão, Pereira, Rodrigues: "Epidemic broadcast trees", SRDS 2007), on the wire of iroh-gossip 0.101 and
// with its behaviour. Messages travel whole over eager links, which come to form a tree, and by announcement over lazy
// links, which repair it.
//
// Sans-IO: inputs take `now` and append effects; one deadline is pulled and none is left when nothing is remembered.
//
// A message's id is the BLAKE3 of its content: two equal contents within the id retention are one message.
//
// Rules (section 3 of the paper unless said otherwise):
// - A new neighbour is eager. A duplicate makes its sender lazy and is answered by Prune; Prune makes its sender lazy.
// - An announced message that does not come within graft_timeout_1 is asked for by Graft, announcer after announcer,
//   graft_timeout_2 apart; asking and being asked makes the link eager.
// - Optimisation: if a message came over at least optimization_threshold hops more than somebody announced, the
//   announcer becomes eager and the sender lazy.
// - Scope `neighbors` goes to eager links only and is neither remembered nor forwarded (iroh).
// Different from iroh, invisible on the wire:
// - Only neighbours have a link. A late Prune or Graft of a former neighbour creates none, and its announcements are
//   ignored; a Graft is still answered with the message.
// - A spare neighbour of a node that is in a working tree (it has eager links and had messages lately), or that has
//   eager_enough eager links, starts lazy: messages reach it already, and an eager start would cost duplicates until
//   both ends prune.
// - A message that comes less than optimization_quiet after another one changes no link by optimisation. Its hops tell
//   of its own author; with many authors at once each would bend the one tree its way, and the hops of all would grow.
// - A message goes neither whole nor announced to a peer that announced it with no more hops than our copy made: it
//   has it and is as near to the author. To one that is further away it goes as ever, so that the Prune settles the
//   link.
// - A new neighbour is told of the messages of the last catch_up_age, as a lazy peer is. So a node that was cut off for
//   a moment gets what it lacks, whoever takes it in, and a newcomer the latest few; who has them asks for nothing.
// - An id that does not match its content is dropped and counted, its sender's link unchanged.
// - Hop counts saturate. What would not fit a frame after the count grew is not forwarded, and counted.
// - All tables are bounded; see the limits here, in message_store.hpp and in missing_messages.hpp.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "broadcast/message_store.hpp"
#include "broadcast/missing_messages.hpp"
#include "telemetry/ledger.hpp"
#include "wire/gossip.hpp"

namespace grapevine::broadcast {

using base::EndpointId;
using namespace std::chrono_literals;

// Announcements waiting for one lazy peer. Full: the oldest goes, and is counted.
inline constexpr std::size_t kLazyQueueMax = 1024;
// Messages that a new neighbour is told of, the latest ones; as many as fill one IHave.
inline constexpr std::size_t kCatchUpMax = 116;

struct Config {
    // iroh has 80 ms and 40 ms. With links of 10 to 50 ms both are so short that they ask for what is on its way:
    // measured over its own scenarios, these halve the redundancy from changing senders at the same delivery hops.
    Duration graft_timeout_1 = 120ms;
    Duration graft_timeout_2 = 110ms;  // Paper: smaller than the first, about a round trip.
    Duration dispatch_timeout = 5ms;   // iroh: announcements are batched for this long.
    // Paper, section 4.1, and iroh have 7. With optimization_quiet against flapping, 2 measured to give the fewest
    // hops.
    wire::Round optimization_threshold{2};
    Duration optimization_quiet = 100ms;  // Ours: about a round trip, in which a change of the tree takes effect.
    std::size_t eager_enough = 4;         // Ours: of at most 6 links; fewer saves duplicates but costs hops.
    Duration catch_up_age = 5s;           // Ours: a new neighbour is told of messages up to this old.
    Duration message_retention = 30s;     // iroh.
    Duration id_retention = 90s;          // iroh.
    std::size_t message_bytes_max = wire::kGossipMessageMax;  // A body sent is smaller than this (iroh's rule).
    std::size_t lazy_queue_max = kLazyQueueMax;
    StoreLimits store;
    MissingLimits missing;
};

enum class LinkState : std::uint8_t { eager, lazy };

// A spare neighbour only fills the active view.
enum class NeighborRole : std::uint8_t { essential, spare };

struct SendBroadcast {
    EndpointId to;
    wire::BroadcastMessage message;
    friend bool operator==(const SendBroadcast&, const SendBroadcast&) = default;
};
// A message for the application, once. `from` is the previous hop, not the author.
struct Deliver {
    base::Bytes content;
    MessageId id;
    EndpointId from;
    wire::Scope scope;  // As received: a swarm message of round 0 comes straight from its author.
    friend bool operator==(const Deliver&, const Deliver&) = default;
};
struct LinkStateChanged {
    EndpointId peer;
    LinkState state;
    friend bool operator==(const LinkStateChanged&, const LinkStateChanged&) = default;
};
using Effect = std::variant<SendBroadcast, Deliver, LinkStateChanged>;
using Effects = std::vector<Effect>;

// The measures of the papers, seen from this node.
// - Relative message redundancy over a swarm of n nodes is m / (n - 1) - 1, m being the payload messages that were
//   received in all. One node's share of it is duplicates() / deliveries().
// - Last delivery hop is the round of the last copy to arrive in the swarm. A node knows the round of its own first
// copy;
//   the largest over all nodes is the swarm's.
struct Quality {
    std::uint64_t payload_received = 0;  // Gossip messages of either scope, duplicates and spoofed ones included.
    std::uint64_t duplicates = 0;
    std::uint64_t deliveries = 0;           // Swarm messages delivered.
    std::uint64_t neighbor_deliveries = 0;  // Messages of scope `neighbors` delivered.
    std::uint64_t control_received = 0;     // Prune, Graft and IHave.
    std::uint64_t control_sent = 0;
    std::uint16_t delivery_hop = 0;      // Round of the latest delivery.
    std::uint16_t delivery_hop_max = 0;  // iroh's max_last_delivery_hop.
    double delivery_hop_moving = 0.0;    // Exponential moving average of the hop, weight 1/16.

    // 0 before the first delivery.
    [[nodiscard]] double redundancy() const {
        return deliveries == 0 ? 0.0 : static_cast<double>(duplicates) / static_cast<double>(deliveries);
    }
};

struct Counters {
    std::uint64_t payload_sent = 0;
    std::uint64_t prunes_received = 0;
    std::uint64_t grafts_received = 0;
    std::uint64_t announcements_received = 0;  // Ids in IHave messages.
    std::uint64_t prunes_sent = 0;
    std::uint64_t grafts_sent = 0;
    std::uint64_t announcements_sent = 0;
    std::uint64_t grafts_unanswered = 0;  // A graft named what is no longer cached.
    std::uint64_t optimizations = 0;
    std::uint64_t spoofed = 0;    // The id is not the hash of the content.
    std::uint64_t strangers = 0;  // Messages from peers that are no neighbours.
    std::uint64_t oversize_forwards = 0;
    std::uint64_t announcements_refused = 0;  // The missing history is full, for all or for this peer.
    std::uint64_t lazy_queue_dropped = 0;
    std::uint64_t broadcasts_refused = 0;   // Own messages over the size limit.
    std::uint64_t broadcasts_repeated = 0;  // Own messages that the swarm had already.
};

// `duplicate`: the same content was sent or received within the id retention; nothing was sent again.
enum class Novelty : std::uint8_t { fresh, duplicate };
struct Receipt {
    MessageId id;
    Novelty novelty;
    friend bool operator==(const Receipt&, const Receipt&) = default;
};

class Plumtree {
public:
    Plumtree(const EndpointId& self, const Config& config, telemetry::Ledger& ledger);

    // Refused with ErrorCode::invalid when the content is larger than content_max().
    base::Result<Receipt> broadcast(base::Bytes content, wire::ScopeKind scope, TimePoint now, Effects& out);
    void on_message(const EndpointId& from, wire::BroadcastMessage message, TimePoint now, Effects& out);
    void on_neighbor_up(const EndpointId& peer, NeighborRole role, TimePoint now, Effects& out);
    void on_neighbor_down(const EndpointId& peer);

    void on_deadline(TimePoint now, Effects& out);
    [[nodiscard]] std::optional<TimePoint> next_deadline() const;

    // Largest content whose frame a sender may send, round 0.
    [[nodiscard]] std::size_t content_max() const;
    [[nodiscard]] bool is_neighbor(const EndpointId& peer) const;
    // Absent for a peer that is no neighbour.
    [[nodiscard]] std::optional<LinkState> link(const EndpointId& peer) const;
    [[nodiscard]] std::vector<EndpointId> peers(LinkState state) const;
    [[nodiscard]] const Quality& quality() const { return quality_; }
    void reset_quality() { quality_ = {}; }
    [[nodiscard]] const Counters& counters() const { return counters_; }
    [[nodiscard]] const MessageStore& store() const { return store_; }
    [[nodiscard]] const MissingMessages& missing() const { return missing_; }

private:
    struct Link {
        EndpointId peer;
        LinkState state = LinkState::eager;
        std::vector<wire::Announcement> queue;  // Waits for dispatch_at_.
    };

    void on(const EndpointId& from, wire::Gossip&& message, TimePoint now, Effects& out);
    void on(const EndpointId& from, wire::Prune&& message, TimePoint now, Effects& out);
    void on(const EndpointId& from, wire::Graft&& message, TimePoint now, Effects& out);
    void on(const EndpointId& from, wire::IHave&& message, TimePoint now, Effects& out);

    void on_duplicate(const EndpointId& from, Effects& out);
    void accept(const EndpointId& from, wire::Gossip message, TimePoint now, Effects& out);
    [[nodiscard]] bool quiet_before(TimePoint now) const;
    [[nodiscard]] bool has_enough_eager() const;
    void optimize(const EndpointId& sender, wire::Round round, const MissingMessages::Taken& taken, Effects& out);
    void push(const wire::Gossip& message, const std::vector<EndpointId>& holders, TimePoint now, Effects& out);
    void announce(Link& link, const wire::Announcement& announcement, TimePoint now);
    void dispatch(Effects& out);
    void deliver(const EndpointId& from, const wire::Gossip& message, wire::Scope scope, Effects& out);
    void send(const EndpointId& to, wire::BroadcastMessage message, Effects& out);
    void set_link(const EndpointId& peer, LinkState state, Effects& out);
    [[nodiscard]] Link* find(const EndpointId& peer);
    [[nodiscard]] const Link* find(const EndpointId& peer) const;

    EndpointId self_;
    Config config_;
    std::vector<Link> links_;  // In order of arrival; as many as the active view holds.
    MessageStore store_;
    MissingMessages missing_;
    std::optional<TimePoint> dispatch_at_;
    std::optional<TimePoint> accepted_at_;  // The latest first copy of a swarm message.
    Quality quality_;
    Counters counters_;
};

}  // namespace grapevine::broadcast
