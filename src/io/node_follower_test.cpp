#include "io/node_follower.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "io/control_server.hpp"
#include "io/json.hpp"
#include "io/runtime_testing.hpp"
#include "io/temp_dir_testing.hpp"

namespace grapevine::io {
namespace {

using Question = NodeFollower::Question;

// A node that answers, holds its answers back, or refuses to be watched.
class FakeNode : public LineHandler {
public:
    FakeNode(Runtime& runtime, const std::filesystem::path& dir) {
        auto made = ControlServer::listen(runtime, dir, *this, ledger_);
        EXPECT_TRUE(made) << (made ? "" : made.error().message);
        server = std::move(*made);
    }
    base::Status on_line(ClientId client, std::string_view line) override {
        const std::string op = string_member(*parse_json_object("request", line), "op").value_or("");
        asked.push_back(op);
        if (op != "watch") {
            waiting.push_back(client);
            return {};
        }
        if (!may_watch) {
            return base::fail(base::ErrorCode::denied, "no");
        }
        server->start_watching(client, R"({"ok":true,"watching":true})");
        return {};
    }
    // Answers those who wait.
    void answer() {
        for (const ClientId client : std::exchange(waiting, {})) {
            server->answer(client, R"({"ok":true,"nodes":[]})");
        }
    }
    [[nodiscard]] std::ptrdiff_t count(std::string_view op) const { return std::count(asked.begin(), asked.end(), op); }

    std::vector<std::string> asked;
    std::vector<ClientId> waiting;
    bool may_watch = true;

private:
    telemetry::Ledger ledger_;  // Outlives what it counts.

public:
    std::unique_ptr<ControlServer> server;
};

class NodeFollowerTest : public ::testing::Test {
protected:
    NodeFollower::Handlers handlers() {
        return {
            [this] { ++opened_; },
            [this](const boost::json::object& event) { events_.push_back(string_member(event, "event").value_or("")); },
            [this](Question question, std::string_view) { answers_.push_back(question); },
            [this](const base::Error& error) { lost_.push_back(error.message); }};
    }
    TempDir dir_;
    Runtime runtime_;
    int opened_ = 0;
    std::vector<std::string> events_, lost_;
    std::vector<Question> answers_;
};

TEST_F(NodeFollowerTest, TellsWhatHappensAndAsksOnceForMany) {
    FakeNode node(runtime_, dir_.path());
    NodeFollower follower(runtime_, dir_.path(), handlers());
    follower.ask(Question::status);  // It is not open yet.
    ASSERT_TRUE(run_until(runtime_, [&] { return opened_ == 1; }));
    node.server->publish(R"({"event":"joined"})");
    ASSERT_TRUE(run_until(runtime_, [&] { return events_.size() == 1; }));
    for (int i = 0; i < 5; ++i) {
        follower.ask(Question::directory);
    }
    ASSERT_TRUE(run_until(runtime_, [&] { return node.waiting.size() == 1; }));
    follower.ask(Question::directory);  // While the first waits: once more, then.
    follower.ask(Question::directory);
    node.answer();
    ASSERT_TRUE(run_until(runtime_, [&] { return node.waiting.size() == 1; }));
    node.answer();
    ASSERT_TRUE(run_until(runtime_, [&] { return answers_.size() == 2; }));
    EXPECT_EQ(node.count("ls"), 2);
    EXPECT_EQ(node.count("status"), 0);
    EXPECT_TRUE(lost_.empty());
}

TEST_F(NodeFollowerTest, AsksLaterUnlessItIsAskedBefore) {
    FakeNode node(runtime_, dir_.path());
    NodeFollower follower(runtime_, dir_.path(), handlers());
    ASSERT_TRUE(run_until(runtime_, [&] { return opened_ == 1; }));
    follower.ask_later(Question::directory, std::chrono::milliseconds(5));
    follower.ask_later(Question::directory, std::chrono::milliseconds(5));
    ASSERT_TRUE(run_until(runtime_, [&] { return node.waiting.size() == 1; }));
    node.answer();
    ASSERT_TRUE(run_until(runtime_, [&] { return answers_.size() == 1; }));
    follower.ask_later(Question::directory, std::chrono::hours(1));
    follower.ask(Question::directory);
    ASSERT_TRUE(run_until(runtime_, [&] { return node.waiting.size() == 1; }));
    EXPECT_EQ(node.count("ls"), 2);
}

TEST_F(NodeFollowerTest, ComesBackWhenTheNodeDoes) {
    auto node = std::make_unique<FakeNode>(runtime_, dir_.path());
    NodeFollower follower(runtime_, dir_.path(), handlers());
    ASSERT_TRUE(run_until(runtime_, [&] { return opened_ == 1; }));
    node.reset();
    ASSERT_TRUE(run_until(runtime_, [&] { return lost_.size() >= 2; })) << "gone, and tried in vain";
    EXPECT_FALSE(follower.is_open());
    FakeNode again(runtime_, dir_.path());
    ASSERT_TRUE(run_until(runtime_, [&] { return opened_ == 2; }));
    follower.ask(Question::status);
    ASSERT_TRUE(run_until(runtime_, [&] { return again.waiting.size() == 1; }));
}

TEST_F(NodeFollowerTest, IsLostWhereItMayNotWatch) {
    FakeNode node(runtime_, dir_.path());
    node.may_watch = false;
    NodeFollower follower(runtime_, dir_.path(), handlers());
    ASSERT_TRUE(run_until(runtime_, [&] { return !lost_.empty(); }));
    EXPECT_EQ(opened_, 0);
}

TEST_F(NodeFollowerTest, AQuestionHasADeadline) {
    FakeNode node(runtime_, dir_.path());
    auto client = ControlClient::connect(dir_.path(), std::chrono::seconds(5));
    ASSERT_TRUE(client);
    std::optional<base::Result<std::string>> answer;
    const auto ask = ControlAsk::start(runtime_, std::move(*client), R"({"op":"ls"})", std::chrono::milliseconds(20),
                                       [&](base::Result<std::string> line) { answer = std::move(line); });
    ASSERT_TRUE(ask);
    ASSERT_TRUE(run_until(runtime_, [&] { return answer.has_value(); }));
    ASSERT_FALSE(*answer);
    EXPECT_EQ(answer->error().code, base::ErrorCode::busy);
}

}  // namespace
}  // namespace grapevine::io
