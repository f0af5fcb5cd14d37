#pragma once

// Time as a value. Nothing below io/ reads a clock: every input method takes `now`.

#include <chrono>
#include <cstdint>
#include <optional>

namespace grapevine::base {

// A clock without now(): the tag of the monotonic time line that io/ or the simulator supplies.
struct MonotonicClock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<MonotonicClock, duration>;
    static constexpr bool is_steady = true;
};

using Duration = std::chrono::nanoseconds;
using TimePoint = MonotonicClock::time_point;

using namespace std::chrono_literals;  // NOLINT: literals only, so that 500ms reads as itself everywhere.

// Milliseconds since the Unix epoch, for display and for digests only; nothing is ever decided by it.
struct WallTime {
    std::uint64_t unix_ms = 0;
    friend bool operator==(const WallTime&, const WallTime&) = default;
};

// The earlier of two optional deadlines; absent means never.
inline std::optional<TimePoint> earliest(std::optional<TimePoint> a, std::optional<TimePoint> b) {
    if (!a) return b;
    if (!b) return a;
    return *a < *b ? a : b;
}

}  // namespace grapevine::base
