#include "admission/rate_limits.hpp"

#include <algorithm>

namespace grapevine::admission {

std::string_view name(FrameClass frames) {
    static constexpr std::array<std::string_view, kFrameClasses> kNames{
        "hello", "probe", "exchange", "statement", "revocations", "question", "delivery", "stream", "watch"};
    return frames < FrameClass::count_ ? kNames[static_cast<std::size_t>(frames)] : "unknown";
}

base::Admitted RateLimits::take(const base::EndpointId& peer, FrameClass frames, base::TimePoint now) {
    const auto index = static_cast<std::size_t>(frames);
    Buckets* own = buckets_of(peer, now);
    Buckets& buckets = own != nullptr ? *own : crowd_;
    if (buckets[index].take(config_.limits[index], now)) {
        ++counters_.allowed[index];
        return base::Admitted::yes;
    }
    ++counters_.refused[index];
    if (own == nullptr) ++counters_.crowded[index];
    return base::Admitted::no;
}

RateLimits::Buckets* RateLimits::buckets_of(const base::EndpointId& peer, base::TimePoint now) {
    if (const auto found = peers_.find(peer); found != peers_.end()) {
        by_use_.splice(by_use_.end(), by_use_, found->second.order);
        return &found->second.buckets;
    }
    if (peers_.size() >= config_.peers_max && !make_room(now)) return nullptr;
    const auto order = by_use_.insert(by_use_.end(), peer);
    return &peers_.emplace(peer, Peer{{}, order}).first->second.buckets;
}

bool RateLimits::make_room(base::TimePoint now) {
    if (by_use_.empty()) return false;
    const auto idle = peers_.find(by_use_.front());
    const Buckets& buckets = idle->second.buckets;
    const auto full = [&](const base::TokenBucket& bucket) { return bucket.full(now); };
    if (!std::all_of(buckets.begin(), buckets.end(), full)) return false;
    peers_.erase(idle);
    by_use_.pop_front();
    ++counters_.displaced;
    return true;
}

}  // namespace grapevine::admission
