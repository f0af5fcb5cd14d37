// A node watches the directory of another mesh through one gateway of it, between whole stacks.

#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "node/directory_teller.hpp"
#include "node/mesh_watches.hpp"
#include "stack/admission_testing.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using node::WatchedChange;
using node::WatchState;

std::set<base::EndpointId> ids_of(const std::vector<DirectoryRow>& rows) {
    std::set<base::EndpointId> ids;
    for (const auto& row : rows)
        ids.insert(row.id);
    return ids;
}

class WatchCluster : public ClosedCluster {
public:
    using ClosedCluster::ClosedCluster;

    void watch(std::size_t index, std::string_view mesh) {
        EXPECT_TRUE(stack(index).watch(mesh, now()));
        settle(index);
    }
    // What the watcher knows is what the gateway that tells it knows.
    bool equal(std::size_t watcher, std::string_view mesh, std::size_t member) {
        return up(watcher, mesh) &&
               ids_of(stack(watcher).watched(mesh, now())) == ids_of(stack(member).directory(now()));
    }
    WatchSource source(std::size_t watcher, std::string_view mesh) {
        for (auto& source : stack(watcher).watch_sources())
            if (source.mesh == mesh) return source;
        return {};
    }
    bool up(std::size_t watcher, std::string_view mesh) { return source(watcher, mesh).state == WatchState::up; }
    std::size_t index_of(const base::EndpointId& id) {
        for (std::size_t i = 0; i < size(); ++i)
            if (stack(i).id() == id) return i;
        return size();
    }
    std::vector<WatchedChanged> changes(std::size_t watcher, WatchedChange change) {
        std::vector<WatchedChanged> found;
        for (const auto& event : member(watcher).events)
            if (const auto* e = report_in<WatchedChanged, WatchReport>(event); e && e->change == change)
                found.push_back(*e);
        return found;
    }
    bool laws_kept(std::size_t index) {
        const auto& events = member(index).events;
        return std::none_of(events.begin(), events.end(),
                            [](const Event& e) { return std::holds_alternative<LawBroken>(e); });
    }
};

// mesh1: 0 a gateway, 1 a console. mesh2: 2, 3 gateways, 4 to 7 brokers.
class MeshWatch : public ::testing::Test {
protected:
    static constexpr std::size_t kConsole = 1;

    void SetUp() override {
        cluster_.add("mesh1", "gateway", {});
        cluster_.add("mesh1", "console", {0});
        const auto with_seed = [&](Config& config) { config.mesh->fabric_seeds = {cluster_.stack(0).addr()}; };
        cluster_.add("mesh2", "gateway", {}, with_seed);
        cluster_.add("mesh2", "gateway", {2}, with_seed);
        for (int i = 0; i < 4; ++i)
            cluster_.add("mesh2", "broker", {2});
        ASSERT_TRUE(cluster_.run_until([&] { return cluster_.converged({0, 1}) && cluster_.converged(mesh2_); }, 5s));
        ASSERT_TRUE(cluster_.run_until([&] { return !cluster_.stack(0).known_meshes().empty(); }, 5s));
    }
    void watch() {
        cluster_.watch(kConsole, "mesh2");
        ASSERT_TRUE(cluster_.run_until([&] { return cluster_.equal(kConsole, "mesh2", 4); }, 3s));
    }
    std::size_t gateway() { return cluster_.index_of(*cluster_.source(kConsole, "mesh2").gateway); }

    WatchCluster cluster_{41};
    std::vector<std::size_t> mesh2_{2, 3, 4, 5, 6, 7};
};

TEST_F(MeshWatch, WhatTheGatewayKnowsIsKnownAndStaysSo) {
    watch();
    EXPECT_TRUE(gateway() == 2 || gateway() == 3);
    EXPECT_EQ(cluster_.changes(kConsole, WatchedChange::joined).size(), 6U);
    cluster_.run_for(120s);
    EXPECT_TRUE(cluster_.equal(kConsole, "mesh2", 4));
    EXPECT_EQ(cluster_.changes(kConsole, WatchedChange::joined).size(), 6U) << "nothing came and went";
    for (const auto& row : cluster_.stack(kConsole).watched("mesh2", cluster_.now())) {
        EXPECT_LT(row.age, 12s) << row.name;
        EXPECT_EQ(row.known_via, "watch");
        EXPECT_EQ(row.name, cluster_.stack(cluster_.index_of(row.id)).own_name());
    }
    EXPECT_EQ(cluster_.stack(kConsole).directory(cluster_.now()).size(), 2U) << "the own directory is the own mesh's";
    EXPECT_TRUE(cluster_.laws_kept(kConsole) && cluster_.laws_kept(gateway()));
    RecordProperty("bytes", static_cast<int>(cluster_.figure(kConsole, "watch.bytes")));
}

TEST_F(MeshWatch, JoinsAndGoodbyesAndDeathsAreHeardAsTheyHappen) {
    watch();
    const std::size_t late = cluster_.add("mesh2", "broker", {2});
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.changes(kConsole, WatchedChange::joined).size() == 7; }, 5s));
    cluster_.stack(late).leave(cluster_.now());
    cluster_.settle(late);
    ASSERT_TRUE(cluster_.run_until([&] { return !cluster_.changes(kConsole, WatchedChange::left).empty(); }, 3s));
    cluster_.silence(6);
    ASSERT_TRUE(cluster_.run_until([&] { return !cluster_.changes(kConsole, WatchedChange::died).empty(); }, 12s));
    const auto death = cluster_.changes(kConsole, WatchedChange::died)[0];
    EXPECT_EQ(death.id, cluster_.stack(6).id());
    EXPECT_FALSE(death.accusers.empty()) << "by signed accusations";
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.equal(kConsole, "mesh2", 4); }, 5s));
}

TEST_F(MeshWatch, WhenItsGatewayDiesAnotherOneTells) {
    watch();
    cluster_.run_for(15s);
    const std::size_t first = gateway();
    cluster_.silence(first);
    ASSERT_TRUE(cluster_.run_until([&] { return gateway() != first && cluster_.up(kConsole, "mesh2"); }, 20s));
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.equal(kConsole, "mesh2", 4); }, 20s));
    EXPECT_EQ(cluster_.stack(kConsole).watched("mesh2", cluster_.now()).size(), 5U);
    EXPECT_EQ(cluster_.changes(kConsole, WatchedChange::died).size() +
                  cluster_.changes(kConsole, WatchedChange::unlisted).size(),
              1U)
        << "of the gateway itself alone";
}

TEST_F(MeshWatch, AGatewayThatLeavesIsFollowedByAnotherAtOnce) {
    watch();
    cluster_.run_for(15s);
    const std::size_t first = gateway();
    cluster_.stack(first).leave(cluster_.now());
    cluster_.settle(first);
    ASSERT_TRUE(cluster_.run_until([&] { return gateway() != first && cluster_.up(kConsole, "mesh2"); }, 4s));
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.equal(kConsole, "mesh2", 4); }, 5s));
}

TEST_F(MeshWatch, WithoutAnyGatewayItIsDownAndUpAgainWithTheNext) {
    watch();
    cluster_.silence(2);
    cluster_.silence(3);
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.source(kConsole, "mesh2").state == WatchState::down; }, 40s));
    const auto rows = cluster_.stack(kConsole).watched("mesh2", cluster_.now());
    EXPECT_EQ(rows.size(), 6U) << "kept as it was";
    cluster_.run_for(60s);
    for (const auto& row : cluster_.stack(kConsole).watched("mesh2", cluster_.now()))
        EXPECT_GT(row.age, 60s) << "and as old as it is";
    cluster_.restart(2, {4});
    cluster_.restart(3, {4});
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.equal(kConsole, "mesh2", 4); }, 120s));
}

TEST_F(MeshWatch, UnderLossItIsTheSame) {
    cluster_.loss = 0.05;
    cluster_.jitter = 3ms;
    cluster_.duplication = 0.02;
    cluster_.watch(kConsole, "mesh2");
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.equal(kConsole, "mesh2", 4); }, 20s));
    cluster_.run_for(60s);
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.equal(kConsole, "mesh2", 4); }, 20s));
}

TEST_F(MeshWatch, WhoIsNoGatewayLearnsTheMeshesOfTheFabric) {
    EXPECT_TRUE(cluster_.stack(kConsole).known_meshes().empty());
    ASSERT_TRUE(cluster_.stack(kConsole).watch_meshes(cluster_.now()));
    cluster_.settle(kConsole);
    ASSERT_TRUE(cluster_.run_until([&] { return !cluster_.stack(kConsole).known_meshes().empty(); }, 3s));
    EXPECT_EQ(cluster_.stack(kConsole).known_meshes(), (std::vector<std::string>{"mesh2"}));
    const std::size_t third = cluster_.add(
        "mesh3", "gateway", {}, [&](Config& config) { config.mesh->fabric_seeds = {cluster_.stack(0).addr()}; });
    cluster_.add("mesh3", "broker", {third});
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.stack(0).known_meshes().size() == 2; }, 20s));
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.stack(kConsole).known_meshes().size() == 2; }, 1s));
}

TEST_F(MeshWatch, OneWatchAPeerAndNamesThatAreNotServed) {
    watch();
    const auto refused = [&](std::size_t at, const std::string& name) {
        auto& member = cluster_.member(kConsole);
        member.events.clear();
        const auto id = member.stack->submit({{name}, delivery::MessageKind::stream, {}, {}, {}}, cluster_.now());
        EXPECT_TRUE(id);
        cluster_.settle(kConsole);
        const delivery::Finished* end = nullptr;
        EXPECT_TRUE(cluster_.run_until(
            [&] {
                for (const auto& event : member.events)
                    if (const auto* e = report_in<delivery::Finished>(event)) end = e;
                return end != nullptr;
            },
            11s));
        EXPECT_EQ(end->peer, cluster_.stack(at).id());
        return end->ending;
    };
    const base::EndpointId watched = cluster_.stack(gateway()).id();
    const std::size_t at = gateway();
    EXPECT_EQ(refused(at, wire::watch_target({watched, wire::WatchSubject::meshes})), delivery::Ending::refused);
    EXPECT_EQ(cluster_.figure(at, "watchers.refused.not_admitted"), 1U) << "meshes are told to members";
    EXPECT_NE(refused(at, wire::watch_target({watched, wire::WatchSubject::directory})),
              delivery::Ending::acknowledged);
    EXPECT_GT(cluster_.figure(at, "watchers.refused.second"), 0U);
    EXPECT_GT(cluster_.figure(at, "rates.refused.watch"), 0U) << "asked again and again until its deadline";
    EXPECT_TRUE(cluster_.equal(kConsole, "mesh2", 4));
}

// The application's own stream, which reads nothing.
TEST_F(MeshWatch, AWatcherThatDoesNotReadIsDropped) {
    const auto small_windows = [&](Config& config) {
        config.quic.limits.stream_window_bytes = 4096;
        config.quic.limits.send_buffer_bytes = 8192;
        config.mesh->fabric_seeds = {cluster_.stack(0).addr()};
    };
    const std::size_t slow = cluster_.add("mesh1", "console", {0}, small_windows);
    const std::size_t third = cluster_.add("mesh2", "gateway", {2}, small_windows);
    mesh2_.push_back(third);
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.converged({0, 1, slow}) && cluster_.converged(mesh2_); }, 5s));
    auto& member = cluster_.member(slow);
    member.stack->ask("mesh2.gateway", cluster_.now() + 5s, cluster_.now());
    cluster_.settle(slow);
    cluster_.run_for(1s);
    const std::string name = wire::watch_target({cluster_.stack(third).id(), wire::WatchSubject::directory});
    ASSERT_TRUE(member.stack->submit({{name}, delivery::MessageKind::stream, {}, {}, {}}, cluster_.now()));
    cluster_.settle(slow);
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.figure(third, "watchers.live") == 1; }, 3s));
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.figure(third, "watchers.slow") == 1; }, 300s));
    EXPECT_EQ(cluster_.figure(third, "watchers.live"), 0U);
    EXPECT_EQ(cluster_.figure(third, "watchers.waiting_bytes"), 0U);
    const auto over = [&] {
        return std::any_of(member.events.begin(), member.events.end(), [](const Event& event) {
            const auto* e = report_in<StreamOver, ByteStreamEvent>(event);
            return e != nullptr && e->ending == StreamEnding::reset && e->code == node::kWatchSlow;
        });
    };
    EXPECT_TRUE(cluster_.run_until(over, 2s)) << "and told why";
}

TEST_F(MeshWatch, AtMostEightWatchAGateway) {
    std::vector<std::size_t> watchers;
    for (std::size_t i = 0; i < node::kWatchersMax + 1; ++i)
        watchers.push_back(cluster_.add("mesh1", "console", {0}));
    cluster_.silence(3);
    cluster_.run_for(15s);
    for (const std::size_t i : watchers)
        cluster_.watch(i, "mesh2");
    const auto count_up = [&] {
        return std::count_if(watchers.begin(), watchers.end(), [&](std::size_t i) { return cluster_.up(i, "mesh2"); });
    };
    ASSERT_TRUE(cluster_.run_until([&] { return count_up() == node::kWatchersMax; }, 20s));
    cluster_.run_for(30s);
    EXPECT_EQ(count_up(), node::kWatchersMax);
    EXPECT_GT(cluster_.figure(2, "watchers.refused.full"), 0U);
    cluster_.unsilence(3);
    ASSERT_TRUE(cluster_.run_until([&] { return count_up() == node::kWatchersMax + 1; }, 120s))
        << "another one has room";
}

TEST_F(MeshWatch, UnwatchingEndsIt) {
    watch();
    const std::size_t at = gateway();
    cluster_.stack(kConsole).unwatch("mesh2", cluster_.now());
    cluster_.settle(kConsole);
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.figure(at, "watchers.live") == 0; }, 2s));
    EXPECT_TRUE(cluster_.stack(kConsole).watched("mesh2", cluster_.now()).empty());
    EXPECT_EQ(cluster_.figure(kConsole, "watch.entries"), 0U);
}

// mesh1 is open: 0 a gateway and 1 a console with tickets to visit mesh2, 2 a console without. mesh2 is closed: 3 a
// gateway, 4 a broker.
class ClosedWatch : public ::testing::Test {
protected:
    void SetUp() override {
        const auto guest = [](Config& config, const base::EndpointId& id) {
            wire::AdmissionTicket ticket = ticket_for(id, 100);
            ticket.mesh = "mesh2";
            ticket.use = wire::AdmissionUse::visitor;
            config.mesh->admission.visits["mesh2"] = signed_by(authority(), ticket);
            config.mesh->admission.wall = wall_of;
        };
        cluster_.add("mesh1", "gateway", {}, guest);
        cluster_.add("mesh1", "console", {0}, guest);
        cluster_.add("mesh1", "console", {0});
        const auto member = [&](Config& config, const base::EndpointId& id) {
            wire::AdmissionTicket ticket = ticket_for(id, cluster_.size());
            ticket.mesh = "mesh2";
            close_mesh(config, signed_by(authority(), ticket));
            config.mesh->fabric_seeds = {cluster_.stack(0).addr()};
        };
        cluster_.add("mesh2", "gateway", {}, member);
        cluster_.add("mesh2", "broker", {3}, member);
        ASSERT_TRUE(cluster_.run_until(
            [&] {
                return cluster_.converged({0, 1, 2}) && cluster_.converged({3, 4}) &&
                       !cluster_.stack(0).known_meshes().empty();
            },
            10s));
    }
    WatchCluster cluster_{12};
};

TEST_F(ClosedWatch, AVisitorWithATicketWatches) {
    cluster_.watch(1, "mesh2");
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.equal(1, "mesh2", 3); }, 10s));
    EXPECT_EQ(cluster_.stack(1).watched("mesh2", cluster_.now()).size(), 2U);
}

TEST_F(ClosedWatch, AnOutsiderLearnsNoName) {
    cluster_.watch(2, "mesh2");
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.source(2, "mesh2").state == WatchState::down; }, 20s));
    cluster_.run_for(60s);
    EXPECT_TRUE(cluster_.stack(2).watched("mesh2", cluster_.now()).empty());
    EXPECT_EQ(cluster_.figure(2, "watch.bytes"), 0U);
    EXPECT_GT(cluster_.figure(3, "admission.denied.no_ticket"), 0U);
    EXPECT_EQ(cluster_.figure(3, "watchers.taken"), 0U);
}

TEST_F(ClosedWatch, ARevokedVisitorIsToldNoMore) {
    cluster_.watch(1, "mesh2");
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.equal(1, "mesh2", 3); }, 10s));
    const base::Bytes list =
        wire::sign_revocations(authority(), {wire::kAdmissionVersion, "mesh2", 1, {{100, kWallStartS + 86'400}}})
            .envelope;
    cluster_.stack(3).take_revocations(list, cluster_.now());
    cluster_.settle(3);
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.figure(3, "watchers.live") == 0; }, 2s));
    const auto before = cluster_.figure(1, "watch.bytes");
    cluster_.run_for(30s);
    EXPECT_EQ(cluster_.figure(1, "watch.bytes"), before);
    EXPECT_EQ(cluster_.source(1, "mesh2").state, WatchState::down);
}

}  // namespace
}  // namespace grapevine::stack
