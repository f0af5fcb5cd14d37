#include "admission/rate_limits.hpp"

#include <map>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "admission/admission_testing.hpp"
#include "base/rng.hpp"

namespace grapevine::admission {
namespace {

using namespace testing;
using base::Admitted;

base::EndpointId peer(std::uint16_t n) {
    base::EndpointId made;
    made.bytes[0] = static_cast<std::uint8_t>(n >> 8U);
    made.bytes[1] = static_cast<std::uint8_t>(n & 0xffU);
    return made;
}

RateConfig config_of(std::size_t peers_max) {
    RateConfig config;
    config.peers_max = peers_max;
    config.limits.fill({1, 2});
    return config;
}

std::size_t taken(RateLimits& limits, std::uint16_t n, FrameClass frames, base::Duration since, int tries = 10) {
    std::size_t count = 0;
    for (int i = 0; i < tries; ++i)
        if (limits.take(peer(n), frames, at(since)) == Admitted::yes) ++count;
    return count;
}

std::uint64_t of(const std::array<std::uint64_t, kFrameClasses>& counts, FrameClass frames) {
    return counts[static_cast<std::size_t>(frames)];
}

// Invariant 8.
TEST(RateLimits, EachPeerAndClassHasABurstAndARate) {
    RateLimits limits(config_of(8));
    EXPECT_EQ(taken(limits, 1, FrameClass::hello, 0s), 2U);
    EXPECT_EQ(taken(limits, 1, FrameClass::question, 0s), 2U) << "another class";
    EXPECT_EQ(taken(limits, 2, FrameClass::hello, 0s), 2U) << "another peer";
    EXPECT_EQ(taken(limits, 1, FrameClass::hello, 999ms), 0U);
    EXPECT_EQ(taken(limits, 1, FrameClass::hello, 1s), 1U);
    EXPECT_EQ(of(limits.counters().allowed, FrameClass::hello), 5U);
    EXPECT_EQ(of(limits.counters().refused, FrameClass::hello), 8U + 8 + 10 + 9);
    EXPECT_EQ(of(limits.counters().refused, FrameClass::question), 8U);
    EXPECT_EQ(limits.counters().crowded, RateCounters{}.crowded);
}

TEST(RateLimits, TheOneIdleLongestMakesRoomOnceItsBucketsAreFull) {
    RateLimits limits(config_of(2));
    EXPECT_EQ(taken(limits, 1, FrameClass::hello, 0s), 2U);
    EXPECT_EQ(taken(limits, 2, FrameClass::hello, 0s, 1), 1U);
    EXPECT_EQ(taken(limits, 3, FrameClass::hello, 2s, 1), 1U);
    EXPECT_FALSE(limits.knows(peer(1)));
    EXPECT_TRUE(limits.knows(peer(2)) && limits.knows(peer(3)));
    EXPECT_EQ(limits.counters().displaced, 1U);
    EXPECT_EQ(limits.size(), 2U);
}

TEST(RateLimits, APeerThatStillOwesIsNotForgotten) {
    RateLimits limits(config_of(1));
    EXPECT_EQ(taken(limits, 1, FrameClass::hello, 0s), 2U);
    EXPECT_EQ(taken(limits, 2, FrameClass::hello, 1999ms, 1), 1U) << "a newcomer is served from what all share";
    EXPECT_TRUE(limits.knows(peer(1)));
    EXPECT_EQ(taken(limits, 1, FrameClass::hello, 1999ms), 1U) << "to displace it would have given it two";
    EXPECT_EQ(limits.counters().displaced, 0U);
}

// Rule 3: new ids are no way to more than one peer gets, nor to what a known peer gets.
TEST(RateLimits, ACrowdOfNewIdsSharesWhatOnePeerWouldGet) {
    RateLimits limits(config_of(2));
    EXPECT_EQ(taken(limits, 1, FrameClass::hello, 0s, 1), 1U);
    EXPECT_EQ(taken(limits, 2, FrameClass::hello, 0s, 1), 1U);
    std::size_t crowd = 0;
    for (std::uint16_t n = 10; n < 1000; ++n)
        crowd += taken(limits, n, FrameClass::hello, 500ms, 1);
    EXPECT_EQ(crowd, 2U);
    EXPECT_EQ(of(limits.counters().crowded, FrameClass::hello), 988U);
    EXPECT_EQ(limits.size(), 2U);
    EXPECT_EQ(taken(limits, 1, FrameClass::hello, 500ms, 1), 1U);
}

TEST(RateLimits, WithoutRoomForAnybodyAllShare) {
    RateLimits limits(config_of(0));
    EXPECT_EQ(taken(limits, 1, FrameClass::hello, 0s), 2U);
    EXPECT_EQ(taken(limits, 2, FrameClass::hello, 0s), 0U);
    EXPECT_EQ(limits.size(), 0U);
}

TEST(RateLimits, TheDefaultsLetAnybodySayHelloAndNobodyFlood) {
    RateLimits limits(RateConfig{});
    for (std::size_t i = 0; i < kFrameClasses; ++i) {
        const auto frames = static_cast<FrameClass>(i);
        EXPECT_NE(name(frames), "unknown");
        EXPECT_GE(kFrameLimits[i].per_second, 1U);
        EXPECT_EQ(taken(limits, 1, frames, 0s, 1'000'000), kFrameLimits[i].burst) << name(frames);
    }
    EXPECT_EQ(name(FrameClass::count_), "unknown");
}

// However peers come and go, none gets more than its burst and rate, or a share of the crowd's.
TEST(RateLimits, NobodyGetsMoreThanTheLimit) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        base::Rng rng(seed);
        RateLimits limits(config_of(3));
        std::map<std::uint16_t, std::int64_t> own;
        std::int64_t crowd = 0;
        base::Duration since = 0s;
        for (int i = 0; i < 400; ++i) {
            since += rng.between(0ms, 200ms);
            const auto n = static_cast<std::uint16_t>(rng.below(8));
            const bool yes = limits.take(peer(n), FrameClass::hello, at(since)) == Admitted::yes;
            if (yes) ++(limits.knows(peer(n)) ? own[n] : crowd);
            const std::int64_t most = 2 + since / 1s;
            RC_ASSERT(crowd <= most);
            RC_ASSERT(own[n] <= most);
            RC_ASSERT(limits.size() <= 3U);
        }
    }));
}

}  // namespace
}  // namespace grapevine::admission
