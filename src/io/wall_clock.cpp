#include "io/wall_clock.hpp"

#include <ctime>

namespace grapevine::io {

namespace {

std::int64_t read_ns(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

WallClock::WallClock(base::Duration offset)
    : offset_(offset), base_ns_(read_ns(CLOCK_REALTIME) - read_ns(CLOCK_MONOTONIC)) {}

std::uint64_t WallClock::unix_ns() const {
    return static_cast<std::uint64_t>(base_ns_ + read_ns(CLOCK_MONOTONIC) + offset_.count());
}

void WallClock::realign() {
    const std::int64_t fresh = read_ns(CLOCK_REALTIME) - read_ns(CLOCK_MONOTONIC);
    const std::int64_t gained = fresh - base_ns_;
    if (gained > kRealignMin.count() || gained < -kRealignMin.count()) base_ns_ = fresh;
}

}  // namespace grapevine::io
