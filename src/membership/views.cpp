#include "membership/views.hpp"

#include "base/assert.hpp"

namespace grapevine::membership {

using telemetry::Kind;

Views::Views(const EndpointId& self, std::size_t active_capacity, std::size_t passive_capacity, base::Rng& rng,
             telemetry::Ledger& ledger)
    : self_(self), active_capacity_(active_capacity), passive_capacity_(passive_capacity), rng_(rng), ledger_(ledger) {
    GRAPEVINE_ASSERT(active_capacity > 0 && passive_capacity > 0, "a view needs room for one peer");
}

void Views::add_active(const EndpointId& peer) {
    GRAPEVINE_ASSERT(!active_full() && peer != self_, "the caller makes room and never adds the node itself");
    passive_.erase(peer);
    if (active_.insert(peer)) {
        lives_[peer] = telemetry::Life(ledger_, Kind::active_peer);
    }
}

void Views::remove_active(const EndpointId& peer) {
    if (!active_.erase(peer)) {
        return;
    }
    lives_.erase(peer);
    data_.erase(peer);
}

PassiveAdd Views::demote(const EndpointId& peer) {
    if (active_.erase(peer)) {
        lives_.erase(peer);
    }
    return add_passive(peer);
}

PassiveAdd Views::add_passive(const EndpointId& peer) {
    if (peer == self_ || is_active(peer) || is_passive(peer)) {
        return PassiveAdd::known;
    }
    PassiveAdd result = PassiveAdd::added;
    if (passive_.size() >= passive_capacity_) {
        const EndpointId victim = passive_[rng_.index(passive_.size())];
        remove_passive(victim);
        result = PassiveAdd::replaced;
    }
    passive_.insert(peer);
    lives_[peer] = telemetry::Life(ledger_, Kind::passive_peer);
    return result;
}

void Views::remove_passive(const EndpointId& peer) {
    if (!passive_.erase(peer)) {
        return;
    }
    lives_.erase(peer);
    data_.erase(peer);
}

void Views::clear() {
    active_.clear();
    passive_.clear();
    lives_.clear();
    data_.clear();
}

DataNews Views::learn(const EndpointId& peer, const std::optional<wire::PeerData>& data) {
    if (!data || peer == self_) {
        return DataNews::none;
    }
    if (data->size() > kPeerDataBytesMax) {
        return DataNews::oversize;
    }
    const auto known = data_.find(peer);
    if (known != data_.end() && known->second == *data) {
        return DataNews::none;
    }
    if (is_active(peer) || is_passive(peer)) {
        data_.insert_or_assign(peer, *data);
    }
    return data->empty() ? DataNews::none : DataNews::learned;
}

wire::PeerInfo Views::info(const EndpointId& peer) const {
    const auto known = data_.find(peer);
    if (known == data_.end()) {
        return {peer, std::nullopt};
    }
    return {peer, known->second};
}

}  // namespace grapevine::membership
