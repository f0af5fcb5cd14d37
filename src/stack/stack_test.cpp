#include "stack/stack.hpp"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "base/blake3.hpp"
#include "stack/cluster_testing.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;

std::vector<std::size_t> range(std::size_t from, std::size_t to) {
    std::vector<std::size_t> indices(to - from);
    std::iota(indices.begin(), indices.end(), from);
    return indices;
}

// Members 0 to n-1 of one mesh, all joined through member 0.
void add_mesh(TestCluster& cluster, const std::string& mesh, std::size_t count) {
    const std::size_t first = cluster.add(mesh, "broker", {});
    for (std::size_t i = 1; i < count; ++i)
        cluster.add(mesh, i % 2 == 0 ? "broker" : "gateway", {first});
}

std::uint64_t figure(const Stack& stack, std::string_view name) {
    for (const auto& f : stack.figures())
        if (f.name == name) return f.value;
    ADD_FAILURE() << "no figure " << name;
    return 0;
}

template <typename E>
std::vector<E> events_of(const TestCluster::Member& member) {
    std::vector<E> found;
    for (const auto& event : member.events)
        if (const auto* e = std::get_if<E>(&event)) found.push_back(*e);
    return found;
}

TEST(Stack, TwoNodesFindEachOther) {
    TestCluster cluster(1);
    add_mesh(cluster, "mesh1", 2);
    EXPECT_TRUE(cluster.run_until([&] { return cluster.converged({0, 1}); }, 1s));
    EXPECT_EQ(cluster.stack(0).neighbors(cluster.now()).size(), 1U);
}

TEST(Stack, NineNodesConvergeWithinAQuarterSecond) {
    TestCluster cluster(2);
    add_mesh(cluster, "mesh1", 9);
    const auto began = cluster.now();
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(range(0, 9)); }, 1s));
    EXPECT_LE(cluster.now() - began, 250ms);
}

TEST(Stack, TwoMeshesStayApart) {
    TestCluster cluster(3);
    add_mesh(cluster, "mesh1", 5);
    const std::size_t first = cluster.add("mesh2", "broker", {});
    for (int i = 0; i < 4; ++i)
        cluster.add("mesh2", "compute", {first});
    ASSERT_TRUE(
        cluster.run_until([&] { return cluster.converged(range(0, 5)) && cluster.converged(range(5, 10)); }, 1s));
    cluster.run_for(60s);
    EXPECT_TRUE(cluster.converged(range(0, 5)) && cluster.converged(range(5, 10)));
}

TEST(Stack, AnIdleMeshNeverBlinks) {
    TestCluster cluster(4);
    add_mesh(cluster, "mesh1", 9);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(range(0, 9)); }, 1s));
    cluster.run_for(20s);
    for (std::size_t i = 0; i < 9; ++i) {
        cluster.member(i).events.clear();
        cluster.member(i).turns = 0;
    }
    cluster.run_for(300s);
    for (std::size_t i = 0; i < 9; ++i) {
        for (const auto& change : events_of<DirectoryChanged>(cluster.member(i)))
            EXPECT_EQ(change.change, EntryChange::updated) << change.name;
        EXPECT_TRUE(events_of<SuspicionChanged>(cluster.member(i)).empty());
        EXPECT_LE(cluster.member(i).turns, 15U * 300U);
    }
}

TEST(Stack, ASilentNodeIsBuriedByAllSurvivors) {
    TestCluster cluster(5);
    add_mesh(cluster, "mesh1", 9);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(range(0, 9)); }, 1s));
    cluster.run_for(15s);
    cluster.silence(8);
    const auto began = cluster.now();
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(range(0, 8)); }, 10s));
    EXPECT_LE(cluster.now() - began, 5s);
}

TEST(Stack, ARestartWithTheSameKeyIsBackWithinTwoSeconds) {
    TestCluster cluster(6);
    add_mesh(cluster, "mesh1", 9);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(range(0, 9)); }, 1s));
    cluster.run_for(15s);
    cluster.restart(3, {0});
    const auto restarted = cluster.now();
    const auto back = [&] {
        const auto started = static_cast<std::uint64_t>(restarted.time_since_epoch() / 1ms);
        for (std::size_t i = 0; i < 9; ++i) {
            const auto rows = cluster.stack(i).directory(cluster.now());
            if (rows.size() != 9) return false;
            for (const auto& row : rows)
                if (row.id == cluster.stack(3).id() && row.started_unix_ms < started) return false;
        }
        return true;
    };
    EXPECT_TRUE(cluster.run_until(back, 2s));
}

TEST(Stack, AGracefulLeaveIsKnownAtOnceAndEndsWithinTwoSeconds) {
    TestCluster cluster(7);
    add_mesh(cluster, "mesh1", 5);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(range(0, 5)); }, 1s));
    cluster.run_for(5s);
    cluster.stack(4).leave(cluster.now());
    cluster.settle(4);
    EXPECT_TRUE(cluster.run_until([&] { return !events_of<Left>(cluster.member(4)).empty(); }, 2s));
    EXPECT_TRUE(cluster.run_until([&] { return cluster.converged(range(0, 4)); }, 200ms));
}

TEST(Stack, PingMeasuresARoundTrip) {
    TestCluster cluster(8);
    add_mesh(cluster, "mesh1", 3);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(range(0, 3)); }, 1s));
    const auto request = cluster.stack(2).ping(cluster.stack(1).id(), cluster.now());
    cluster.settle(2);
    ASSERT_TRUE(cluster.run_until([&] { return !events_of<PingDone>(cluster.member(2)).empty(); }, 5s));
    const auto done = events_of<PingDone>(cluster.member(2)).front();
    EXPECT_EQ(done.request, request);
    ASSERT_TRUE(done.rtt) << done.error;
    EXPECT_GE(*done.rtt, 2ms);
}

TEST(Stack, PingOfASilentNodeFailsByItsDeadline) {
    TestCluster cluster(9);
    add_mesh(cluster, "mesh1", 2);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged({0, 1}); }, 1s));
    cluster.silence(1);
    (void)cluster.stack(0).ping(cluster.stack(1).id(), cluster.now());
    cluster.settle(0);
    ASSERT_TRUE(cluster.run_until([&] { return !events_of<PingDone>(cluster.member(0)).empty(); }, 6s));
    EXPECT_FALSE(events_of<PingDone>(cluster.member(0)).front().rtt);
}

TEST(Stack, TopicsOfPlainEndpointsDeliverToAll) {
    TestCluster cluster(10);
    const base::TopicId topic{base::blake3(base::as_bytes("a topic"))};
    for (int i = 0; i < 10; ++i)
        cluster.add(std::nullopt, "", {});
    for (std::size_t i = 0; i < 10; ++i) {
        std::vector<wire::EndpointAddr> via;
        if (i > 0) via.push_back(cluster.stack(0).addr());
        ASSERT_TRUE(cluster.stack(i).join_topic(topic, via, cluster.now()));
        cluster.settle(i);
    }
    cluster.run_for(2s);
    for (std::size_t i = 0; i < 10; ++i) {
        ASSERT_TRUE(cluster.stack(i).broadcast(topic, base::as_bytes("from " + std::to_string(i)), cluster.now()));
        cluster.settle(i);
    }
    cluster.run_for(2s);
    for (std::size_t i = 0; i < 10; ++i)
        EXPECT_EQ(events_of<TopicReceived>(cluster.member(i)).size(), 9U) << i;
}

TEST(Stack, AnOversizeBroadcastIsAnErrorToTheCaller) {
    TestCluster cluster(11);
    const base::TopicId topic{base::blake3(base::as_bytes("a topic"))};
    cluster.add(std::nullopt, "", {});
    EXPECT_FALSE(cluster.stack(0).broadcast(topic, base::as_bytes("x"), cluster.now()));
    ASSERT_TRUE(cluster.stack(0).join_topic(topic, {}, cluster.now()));
    EXPECT_TRUE(cluster.stack(0).broadcast(topic, base::Bytes(4057), cluster.now()));
    EXPECT_FALSE(cluster.stack(0).broadcast(topic, base::Bytes(4058), cluster.now()));
}

TEST(Stack, ANodeOfAnotherMeshIsAVisitorAndNoMember) {
    TestCluster cluster(12);
    cluster.add("mesh1", "broker", {});
    cluster.add("mesh2", "broker", {0});  // It takes a node of the other mesh for its seed.
    (void)cluster.stack(1).ping(cluster.stack(0).id(), cluster.now());
    cluster.settle(1);
    ASSERT_TRUE(cluster.run_until([&] { return !events_of<PingDone>(cluster.member(1)).empty(); }, 6s));
    EXPECT_TRUE(events_of<PingDone>(cluster.member(1)).front().rtt);
    EXPECT_EQ(figure(cluster.stack(0), "mesh.visitors_greeted"), 1U);
    EXPECT_EQ(cluster.stack(0).directory(cluster.now()).size(), 1U);
    EXPECT_EQ(cluster.stack(1).directory(cluster.now()).size(), 1U);
}

TEST(Stack, ApplicationsCannotDialTheStacksOwnProtocols) {
    TestCluster cluster(14);
    cluster.add("mesh1", "broker", {});
    cluster.add("mesh1", "broker", {});
    for (const auto alpn : {wire::kMeshAlpn, wire::kGossipAlpn})
        EXPECT_FALSE(cluster.stack(1).connect(cluster.stack(0).addr(), alpn, cluster.now()));
}

TEST(Stack, TheLedgerBalancesAfterChurn) {
    TestCluster cluster(13);
    add_mesh(cluster, "mesh1", 6);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(range(0, 6)); }, 1s));
    for (int round = 0; round < 5; ++round) {
        cluster.silence(5);
        ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(range(0, 5)); }, 10s)) << round;
        cluster.restart(5, {0});
        ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(range(0, 6)); }, 10s)) << round;
    }
    cluster.run_for(60s);
    const auto& ledger = cluster.stack(0).ledger();
    EXPECT_LE(ledger[telemetry::Kind::connection].alive(), 12U);
    EXPECT_EQ(ledger[telemetry::Kind::directory_entry].alive(), 6U);
    EXPECT_EQ(ledger[telemetry::Kind::sync_session].alive(), 0U);
    auto& member = cluster.member(0);
    member.stack.reset();
    for (std::size_t kind = 0; kind < telemetry::kKinds; ++kind)
        EXPECT_EQ((*member.ledger)[static_cast<telemetry::Kind>(kind)].alive(), 0U)
            << telemetry::name(static_cast<telemetry::Kind>(kind));
}

}  // namespace
}  // namespace grapevine::stack
