// When messages are due, and latencies in buckets.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/rng.hpp"
#include "grapevine/latencies.hpp"
#include "grapevine/pacing.hpp"

namespace grapevine {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

TEST(Pacing, EachHasItsMomentAndNothingAddsUp) {
    const Pacing three(3);
    EXPECT_EQ(three.when(0), 0ns);
    EXPECT_EQ(three.when(1), 333'333'333ns);
    EXPECT_EQ(three.when(3), 1s);
    EXPECT_EQ(three.when(3ULL * 86400 * 365), 24h * 365);
    EXPECT_EQ(three.due(-1ns), 0U);
    EXPECT_EQ(three.due(0ns), 1U);
    EXPECT_EQ(three.due(999'999'999ns), 3U);
    EXPECT_EQ(three.due(1s), 4U);
}

TEST(Pacing, AboveAThousandASecondThoseOfAMillisecondAreDueTogether) {
    const Pacing fast(10'000);
    EXPECT_EQ(fast.due(0ns), 10U);
    EXPECT_EQ(fast.due(999'999ns), 10U);
    EXPECT_EQ(fast.due(1ms), 20U);
    EXPECT_EQ(fast.when(9), 0ns);
    EXPECT_EQ(fast.when(10), 1ms);
    EXPECT_EQ(fast.due(10s - 1ns), 100'000U);
}

// due() counts exactly those whose moment has come.
TEST(Pacing, DueAndWhenAgree) {
    base::Rng rng(1);
    for (const std::uint32_t rate : {1U, 7U, 999U, 1000U, 1001U, 3333U, 10'000U, 999'999U, 1'000'000U}) {
        const Pacing pacing(rate);
        for (int i = 0; i < 200; ++i) {
            const nanoseconds at(static_cast<std::int64_t>(rng.next() % 5'000'000'000ULL));
            const std::uint64_t due = pacing.due(at);
            ASSERT_GT(due, 0U);
            EXPECT_LE(pacing.when(due - 1), at) << rate;
            EXPECT_GT(pacing.when(due), at) << rate;
        }
    }
}

TEST(Latencies, PercentilesAreWithinTheWidthOfABucket) {
    Latencies latencies;
    EXPECT_EQ(latencies.percentile(0.5), 0ns);
    base::Rng rng(2);
    std::vector<std::int64_t> samples;
    for (int i = 0; i < 5000; ++i) {
        // From nanoseconds to a minute, every magnitude alike.
        samples.push_back(static_cast<std::int64_t>(rng.next() % 60'000'000'000ULL) >> (rng.next() % 36));
        latencies.record(nanoseconds(samples.back()));
    }
    std::sort(samples.begin(), samples.end());
    for (const double p : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
        const auto rank = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(p * 5000)));
        const auto exact = samples[rank - 1];
        const auto told = latencies.percentile(p).count();
        EXPECT_GE(told, exact) << p;
        EXPECT_LE(told, exact + exact / 64 + 1) << p;
    }
    EXPECT_EQ(latencies.max().count(), samples.back());
    EXPECT_EQ(latencies.count(), 5000U);
}

TEST(Latencies, WhatIsOutOfRangeCountsAsTheNearest) {
    Latencies latencies;
    latencies.record(-5ns);
    EXPECT_EQ(latencies.percentile(1), 0ns);
    latencies.record(24h);
    EXPECT_EQ(latencies.percentile(1), Latencies::kMax);
    EXPECT_EQ(latencies.count(), 2U);
}

}  // namespace
}  // namespace grapevine
