#include "node/gossip.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

namespace grapevine::node {

Gossip::Gossip(const base::EndpointId& self, const GossipConfig& config, base::Rng& rng, telemetry::Ledger& ledger)
    : self_(self), config_(config), rng_(rng), ledger_(ledger) {}

void Gossip::set_own_data(const wire::PeerData& data) {
    own_data_ = data;
    for (auto& [id, topic] : topics_) {
        topic.set_own_data(data);
    }
}

base::Status Gossip::subscribe(const base::TopicId& topic, const std::vector<base::EndpointId>& peers,
                               base::TimePoint now, GossipEffects& out) {
    auto it = topics_.find(topic);
    if (it == topics_.end()) {
        if (topics_.size() >= config_.topics_max) {
            ++counters_.topics_refused;
            return base::fail(base::ErrorCode::exhausted, "topic '" + topic.short_hex() + "': already in " +
                                                              std::to_string(config_.topics_max) + " topics");
        }
        it = topics_
                 .emplace(std::piecewise_construct, std::forward_as_tuple(topic),
                          std::forward_as_tuple(self_, config_.topic, rng_, ledger_))
                 .first;
        it->second.set_own_data(own_data_);
    }
    it->second.join(peers, now, effects_);
    forward(topic, out);
    return {};
}

void Gossip::leave(const base::TopicId& topic, base::TimePoint now, GossipEffects& out) {
    const auto it = topics_.find(topic);
    if (it == topics_.end()) {
        return;
    }
    it->second.quit(now, effects_);
    topics_.erase(it);
    forward(topic, out);
}

base::Result<broadcast::Receipt> Gossip::broadcast(const base::TopicId& topic, base::Bytes content,
                                                   wire::ScopeKind scope, base::TimePoint now, GossipEffects& out) {
    const auto it = topics_.find(topic);
    if (it == topics_.end()) {
        return base::fail(base::ErrorCode::not_found, "topic '" + topic.short_hex() + "': not subscribed");
    }
    auto receipt = it->second.broadcast(std::move(content), scope, now, effects_);
    forward(topic, out);
    return receipt;
}

void Gossip::on_message(const base::EndpointId& from, const base::TopicId& topic, wire::TopicMessage message,
                        base::TimePoint now, GossipEffects& out) {
    const auto it = topics_.find(topic);
    if (it == topics_.end()) {
        ++counters_.unknown_topic;
        return;
    }
    it->second.on_message(from, std::move(message), now, effects_);
    forward(topic, out);
}

void Gossip::on_peer_disconnected(const base::EndpointId& peer, base::TimePoint now, GossipEffects& out) {
    for (auto& [id, topic] : topics_) {
        topic.on_peer_disconnected(peer, now, effects_);
        forward(id, out);
    }
}

void Gossip::on_peer_lost(const base::TopicId& topic, const base::EndpointId& peer, base::TimePoint now,
                          GossipEffects& out) {
    const auto it = topics_.find(topic);
    if (it == topics_.end()) {
        return;
    }
    it->second.on_peer_disconnected(peer, now, effects_);
    forward(topic, out);
}

void Gossip::on_deadline(base::TimePoint now, GossipEffects& out) {
    for (auto& [id, topic] : topics_) {
        const auto deadline = topic.next_deadline();
        if (deadline && *deadline <= now) {
            topic.on_deadline(now, effects_);
            forward(id, out);
        }
    }
}

std::optional<base::TimePoint> Gossip::next_deadline() const {
    std::optional<base::TimePoint> deadline;
    for (const auto& [id, topic] : topics_) {
        deadline = base::earliest(deadline, topic.next_deadline());
    }
    return deadline;
}

const Topic* Gossip::find(const base::TopicId& topic) const {
    const auto it = topics_.find(topic);
    return it == topics_.end() ? nullptr : &it->second;
}

std::vector<base::TopicId> Gossip::topics() const {
    std::vector<base::TopicId> ids;
    for (const auto& [id, topic] : topics_) {
        ids.push_back(id);
    }
    return ids;
}

bool Gossip::wants(const base::EndpointId& peer) const {
    return std::any_of(topics_.begin(), topics_.end(), [&](const auto& entry) { return entry.second.wants(peer); });
}

void Gossip::forward(const base::TopicId& topic, GossipEffects& out) {
    for (TopicEffect& effect : effects_) {
        const auto* disconnect = std::get_if<membership::DisconnectPeer>(&effect);
        if (disconnect != nullptr && wants(disconnect->peer)) {
            ++counters_.disconnects_kept;
            continue;
        }
        out.push_back({topic, std::move(effect)});
    }
    effects_.clear();
}

}  // namespace grapevine::node
