// The ledger, its laws and the log's filter as a client of the control socket sees them.

#include "io/ledger_view.hpp"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "io/control.hpp"
#include "io/json.hpp"
#include "io/load_runner_testing.hpp"
#include "io/node_control.hpp"
#include "io/runtime_testing.hpp"
#include "io/temp_dir_testing.hpp"

namespace grapevine::io {
namespace {

using namespace std::chrono_literals;
using boost::json::object;
using telemetry::Kind;

class LedgerViewTest : public testing::Test, public HostListener {
protected:
    LedgerViewTest() {
        HostConfig config;
        config.stack.mesh.emplace();
        config.stack.mesh->mesh = "m";
        config.stack.mesh->type = "t";
        config.bind = {base::SocketAddr::v4(127, 0, 0, 1, 0)};
        host_ = *Host::start(runtime_, config, base::SecretKey::generate(), *this);
        NodeRecord record;
        record.data_dir = temp_.path().string();
        control_ = *NodeControl::start(*host_, record, loads_, [] {});
    }

    void on_event(const stack::Event& event) override {
        if (control_) control_->on_event(event);
        if (std::holds_alternative<stack::LawBroken>(event)) ++broken_;
        if (std::holds_alternative<stack::LawKept>(event)) ++kept_;
    }

    std::string next_line(ControlClient& client, base::Duration limit) {
        base::Result<std::optional<std::string>> line = std::optional<std::string>();
        EXPECT_TRUE(run_until(
            runtime_,
            [&] {
                line = client.try_line();
                return !line || line->has_value();
            },
            limit));
        return line && *line ? **line : std::string();
    }
    object ask(ControlClient& client, std::string_view request) {
        EXPECT_TRUE(client.send(request, 1s));
        const auto answer = parse_json_object("answer", next_line(client, 5s));
        return answer.value_or(object());
    }
    std::map<std::string, object> rows(ControlClient& client) {
        std::map<std::string, object> all;
        const object answer = ask(client, R"({"op":"ledger"})");
        for (const auto& row : answer.at("kinds").as_array())
            all[string_member(row.as_object(), "kind").value_or("")] = row.as_object();
        return all;
    }
    std::uint64_t figure(const std::string& name) {
        for (const stack::Figure& entry : host_->figures())
            if (entry.name == name) return entry.value;
        return 999;
    }

    TempDir temp_;
    Runtime runtime_;
    std::unique_ptr<Host> host_;
    IdleLoadRunner loads_;
    std::unique_ptr<NodeControl> control_;
    int broken_ = 0;
    int kept_ = 0;
};

TEST_F(LedgerViewTest, EveryKindHasARowAndTheKernelAgrees) {
    auto client = *ControlClient::connect(temp_.path(), 1s);
    auto kinds = rows(client);
    EXPECT_EQ(kinds.size(), telemetry::kKinds);
    for (const auto& [kind, row] : kinds)
        EXPECT_NE(string_member(row, "state"), "broken") << kind;
    EXPECT_EQ(unsigned_member(kinds["control_client"], "alive"), 1U);
    EXPECT_EQ(unsigned_member(kinds["control_client"], "limit"), 16U);
    EXPECT_TRUE(kinds["control_client"].at("oldest_ms").is_int64());
    EXPECT_TRUE(kinds["connection"].at("oldest_ms").is_null());
    EXPECT_EQ(unsigned_member(kinds["directory_entry"], "alive"), 1U);
    EXPECT_EQ(unsigned_member(kinds["gossip_topic"], "alive"), 1U);
    EXPECT_EQ(string_member(kinds["app_timer"], "state"), "none");
    const object answer = ask(client, R"({"op":"ledger"})");
    const object& kernel = answer.at("kernel").as_object();
    EXPECT_EQ(unsigned_member(kernel, "descriptors"), unsigned_member(kinds["descriptor"], "alive"));
    EXPECT_EQ(unsigned_member(kernel, "sockets"), unsigned_member(kinds["socket"], "alive"));
    EXPECT_EQ(unsigned_member(kernel, "threads"), unsigned_member(kinds["thread"], "alive"));
    EXPECT_FALSE(ask(client, R"({"op":"ledger","kind":"x"})").at("ok").as_bool());
}

TEST_F(LedgerViewTest, TheFilterIsShownAndSet) {
    auto client = *ControlClient::connect(temp_.path(), 1s);
    const telemetry::Filter before = runtime_.log().filter();
    EXPECT_EQ(string_member(ask(client, R"({"op":"log-level"})"), "filter"), before.text());
    EXPECT_EQ(string_member(ask(client, R"({"op":"log-level","filter":"warn,sync=debug"})"), "filter"),
              "warn,sync=debug");
    EXPECT_TRUE(runtime_.log().enabled(telemetry::Target::sync, LogLevel::debug));
    for (const char* wrong : {R"({"op":"log-level","filter":"loud"})", R"({"op":"log-level","filter":7})",
                              R"({"op":"log-level","level":"info"})"}) {
        const object answer = ask(client, wrong);
        EXPECT_FALSE(answer.at("ok").as_bool()) << wrong;
        EXPECT_EQ(string_member(answer.at("error").as_object(), "code"), "invalid") << wrong;
    }
    EXPECT_EQ(runtime_.log().filter().text(), "warn,sync=debug");
}

// Timers that nobody cancels, and streams that never end: both leaks are told to watchers and to the listener, logged
// and counted, and told again when they have healed. Takes the laws' grace of 20 s of real time.
TEST_F(LedgerViewTest, ALeakOnPurposeIsToldToAllWhoListen) {
    auto client = *ControlClient::connect(temp_.path(), 1s);
    EXPECT_TRUE(ask(client, R"({"op":"watch"})").at("watching").as_bool());
    std::vector<TaskId> timers;
    for (int i = 0; i < 200; ++i)
        timers.push_back(runtime_.at(runtime_.now() + 1h, {}, [] {}));
    std::vector<telemetry::Life> streams;
    for (int i = 0; i < 50; ++i)
        streams.emplace_back(host_->ledger(), Kind::stream);
    host_->touch();
    EXPECT_TRUE(run_until(runtime_, [&] { return broken_ == 2; }, 60s));
    std::map<std::string, object> told;
    while (told.size() < 2) {
        const std::string line = next_line(client, 5s);
        const auto event = parse_json_object("event", line);
        ASSERT_TRUE(event.has_value()) << line;
        if (string_member(*event, "event") == "law_broken") told[*string_member(*event, "kind")] = *event;
    }
    EXPECT_GE(unsigned_member(told["timer"], "alive"), 200U);
    EXPECT_EQ(unsigned_member(told["timer"], "limit"), 64U);
    EXPECT_EQ(unsigned_member(told["stream"], "alive"), 50U);
    EXPECT_EQ(figure("ledger.laws_broken"), 2U);
    auto second = *ControlClient::connect(temp_.path(), 1s);
    EXPECT_EQ(string_member(rows(second)["timer"], "state"), "broken");
    for (const TaskId timer : timers)
        runtime_.cancel(timer);
    streams.clear();
    EXPECT_TRUE(run_until(runtime_, [&] { return kept_ == 2; }, 60s));
    EXPECT_EQ(figure("ledger.laws_broken"), 0U);
    EXPECT_EQ(figure("ledger.laws_broken_ever"), 2U);
    EXPECT_EQ(broken_, 2);
}

}  // namespace
}  // namespace grapevine::io
