// Backbones over the real topic: what a fabric costs.

#include "sim/backbone_world.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "sim/interim_world.hpp"

namespace grapevine::sim {
namespace {

using namespace std::chrono_literals;

FabricShape shape_of(std::size_t meshes, std::size_t nodes) {
    FabricShape shape;
    shape.meshes = meshes;
    shape.nodes = nodes;
    return shape;
}

// Bytes a gateway in ten minutes of a fabric that was booted a minute ago.
double steady_cost(const FabricShape& shape) {
    BackboneWorld world(shape);
    world.boot();
    world.run_for(60s);
    const WireCost before = world.network().cost();
    world.run_for(600s);
    EXPECT_EQ(world.unknown(), 0U);
    return static_cast<double>((world.network().cost() - before).bytes) / static_cast<double>(world.gateways());
}

TEST(BackboneWorld, AllKnowAllWithinSecondsOfTheBoot) {
    BackboneWorld world(shape_of(20, 10));
    EXPECT_GT(world.unknown(), 0U) << "there is something to wait for";
    world.boot();
    const auto known = world.time_until_all_known(30s);
    ASSERT_TRUE(known);
    EXPECT_LE(*known, 10s);
}

TEST(BackboneWorld, AMeshCostsWhatOneSpeakerCosts) {
    BackboneWorld world(shape_of(20, 100));
    world.boot();
    world.run_for(60s);
    const fabric::Counters before = world.counters();
    world.run_for(600s);
    const fabric::Counters after = world.counters();
    const auto refreshes = after[fabric::Occasion::refresh] - before[fabric::Occasion::refresh];
    EXPECT_GE(refreshes, 20U * 10U);
    EXPECT_LE(refreshes, 20U * 12U) << "now and then two gateways speak at once";
    EXPECT_EQ(after[fabric::Occasion::introduction], before[fabric::Occasion::introduction]);
}

TEST(BackboneWorld, CostIsFlatInTheNodesOfAMesh) {
    const double small = steady_cost(shape_of(8, 10));
    const double large = steady_cost(shape_of(8, 1000));
    EXPECT_LE(large, 1.2 * small);
    FabricShape restless = shape_of(8, 1000);
    restless.backbone.count_change = 0;
    EXPECT_GE(steady_cost(restless), 2 * small) << "members do come and go";
}

TEST(BackboneWorld, CostIsLinearInTheMeshes) {
    const double ten = steady_cost(shape_of(10, 10));
    const double forty = steady_cost(shape_of(40, 10));
    EXPECT_LE(forty, 4.4 * ten);
    EXPECT_GE(forty, 2 * ten);
}

TEST(BackboneWorld, GatewaysThatRestartAreKnownAndKnowAgain) {
    FabricShape shape = shape_of(10, 10);
    shape.gateway_life = 60s;
    BackboneWorld world(shape);
    world.boot();
    world.run_for(60s);
    const fabric::Counters before = world.counters();
    world.run_for(240s);
    const auto changes = world.counters()[fabric::Occasion::change] - before[fabric::Occasion::change];
    EXPECT_GT(changes, 10U * 4U) << "they did restart";
    world.set_gateway_life(0s);
    world.run_for(20s);
    EXPECT_EQ(world.unknown(), 0U);
}

// Of these seeds some have a mesh whose gateways found each other, and had lost all others, when the boot was over.
TEST(BackboneWorld, AMeshThatMetOnlyItselfFindsTheFabric) {
    std::size_t cut_off = 0;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        FabricShape shape = shape_of(30, 10);
        shape.seed = seed;
        for (const auto retry : {base::Duration(10'000s), shape.backbone.seed_retry_min}) {
            shape.backbone.seed_retry_min = retry;
            shape.backbone.seed_retry_max = std::max<base::Duration>(retry, 60s);
            BackboneWorld world(shape);
            world.boot_without_gossip();
            world.run_for(300s);
            if (retry > 60s) {
                cut_off += world.unknown() > 0 ? 1 : 0;
            } else {
                EXPECT_EQ(world.unknown(), 0U) << "seed " << seed;
            }
        }
    }
    EXPECT_GT(cut_off, 0U) << "there is something to heal";
}

TEST(BackboneWorld, ABootWithoutGossipEndsAsOneWith) {
    BackboneWorld world(shape_of(30, 10));
    world.boot_without_gossip();
    EXPECT_EQ(world.unknown(), 0U);
    world.run_for(300s);
    EXPECT_EQ(world.unknown(), 0U) << "the topic carries the refreshes";
    for (std::size_t node = 0; node < world.gateways(); ++node)
        EXPECT_FALSE(world.network().topic(node)->membership().active().empty()) << node;
}

TEST(BackboneWorld, TheSameSeedIsTheSameRun) {
    const auto run = [](std::uint64_t seed) {
        FabricShape shape = shape_of(6, 100);
        shape.gateway_life = 60s;
        shape.seed = seed;
        BackboneWorld world(shape);
        world.boot();
        world.run_for(120s);
        return world.network().trace_hash();
    };
    EXPECT_EQ(run(1), run(1));
    EXPECT_NE(run(1), run(2));
}

TEST(InterimWorld, EveryDigestReachesMembersAndListeners) {
    InterimShape shape;
    shape.members = 10;
    shape.listeners = 27;
    InterimWorld world(shape);
    world.boot();
    world.run_for(60s);
    const std::uint64_t said = world.said();
    const std::uint64_t delivered = world.delivered();
    EXPECT_GE(said, 40U) << "each member says about four in the forty seconds that it speaks";
    world.run_for(95s);
    EXPECT_GE(world.said() - said, 95U);
    EXPECT_GE(world.delivered() - delivered, (world.said() - said - 4) * 36);
}

}  // namespace
}  // namespace grapevine::sim
