// Whole fabrics: what the table of docs/design/0002-fabric.md promises, what it costs, and what no fault may break.

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include "fabric/world_testing.hpp"

namespace grapevine::fabric {
namespace {

using namespace testing;

World& warm(World& world) {
    world.start_all();
    world.run_for(10s);
    return world;
}

std::vector<EndpointId> ids_in(const Outcome& outcome) {
    std::vector<EndpointId> ids;
    ids.reserve(outcome.candidates.size());
    for (const Candidate& candidate : outcome.candidates)
        ids.push_back(candidate.id);
    std::sort(ids.begin(), ids.end());
    return ids;
}
std::vector<EndpointId> brokers(std::uint32_t mesh, const std::vector<std::uint32_t>& numbers) {
    std::vector<EndpointId> ids;
    ids.reserve(numbers.size());
    for (const std::uint32_t n : numbers)
        ids.push_back(id(World::broker(mesh, n)));
    std::sort(ids.begin(), ids.end());
    return ids;
}

std::uint32_t on_duty_first(World& world, std::uint32_t mesh, std::uint32_t gateways) {
    for (std::uint32_t n = 0; n < gateways; ++n) {
        const std::uint32_t node = World::gateway(mesh, n);
        if (world.alive(node) && world.backbone(node).on_duty()) return node;
    }
    return 0;
}

TEST(Fabric, AllMeshesKnowAllWithinSeconds) {
    World world({.meshes = 12});
    world.start_all();
    world.run_for(1s);
    EXPECT_FALSE(world.all_know_all()) << "there is something to wait for";
    EXPECT_LE(world.time_until_all_know_all(20s), 3s);
}

TEST(Fabric, AMeshThatStartsLaterIsKnownAndKnowsWithinSeconds) {
    World world({.meshes = 8});
    for (std::uint32_t mesh = 0; mesh + 1 < 8; ++mesh) {
        for (std::uint32_t n = 0; n < 3; ++n)
            world.start(World::gateway(mesh, n), at(0s));
    }
    world.run_until(at(200s));
    ASSERT_TRUE(world.all_know_all());
    world.start(World::gateway(7, 0), at(200s));
    world.run_for(500ms);
    EXPECT_LE(world.time_until_all_know_all(20s), 3s);
}

TEST(Fabric, LossDelaysKnowledgeByRefreshesOnly) {
    World world({.meshes = 6, .loss = 0.3, .seed = 3});
    world.start_all();
    world.run_for(2s);
    EXPECT_LE(world.time_until_all_know_all(600s), 180s);
}

// Invariant 1.
TEST(Fabric, TheCostOfAMeshDoesNotDependOnItsSize) {
    const auto cost = [](std::uint32_t gateways, std::uint32_t members) {
        World world({.meshes = 4, .gateways = gateways, .members = members});
        warm(world);
        const std::uint64_t before = world.bytes_said(0);
        world.run_for(600s);
        return world.bytes_said(0) - before;
    };
    const std::uint64_t small = cost(3, 3);
    EXPECT_LE(small, 600U * 8) << "eight bytes a second";
    EXPECT_GE(small, 1000U) << "it does speak";
    EXPECT_LE(cost(3, 100'000), small + 100) << "only the numbers are longer";
    EXPECT_LE(cost(10, 100'000), small * 11 / 10) << "those on duty are three";
    EXPECT_LE(cost(1, 3), small);
}

// Calls `members` for each second of five minutes, and says how often the mesh spoke.
std::uint64_t times_said_while(const std::function<std::uint32_t(std::uint32_t)>& members) {
    World world({.meshes = 2});
    warm(world);
    const std::uint64_t before = world.times_said(0);
    for (std::uint32_t second = 0; second < 300; ++second) {
        world.set_members(0, members(second));
        world.run_for(1s);
    }
    return world.times_said(0) - before;
}

TEST(Fabric, MembersThatComeAndGoCostNoMoreThanRefreshes) {
    const std::uint64_t said = times_said_while([](std::uint32_t second) { return 1000 + 7 * (second % 20); });
    EXPECT_GE(said, 5U);
    EXPECT_LE(said, 8U);
}

TEST(Fabric, AMeshThatGrowsAndShrinksSpeaksNoMoreThanEveryTenSeconds) {
    const std::uint64_t said = times_said_while([](std::uint32_t second) { return second / 7 % 2 == 0 ? 1000U : 9U; });
    EXPECT_LE(said, 300U / 10 + 2) << "all its gateways together";
    EXPECT_GE(said, 15U);
}

TEST(Fabric, AnyNodeFindsAnyOther) {
    World world({.meshes = 4});
    warm(world);
    for (std::uint32_t from = 0; from < 4; ++from) {
        for (std::uint32_t to = 0; to < 4; ++to) {
            for (const std::uint32_t asker : {World::member(from), World::gateway(from, 1)}) {
                EXPECT_EQ(ids_in(world.resolve(asker, World::name_of(to) + ".broker")), brokers(to, {0, 1, 2, 3}));
                const std::string one = World::name_of(to) + ".broker." + id(World::broker(to, 2)).short_hex(8);
                EXPECT_EQ(ids_in(world.resolve(asker, one)), brokers(to, {2}));
            }
            EXPECT_EQ(world.resolve(World::member(from), World::name_of(to) + ".compute").verdict,
                      Verdict::no_such_node);
        }
        EXPECT_EQ(world.resolve(World::member(from), "mesh9.broker").verdict, Verdict::unknown_mesh);
    }
    EXPECT_EQ(world.broken_promises(), 0U);
}

TEST(Fabric, AMeshWithoutAGatewayIsUnknownAndKnowsItself) {
    World world({.meshes = 2});
    for (std::uint32_t n = 0; n < 3; ++n)
        world.start(World::gateway(0, n), at(0s));
    world.start(World::member(0), at(0s));
    world.start(World::member(1), at(0s));
    world.run_until(at(10s));
    EXPECT_EQ(world.resolve(World::member(0), "mesh1.broker").verdict, Verdict::unknown_mesh);
    EXPECT_EQ(world.resolve(World::member(1), "mesh0.broker").verdict, Verdict::unknown_mesh);
    EXPECT_EQ(world.resolve(World::member(1), "mesh1.broker").verdict, Verdict::found);
}

TEST(Fabric, TheOnlyGatewaysDeathIsUnreachableThenUnknown) {
    World world({.meshes = 2, .gateways = 1});
    warm(world);
    world.run_until(at(100s));
    EXPECT_EQ(world.resolve(World::member(0), "mesh1.broker").verdict, Verdict::found);
    world.crash(World::gateway(1, 0));
    world.run_for(31s);
    EXPECT_EQ(world.resolve(World::member(0), "mesh1.broker").verdict, Verdict::unreachable);
    world.run_for(190s);
    EXPECT_EQ(world.resolve(World::member(0), "mesh1.broker").verdict, Verdict::unknown_mesh);
    world.start(World::gateway(1, 0), world.now());
    world.run_for(3s);
    EXPECT_EQ(world.resolve(World::member(0), "mesh1.broker").verdict, Verdict::found) << "and it comes back";
}

TEST(Fabric, AGatewayLostIsFollowedByTheNext) {
    World world({.meshes = 2, .gateways = 5});
    warm(world);
    for (std::uint32_t deaths = 0; deaths < 3; ++deaths) {
        const std::uint32_t victim = on_duty_first(world, 1, 5);
        world.crash(victim);
        EXPECT_EQ(world.resolve(World::member(0), "mesh1.broker").verdict, Verdict::found) << "the others are there";
        world.run_for(8s);
        const std::uint32_t asker = on_duty_first(world, 0, 5);
        const auto sides = world.backbone(asker).route("mesh1", world.now());
        ASSERT_EQ(sides.size(), 1U);
        const auto alive = std::count_if(sides[0].gateways.begin(), sides[0].gateways.end(), [&](const auto& gateway) {
            for (std::uint32_t n = 0; n < 5; ++n) {
                if (id(World::gateway(1, n)) == gateway.id) return world.alive(World::gateway(1, n));
            }
            return false;
        });
        EXPECT_EQ(alive, std::min<std::ptrdiff_t>(3, 5 - 1 - static_cast<std::ptrdiff_t>(deaths)));
    }
    EXPECT_EQ(world.broken_promises(), 0U);
}

TEST(Fabric, BothHalvesOfASplitMeshAnswer) {
    World world({.meshes = 2, .gateways = 4});
    warm(world);
    world.split(1);
    world.run_for(10s);
    const std::uint32_t asker = on_duty_first(world, 0, 4);
    EXPECT_EQ(world.backbone(asker).route("mesh1", world.now()).size(), 2U);
    const Outcome all = world.resolve(World::member(0), "mesh1.broker");
    EXPECT_EQ(ids_in(all), brokers(1, {0, 1, 2, 3})) << "each answers for what it sees";
    for (std::uint32_t n = 0; n < 4; ++n) {
        const std::string name = "mesh1.broker." + id(World::broker(1, n)).short_hex(6);
        EXPECT_EQ(ids_in(world.resolve(World::member(0), name)), brokers(1, {n}));
    }
    EXPECT_EQ(ids_in(world.resolve(World::member(1), "mesh1.broker")), brokers(1, {0, 2})) << "its own half";
    world.heal(1);
    world.run_for(200s);
    EXPECT_EQ(world.backbone(asker).route("mesh1", world.now()).size(), 1U);
    EXPECT_EQ(world.broken_promises(), 0U);
}

TEST(Fabric, TwoFabricsDoNotSeeEachOther) {
    World world({.meshes = 6, .fabrics = 2});
    warm(world);
    EXPECT_TRUE(world.all_know_all()) << "of their own";
    EXPECT_EQ(world.resolve(World::member(0), "mesh2.broker").verdict, Verdict::found);
    EXPECT_EQ(world.resolve(World::member(0), "mesh1.broker").verdict, Verdict::unknown_mesh);
    const std::uint32_t node = on_duty_first(world, 0, 3);
    EXPECT_GT(world.backbone(node).counters()[Refusal::other_fabric], 0U);
}

TEST(Fabric, ALiarIsOutvotedByTheNextGateway) {
    const std::vector<std::function<void(wire::Resolved&)>> lies = {
        [](wire::Resolved& answer) {
            for (auto& digest : answer.digests)
                digest.envelope[60] ^= 1U;
        },
        [](wire::Resolved& answer) { answer.digests = {{0, signed_digest(666, "mesh2", "broker", 9)}}; },
        [](wire::Resolved& answer) {
            for (auto& digest : answer.digests)
                digest.envelope.assign(90, 1);
        },
        [](wire::Resolved& answer) { answer = {wire::ResolveCode::no_such_node, {}, "nobody here"}; },
    };
    for (std::size_t which = 0; which < lies.size(); ++which) {
        World world({.meshes = 2, .seed = which + 1});
        warm(world);
        world.make_liar(on_duty_first(world, 1, 3), lies[which]);
        for (int n = 0; n < 12; ++n) {
            EXPECT_EQ(ids_in(world.resolve(World::member(0), "mesh1.broker")), brokers(1, {0, 1, 2, 3})) << which;
            world.run_for(31s);
        }
    }
}

// A liar in the own mesh cannot make up members of another one that it cannot sign for.
TEST(Fabric, ALyingFellowIsRefusedToo) {
    World world({.meshes = 2});
    warm(world);
    world.make_liar(on_duty_first(world, 0, 3), [](wire::Resolved& answer) {
        answer.code = wire::ResolveCode::found;
        answer.digests = {{0, signed_digest(666, "mesh2", "broker", 9)}};
    });
    std::uint64_t lies = 0;
    for (int n = 0; n < 12; ++n) {
        EXPECT_EQ(ids_in(world.resolve(World::member(0), "mesh1.broker")), brokers(1, {0, 1, 2, 3}));
        world.run_for(301s);
        lies = world.resolver(World::member(0)).counters()[Lie::other_mesh];
    }
    EXPECT_GT(lies, 0U);
}

// Invariant 4, under loss, reordering, crashes and splits.
TEST(Fabric, EveryQuestionEndsOnceByItsDeadline) {
    std::uint64_t asked = 0;
    std::uint64_t found = 0;
    for (std::uint64_t seed = 1; seed <= 220; ++seed) {
        World world({.meshes = 3,
                     .gateways = 2 + static_cast<std::uint32_t>(seed % 2),
                     .loss = static_cast<double>(seed % 4) * 0.15,
                     .delay_max = 1ms * (20 + 40 * (seed % 20)),
                     .seed = seed});
        warm(world);
        base::Rng& rng = world.rng();
        std::vector<std::uint64_t> questions;
        for (int step = 0; step < 60; ++step) {
            const auto mesh = static_cast<std::uint32_t>(rng.below(3));
            const std::uint32_t node =
                rng.chance(0.5) ? World::member(mesh) : World::gateway(mesh, static_cast<std::uint32_t>(rng.below(2)));
            const std::uint64_t choice = rng.below(20);
            if (choice == 0 && world.alive(node)) world.crash(node);
            if (choice == 1) world.start(node, world.now());
            if (choice == 2) world.split(mesh);
            if (choice == 3) world.heal(mesh);
            const auto target = static_cast<std::uint32_t>(rng.below(4));
            std::string name = World::name_of(target) + ".broker";
            if (rng.chance(0.5)) name += "." + id(World::broker(target, 1)).short_hex(6);
            if (world.alive(node)) questions.push_back(world.ask(node, name, rng.between(50ms, 8s)));
            world.run_for(rng.between(1ms, 700ms));
        }
        world.run_for(9s);
        EXPECT_EQ(world.questions_open(), 0U) << "seed " << seed;
        EXPECT_EQ(world.served_open(), 0U) << "seed " << seed;
        EXPECT_EQ(world.broken_promises(), 0U) << "seed " << seed;
        for (const std::uint64_t question : questions) {
            ++asked;
            if (world.outcome(question) && world.outcome(question)->verdict == Verdict::found) ++found;
        }
    }
    EXPECT_GT(asked, 10'000U);
    EXPECT_GT(found, asked / 4) << "it is no test of silence";
}

TEST(Fabric, TheSameSeedIsTheSameRun) {
    const auto run = [] {
        World world({.meshes = 4, .loss = 0.2, .seed = 9});
        warm(world);
        std::vector<std::uint64_t> trace;
        for (std::uint32_t n = 0; n < 8; ++n) {
            const Outcome outcome = world.resolve(World::member(n % 4), World::name_of((n + 1) % 4) + ".broker");
            trace.push_back(static_cast<std::uint64_t>(outcome.verdict));
            trace.push_back(static_cast<std::uint64_t>((world.now() - at(0s)).count()));
            trace.push_back(world.bytes_said(n % 4));
        }
        return trace;
    };
    EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace grapevine::fabric
