#include "io/load_sampler.hpp"

#include <ctime>

#include <gtest/gtest.h>

namespace grapevine::io {
namespace {

std::clock_t burn(std::clock_t ticks) {
    const std::clock_t begin = std::clock();
    std::clock_t now = begin;
    while (now - begin < ticks) {
        now = std::clock();
    }
    return now - begin;
}

constexpr base::TimePoint kStart{std::chrono::hours(1)};

TEST(LoadSampler, AShortBurstIsNoWholeCore) {
    LoadSampler sampler(kStart);
    burn(CLOCKS_PER_SEC / 20);
    const ProcessLoad load = sampler.sample(kStart + std::chrono::milliseconds(50));
    EXPECT_GE(load.cpu_millicores, 50U);
    EXPECT_LT(load.cpu_millicores, 500U) << "50 ms are 50 millicores of a second";
    EXPECT_GT(load.memory_kib, 0U);
}

TEST(LoadSampler, AveragesSinceTheLastSample) {
    LoadSampler sampler(kStart);
    burn(CLOCKS_PER_SEC / 5);
    EXPECT_GE(sampler.sample(kStart + std::chrono::seconds(2)).cpu_millicores, 100U);
    EXPECT_LT(sampler.sample(kStart + std::chrono::seconds(12)).cpu_millicores, 20U);
}

}  // namespace
}  // namespace grapevine::io
