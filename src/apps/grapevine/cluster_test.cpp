#include "apps/grapevine/cluster.hpp"

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "apps/grapevine/supervisor_testing.hpp"
#include "io/runtime_testing.hpp"

namespace grapevine::apps {
namespace {

struct ClusterTest : ::testing::Test {
    Cluster& make(std::size_t meshes, std::vector<TypeCount> per_mesh, OnDeath on_death = OnDeath::leave_dead,
                  Admission admission = Admission::open) {
        ClusterSpec spec;
        spec.meshes = meshes;
        spec.per_mesh = std::move(per_mesh);
        spec.root = root.path();
        spec.programs = programs.path();
        spec.on_death = on_death;
        spec.admission = admission;
        cluster = std::make_unique<Cluster>(runtime, spec, [this](Cluster::Event event, const Child* child) {
            if (event == Cluster::Event::started) {
                started.push_back(child->spec.mesh + "." + child->spec.data_dir.filename().string());
            }
            failed = failed || event == Cluster::Event::boot_failed;
        });
        return *cluster;
    }
    bool all_ready(std::size_t count) {
        return io::run_until(runtime, [&] { return cluster->ready() == count; });
    }
    // What a node was started with.
    [[nodiscard]] std::string args(const std::string& mesh, const std::string& dir) const {
        return content_of(root.path() / mesh / dir / "args");
    }
    ChildId add(const std::string& mesh, const std::string& type) {
        const ChildId id = *cluster->add(mesh, type, {});
        cluster->start_waiting();
        return id;
    }
    bool is(ChildId id, ChildState state) {
        return io::run_until(runtime, [&] { return cluster->nodes().find(id)->state == state; });
    }

    FakePrograms programs;
    io::TempDir root;
    io::Runtime runtime;
    std::vector<std::string> started;
    bool failed = false;
    std::unique_ptr<Cluster> cluster;
};

TEST_F(ClusterTest, TheFirstOfAMeshStartsAloneAndSeedsTheOthers) {
    make(2, {{"broker", 2}, {"gateway", 1}});
    ASSERT_TRUE(cluster->boot());
    EXPECT_EQ(started, (std::vector<std::string>{"mesh1.broker-1", "mesh2.broker-1"}));
    ASSERT_TRUE(all_ready(6));
    EXPECT_EQ(args("mesh1", "broker-1").find("--seed"), std::string::npos);
    EXPECT_NE(args("mesh1", "broker-2").find("--seed t-mesh1-broker-1"), std::string::npos);
    EXPECT_NE(args("mesh1", "gateway-1").find("--seed t-mesh1-broker-1"), std::string::npos);
    EXPECT_EQ(args("mesh1", "gateway-1").find("--fabric-seed"), std::string::npos);
    EXPECT_NE(args("mesh2", "gateway-1").find("--fabric-seed t-mesh1-gateway-1"), std::string::npos);
    EXPECT_EQ(cluster->planned(), 6U);
    EXPECT_EQ(cluster->meshes(), 2U);
}

TEST_F(ClusterTest, ANewMeshHasItsOwnSeed) {
    make(1, {{"broker", 1}, {"gateway", 1}});
    ASSERT_TRUE(cluster->boot());
    ASSERT_TRUE(all_ready(2));
    ASSERT_TRUE(cluster->add("other", "gateway", {250, 4096}) && cluster->add("other", "broker", {}));
    cluster->start_waiting();
    ASSERT_TRUE(all_ready(4));
    EXPECT_EQ(args("other", "gateway-1").find("--seed"), std::string::npos);
    EXPECT_NE(args("other", "gateway-1").find("--fabric-seed t-mesh1-gateway-1"), std::string::npos);
    EXPECT_NE(args("other", "gateway-1").find("--cpu-budget 250 --memory-budget 4096"), std::string::npos);
    EXPECT_NE(args("other", "broker-1").find("--seed t-other-gateway-1"), std::string::npos);
    EXPECT_EQ(args("other", "broker-1").find("budget"), std::string::npos);
    EXPECT_EQ(cluster->meshes(), 2U);
}

TEST_F(ClusterTest, AMeshOfGatewaysWaitsForTheFabricsFirst) {
    make(2, {{"gateway", 2}});
    ASSERT_TRUE(cluster->boot());
    EXPECT_EQ(started, (std::vector<std::string>{"mesh1.gateway-1"}));
    ASSERT_TRUE(all_ready(4));
    EXPECT_NE(args("mesh2", "gateway-1").find("--fabric-seed t-mesh1-gateway-1"), std::string::npos);
    EXPECT_NE(args("mesh2", "gateway-2").find("--seed t-mesh2-gateway-1"), std::string::npos);
}

TEST_F(ClusterTest, TheFirstComesAgainThroughTheOthers) {
    make(1, {{"broker", 2}});
    ASSERT_TRUE(cluster->boot());
    ASSERT_TRUE(all_ready(2));
    cluster->nodes().restart({1});
    ASSERT_TRUE(io::run_until(runtime, [&] { return cluster->nodes().find({1})->restarts == 1; }));
    ASSERT_TRUE(all_ready(2));
    EXPECT_NE(args("mesh1", "broker-1").find("--seed t-mesh1-broker-2"), std::string::npos);
}

TEST_F(ClusterTest, AWedgedOneIsASeedWhereThereIsNoOther) {
    make(1, {{"broker", 1}});
    ASSERT_TRUE(cluster->boot());
    ASSERT_TRUE(all_ready(1));
    ASSERT_TRUE(cluster->nodes().wedge({1}));
    ASSERT_TRUE(is(add("mesh1", "broker"), ChildState::ready));
    EXPECT_NE(args("mesh1", "broker-2").find("--seed t-mesh1-broker-1"), std::string::npos);
}

TEST_F(ClusterTest, WhereTheFirstFailsTheNextIsTheSeed) {
    make(1, {{"broker", 1}});
    ASSERT_TRUE(cluster->boot());
    ASSERT_TRUE(all_ready(1));
    const ChildId broken = *cluster->add("other", "compute", {});
    const ChildId next = *cluster->add("other", "broker", {});
    cluster->start_waiting();
    ASSERT_TRUE(is(broken, ChildState::ended));
    ASSERT_TRUE(is(next, ChildState::ready));
    EXPECT_EQ(args("other", "broker-1").find("--seed"), std::string::npos);
    EXPECT_FALSE(failed);
    EXPECT_EQ(cluster->planned(), 3U);
}

TEST_F(ClusterTest, ABootFailsWithItsFirstNode) {
    make(1, {{"compute", 1}, {"broker", 1}});
    ASSERT_TRUE(cluster->boot());
    EXPECT_TRUE(io::run_until(runtime, [&] { return failed; }));
}

TEST_F(ClusterTest, WhoWasAskedToEndStaysSoAndIsNotPlannedFor) {
    make(1, {{"broker", 3}}, OnDeath::respawn);
    ASSERT_TRUE(cluster->boot());
    ASSERT_TRUE(all_ready(3));
    cluster->nodes().stop({1});
    ::kill(cluster->nodes().find({2})->pid, SIGKILL);
    ASSERT_TRUE(io::run_until(runtime, [&] { return cluster->nodes().find({2})->restarts == 1; }));
    ASSERT_TRUE(all_ready(2));
    EXPECT_EQ(cluster->nodes().find({1})->state, ChildState::ended);
    EXPECT_EQ(cluster->nodes().find({1})->restarts, 0U);
    EXPECT_EQ(cluster->planned(), 2U);
}

TEST_F(ClusterTest, EachNodeHasADirectoryOfItsOwn) {
    make(1, {{"broker", 2}});
    ASSERT_TRUE(cluster->boot());
    ASSERT_TRUE(all_ready(2));
    cluster->nodes().kill({1});
    ASSERT_TRUE(is({1}, ChildState::ended));
    const ChildId third = add("mesh1", "broker");
    EXPECT_EQ(cluster->nodes().find(third)->spec.data_dir.filename(), "broker-3");
}

TEST_F(ClusterTest, ANewMeshOfAClosedOneHasAnAuthority) {
    make(1, {{"broker", 1}}, OnDeath::leave_dead, Admission::closed);
    ASSERT_TRUE(cluster->boot());
    ASSERT_TRUE(all_ready(1));
    add("other", "broker");
    ASSERT_TRUE(all_ready(2));
    EXPECT_TRUE(std::filesystem::exists(root.path() / "other.authority"));
    const std::string first = args("mesh1", "broker-1");
    const std::string second = args("other", "broker-1");
    const auto authority_in = [](const std::string& text) { return text.substr(text.find("--authority"), 76); };
    EXPECT_NE(second.find("--ticket "), std::string::npos);
    EXPECT_NE(authority_in(first), authority_in(second));
}

TEST_F(ClusterTest, GatewaysOfClosedMeshesMayVisitTheOthers) {
    make(2, {{"broker", 1}, {"gateway", 1}}, OnDeath::leave_dead, Admission::closed);
    ASSERT_TRUE(cluster->boot());
    ASSERT_TRUE(all_ready(4));
    EXPECT_NE(args("mesh1", "gateway-1").find("visit-mesh2"), std::string::npos);
    EXPECT_NE(args("mesh2", "gateway-1").find("visit-mesh1"), std::string::npos);
    EXPECT_EQ(args("mesh1", "broker-1").find("visit-"), std::string::npos);
}

}  // namespace
}  // namespace grapevine::apps
