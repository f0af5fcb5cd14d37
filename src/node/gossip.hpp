#pragma once

// All gossip topics of a node over one set of peers. Routes inputs by topic, merges deadlines, and lets go of a peer
// only when no topic has a use for it any more (iroh-gossip 0.101 lets go when any one has none, and dials again when
// needed).
//
// A topic exists from subscribe() until leave(); messages for others are ignored without a reply and counted. Topics
// are bounded by GossipConfig::topics_max; they are only ever made by this node's own application.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "node/topic.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::node {

inline constexpr std::size_t kTopicsMax = 64;

struct GossipConfig {
    TopicConfig topic;
    std::size_t topics_max = kTopicsMax;
};

// What a topic wants done or says. Of DisconnectPeer and PeerDataLearned the topic is only where it arose: they hold
// for the peer as a whole.
struct GossipEffect {
    base::TopicId topic;
    TopicEffect effect;
    friend bool operator==(const GossipEffect&, const GossipEffect&) = default;
};
using GossipEffects = std::vector<GossipEffect>;

struct GossipCounters {
    std::uint64_t unknown_topic = 0;     // Messages for topics that this node is not in.
    std::uint64_t topics_refused = 0;    // Subscriptions beyond the limit.
    std::uint64_t disconnects_kept = 0;  // Peers that one topic let go and another one still wanted.
};

class Gossip {
public:
    Gossip(const base::EndpointId& self, const GossipConfig& config, base::Rng& rng, telemetry::Ledger& ledger);

    // Our AddrInfo, as it rides on membership messages of every topic, present and future.
    void set_own_data(const wire::PeerData& data);
    // Enters the topic if need be and sends Join to the peers, which must be dialable. Also to join again after
    // Isolated. ErrorCode::exhausted beyond the limit of topics.
    base::Status subscribe(const base::TopicId& topic, const std::vector<base::EndpointId>& peers, base::TimePoint now,
                           GossipEffects& out);
    // Says goodbye and forgets the topic; no effect when not in it.
    void leave(const base::TopicId& topic, base::TimePoint now, GossipEffects& out);
    // ErrorCode::not_found when not in the topic; otherwise as broadcast::Plumtree::broadcast.
    base::Result<broadcast::Receipt> broadcast(const base::TopicId& topic, base::Bytes content, wire::ScopeKind scope,
                                               base::TimePoint now, GossipEffects& out);

    void on_message(const base::EndpointId& from, const base::TopicId& topic, wire::TopicMessage message,
                    base::TimePoint now, GossipEffects& out);
    // The last connection to the peer is gone, or dialling it failed.
    void on_peer_disconnected(const base::EndpointId& peer, base::TimePoint now, GossipEffects& out);
    // The same for one topic alone: it must not, or cannot, be spoken with the peer.
    void on_peer_lost(const base::TopicId& topic, const base::EndpointId& peer, base::TimePoint now,
                      GossipEffects& out);
    void on_deadline(base::TimePoint now, GossipEffects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    // Null when not in the topic.
    [[nodiscard]] const Topic* find(const base::TopicId& topic) const;
    [[nodiscard]] std::vector<base::TopicId> topics() const;
    // True while any topic has a use for a connection to the peer.
    [[nodiscard]] bool wants(const base::EndpointId& peer) const;
    [[nodiscard]] const GossipCounters& counters() const { return counters_; }

private:
    void forward(const base::TopicId& topic, GossipEffects& out);

    base::EndpointId self_;
    GossipConfig config_;
    base::Rng& rng_;
    telemetry::Ledger& ledger_;
    wire::PeerData own_data_;
    std::map<base::TopicId, Topic> topics_;
    TopicEffects effects_;  // Reused between calls.
    GossipCounters counters_;
};

}  // namespace grapevine::node
