#pragma once

// A token bucket without a clock: at most `burst` at once, and one more per `interval`.

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace grapevine::quic {

class RateLimit {
public:
    RateLimit(std::uint64_t burst, base::Duration interval) : burst_(burst), interval_(interval), tokens_(burst) {}

    [[nodiscard]] bool take(base::TimePoint now) {
        const auto earned = static_cast<std::uint64_t>(std::max<base::Duration::rep>(0, (now - since_) / interval_));
        if (earned > 0) {
            tokens_ = std::min(burst_, tokens_ + std::min(earned, burst_));
            since_ = now;
        }
        if (tokens_ == 0) {
            return false;
        }
        --tokens_;
        return true;
    }

private:
    std::uint64_t burst_;
    base::Duration interval_;
    std::uint64_t tokens_;
    base::TimePoint since_{};
};

}  // namespace grapevine::quic
