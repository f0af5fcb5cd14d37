#include "base/token_bucket.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/rng.hpp"

namespace grapevine::base {
namespace {

TimePoint at(Duration since_start) {
    return TimePoint{} + 1h + since_start;
}

TEST(TokenBucket, ABurstThenOnePerInterval) {
    const RateLimit limit{10, 3};
    TokenBucket bucket;
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(bucket.take(limit, at(0s)));
    EXPECT_TRUE(bucket.empty(limit, at(0s)));
    EXPECT_FALSE(bucket.take(limit, at(99ms)));
    EXPECT_TRUE(bucket.take(limit, at(100ms)));
    EXPECT_FALSE(bucket.take(limit, at(199ms)));
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(bucket.take(limit, at(10s))) << "it never holds more than the burst";
    EXPECT_FALSE(bucket.take(limit, at(10s)));
}

TEST(TokenBucket, IsFullAgainWhenAllThatWasTakenCameBack) {
    const RateLimit limit{10, 3};
    TokenBucket bucket;
    EXPECT_TRUE(bucket.full(at(0s)));
    EXPECT_TRUE(bucket.take(limit, at(0s)));
    EXPECT_TRUE(bucket.take(limit, at(0s)));
    EXPECT_FALSE(bucket.full(at(199ms)));
    EXPECT_TRUE(bucket.full(at(200ms)));
}

TEST(TokenBucket, AnEmptyLimitAllowsNothing) {
    TokenBucket bucket;
    EXPECT_FALSE(bucket.take({0, 3}, at(0s)));
    EXPECT_FALSE(bucket.take({3, 0}, at(0s)));
    EXPECT_TRUE(bucket.full(at(0s)));
}

TEST(TokenBucket, NeverGivesMoreThanTheBurstAndTheRateOfTheTimePassed) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        Rng rng(seed);
        const RateLimit limit{static_cast<std::uint32_t>(1 + rng.below(1000)),
                              static_cast<std::uint32_t>(1 + rng.below(50))};
        TokenBucket bucket;
        TimePoint now = at(0s);
        std::int64_t taken = 0;
        for (int i = 0; i < 300; ++i) {
            now += rng.between(0ms, 10ms);
            if (bucket.take(limit, now)) ++taken;
            // The interval is rounded down to nanoseconds.
            const Duration interval = Duration(std::chrono::seconds(1)) / limit.per_second;
            RC_ASSERT(taken <= limit.burst + (now - at(0s)) / interval);
        }
    }));
}

}  // namespace
}  // namespace grapevine::base
