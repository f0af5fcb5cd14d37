#include "apps/grapevine/supervisor_control.hpp"

#include <cstdlib>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "apps/grapevine/supervisor_testing.hpp"
#include "io/control.hpp"
#include "io/data_dir.hpp"
#include "io/json.hpp"
#include "io/runtime_testing.hpp"

namespace grapevine::apps {
namespace {

using namespace std::chrono_literals;
using boost::json::object;

struct SupervisorControlTest : ::testing::Test {
    SupervisorControlTest() {
        ::setenv("XDG_RUNTIME_DIR", registry.path().c_str(), 1);
        ClusterSpec spec;
        spec.meshes = 1;
        spec.per_mesh = {{"broker", 1}, {"custom", 1}};
        spec.root = root.path();
        spec.programs = programs.path();
        cluster = std::make_unique<Cluster>(runtime, spec, [this](Cluster::Event event, const Child* child) {
            if (control) {
                control->on_event(event, child);
            }
        });
        control = std::move(*SupervisorControl::start(runtime, *cluster));
    }
    ~SupervisorControlTest() override { ::unsetenv("XDG_RUNTIME_DIR"); }

    io::ControlClient connected() {
        auto client = io::ControlClient::connect(root.path(), 5s, io::ControlPeer::supervisor);
        EXPECT_TRUE(client) << (client ? "" : client.error().message);
        return std::move(*client);
    }
    object line(io::ControlClient& client) {
        std::optional<std::string> got;
        EXPECT_TRUE(io::run_until(runtime, [&] {
            auto tried = client.try_line();
            EXPECT_TRUE(tried) << (tried ? "" : tried.error().message);
            got = tried ? *tried : std::optional<std::string>("{}");
            return got.has_value();
        }));
        const auto parsed = io::parse_json_object("answer", got.value_or("{}"));
        return parsed ? *parsed : object{};
    }
    object ask(io::ControlClient& client, std::string_view request) {
        EXPECT_TRUE(client.send(request, 1s));
        return line(client);
    }
    object ask(std::string_view request) {
        auto client = connected();
        return ask(client, request);
    }
    static std::string text(const object& from, std::string_view member) {
        return io::string_member(from, member).value_or("");
    }
    static std::string error_of(const object& answer, std::string_view member) {
        const auto* error = answer.if_contains("error");
        return error != nullptr && error->is_object() ? text(error->get_object(), member) : "";
    }
    static object first(const object& answer, std::string_view list) {
        const auto* rows = answer.if_contains(list);
        return rows != nullptr && rows->is_array() && !rows->get_array().empty() ? rows->get_array()[0].get_object()
                                                                                 : object{};
    }

    FakePrograms programs;
    io::TempDir root;
    io::TempDir registry;
    io::Runtime runtime;
    std::unique_ptr<Cluster> cluster;
    std::unique_ptr<SupervisorControl> control;
};

TEST_F(SupervisorControlTest, ListensForItsUserAloneAndIsFound) {
    struct stat status{};
    ASSERT_EQ(::stat((root.path() / "supervisor.sock").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    const io::DataDir lock = *io::DataDir::open(root.path());
    const auto found = io::SupervisorRegistry::open()->only();
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->run_dir, root.path().string());
    control.reset();
    EXPECT_EQ(io::SupervisorRegistry::open()->only().error().code, base::ErrorCode::not_found);
    EXPECT_FALSE(std::filesystem::exists(root.path() / "supervisor.sock"));
}

TEST_F(SupervisorControlTest, ASpawnIsAnsweredWhenItIsReady) {
    const object answer = ask(R"({"op":"spawn","mesh":"new","type":"broker","count":2})");
    EXPECT_TRUE(answer.at("ok").as_bool());
    EXPECT_EQ(answer.at("nodes").as_array().size(), 2U);
    EXPECT_EQ(text(first(answer, "nodes"), "state"), "ready");
    EXPECT_EQ(text(first(answer, "nodes"), "name"), "new.broker-1.x");
    const object list = ask(R"({"op":"list"})");
    EXPECT_EQ(list.at("nodes").as_array().size(), 2U);
    EXPECT_EQ(text(list, "run_dir"), root.path().string());
}

TEST_F(SupervisorControlTest, ASpawnThatFailsGivesTheEndOfItsLog) {
    const object answer = ask(R"({"op":"spawn","mesh":"new","type":"compute"})");
    EXPECT_FALSE(answer.at("ok").as_bool());
    EXPECT_EQ(error_of(answer, "code"), "failed");
    EXPECT_EQ(error_of(answer, "message"),
              "new.compute-1: ended before it was ready, exit code 3; its log ends: the disk is on fire");
    EXPECT_EQ(first(answer, "nodes").at("log").as_array().size(), 2U);
}

TEST_F(SupervisorControlTest, TypesAreThoseThatExist) {
    const object unknown = ask(R"({"op":"spawn","mesh":"new","type":"brokr"})");
    EXPECT_EQ(error_of(unknown, "code"), "invalid");
    EXPECT_EQ(error_of(unknown, "message"), "type 'brokr': is none of broker, gateway, compute, registry, custom");
    EXPECT_EQ(error_of(ask(R"({"op":"spawn","mesh":"lock","type":"broker"})"), "code"), "invalid");
    EXPECT_EQ(error_of(ask(R"({"op":"bootstrap","meshes":[{"mesh":"m","per_mesh":{"sh":1}}]})"), "code"), "invalid");
    EXPECT_TRUE(cluster->nodes().children().empty());
}

TEST_F(SupervisorControlTest, MoreThanFitsIsRefusedWhole) {
    ask(R"({"op":"spawn","mesh":"m","type":"broker"})");
    const object answer = ask(R"({"op":"spawn","mesh":"m","type":"broker","count":256})");
    EXPECT_EQ(error_of(answer, "code"), "exhausted");
    EXPECT_EQ(error_of(answer, "message"), "supervisor: 1 nodes run, 256 more are asked for, at most 256");
    EXPECT_EQ(cluster->nodes().children().size(), 1U);
}

TEST_F(SupervisorControlTest, WhatIsDoneIsAnsweredWhenItIsDone) {
    auto client = connected();
    ask(client, R"({"op":"spawn","mesh":"m","type":"broker"})");
    const auto state = [&](std::string_view op) {
        const object answer = ask(client, R"({"op":")" + std::string(op) + R"(","node":"m.broker"})");
        const auto* node = answer.if_contains("node");
        return node != nullptr ? text(node->get_object(), "state") : error_of(answer, "code");
    };
    EXPECT_EQ(state("wedge"), "wedged");
    EXPECT_EQ(state("wedge"), "invalid");
    EXPECT_EQ(state("resume"), "ready");
    EXPECT_EQ(state("restart"), "ready");
    EXPECT_EQ(state("stop"), "ended");
    EXPECT_EQ(state("stop"), "not_found");
    EXPECT_EQ(state("restart"), "ready");
    EXPECT_EQ(state("kill"), "ended");
    const object gone = ask(client, R"({"op":"kill","node":"m.broker"})");
    EXPECT_NE(error_of(gone, "message").find("killed on request, signal 9"), std::string::npos);
    EXPECT_EQ(error_of(ask(client, R"({"op":"kill","node":"../x"})"), "code"), "not_found");
}

TEST_F(SupervisorControlTest, ABootstrapStartsWhatIsMissing) {
    const std::string_view layout =
        R"({"op":"bootstrap","meshes":[{"mesh":"a","per_mesh":{"broker":2}},{"mesh":"b","per_mesh":{"gateway":1}}]})";
    const object begun = ask(layout);
    EXPECT_EQ(begun.at("started").as_array().size(), 3U);
    EXPECT_EQ(begun.at("present").as_array().size(), 0U);
    const object again = ask(layout);
    EXPECT_EQ(again.at("started").as_array().size(), 0U);
    EXPECT_EQ(again.at("present").as_array().size(), 3U);
    ask(R"({"op":"kill","node":"a.broker-1"})");
    const object third = ask(layout);
    EXPECT_EQ(third.at("started").as_array().size(), 1U);
    EXPECT_EQ(third.at("present").as_array().size(), 2U);
}

TEST_F(SupervisorControlTest, WatchersAreToldAndFollowersGetLines) {
    auto watcher = connected();
    EXPECT_TRUE(ask(watcher, R"({"op":"watch"})").at("watching").as_bool());
    ask(R"({"op":"spawn","mesh":"m","type":"broker"})");
    EXPECT_EQ(text(line(watcher), "event"), "spawn");
    EXPECT_EQ(text(line(watcher), "event"), "ready");
    auto follower = connected();
    const object log = ask(follower, R"({"op":"logs","node":"m.broker","follow":true})");
    EXPECT_EQ(log.at("lines").as_array().at(0).as_string(), "hello from broker-1");
    ask(R"({"op":"restart","node":"m.broker"})");
    EXPECT_EQ(text(line(follower), "text"), "grapevine up: ended, signal 15 (Terminated)");
    EXPECT_EQ(text(line(follower), "text"), "hello from broker-1");
    for (const char* event : {"stopping", "ended", "restart", "ready"}) {
        EXPECT_EQ(text(line(watcher), "event"), event);
    }
    ask(R"({"op":"kill","node":"m.broker"})");
    const object ended = ask(R"({"op":"logs","node":"m.broker","lines":1})");
    EXPECT_EQ(ended.at("lines").as_array().at(0).as_string(), "grapevine up: ended, signal 9 (Killed)");
}

TEST_F(SupervisorControlTest, AClientThatGoesTakesOnlyItsWaitWithIt) {
    auto client = std::make_unique<io::ControlClient>(connected());
    ASSERT_TRUE(client->send(R"({"op":"spawn","mesh":"m","type":"registry"})", 1s));  // Never ready.
    ASSERT_TRUE(io::run_until(runtime, [&] { return cluster->nodes().children().size() == 1; }));
    client.reset();
    const object list = ask(R"({"op":"list"})");
    EXPECT_EQ(text(first(list, "nodes"), "state"), "starting");
    const object stopped = ask(R"({"op":"stop","node":"m.registry-1"})");
    EXPECT_TRUE(stopped.at("ok").as_bool());
}

struct SupervisorJobsTest : SupervisorControlTest {
    std::string answer;
    std::unique_ptr<SupervisorJobs> jobs = std::make_unique<SupervisorJobs>(
        runtime, *cluster, [this](io::ClientId, const std::string& line) { answer = line; }, 50ms);
};

TEST_F(SupervisorJobsTest, NobodyWaitsForEver) {
    const ChildId silent = *cluster->add("m", "registry", {});
    const ChildId waiting = *cluster->add("m", "broker", {});
    cluster->start_waiting();
    jobs->add({1}, {JobKind::spawn, {{silent, 0}, {waiting, 0}}, {}});
    ASSERT_TRUE(io::run_until(runtime, [&] { return !answer.empty(); }));
    EXPECT_NE(answer.find(R"("code":"busy","message":"m.registry-1: is not ready within 0 s")"), std::string::npos)
        << answer;
    EXPECT_EQ(jobs->size(), 0U);
    EXPECT_EQ(cluster->nodes().find(silent)->state, ChildState::starting);
    EXPECT_EQ(cluster->nodes().find(waiting)->state, ChildState::ended);
}

}  // namespace
}  // namespace grapevine::apps
