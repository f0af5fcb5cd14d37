#include "paths/remembered.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace grapevine::paths {

RememberedPeers::RememberedPeers(const RememberedConfig& config, base::Rng& rng, telemetry::Ledger& ledger)
    : config_(config), rng_(rng), ledger_(ledger) {}

void RememberedPeers::remember(const wire::EndpointAddr& peer, base::TimePoint now) {
    if (peer.addrs.empty() || config_.peers_max == 0) return;
    newest_at_ = now;
    due_ = peers_.empty() ? next_try(now) : std::min(due_, next_try(now));
    if (const auto known = peers_.find(peer.id); known != peers_.end()) {
        known->second.addr = peer;
        known->second.since = now;
        return;
    }
    if (peers_.size() >= config_.peers_max) displace_oldest();
    peers_.emplace(peer.id, Peer{peer, now, telemetry::Life(ledger_, telemetry::Kind::remembered_peer)});
}

void RememberedPeers::forget(const base::EndpointId& id) {
    peers_.erase(id);
}

void RememberedPeers::set_connectivity(Connectivity connectivity, base::TimePoint now) {
    if (connectivity_ == connectivity) return;
    connectivity_ = connectivity;
    due_ = connectivity == Connectivity::isolated ? std::min(due_, next_try(now)) : next_try(now);
}

void RememberedPeers::on_deadline(base::TimePoint now, std::vector<TryRemembered>& out) {
    if (peers_.empty() || now < due_) return;
    expire(now);
    due_ = next_try(now);
    if (peers_.empty()) return;
    const auto offset = static_cast<std::ptrdiff_t>(rng_.index(peers_.size()));
    ++counters_.tried;
    out.push_back(TryRemembered{std::next(peers_.begin(), offset)->second.addr});
}

std::optional<base::TimePoint> RememberedPeers::next_deadline() const {
    if (peers_.empty()) return std::nullopt;
    return due_;
}

void RememberedPeers::expire(base::TimePoint now) {
    counters_.expired +=
        std::erase_if(peers_, [&](const auto& item) { return now - item.second.since >= config_.age_max; });
}

void RememberedPeers::displace_oldest() {
    const auto oldest = std::min_element(peers_.begin(), peers_.end(),
                                         [](const auto& a, const auto& b) { return a.second.since < b.second.since; });
    peers_.erase(oldest);
    ++counters_.displaced;
}

base::TimePoint RememberedPeers::next_try(base::TimePoint now) {
    base::Duration period = config_.period_isolated;
    if (connectivity_ == Connectivity::connected) {
        const auto grown = std::chrono::duration<double>(now - newest_at_) * config_.period_growth;
        period = std::clamp(std::chrono::duration_cast<base::Duration>(grown), config_.period_isolated, config_.period);
    }
    return now + rng_.jitter(period, config_.jitter);
}

}  // namespace grapevine::paths
