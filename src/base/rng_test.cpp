#include "base/rng.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace grapevine::base {
namespace {

TEST(Rng, ADifferentSequenceWouldBreakEveryStoredSeed) {
    Rng rng(1);
    std::vector<std::uint64_t> words(4);
    std::generate(words.begin(), words.end(), [&] { return rng.next(); });
    EXPECT_EQ(words, (std::vector<std::uint64_t>{0xb3f2af6d0fc710c5ULL, 0x853b559647364ceaULL, 0x92f89756082a4514ULL,
                                                 0x642e1c7bc266a3a7ULL}));
    std::vector<std::uint64_t> small(8);
    std::generate(small.begin(), small.end(), [&] { return rng.below(100); });
    EXPECT_EQ(small, (std::vector<std::uint64_t>{69, 14, 7, 38, 86, 55, 93, 95}));
}

// SplitMix64 from seed 0 begins with these words, by the authors' program; xoshiro256** starts from them.
TEST(Rng, FirstOutputFollowsFromThePublishedSeeding) {
    const std::uint64_t second_word = 0x6e789e6aa1b965f4ULL;
    const std::uint64_t product = second_word * 5;
    EXPECT_EQ(Rng(0).next(), ((product << 7U) | (product >> 57U)) * 9);
}

TEST(Rng, BelowIsUniform) {
    constexpr std::size_t kCells = 10;
    constexpr int kDraws = 100'000;
    Rng rng(2);
    std::array<int, kCells> cells{};
    for (int i = 0; i < kDraws; ++i)
        ++cells[rng.below(kCells)];
    double chi_squared = 0;
    for (const int count : cells)
        chi_squared += std::pow(count - kDraws / 10, 2) / (kDraws / 10.0);
    EXPECT_LT(chi_squared, 27.9) << "nine degrees of freedom, one in a thousand";
    EXPECT_GT(chi_squared, 1.1) << "too even to be random";
}

TEST(Rng, BoundsHold) {
    Rng rng(3);
    for (int i = 0; i < 10'000; ++i) {
        EXPECT_EQ(rng.below(1), 0U);
        EXPECT_LT(rng.below(0xffff'ffff'ffff'ffffULL), 0xffff'ffff'ffff'ffffULL);
        const double unit = rng.unit();
        EXPECT_TRUE(unit >= 0 && unit < 1);
        const Duration between = rng.between(5ms, 7ms);
        EXPECT_TRUE(between >= 5ms && between < 7ms);
        const Duration jittered = rng.jitter(1s, 0.25);
        EXPECT_TRUE(jittered >= 750ms && jittered <= 1250ms);
    }
}

TEST(Rng, ChanceIsAsOftenAsItSays) {
    Rng rng(4);
    int hits = 0;
    for (int i = 0; i < 100'000; ++i)
        hits += rng.chance(0.05) ? 1 : 0;
    EXPECT_NEAR(hits, 5'000, 300);
    EXPECT_FALSE(rng.chance(0));
    EXPECT_TRUE(rng.chance(1));
}

TEST(Rng, ShuffleReachesEveryOrder) {
    Rng rng(5);
    std::vector<std::vector<int>> seen;
    for (int i = 0; i < 200; ++i) {
        std::vector<int> items{1, 2, 3};
        rng.shuffle(items);
        if (std::find(seen.begin(), seen.end(), items) == seen.end()) seen.push_back(items);
    }
    EXPECT_EQ(seen.size(), 6U);
}

TEST(Rng, SameSeedSameEverything) {
    Rng a(6);
    Rng b(6);
    std::array<std::uint8_t, 21> from_a{};
    std::array<std::uint8_t, 21> from_b{};
    a.fill(from_a);
    b.fill(from_b);
    EXPECT_EQ(from_a, from_b);
    EXPECT_EQ(a.fork().next(), b.fork().next());
    EXPECT_NE(Rng(6).next(), Rng(7).next());
}

TEST(RngDeathTest, EmptyRangesAreOurOwnBug) {
    Rng rng(8);
    EXPECT_DEATH(rng.below(0), "empty range");
    EXPECT_DEATH(rng.index(0), "index into nothing");
    EXPECT_DEATH(rng.between(1s, 1s), "empty interval");
}

}  // namespace
}  // namespace grapevine::base
