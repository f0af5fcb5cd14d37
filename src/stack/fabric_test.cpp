// Names of other meshes between whole stacks: the backbone's topic, questions to gateways, deliveries to who was found.

#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "stack/cluster_testing.hpp"
#include "stack/stack.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;
using delivery::Ending;

// Two meshes: 0, 1 gateways, 2, 3 compute of mesh1; 4, 5 gateways, 6, 7, 8 brokers of mesh2, which answer.
class Fabric : public testing::Test {
protected:
    static constexpr std::size_t kCaller = 2;

    void SetUp() override {
        cluster_.add("mesh1", "gateway", {});
        cluster_.add("mesh1", "gateway", {0});
        cluster_.add("mesh1", "compute", {0});
        cluster_.add("mesh1", "compute", {0});
        const auto with_seed = [&](Config& config) { config.mesh->fabric_seeds = {cluster_.stack(0).addr()}; };
        cluster_.add("mesh2", "gateway", {}, with_seed);
        cluster_.add("mesh2", "gateway", {4}, with_seed);
        for (int i = 0; i < 3; ++i)
            serve(cluster_.add("mesh2", "broker", {4}));
        ASSERT_TRUE(cluster_.run_until([&] { return converged(); }, 2s));
        ASSERT_TRUE(cluster_.run_until([&] { return knows(0, "mesh2") && knows(4, "mesh1"); }, 5s));
    }

    bool converged() { return cluster_.converged({0, 1, 2, 3}) && cluster_.converged({4, 5, 6, 7, 8}); }
    bool knows(std::size_t index, std::string_view mesh) {
        const auto rows = cluster_.stack(index).meshes(cluster_.now());
        return std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.mesh == mesh; });
    }
    void serve(std::size_t index) {
        ASSERT_EQ(cluster_.stack(index).serve("", delivery::Service{}, cluster_.now()), base::Admitted::yes);
    }

    // The end of one question.
    fabric::Outcome ask(std::size_t index, const std::string& name, base::Duration time = 6s) {
        auto& member = cluster_.member(index);
        member.events.clear();
        const auto question = member.stack->ask(name, cluster_.now() + time, cluster_.now());
        cluster_.settle(index);
        const fabric::Done* done = nullptr;
        const auto ended = [&] {
            for (const auto& event : member.events)
                if (const auto* e = report_in<fabric::Done, FabricReport>(event); e && e->question == question)
                    done = e;
            return done != nullptr;
        };
        EXPECT_TRUE(cluster_.run_until(ended, time + 1s)) << name;
        return done != nullptr ? done->outcome : fabric::Outcome{};
    }

    // The end of one message; whoever gets one answers "done".
    delivery::Finished send(const std::string& name, base::Duration deadline = 10s) {
        auto& caller = cluster_.member(kCaller);
        caller.events.clear();
        delivery::Options options;
        options.deadline = deadline;
        const auto id = caller.stack->submit(
            {{name}, delivery::MessageKind::request, base::to_bytes("hello"), options, {}}, cluster_.now());
        EXPECT_TRUE(id);
        cluster_.settle(kCaller);
        delivery::Finished finished;
        const auto ended = [&] {
            answer_all();
            for (const auto& event : caller.events)
                if (const auto* e = report_in<delivery::Finished>(event); e && e->message == id->sequence) {
                    finished = *e;
                    return true;
                }
            return false;
        };
        EXPECT_TRUE(cluster_.run_until(ended, deadline + 1s)) << name;
        return finished;
    }

    void answer_all() {
        for (std::size_t i = 0; i < cluster_.size(); ++i) {
            if (i == kCaller) continue;
            auto& member = cluster_.member(i);
            for (const auto& event : std::exchange(member.events, {}))
                if (const auto* handle = report_in<delivery::Handle>(event)) {
                    handlers_.insert(i);
                    member.stack->answer(handle->handle, {}, cluster_.now());
                    cluster_.settle(i);
                }
        }
    }

    std::uint64_t figure(std::size_t index, std::string_view name) {
        for (const auto& f : cluster_.stack(index).figures())
            if (f.name == name) return f.value;
        return 0;
    }

    TestCluster cluster_{31};
    std::set<std::size_t> handlers_;
};

TEST_F(Fabric, AMemberThatIsNoGatewayFindsNodesOfAnotherMesh) {
    const auto any = ask(kCaller, "mesh2.broker");
    EXPECT_EQ(any.verdict, fabric::Verdict::found);
    EXPECT_EQ(any.candidates.size(), 3U);
    ASSERT_EQ(any.steps.size(), 1U) << "its own gateway, which asked on";
    EXPECT_EQ(any.steps[0].end, fabric::StepEnd::answered);
    const std::string exact = cluster_.stack(7).own_name();
    const auto one = ask(kCaller, exact);
    ASSERT_EQ(one.candidates.size(), 1U);
    EXPECT_EQ(one.candidates[0].id, cluster_.stack(7).id());
    EXPECT_EQ(ask(kCaller, exact).origin, fabric::Origin::cache);
    EXPECT_EQ(cluster_.stack(kCaller).cache(cluster_.now()).size(), 4U);
}

TEST_F(Fabric, WhatIsNotThereIsSaid) {
    EXPECT_EQ(ask(kCaller, "mesh9.broker").verdict, fabric::Verdict::unknown_mesh);
    EXPECT_EQ(ask(kCaller, "mesh2.registry").verdict, fabric::Verdict::no_such_node);
    EXPECT_EQ(ask(kCaller, "mesh2.broker.000000").verdict, fabric::Verdict::no_such_node);
    EXPECT_EQ(ask(kCaller, "nonsense").verdict, fabric::Verdict::no_such_node);
    EXPECT_EQ(ask(kCaller, cluster_.stack(3).id().hex()).verdict, fabric::Verdict::found);
}

TEST_F(Fabric, AMessageGoesStraightToANodeOfAnotherMesh) {
    std::vector<std::uint64_t> before;
    for (std::size_t i = 0; i < cluster_.size(); ++i)
        before.push_back(figure(i, "delivery.frames_received"));
    const auto end = send("mesh2.broker");
    EXPECT_EQ(end.ending, Ending::acknowledged);
    ASSERT_EQ(handlers_.size(), 1U);
    EXPECT_EQ(end.peer, cluster_.stack(*handlers_.begin()).id());
    for (std::size_t i = 0; i < cluster_.size(); ++i) {
        const bool took_part = i == kCaller || handlers_.contains(i);
        EXPECT_EQ(figure(i, "delivery.frames_received") > before[i], took_part) << "no third node carries it: " << i;
    }
    EXPECT_EQ(send("mesh9.broker").ending, Ending::unknown_mesh);
    EXPECT_EQ(send("mesh2.registry").ending, Ending::no_such_node);
    EXPECT_EQ(send(cluster_.stack(8).own_name()).ending, Ending::acknowledged);
}

TEST_F(Fabric, NoMeshHearsTheOthersGossip) {
    cluster_.run_for(90s);
    EXPECT_TRUE(converged()) << "each directory holds exactly its own mesh";
    for (std::size_t i : {2U, 3U, 6U, 7U, 8U})
        EXPECT_EQ(figure(i, "gossip.unknown_topic"), 0U) << i;
    EXPECT_TRUE(knows(0, "mesh2") && knows(1, "mesh2") && knows(4, "mesh1") && knows(5, "mesh1"));
}

TEST_F(Fabric, AGatewayThatIsLostIsReplacedByTheOther) {
    cluster_.silence(0);
    cluster_.silence(4);
    EXPECT_EQ(send("mesh2.broker", 20s).ending, Ending::acknowledged) << "the others are asked instead";
    ASSERT_TRUE(
        cluster_.run_until([&] { return cluster_.converged({1, 2, 3}) && cluster_.converged({5, 6, 7, 8}); }, 30s));
    EXPECT_EQ(ask(3, "mesh2.broker").verdict, fabric::Verdict::found);
}

TEST_F(Fabric, WithoutAGatewayAMeshIsUnknownToOthersAndResolvesItself) {
    cluster_.silence(4);
    cluster_.silence(5);
    ASSERT_TRUE(cluster_.run_until([&] { return !knows(0, "mesh2") && !knows(1, "mesh2"); }, 400s));
    EXPECT_EQ(ask(kCaller, "mesh2.broker").verdict, fabric::Verdict::unknown_mesh);
    EXPECT_EQ(ask(7, "mesh2.broker").verdict, fabric::Verdict::found);
    EXPECT_EQ(ask(7, "mesh1.compute").verdict, fabric::Verdict::unknown_mesh) << "nobody there to ask";
}

TEST_F(Fabric, BothGatewaysOfTheFirstMeshRestartAndTheFabricIsWholeAgain) {
    cluster_.restart(0, {1});
    cluster_.restart(1, {0});
    ASSERT_TRUE(cluster_.run_until([&] { return converged() && knows(0, "mesh2") && knows(1, "mesh2"); }, 30s));
    EXPECT_EQ(ask(3, "mesh2.broker").verdict, fabric::Verdict::found) << "though its sessions were with former lives";
}

TEST_F(Fabric, TwoFabricsOnOneNetworkDoNotMeet) {
    const std::size_t other = cluster_.add("mesh3", "gateway", {}, [&](Config& config) {
        config.mesh->fabric = "staging";
        config.mesh->fabric_seeds = {cluster_.stack(0).addr()};
    });
    cluster_.run_for(90s);
    EXPECT_TRUE(cluster_.stack(other).meshes(cluster_.now()).empty());
    EXPECT_FALSE(knows(0, "mesh3"));
    EXPECT_EQ(ask(other, "mesh2.broker").verdict, fabric::Verdict::unknown_mesh);
}

}  // namespace
}  // namespace grapevine::stack
