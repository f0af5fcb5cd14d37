#pragma once

// A flood limit in one time point: the generic cell rate algorithm (ITU-T I.371), which equals a token bucket.

#include <algorithm>
#include <chrono>

#include "base/time.hpp"
#include "directory/types.hpp"

namespace grapevine::directory {

class TokenBucket {
public:
    // True when nothing may be taken at `now`. A rate of zero never allows anything.
    [[nodiscard]] bool empty(const RateLimit& limit, base::TimePoint now) const {
        if (limit.per_second == 0 || limit.burst == 0) return true;
        const base::Duration interval = interval_of(limit);
        return std::max(full_at_, now) - now > interval * (limit.burst - 1);
    }
    bool take(const RateLimit& limit, base::TimePoint now) {
        if (empty(limit, now)) return false;
        full_at_ = std::max(full_at_, now) + interval_of(limit);
        return true;
    }

private:
    static base::Duration interval_of(const RateLimit& limit) {
        return base::Duration(std::chrono::seconds(1)) / limit.per_second;
    }
    base::TimePoint full_at_;  // When the bucket will be full again.
};

}  // namespace grapevine::directory
