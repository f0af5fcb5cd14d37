#include "console/world.hpp"

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "console/world_testing.hpp"

namespace grapevine::console {
namespace {

using namespace testing;
using Kind = MeshEvent::Kind;

class WorldTest : public ::testing::Test {
protected:
    void view(std::uint32_t viewer, std::initializer_list<DirectoryRow> rows) {
        world_.on_viewer(id_of(viewer), "m", at_);
        world_.on_directory(id_of(viewer), std::vector<DirectoryRow>(rows), at_);
    }
    void links(std::uint32_t viewer, std::initializer_list<NeighborFact> neighbors) {
        world_.on_neighbors(id_of(viewer), std::vector<NeighborFact>(neighbors), at_);
    }
    void pass(base::Duration time) {
        at_.now += time;
        at_.wall.unix_ms += static_cast<std::uint64_t>(time / std::chrono::milliseconds(1));
        while (world_.next_deadline() && *world_.next_deadline() <= at_.now) {
            world_.on_deadline(at_);
        }
    }
    [[nodiscard]] NodeState state(std::uint32_t node) const { return world_.nodes().find(id_of(node))->state; }
    [[nodiscard]] const LinkRow* link(std::uint32_t a, std::uint32_t b) const {
        return world_.links().find({id_of(a), id_of(b), LinkKind::overlay});
    }
    [[nodiscard]] const AlertRow* alert(const std::string& id) const { return world_.alerts().find(id); }

    Moment at_ = start();
    World world_{1000, at_};
};

TEST_F(WorldTest, TheLargerSequenceWins) {
    view(1, {row_of(1, 1), row_of(2, 5)});
    DirectoryRow old = row_of(2, 4);
    old.digest.load.cpu_millicores = 99;
    DirectoryRow fresh = row_of(2, 6);
    fresh.digest.load.cpu_millicores = 7;
    view(3, {old});
    EXPECT_EQ(world_.nodes().find(id_of(2))->digest.load.cpu_millicores, 0U);
    EXPECT_EQ(world_.nodes().find(id_of(2))->digest.source, id_of(1));
    view(3, {fresh});
    EXPECT_EQ(world_.nodes().find(id_of(2))->digest.load.cpu_millicores, 7U);
    EXPECT_EQ(world_.nodes().find(id_of(2))->digest.source, id_of(3));
}

// Rule 1: dead once the last that held it says so.
TEST_F(WorldTest, DeadIsWhatTheSurvivorsSay) {
    view(1, {row_of(1), row_of(2), row_of(3)});
    view(2, {row_of(1), row_of(2), row_of(3)});
    world_.on_event(id_of(1), {Kind::suspected, id_of(3), "m.t.3", {id_of(1)}, "silent"}, at_);
    EXPECT_EQ(state(3), NodeState::suspected);
    EXPECT_EQ(world_.nodes().find(id_of(3))->suspected_by, std::vector{id_of(1)});
    EXPECT_NE(alert("node_suspected:" + id_of(3).hex()), nullptr);
    world_.on_event(id_of(1), {Kind::died, id_of(3), "m.t.3", {id_of(1)}, ""}, at_);
    EXPECT_EQ(state(3), NodeState::member) << "the other still holds it, without an accuser";
    world_.on_event(id_of(2), {Kind::died, id_of(3), "m.t.3", {id_of(1)}, ""}, at_);
    EXPECT_EQ(state(3), NodeState::dead);
    EXPECT_NE(alert("node_dead:" + id_of(3).hex()), nullptr);
    EXPECT_EQ(alert("node_suspected:" + id_of(3).hex()), nullptr);
    pass(World::kGoneShown + World::kTidyEvery);
    EXPECT_EQ(world_.nodes().find(id_of(3)), nullptr);
    EXPECT_EQ(alert("node_dead:" + id_of(3).hex()), nullptr);
    EXPECT_NE(world_.nodes().find(id_of(2)), nullptr);
}

TEST_F(WorldTest, LeavingAndStaleAreNoDeaths) {
    view(1, {row_of(1), row_of(2), row_of(3)});
    world_.on_event(id_of(1), {Kind::left, id_of(2), "m.t.2", {}, ""}, at_);
    world_.on_event(id_of(1), {Kind::stale, id_of(3), "m.t.3", {}, ""}, at_);
    EXPECT_EQ(state(2), NodeState::left);
    EXPECT_EQ(state(3), NodeState::unknown);
    EXPECT_EQ(alert("node_dead:" + id_of(2).hex()), nullptr);
    view(1, {row_of(1), row_of(2, 9), row_of(3, 9)});
    EXPECT_EQ(state(2), NodeState::member);
    EXPECT_EQ(state(3), NodeState::member);
}

// Rule 2.
TEST_F(WorldTest, WhatNobodyTellsOfIsUnknown) {
    view(1, {row_of(1), row_of(2), row_of(3)});
    world_.on_event(id_of(1), {Kind::died, id_of(3), "m.t.3", {id_of(1)}, ""}, at_);
    pass(std::chrono::seconds(5));
    world_.on_viewer_lost(id_of(1), WorldInput::Loss::silent, at_);
    EXPECT_EQ(state(1), NodeState::unknown);
    EXPECT_EQ(state(2), NodeState::unknown);
    EXPECT_EQ(state(3), NodeState::dead) << "that was known before";
    EXPECT_EQ(world_.nodes().find(id_of(2))->since_unix_ms, at_.wall.unix_ms);
    EXPECT_FALSE(world_.meshes().find("m")->known);
    ASSERT_NE(alert("mesh_unknown:m"), nullptr);
    EXPECT_EQ(alert("mesh_unknown:m")->severity, Severity::unknown);
    EXPECT_EQ(world_.nodes().find(id_of(1))->process, ProcessState::ready) << "nobody said that it ended";
    world_.on_viewer_lost(id_of(1), WorldInput::Loss::ended, at_);
    EXPECT_EQ(world_.nodes().find(id_of(1))->process, ProcessState::ended);
    EXPECT_FALSE(world_.nodes().find(id_of(1))->here);
    view(2, {row_of(1), row_of(2)});
    EXPECT_EQ(state(2), NodeState::member);
    EXPECT_EQ(alert("mesh_unknown:m"), nullptr);
}

// Rule 3.
TEST_F(WorldTest, ALinkIsWhatItsEndsSay) {
    view(1, {row_of(1, 1, {2}), row_of(2, 1, {1, 3}), row_of(3)});
    ASSERT_NE(link(1, 2), nullptr);
    EXPECT_EQ(link(1, 2)->said_by, Ends::both);
    EXPECT_EQ(link(1, 2)->eager, Eager::unknown);
    ASSERT_NE(link(2, 3), nullptr);
    EXPECT_EQ(link(2, 3)->said_by, Ends::a) << "3 does not say it";
    links(1, {{id_of(2), true}});
    EXPECT_EQ(link(1, 2)->eager, Eager::unknown) << "the other end cannot be asked";
    view(2, {row_of(1, 1, {2}), row_of(2, 1, {1, 3}), row_of(3)});
    links(2, {{id_of(1), false}});
    EXPECT_EQ(link(1, 2)->eager, Eager::a);
    EXPECT_EQ(link(2, 3), nullptr) << "its own table counts more than its digest";
    links(1, {});
    EXPECT_EQ(link(1, 2)->said_by, Ends::b);
    world_.on_event(id_of(1), {Kind::left, id_of(2), "", {}, ""}, at_);
    EXPECT_NE(link(1, 2), nullptr) << "2 holds itself";
    world_.on_viewer_lost(id_of(2), WorldInput::Loss::ended, at_);
    EXPECT_EQ(link(1, 2), nullptr);
}

TEST_F(WorldTest, AProcessThatEndedSaysNothing) {
    view(1, {row_of(1, 1, {2}), row_of(2, 1, {1})});
    links(1, {{id_of(2), true}});
    EXPECT_EQ(link(1, 2)->said_by, Ends::both);
    const auto process = [&](ProcessState state) {
        world_.on_process({"m.t.2", "m", id_of(2).hex(), state, "", ""}, at_);
    };
    process(ProcessState::ended);
    ASSERT_NE(link(1, 2), nullptr) << "1 still says it";
    EXPECT_EQ(link(1, 2)->said_by, Ends::a);
    process(ProcessState::ready);
    EXPECT_EQ(link(1, 2)->said_by, Ends::a) << "its digest is of its last life";
    view(1, {row_of(1, 1, {2}), row_of(2, 2, {1})});
    EXPECT_EQ(link(1, 2)->said_by, Ends::both);
}

TEST_F(WorldTest, OnlyALastingDisagreementIsASplit) {
    view(1, {row_of(1), row_of(2)});
    view(2, {row_of(2)});
    pass(World::kSplitAfter / 2);
    EXPECT_EQ(alert("mesh_split:m"), nullptr);
    view(2, {row_of(1), row_of(2)});
    pass(World::kSplitAfter * 2);
    EXPECT_EQ(alert("mesh_split:m"), nullptr);
    view(2, {row_of(2)});
    pass(World::kSplitAfter + World::kSplitEvery * 2);
    ASSERT_NE(alert("mesh_split:m"), nullptr);
    EXPECT_EQ(alert("mesh_split:m")->severity, Severity::critical);
    EXPECT_TRUE(world_.meshes().find("m")->split);
    view(2, {row_of(1), row_of(2)});
    pass(World::kSplitEvery);
    EXPECT_EQ(alert("mesh_split:m"), nullptr);
    EXPECT_FALSE(world_.meshes().find("m")->split);
}

TEST_F(WorldTest, BudgetsAndLawsAndSourcesAlarm) {
    DirectoryRow row = row_of(2);
    row.digest.load = {501, 500, 10, 10};
    view(1, {row_of(1), row});
    EXPECT_NE(alert("cpu_budget:" + id_of(2).hex()), nullptr);
    EXPECT_EQ(alert("memory_budget:" + id_of(2).hex()), nullptr);
    row.digest.load.cpu_millicores = 500;
    ++row.digest.sequence;
    view(1, {row_of(1), row});
    EXPECT_EQ(alert("cpu_budget:" + id_of(2).hex()), nullptr);
    world_.on_event(id_of(1), {Kind::law_broken, {}, "timer", {}, "65 of 64"}, at_);
    EXPECT_NE(alert("law_broken:" + id_of(1).hex() + " timer"), nullptr);
    world_.on_event(id_of(1), {Kind::law_kept, {}, "timer", {}, "kept"}, at_);
    EXPECT_EQ(alert("law_broken:" + id_of(1).hex() + " timer"), nullptr);
    world_.on_source("supervisor", SourceState::down, "gone", at_);
    EXPECT_EQ(alert("source_down:supervisor")->severity, Severity::unknown);
    world_.on_source("supervisor", SourceState::up, "here", at_);
    EXPECT_EQ(alert("source_down:supervisor"), nullptr);
}

TEST_F(WorldTest, ManyTellOfOneEvent) {
    view(1, {row_of(1), row_of(2), row_of(3)});
    view(2, {row_of(1), row_of(2), row_of(3)});
    for (const std::uint32_t viewer : {1U, 2U}) {
        world_.on_event(id_of(viewer), {Kind::died, id_of(3), "", {id_of(1), id_of(2)}, ""}, at_);
    }
    ASSERT_EQ(world_.timeline().size(), 1U);
    const TimelineEvent died = world_.timeline().after(0).front();
    EXPECT_EQ(died.kind, "died");
    EXPECT_EQ(died.text, "m.t.3 died, accused by m.t.1, m.t.2");
    EXPECT_EQ(died.who, (std::vector{id_of(1).hex(), id_of(2).hex()}));
    world_.on_event(id_of(1), {Kind::joined, id_of(3), "m.t.3", {}, ""}, at_);
    world_.on_event(id_of(1), {Kind::died, id_of(3), "m.t.3", {id_of(1)}, ""}, at_);
    EXPECT_EQ(world_.timeline().size(), 3U);
}

TEST_F(WorldTest, DeltasAreWhatChanged) {
    view(1, {row_of(1), row_of(2), row_of(3)});
    const Version before = world_.version();
    EXPECT_TRUE(world_.reaches(before));
    EXPECT_FALSE(world_.reaches(before + 1));
    EXPECT_FALSE(world_.reaches(999)) << "of another life";
    view(1, {row_of(1), row_of(2), row_of(3)});
    EXPECT_EQ(world_.version(), before) << "nothing is new";
    view(1, {row_of(1), row_of(2, 2), row_of(3)});
    std::vector<base::EndpointId> changed;
    world_.nodes().changed_since(before, [&](const auto& id, const auto&) { changed.push_back(id); });
    EXPECT_EQ(changed, std::vector{id_of(2)});
}

// Undoing what came after gives the world of a moment, each moment.
TEST_F(WorldTest, ThePastIsAsItWas) {
    struct Kept {
        std::uint64_t unix_ms;
        PastWorld world;
    };
    std::vector<Kept> kept;
    base::Rng rng(7);
    for (int step = 0; step < 200; ++step) {
        std::vector<DirectoryRow> rows{row_of(1, 1)};
        for (std::uint32_t node = 2; node < 12; ++node) {
            if (rng.below(4) > 0) {
                rows.push_back(row_of(node, static_cast<std::uint64_t>(step + 1), {1 + rng.index(11) % 11U}));
            }
        }
        world_.on_viewer(id_of(1), "m", at_);
        world_.on_directory(id_of(1), rows, at_);
        kept.push_back({at_.wall.unix_ms, *world_.at(at_.wall.unix_ms)});
        pass(std::chrono::milliseconds(500));
    }
    for (const Kept& then : kept) {
        const auto again = world_.at(then.unix_ms);
        ASSERT_TRUE(again);
        EXPECT_EQ(again->nodes, then.world.nodes);
        EXPECT_EQ(again->links, then.world.links);
    }
    EXPECT_FALSE(world_.at(kept.front().unix_ms - 1)) << "before it began to look";
}

TEST_F(WorldTest, FlowsBetweenMeshesFadeInAMinute) {
    view(1, {row_of(1)});
    DirectoryRow other = row_of(2);
    other.digest.mesh = "n";
    world_.on_viewer(id_of(2), "n", at_);
    world_.on_directory(id_of(2), std::vector{other}, at_);
    const auto flow = [&] { return world_.links().find({id_of(1), id_of(2), LinkKind::delivery}); };
    for (int i = 0; i < 120; ++i) {
        world_.on_message(message(1, 2), at_);
    }
    world_.on_message(message(1, 1), at_);
    ASSERT_NE(flow(), nullptr);
    pass(World::kFlowStep);
    EXPECT_EQ(flow()->rate, 2.0);
    pass(World::kFlowStep * 7);
    EXPECT_EQ(flow(), nullptr);
    EXPECT_EQ(world_.links().size(), 0U);
}

TEST_F(WorldTest, IsBounded) {
    world_.on_viewer(id_of(1), "m", at_);
    std::vector<DirectoryRow> rows;
    for (std::uint32_t node = 1; node <= World::kNodesMax + 10; ++node) {
        rows.push_back(row_of(node));
    }
    world_.on_directory(id_of(1), rows, at_);
    EXPECT_EQ(world_.nodes().size(), World::kNodesMax);
    EXPECT_EQ(world_.counters().nodes_refused, 10U);
    for (std::uint32_t viewer = 2; viewer <= World::kViewersMax + 1; ++viewer) {
        world_.on_viewer(id_of(viewer), "m", at_);
    }
    EXPECT_EQ(world_.counters().viewers_refused, 1U);
    for (int i = 0; i < 100; ++i) {
        world_.on_message(message(1, 2), at_);
    }
    EXPECT_EQ(world_.samples_after(0).size(), World::kSampleRate.burst);
    EXPECT_EQ(world_.counters().samples_left_out, 100U - World::kSampleRate.burst);
    for (std::size_t i = 0; i < Timeline::kEventsMax + 5; ++i) {
        world_.on_note({0, 0, "note", "", "", std::to_string(i), {}}, at_);
    }
    EXPECT_EQ(world_.timeline().size(), Timeline::kEventsMax);
    EXPECT_EQ(world_.timeline().counters().dropped, 5U);
}

// Same inputs, same rows and versions.
TEST(World, IsDeterministic) {
    const auto run = [] {
        SimulatedFabric fabric(60, 3);
        World world(1, start());
        Moment at = start();
        fabric.begin(world, at);
        for (int i = 0; i < 500; ++i) {
            at.now += std::chrono::milliseconds(20);
            at.wall.unix_ms += 20;
            fabric.step(world, at);
        }
        std::vector<std::pair<base::EndpointId, NodeRow>> rows;
        world.nodes().each([&](const auto& id, const auto& row) { rows.emplace_back(id, row); });
        return std::tuple(rows, world.version(), world.timeline().after(0));
    };
    EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace grapevine::console
