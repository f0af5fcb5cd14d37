#include "sim/network.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace grapevine::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMany = 20'000;

NetworkConfig plain() {
    NetworkConfig config;
    config.latency_min = 10ms;
    config.latency_max = 50ms;
    return config;
}

base::TimePoint at(base::Duration since) {
    return base::TimePoint{} + since;
}

TEST(Network, LatencyIsConstantSymmetricAndWithinItsInterval) {
    Network network(plain(), 5);
    base::Duration least = 1h;
    base::Duration most{};
    for (std::size_t a = 0; a < 60; ++a) {
        for (std::size_t b = a + 1; b < 60; ++b) {
            const auto latency = network.latency(a, b);
            EXPECT_EQ(latency, network.latency(b, a));
            EXPECT_EQ(network.send(a, b, 100, at(0s)).arrival, latency);
            least = std::min(least, latency);
            most = std::max(most, latency);
        }
    }
    EXPECT_GE(least, 10ms);
    EXPECT_LT(least, 12ms);
    EXPECT_LT(most, 50ms);
    EXPECT_GT(most, 48ms);
}

TEST(Network, LosesAndCopiesAtTheGivenRates) {
    NetworkConfig config = plain();
    config.loss = 0.05;
    config.duplicate = 0.2;
    Network network(config, 1);
    std::size_t lost = 0;
    std::size_t copies = 0;
    for (std::size_t i = 0; i < kMany; ++i) {
        const Fate fate = network.send(0, 1, 100, at(0s));
        lost += fate.drop == Drop::loss ? 1 : 0;
        copies += fate.copy ? 1 : 0;
    }
    EXPECT_NEAR(static_cast<double>(lost) / kMany, 0.05, 0.006);
    EXPECT_NEAR(static_cast<double>(copies) / static_cast<double>(kMany - lost), 0.2, 0.012);
    EXPECT_EQ(network.counters().lost_random, lost);
    EXPECT_EQ(network.counters().copies, copies);
    EXPECT_EQ(network.counters().packets, kMany);
}

TEST(Network, JitterAndReorderingOnlyDelay) {
    NetworkConfig config = plain();
    config.jitter = 4ms;
    config.reorder = 0.25;
    config.reorder_delay = 100ms;
    Network network(config, 3);
    const auto base = network.latency(0, 1);
    std::size_t held_back = 0;
    for (std::size_t i = 0; i < kMany; ++i) {
        const auto delay = *network.send(0, 1, 100, at(0s)).arrival;
        EXPECT_GE(delay, base);
        EXPECT_LT(delay, base + 104ms);
        held_back += delay >= base + 100ms ? 1 : 0;
    }
    EXPECT_NEAR(static_cast<double>(held_back) / kMany, 0.25, 0.013);
}

TEST(Network, PartitionSeparatesGroupsUntilHealed) {
    Network network(plain(), 1);
    network.partition({{0, 1}, {2, 3}});
    EXPECT_TRUE(network.send(0, 1, 100, at(0s)).arrival.has_value());
    EXPECT_EQ(network.send(0, 2, 100, at(0s)).drop, Drop::partition);
    EXPECT_EQ(network.send(3, 9, 100, at(0s)).drop, Drop::partition);
    EXPECT_TRUE(network.send(8, 9, 100, at(0s)).arrival.has_value());
    network.heal();
    EXPECT_TRUE(network.send(0, 2, 100, at(0s)).arrival.has_value());
    EXPECT_EQ(network.counters().lost_partition, 2U);
}

TEST(Network, BlockIsOneWay) {
    Network network(plain(), 1);
    network.block(0, 1);
    EXPECT_EQ(network.send(0, 1, 100, at(0s)).drop, Drop::blocked);
    EXPECT_TRUE(network.send(1, 0, 100, at(0s)).arrival.has_value());
    network.unblock(0, 1);
    EXPECT_TRUE(network.send(0, 1, 100, at(0s)).arrival.has_value());
}

TEST(Network, DropsWhatExceedsTheMtu) {
    Network network(plain(), 1);
    EXPECT_TRUE(network.send(0, 1, 1500, at(0s)).arrival.has_value());
    EXPECT_EQ(network.send(0, 1, 1501, at(0s)).drop, Drop::mtu);
}

TEST(Network, SlowNodeDelaysQueuesAndThenDrops) {
    Network network(plain(), 1);
    const auto before = network.latency(0, 1);
    network.slow(1, 200ms, 1000);
    EXPECT_EQ(network.latency(0, 1), before + 200ms);
    const auto first = network.send(0, 1, 1000, at(0s)).arrival;
    const auto second = network.send(0, 1, 1000, at(0s)).arrival;
    ASSERT_TRUE(first && second);
    EXPECT_EQ(*first, before + 200ms + 1s);
    EXPECT_EQ(*second, before + 200ms + 2s);
    (void)network.send(0, 1, 1000, at(0s));
    EXPECT_EQ(network.send(0, 1, 1000, at(0s)).drop, Drop::slow_queue);
    EXPECT_EQ(*network.send(1, 0, 1000, at(0s)).arrival, before + 200ms) << "out of a slow node nothing queues";
    network.slow(1, {}, 0);
    EXPECT_EQ(*network.send(0, 1, 1000, at(0s)).arrival, before);
}

}  // namespace
}  // namespace grapevine::sim
