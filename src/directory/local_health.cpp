#include "directory/local_health.hpp"

#include <algorithm>

namespace grapevine::directory {

bool LocalHealth::silent(const base::EndpointId& peer, wire::AccusationReason reason, wire::Sequence sequence,
                         base::TimePoint now) {
    const bool known = std::any_of(held_.begin(), held_.end(), [&](const auto& held) { return held.accused == peer; });
    if (known) return true;
    if (held_.size() >= kHeldAccusationsMax) return false;
    held_.push_back(HeldAccusation{peer, reason, sequence, now, now, false});
    if (recent_.size() < kHeldAccusationsMax) recent_.push_back(Silence{peer, now});
    return true;
}

void LocalHealth::heard(const base::EndpointId& peer, base::TimePoint at) {
    std::erase_if(held_, [&](const auto& held) { return held.accused == peer && at > held.since; });
    std::erase_if(recent_, [&](const auto& silence) { return silence.peer == peer && at > silence.at; });
    for (HeldAccusation& held : held_) {
        if (held.doubted && held.accused != peer && at > held.since) held.decide_at = std::min(held.decide_at, at);
    }
}

void LocalHealth::forget(const base::EndpointId& peer) {
    std::erase_if(held_, [&](const auto& held) { return held.accused == peer; });
}

std::vector<HeldAccusation> LocalHealth::decide(std::span<const base::EndpointId> neighbors, base::TimePoint now,
                                                std::uint64_t& newly_doubted) {
    std::erase_if(recent_, [&](const auto& silence) { return now - silence.at > config_.doubt_window; });
    const bool doubtful = majority_silent(neighbors);
    std::vector<HeldAccusation> decided;
    for (HeldAccusation& held : held_) {
        if (held.decide_at > now) continue;
        if (doubtful && !held.doubted && now < held.since + config_.doubt_max) {
            held.doubted = true;
            held.decide_at = held.since + config_.doubt_max;
            ++newly_doubted;
        } else {
            decided.push_back(held);
        }
    }
    std::erase_if(held_, [&](const auto& held) { return held.decide_at <= now; });
    return decided;
}

bool LocalHealth::majority_silent(std::span<const base::EndpointId> neighbors) const {
    if (recent_.size() < 2) return false;
    std::size_t known = recent_.size();
    for (const base::EndpointId& neighbor : neighbors) {
        const bool silent =
            std::any_of(recent_.begin(), recent_.end(), [&](const auto& s) { return s.peer == neighbor; });
        if (!silent) ++known;
    }
    return recent_.size() * 2 > known;
}

bool LocalHealth::in_doubt() const {
    return std::any_of(held_.begin(), held_.end(), [](const auto& held) { return held.doubted; });
}

std::optional<base::TimePoint> LocalHealth::next_deadline() const {
    std::optional<base::TimePoint> next;
    for (const HeldAccusation& held : held_)
        next = base::earliest(next, held.decide_at);
    return next;
}

}  // namespace grapevine::directory
