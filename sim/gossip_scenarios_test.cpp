#include "sim/gossip_scenarios.hpp"

#include <gtest/gtest.h>

#include "sim/gossip_network.hpp"

namespace grapevine::sim {
namespace {

using namespace std::chrono_literals;

GossipScenario scenario(GossipTraffic traffic, std::size_t nodes, std::size_t rounds) {
    GossipScenario s;
    s.traffic = traffic;
    s.nodes = nodes;
    s.rounds = rounds;
    return s;
}

TEST(GossipScenarios, AreThoseOfTheOriginal) {
    const auto all = iroh_gossip_scenarios();
    ASSERT_EQ(all.size(), 8U);
    EXPECT_EQ(label(all.front()), "GossipSingle-n20-r30");
    EXPECT_EQ(label(all.back()), "GossipAll-n100-r5");
    EXPECT_EQ(baseline_seeds(100).size(), 128U);
    EXPECT_EQ(baseline_seeds(1000).size(), 32U);
    EXPECT_EQ(baseline_seeds(1000).back(), 29U);
    EXPECT_EQ(baseline_seeds(100).back(), 126U);
}

TEST(GossipScenarios, TheSameSeedGivesTheSameTrace) {
    const GossipScenario s = scenario(GossipTraffic::multi, 20, 5);
    const SeedFigures first = run_gossip_seed(s, 42);
    EXPECT_EQ(first, run_gossip_seed(s, 42));
    EXPECT_NE(first.trace_hash, run_gossip_seed(s, 43).trace_hash);
}

// The bars of the original's own tests, at 100 nodes and latency up to 100 ms.
TEST(GossipScenarios, HoldTheOriginalsOwnBars) {
    struct Bar {
        GossipTraffic traffic;
        std::size_t rounds;
        double ldh;
        double rmr;
    };
    for (const Bar& bar : {Bar{GossipTraffic::single, 30, 15, 0.2}, Bar{GossipTraffic::multi, 30, 18, 1.0},
                           Bar{GossipTraffic::all, 5, 30, 3.0}}) {
        GossipScenario s = scenario(bar.traffic, 100, bar.rounds);
        s.latency_max = 100ms;
        const SeedFigures figures = run_gossip_seed(s, 0);
        EXPECT_LT(figures.ldh_mean, bar.ldh) << label(s);
        EXPECT_LT(figures.rmr_mean, bar.rmr) << label(s);
        EXPECT_EQ(figures.missed, 0U) << label(s);
        EXPECT_EQ(figures.without_neighbors, 0U) << label(s);
    }
}

TEST(GossipScenarios, NothingIsMissedOverManySeeds) {
    for (const GossipTraffic traffic : {GossipTraffic::single, GossipTraffic::multi, GossipTraffic::all}) {
        std::vector<std::uint64_t> seeds = baseline_seeds(20);
        seeds.resize(16);
        const ScenarioFigures figures = run_gossip_scenario(scenario(traffic, 20, 10), seeds);
        EXPECT_EQ(figures.missed, 0U) << name(traffic);
        EXPECT_LE(figures.rmr.min, figures.rmr.mean);
        EXPECT_GE(figures.ldh.max, figures.ldh.mean);
    }
}

// A guard against a change that costs quality: over few seeds the means lie within the noise of the recorded ones.
TEST(GossipScenarios, AreNoWorseThanTheOriginalsRecordedMeans) {
    std::vector<std::uint64_t> seeds = {31, 32, 33, 34, 35, 36, 37, 38};
    for (const GossipScenario& s : iroh_gossip_scenarios()) {
        if (s.nodes > 100) continue;
        if (s.traffic == GossipTraffic::all && s.nodes == 100) seeds.resize(3);  // Half of the time of all others.
        const auto theirs = iroh_gossip_baseline(s);
        ASSERT_TRUE(theirs) << label(s);
        const ScenarioFigures ours = run_gossip_scenario(s, seeds);
        EXPECT_LT(ours.ldh.mean, theirs->ldh.mean * 1.1) << label(s);
        EXPECT_LT(ours.rmr.mean, theirs->rmr.mean * 1.03) << label(s);
        EXPECT_EQ(ours.missed, 0U) << label(s);
    }
}

// After the mass join has settled every link is known to both ends and the overlay is one piece.
TEST(GossipNetwork, ViewsBecomeSymmetricAndConnected) {
    for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL}) {
        GossipNetwork network(scenario(GossipTraffic::single, 100, 1), seed);
        network.bootstrap();
        for (std::uint8_t round = 0; round < 5; ++round) {
            EXPECT_EQ(network.round({{round, base::Bytes{round}}}).missed, 0U);
        }
        std::size_t one_sided = 0;
        for (std::size_t i = 0; i < network.size(); ++i) {
            for (const base::EndpointId& neighbor : network.topic(i).membership().active()) {
                const std::size_t j = network.index_of(neighbor);
                one_sided += network.topic(j).membership().is_active(network.id(i)) ? 0 : 1;
            }
        }
        EXPECT_LE(one_sided, 8U) << "seed " << seed;  // Of about 430: requests of the refill timers under way.
    }
}

TEST(GossipNetwork, ASteadySenderCostsNoDuplicates) {
    GossipNetwork network(scenario(GossipTraffic::single, 100, 1), 5);
    network.bootstrap();
    RoundFigures figures;
    for (std::uint8_t round = 0; round < 20; ++round) {
        figures = network.round({{7, base::Bytes{round}}});
    }
    EXPECT_LT(figures.rmr, 0.05);
}

}  // namespace
}  // namespace grapevine::sim
