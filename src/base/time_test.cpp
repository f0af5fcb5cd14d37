#include "base/time.hpp"

#include <gtest/gtest.h>

namespace grapevine::base {
namespace {

constexpr TimePoint kStart{};

TEST(Time, EarliestTakesAbsentForNever) {
    const std::optional<TimePoint> never;
    EXPECT_EQ(earliest(never, never), std::nullopt);
    EXPECT_EQ(earliest(never, kStart + 1s), kStart + 1s);
    EXPECT_EQ(earliest(kStart + 1s, never), kStart + 1s);
    EXPECT_EQ(earliest(kStart + 2s, kStart + 1s), kStart + 1s);
    EXPECT_EQ(earliest(kStart + 1s, kStart + 2s), kStart + 1s);
}

TEST(Time, LiteralsCountNanoseconds) {
    EXPECT_EQ(Duration(1ms).count(), 1'000'000);
    EXPECT_EQ((kStart + 1s - kStart), Duration(1'000'000'000));
    static_assert(MonotonicClock::is_steady);
}

}  // namespace
}  // namespace grapevine::base
