#include "apps/grapevine/supervisor.hpp"

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "apps/grapevine/child_lookup.hpp"
#include "apps/grapevine/supervisor_testing.hpp"
#include "io/runtime_testing.hpp"

namespace grapevine::apps {
namespace {

using Event = Supervisor::Event;

struct SupervisorTest : ::testing::Test {
    ChildId add(const std::string& type, int number, const std::string& mesh = "mesh1") {
        NodeSpec spec;
        spec.mesh = mesh;
        spec.type = type;
        spec.data_dir = root.path() / mesh / (type + "-" + std::to_string(number));
        return *supervisor.add(std::move(spec));
    }
    ChildId ready(const std::string& type, int number) {
        const ChildId id = add(type, number);
        supervisor.start(id, {});
        EXPECT_TRUE(until(id, ChildState::ready));
        return id;
    }
    bool until(ChildId id, ChildState state) {
        return io::run_until(runtime, [&] { return supervisor.find(id)->state == state; });
    }
    [[nodiscard]] const Child& child(ChildId id) const { return *supervisor.find(id); }
    [[nodiscard]] long count(Event event) const { return std::count(events.begin(), events.end(), event); }

    FakePrograms programs;
    io::TempDir root;
    io::Runtime runtime;
    std::vector<Event> events;
    Supervisor supervisor{runtime, programs.path(), [this](const Child& seen, Event event) {
                              events.push_back(event);
                              if (event == Event::waits) {
                                  supervisor.start(seen.id, {{"anew"}, {}});
                              }
                          }};
};

TEST_F(SupervisorTest, TellsEachStepOfALife) {
    const ChildId id = ready("broker", 1);
    EXPECT_EQ(label(child(id)), "mesh1.broker-1.x");
    EXPECT_EQ(child(id).endpoint_id, "id-mesh1-broker-1");
    supervisor.stop(id);
    EXPECT_EQ(child(id).state, ChildState::stopping);
    ASSERT_TRUE(until(id, ChildState::ended));
    EXPECT_EQ(events, (std::vector<Event>{Event::started, Event::ready, Event::stopping, Event::ended}));
    EXPECT_TRUE(describe_end(child(id)).starts_with("stopped on request, signal 15")) << describe_end(child(id));
    EXPECT_TRUE(child(id).asked_to_end());
    supervisor.stop(id);
    supervisor.kill(id);
    EXPECT_EQ(events.size(), 4U);
}

TEST_F(SupervisorTest, ARestartKeepsTheDirectoryAndGetsNewSeeds) {
    const ChildId id = ready("broker", 1);
    const pid_t before = child(id).pid;
    supervisor.restart(id);
    ASSERT_TRUE(io::run_until(runtime, [&] { return child(id).restarts == 1; }));
    ASSERT_TRUE(until(id, ChildState::ready));
    EXPECT_NE(child(id).pid, before);
    EXPECT_EQ(child(id).wish, Wish::none);
    EXPECT_NE(content_of(child(id).spec.data_dir / "args").find("--seed anew"), std::string::npos);
    supervisor.kill(id);
    ASSERT_TRUE(until(id, ChildState::ended));
    supervisor.restart(id);  // Of one that has ended.
    ASSERT_TRUE(until(id, ChildState::ready));
    EXPECT_EQ(child(id).restarts, 2U);
}

TEST_F(SupervisorTest, AKillDuringARestartHolds) {
    const ChildId id = ready("broker", 1);
    supervisor.restart(id);
    supervisor.kill(id);
    ASSERT_TRUE(until(id, ChildState::ended));
    EXPECT_EQ(child(id).restarts, 0U);
    EXPECT_EQ(child(id).wish, Wish::kill);
}

TEST_F(SupervisorTest, AWedgedOneIsStoppedWhereItStands) {
    const ChildId id = ready("broker", 1);
    EXPECT_EQ(supervisor.resume(id).error().code, base::ErrorCode::invalid);
    ASSERT_TRUE(supervisor.wedge(id));
    const std::string stat = "/proc/" + std::to_string(child(id).pid) + "/stat";
    EXPECT_TRUE(io::run_until(runtime, [&] { return content_of(stat).find(") T ") != std::string::npos; }));
    EXPECT_EQ(supervisor.wedge(id).error().code, base::ErrorCode::invalid);
    ASSERT_TRUE(supervisor.resume(id));
    EXPECT_TRUE(io::run_until(runtime, [&] { return content_of(stat).find(") T ") == std::string::npos; }));
    ASSERT_TRUE(supervisor.wedge(id));
    supervisor.stop(id);
    EXPECT_TRUE(until(id, ChildState::ended));
    EXPECT_TRUE(describe_end(child(id)).starts_with("stopped on request, signal 15")) << describe_end(child(id));
}

TEST_F(SupervisorTest, OneThatStartsCannotBeWedgedYet) {
    const ChildId id = add("registry", 1);
    EXPECT_EQ(supervisor.wedge(id).error().code, base::ErrorCode::busy);
    supervisor.start(id, {});
    EXPECT_EQ(supervisor.wedge(id).error().code, base::ErrorCode::busy);
    supervisor.kill(id);
    ASSERT_TRUE(until(id, ChildState::ended));
    EXPECT_EQ(supervisor.wedge(id).error().code, base::ErrorCode::invalid);
}

TEST_F(SupervisorTest, AWaitingOneEndsWithoutAProcess) {
    const ChildId id = add("broker", 1);
    supervisor.stop(id);
    ASSERT_TRUE(io::run_until(runtime, [&] { return count(Event::ended) == 1; }));
    EXPECT_EQ(describe_end(child(id)), "stopped on request, before it was started");
    EXPECT_EQ(child(id).pid, 0);
}

TEST_F(SupervisorTest, OneThatCannotStartSaysWhy) {
    NodeSpec spec;
    spec.mesh = "mesh1";
    spec.type = "broker";
    spec.data_dir = programs.path() / "broker" / "x";  // Below a file.
    const ChildId id = *supervisor.add(std::move(spec));
    supervisor.start(id, {});
    ASSERT_TRUE(io::run_until(runtime, [&] { return count(Event::ended) == 1; }));
    EXPECT_NE(describe_end(child(id)).find("data directory"), std::string::npos) << describe_end(child(id));
    EXPECT_EQ(count(Event::started), 0);
}

TEST_F(SupervisorTest, ItsLogIsToldAsItComes) {
    std::string told;
    supervisor.on_log([&](const Child&, std::string_view text) { told += text; });
    const ChildId id = add("compute", 1);
    supervisor.start(id, {});
    ASSERT_TRUE(until(id, ChildState::ended));
    EXPECT_EQ(told, "the disk is on fire\ngrapevine up: ended, exit code 3\n");
    EXPECT_EQ(content_of(child(id).spec.data_dir / "node.log"), told);
}

TEST_F(SupervisorTest, ChildrenAreBounded) {
    for (std::size_t i = 0; i < Supervisor::kChildrenMax; ++i) {
        add("broker", static_cast<int>(i));
    }
    EXPECT_EQ(supervisor.room(), 0U);
    EXPECT_EQ(supervisor.add({}).error().code, base::ErrorCode::exhausted);
    supervisor.stop({1});
    EXPECT_EQ(supervisor.room(), 1U);
}

TEST_F(SupervisorTest, ThoseThatEndedAreRememberedUpToABound) {
    const auto kMany = static_cast<int>(Supervisor::kEndedMax) + 3;
    for (int i = 0; i < kMany; ++i) {
        supervisor.stop(add("broker", i));
    }
    ASSERT_TRUE(io::run_until(runtime, [&] { return supervisor.children().size() == Supervisor::kEndedMax; }));
    EXPECT_EQ(supervisor.find({1}), nullptr);
    EXPECT_NE(supervisor.find({4}), nullptr);
}

TEST_F(SupervisorTest, StopAllWaitsForTheLast) {
    const ChildId id = ready("broker", 1);
    add("broker", 2);
    bool done = false;
    supervisor.stop_all([&] { done = true; });
    ASSERT_TRUE(io::run_until(runtime, [&] { return done; }));
    EXPECT_FALSE(child(id).alive());
}

TEST_F(SupervisorTest, AChildIsFoundByWhatItIsCalled) {
    const ChildId one = ready("broker", 1);
    const ChildId two = ready("broker", 2);
    const auto find = [&](std::string_view name, Among among = Among::alive) {
        return find_child(supervisor.children(), name, among, runtime.now());
    };
    EXPECT_EQ((*find("mesh1.broker-1.x"))->id, one);
    EXPECT_EQ((*find("mesh1.broker-2"))->id, two);
    EXPECT_EQ((*find("id-mesh1-broker-2"))->id, two);
    EXPECT_EQ(find("mesh1.broker").error().code, base::ErrorCode::invalid);
    EXPECT_NE(find("mesh1.broker").error().message.find("mesh1.broker-1.x, mesh1.broker-2.x"), std::string::npos);
    EXPECT_EQ(find("mesh9.broker").error().code, base::ErrorCode::not_found);
    EXPECT_EQ(find("").error().code, base::ErrorCode::not_found);
    supervisor.kill(one);
    ASSERT_TRUE(until(one, ChildState::ended));
    EXPECT_EQ((*find("mesh1.broker"))->id, two);
    const auto gone = find("mesh1.broker-1.x");
    EXPECT_EQ(gone.error().code, base::ErrorCode::not_found);
    EXPECT_NE(gone.error().message.find("ago, killed on request, signal 9"), std::string::npos) << gone.error().message;
    EXPECT_EQ((*find("mesh1.broker-1.x", Among::any))->id, one);
}

}  // namespace
}  // namespace grapevine::apps
