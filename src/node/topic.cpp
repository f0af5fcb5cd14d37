#include "node/topic.hpp"

#include <utility>

namespace grapevine::node {

namespace {

broadcast::NeighborRole role_of(wire::Priority priority) {
    return priority == wire::Priority::high ? broadcast::NeighborRole::essential : broadcast::NeighborRole::spare;
}

}  // namespace

Topic::Topic(const base::EndpointId& self, const TopicConfig& config, base::Rng& rng, telemetry::Ledger& ledger)
    : membership_(self, config.membership, rng, ledger),
      broadcast_(self, config.broadcast, ledger),
      life_(ledger, telemetry::Kind::gossip_topic) {}

void Topic::join(const std::vector<base::EndpointId>& peers, base::TimePoint now, TopicEffects& out) {
    membership_.join(peers, now, membership_effects_);
    route_membership(now, out);
}

base::Result<broadcast::Receipt> Topic::broadcast(base::Bytes content, wire::ScopeKind scope, base::TimePoint now,
                                                  TopicEffects& out) {
    auto receipt = broadcast_.broadcast(std::move(content), scope, now, broadcast_effects_);
    route_broadcast(out);
    return receipt;
}

void Topic::on_message(const base::EndpointId& from, wire::TopicMessage message, base::TimePoint now,
                       TopicEffects& out) {
    if (const auto* membership = std::get_if<wire::MembershipMessage>(&message)) {
        membership_.on_message(from, *membership, now, membership_effects_);
        route_membership(now, out);
        return;
    }
    broadcast_.on_message(from, std::get<wire::BroadcastMessage>(std::move(message)), now, broadcast_effects_);
    route_broadcast(out);
    if (!membership_.is_active(from)) {
        membership_.on_stray_broadcast(from, now, membership_effects_);
        route_membership(now, out);
    }
}

void Topic::on_peer_disconnected(const base::EndpointId& peer, base::TimePoint now, TopicEffects& out) {
    membership_.on_peer_disconnected(peer, now, membership_effects_);
    route_membership(now, out);
}

void Topic::quit(base::TimePoint now, TopicEffects& out) {
    membership_.quit(now, membership_effects_);
    route_membership(now, out);
}

void Topic::on_deadline(base::TimePoint now, TopicEffects& out) {
    membership_.on_deadline(now, membership_effects_);
    route_membership(now, out);
    broadcast_.on_deadline(now, broadcast_effects_);
    route_broadcast(out);
}

std::optional<base::TimePoint> Topic::next_deadline() const {
    return base::earliest(membership_.next_deadline(), broadcast_.next_deadline());
}

void Topic::route_membership(base::TimePoint now, TopicEffects& out) {
    for (membership::Effect& effect : membership_effects_) {
        if (auto* send = std::get_if<membership::SendMembership>(&effect)) {
            out.emplace_back(SendGossip{send->to, std::move(send->message)});
            continue;
        }
        if (const auto* up = std::get_if<membership::NeighborUp>(&effect)) {
            broadcast_.on_neighbor_up(up->peer, role_of(up->priority), now, broadcast_effects_);
        } else if (const auto* down = std::get_if<membership::NeighborDown>(&effect)) {
            broadcast_.on_neighbor_down(down->peer);
        }
        std::visit(
            [&out](auto& e) {
                if constexpr (!std::is_same_v<std::decay_t<decltype(e)>, membership::SendMembership>) {
                    out.emplace_back(std::move(e));
                }
            },
            effect);
        route_broadcast(out);
    }
    membership_effects_.clear();
}

void Topic::route_broadcast(TopicEffects& out) {
    for (broadcast::Effect& effect : broadcast_effects_) {
        if (auto* send = std::get_if<broadcast::SendBroadcast>(&effect)) {
            out.emplace_back(SendGossip{send->to, std::move(send->message)});
        } else if (auto* deliver = std::get_if<broadcast::Deliver>(&effect)) {
            out.emplace_back(std::move(*deliver));
        } else {
            out.emplace_back(std::get<broadcast::LinkStateChanged>(effect));
        }
    }
    broadcast_effects_.clear();
}

}  // namespace grapevine::node
