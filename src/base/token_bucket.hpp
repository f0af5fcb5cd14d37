#pragma once

// A flood limit in one time point: the generic cell rate algorithm (ITU-T I.371), which equals a token bucket. The
// bucket begins full. It does not keep its limit, so that thousands of buckets share one.

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/time.hpp"

namespace grapevine::base {

// `burst` things at once, then `per_second`. Zero of either never allows anything.
struct RateLimit {
    std::uint32_t per_second = 0;
    std::uint32_t burst = 0;
    friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

class TokenBucket {
public:
    // True when nothing may be taken at `now`.
    [[nodiscard]] bool empty(const RateLimit& limit, TimePoint now) const {
        if (limit.per_second == 0 || limit.burst == 0) return true;
        const Duration interval = interval_of(limit);
        return std::max(full_at_, now) - now > interval * (limit.burst - 1);
    }
    bool take(const RateLimit& limit, TimePoint now) {
        if (empty(limit, now)) return false;
        full_at_ = std::max(full_at_, now) + interval_of(limit);
        return true;
    }
    // True when a fresh bucket would be no different: this one can be forgotten.
    [[nodiscard]] bool full(TimePoint now) const { return full_at_ <= now; }

private:
    static Duration interval_of(const RateLimit& limit) { return Duration(std::chrono::seconds(1)) / limit.per_second; }
    TimePoint full_at_;  // When the bucket will be full again.
};

}  // namespace grapevine::base
