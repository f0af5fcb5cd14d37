#pragma once

// One gossip topic: a HyParView and a Plumtree joined. Neighbours that come and go in the first become and end links of
// the second; everything else passes outward in the order in which it arose.
//
// A broadcast message from a peer that is no neighbour is still used (its content is as good as any), and the peer is
// told, at most once in a while, that it is mistaken; so asymmetric views heal.

#include <optional>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "broadcast/plumtree.hpp"
#include "membership/hyparview.hpp"
#include "telemetry/ledger.hpp"
#include "wire/gossip.hpp"

namespace grapevine::node {

struct TopicConfig {
    membership::Config membership;
    broadcast::Config broadcast;
};

struct SendGossip {
    base::EndpointId to;
    wire::TopicMessage message;
    friend bool operator==(const SendGossip&, const SendGossip&) = default;
};
using TopicEffect = std::variant<SendGossip, membership::DisconnectPeer, membership::NeighborUp,
                                 membership::NeighborDown, membership::PeerDataLearned, membership::Isolated,
                                 membership::Rejoined, broadcast::Deliver, broadcast::LinkStateChanged>;
using TopicEffects = std::vector<TopicEffect>;

class Topic {
public:
    Topic(const base::EndpointId& self, const TopicConfig& config, base::Rng& rng, telemetry::Ledger& ledger);

    void set_own_data(wire::PeerData data) { membership_.set_own_data(std::move(data)); }
    void join(const std::vector<base::EndpointId>& peers, base::TimePoint now, TopicEffects& out);
    // See broadcast::Plumtree::broadcast.
    base::Result<broadcast::Receipt> broadcast(base::Bytes content, wire::ScopeKind scope, base::TimePoint now,
                                               TopicEffects& out);
    void on_message(const base::EndpointId& from, wire::TopicMessage message, base::TimePoint now, TopicEffects& out);
    void on_peer_disconnected(const base::EndpointId& peer, base::TimePoint now, TopicEffects& out);
    void quit(base::TimePoint now, TopicEffects& out);

    void on_deadline(base::TimePoint now, TopicEffects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    // True while this topic has a use for a connection to the peer.
    [[nodiscard]] bool wants(const base::EndpointId& peer) const { return membership_.wants(peer); }
    [[nodiscard]] const membership::HyParView& membership() const { return membership_; }
    [[nodiscard]] const broadcast::Plumtree& broadcast() const { return broadcast_; }
    void reset_quality() { broadcast_.reset_quality(); }

private:
    void route_membership(base::TimePoint now, TopicEffects& out);
    void route_broadcast(TopicEffects& out);

    membership::HyParView membership_;
    broadcast::Plumtree broadcast_;
    telemetry::Life life_;
    // Reused between calls, so that a message costs no allocation here.
    membership::Effects membership_effects_;
    broadcast::Effects broadcast_effects_;
};

}  // namespace grapevine::node
