#include "io/control.hpp"

#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "io/control_request.hpp"
#include "io/control_server.hpp"
#include "io/control_socket.hpp"
#include "io/runtime_testing.hpp"
#include "io/temp_dir_testing.hpp"

namespace grapevine::io {
namespace {

using namespace std::chrono_literals;

// Answers `ls` at once, remembers pings, and makes watchers of those who watch.
class FakeNode : public ControlHandler {
public:
    explicit FakeNode(const std::filesystem::path& dir, base::Duration idle = ControlServer::kIdle) {
        auto made = ControlServer::listen(runtime, dir, *this, ledger, idle);
        EXPECT_TRUE(made) << (made ? "" : made.error().message);
        server = std::move(*made);
    }

    void on_request(ClientId client, const ControlRequest& request) override {
        if (std::holds_alternative<PingRequest>(request)) {
            pings.push_back(client);
        } else if (std::holds_alternative<WatchRequest>(request)) {
            server->start_watching(client, R"({"ok":true})");
        } else {
            server->answer(client, listing);
        }
    }

    // The client's next line, with the node's loop running meanwhile.
    base::Result<std::string> line(ControlClient& client) {
        base::Result<std::optional<std::string>> got = std::optional<std::string>();
        EXPECT_TRUE(run_until(runtime, [&] {
            got = client.try_line();
            return !got || got->has_value();
        }));
        if (!got) {
            return tl::unexpected(got.error());
        }
        return got->value_or("");
    }

    Runtime runtime;
    telemetry::Ledger ledger;
    std::string listing = R"({"ok":true,"nodes":[]})";
    std::vector<ClientId> pings;
    std::unique_ptr<ControlServer> server;
};

ControlClient connected(const std::filesystem::path& dir) {
    auto client = ControlClient::connect(dir, 5s);
    EXPECT_TRUE(client) << (client ? "" : client.error().message);
    return std::move(*client);
}

TEST(ControlRequest, DecodesEachOperation) {
    EXPECT_TRUE(std::holds_alternative<LsRequest>(*decode_control_request(R"({"op":"ls"})")));
    EXPECT_TRUE(std::holds_alternative<StatusRequest>(*decode_control_request(R"({"op":"status"})")));
    EXPECT_TRUE(std::holds_alternative<WatchRequest>(*decode_control_request(R"({"op":"watch"})")));
    EXPECT_TRUE(std::holds_alternative<StopRequest>(*decode_control_request(R"( {"op":"stop"} )")));
    const auto ping = decode_control_request(R"({"op":"ping","name":"mesh1.broker"})");
    EXPECT_EQ(std::get<PingRequest>(*ping).name, "mesh1.broker");
}

TEST(ControlRequest, RefusesEverythingElseByName) {
    const std::vector<std::pair<std::string, std::string>> bad = {
        {"", "not JSON"},
        {"{", "not JSON"},
        {"[]", "must be a JSON object"},
        {"{\"op\":1}", "'op' must be a string"},
        {"{}", "'op' must be a string"},
        {R"({"op":"reboot"})", "unknown op 'reboot'"},
        {R"({"op":"admit"})", "is empty"},
        {R"({"op":"admit","ticket":"revokeabc"})", "must begin with 'admit'"},
        {R"({"op":"revoke","list":"admitabc"})", "must begin with 'revoke'"},
        {R"({"op":"revoke","lists":""})", "unknown member 'lists'"},
        {R"({"op":"ls","all":true})", "unknown member 'all'"},
        {R"({"op":"ping"})", "'name' must be a string of 1 to 256 bytes"},
        {R"({"op":"ping","name":""})", "'name' must be a string of 1 to 256 bytes"},
        {R"({"op":"ping","name":")" + std::string(257, 'a') + "\"}", "'name' must be a string of 1 to 256 bytes"},
        {R"({"op":"ls"}{"op":"ls"})", "not JSON"},
        {std::string(100, '[') + std::string(100, ']'), "not JSON"},
    };
    for (const auto& [line, rule] : bad) {
        const auto request = decode_control_request(line);
        ASSERT_FALSE(request) << line;
        EXPECT_EQ(request.error().code, base::ErrorCode::invalid);
        EXPECT_NE(request.error().message.find(rule), std::string::npos) << request.error().message;
    }
}

TEST(ControlSocket, IsPrivateAndWorksUnderALongPath) {
    const TempDir temp;
    const auto dir = temp.path() / std::string(120, 'd');
    std::filesystem::create_directory(dir);
    FakeNode node(dir);
    struct stat info{};
    ASSERT_EQ(::stat((dir / kControlSocketName).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600U);
    auto client = connected(dir);
    ASSERT_TRUE(client.send(R"({"op":"ls"})", 1s));
    EXPECT_EQ(*node.line(client), node.listing);
}

TEST(ControlSocket, ADeadNodesSocketIsReplacedAndNobodyIsNotFound) {
    const TempDir temp;
    EXPECT_EQ(ControlClient::connect(temp.path() / "none", 1s).error().code, base::ErrorCode::not_found);
    {
        const auto dead = listen_control_socket(temp.path(), 1);
    }
    EXPECT_TRUE(std::filesystem::exists(temp.path() / kControlSocketName));
    const auto refused = ControlClient::connect(temp.path(), 1s);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, base::ErrorCode::not_found);
    EXPECT_EQ(refused.error().message, "data directory '" + temp.path().string() + "': no node runs there");
    {
        FakeNode node(temp.path());
        auto client = connected(temp.path());
        ASSERT_TRUE(client.send(R"({"op":"ls"})", 1s));
        EXPECT_EQ(*node.line(client), node.listing);
    }
    EXPECT_FALSE(std::filesystem::exists(temp.path() / kControlSocketName));
}

TEST(ControlServer, GarbageIsAnsweredAndTheClientMayGoOn) {
    const TempDir temp;
    FakeNode node(temp.path());
    auto client = connected(temp.path());
    ASSERT_TRUE(client.send("\x01\xff garbage", 1s));
    EXPECT_NE(node.line(client)->find("\"ok\":false"), std::string::npos);
    ASSERT_TRUE(client.send(R"({"op":"ls"})", 1s));
    EXPECT_EQ(*node.line(client), node.listing);
    EXPECT_EQ(node.server->counters().refused_requests, 1U);
}

TEST(ControlServer, ALineWithoutEndIsRefusedAndEndsTheClient) {
    const TempDir temp;
    FakeNode node(temp.path());
    auto client = connected(temp.path());
    const std::string half(kControlLineMax / 2, 'x');
    std::size_t sent = 0;
    base::Result<std::optional<std::string>> got = std::optional<std::string>();
    EXPECT_TRUE(run_until(node.runtime, [&] {
        const ssize_t n = ::send(client.fd(), half.data(), half.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += n > 0 ? static_cast<std::size_t>(n) : 0;
        got = client.try_line();
        return !got || got->has_value();
    }));
    EXPECT_TRUE(run_until(node.runtime, [&] { return node.server->clients() == 0; }));
    EXPECT_EQ(node.server->counters().dropped_overlong, 1U);
    EXPECT_LT(sent, 16 * kControlLineMax);
}

TEST(ControlServer, TheSeventeenthClientIsToldSo) {
    const TempDir temp;
    FakeNode node(temp.path());
    std::vector<ControlClient> clients;
    for (std::size_t i = 0; i < ControlServer::kClientsMax; ++i) {
        clients.push_back(connected(temp.path()));
        ASSERT_TRUE(run_until(node.runtime, [&] { return node.server->clients() == i + 1; }));
    }
    auto extra = connected(temp.path());
    EXPECT_NE(node.line(extra)->find("too many clients"), std::string::npos);
    EXPECT_FALSE(node.line(extra)) << "and is closed";
    EXPECT_EQ(node.server->counters().refused_full, 1U);
    clients.pop_back();
    ASSERT_TRUE(run_until(node.runtime, [&] { return node.server->clients() == ControlServer::kClientsMax - 1; }));
    auto next = connected(temp.path());
    ASSERT_TRUE(next.send(R"({"op":"ls"})", 1s));
    EXPECT_EQ(*node.line(next), node.listing);
    EXPECT_EQ(node.ledger[telemetry::Kind::control_client].alive(), ControlServer::kClientsMax);
}

TEST(ControlServer, SilentClientsAreClosedButWatchersMayBeSilent) {
    const TempDir temp;
    FakeNode node(temp.path(), 30ms);
    auto watcher = connected(temp.path());
    ASSERT_TRUE(watcher.send(R"({"op":"watch"})", 1s));
    ASSERT_TRUE(node.line(watcher));
    auto silent = connected(temp.path());
    EXPECT_TRUE(run_until(node.runtime, [&] { return node.server->counters().dropped_idle == 1; }));
    EXPECT_EQ(node.server->clients(), 1U);
    node.server->publish(R"({"event":"joined"})");
    EXPECT_EQ(*node.line(watcher), R"({"event":"joined"})");
}

TEST(ControlServer, AWatcherThatDoesNotReadIsDroppedNotWaitedFor) {
    const TempDir temp;
    FakeNode node(temp.path());
    auto slow = connected(temp.path());
    auto quick = connected(temp.path());
    for (ControlClient* client : {&slow, &quick}) {
        ASSERT_TRUE(client->send(R"({"op":"watch"})", 1s));
        ASSERT_TRUE(node.line(*client));
    }
    const std::string event = R"({"event":")" + std::string(4096, 'e') + "\"}";
    std::size_t published = 0;
    std::size_t read = 0;
    while (node.server->counters().dropped_slow == 0 && published < 4096) {
        node.server->publish(event);
        ++published;
        const auto line = node.line(quick);
        ASSERT_TRUE(line) << "the quick one gets everything";
        ASSERT_EQ(*line, event);
        ++read;
    }
    EXPECT_EQ(node.server->counters().dropped_slow, 1U);
    EXPECT_EQ(read, published);
    EXPECT_EQ(node.server->watchers(), 1U);
}

TEST(ControlServer, ClientsThatAskWithoutReadingCostOneAnswer) {
    const TempDir temp;
    FakeNode node(temp.path());
    node.listing = std::string(4U * 1024U * 1024U, 'x');
    auto client = connected(temp.path());
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(client.send(R"({"op":"ls"})", 1s));
    }
    EXPECT_TRUE(run_until(node.runtime, [&] { return node.server->counters().requests == 1; }));
    EXPECT_FALSE(run_until(node.runtime, [&] { return node.server->counters().requests > 1; }, 20ms));
    for (int i = 0; i < 50; ++i) {
        ASSERT_EQ(node.line(client)->size(), node.listing.size());
    }
    EXPECT_EQ(node.server->counters().requests, 50U);
}

TEST(ControlServer, LateAnswersComeInOrderAndTheGoneAreForgotten) {
    const TempDir temp;
    FakeNode node(temp.path());
    auto client = connected(temp.path());
    ASSERT_TRUE(client.send(R"({"op":"ping","name":"a"})", 1s));
    ASSERT_TRUE(client.send(R"({"op":"ls"})", 1s));
    ASSERT_TRUE(run_until(node.runtime, [&] { return node.pings.size() == 1; }));
    EXPECT_FALSE(*client.try_line());
    node.server->answer(node.pings[0], R"({"ok":true,"rtt_us":1})");
    EXPECT_EQ(*node.line(client), R"({"ok":true,"rtt_us":1})");
    EXPECT_EQ(*node.line(client), node.listing);
    {
        auto gone = connected(temp.path());
        ASSERT_TRUE(gone.send(R"({"op":"ping","name":"a"})", 1s));
        ASSERT_TRUE(run_until(node.runtime, [&] { return node.pings.size() == 2; }));
    }
    ASSERT_TRUE(run_until(node.runtime, [&] { return node.server->clients() == 1; }));
    node.server->answer(node.pings[1], "{}");
    const auto& tally = node.ledger[telemetry::Kind::control_client];
    EXPECT_EQ(tally.born - tally.ended, 1U);
}

TEST(ControlServer, AnAnswerBeyondTheLimitBecomesAnError) {
    const TempDir temp;
    FakeNode node(temp.path());
    node.listing = std::string(kControlAnswerMax + 1, 'x');
    auto client = connected(temp.path());
    ASSERT_TRUE(client.send(R"({"op":"ls"})", 1s));
    EXPECT_NE(node.line(client)->find("the answer is too long"), std::string::npos);
}

TEST(ControlClient, NoAnswerInTimeIsAnError) {
    const TempDir temp;
    FakeNode node(temp.path());
    auto client = connected(temp.path());
    const auto line = client.ask(R"({"op":"ls"})", 20ms);
    ASSERT_FALSE(line);
    EXPECT_EQ(line.error().code, base::ErrorCode::busy);
}

}  // namespace
}  // namespace grapevine::io
