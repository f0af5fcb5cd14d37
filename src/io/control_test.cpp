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
        } else if (std::holds_alternative<ProduceRequest>(request)) {
            server->say(client, R"({"event":"progress"})");
            loading.push_back(client);
        } else {
            server->answer(client, listing);
        }
    }

    void on_gone(ClientId client) override { gone.push_back(client); }

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
    std::vector<ClientId> pings, loading, gone;
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
    const auto publish = decode_control_request(R"({"op":"publish","payload_base64":"aGVsbG8="})");
    EXPECT_EQ(base::to_text(std::get<PublishRequest>(*publish).content), "hello");
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
        {R"({"op":"publish","payload_base64":"!"})", "'payload_base64' must be base64"},
        {R"({"op":"publish","name":"x"})", "unknown member 'name'"},
        {R"({"op":"ping"})", "'name' must be a string of 1 to 256 bytes"},
        {R"({"op":"ping","name":""})", "'name' must be a string of 1 to 256 bytes"},
        {R"({"op":"ping","name":")" + std::string(257, 'a') + "\"}", "'name' must be a string of 1 to 256 bytes"},
        {R"({"op":"why"})", "'name' must be a string of 1 to 256 bytes"},
        {R"({"op":"why","name":"a","deep":1})", "unknown member 'deep'"},
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

TEST(ControlRequest, ALoadIsDecodedWithItsDefaults) {
    const auto plain = decode_control_request(R"({"op":"produce","name":"mesh2.broker"})");
    ASSERT_TRUE(plain) << plain.error().message;
    const auto& load = std::get<ProduceRequest>(*plain);
    EXPECT_EQ(load.name, "mesh2.broker");
    EXPECT_EQ(load.kind, delivery::MessageKind::send);
    EXPECT_EQ(load.rate, 1000U);
    EXPECT_EQ(load.duration, 0s);
    EXPECT_EQ(load.payload_bytes, 200U);
    EXPECT_EQ(load.unanswered_max, 2048U);
    EXPECT_EQ(load.report_every, 1s);
    EXPECT_EQ(load.options.deadline, 10s);
    const auto full = decode_control_request(
        R"({"op":"produce","name":"n","kind":"request","rate":0,"duration_ms":5,"payload_bytes":7,"unanswered_max":9,)"
        R"("report_ms":100,"outcomes_file":"/a","deadline_ms":11,"ordered":true,"idempotent":true})");
    ASSERT_TRUE(full) << full.error().message;
    const auto& all = std::get<ProduceRequest>(*full);
    EXPECT_EQ(all.kind, delivery::MessageKind::request);
    EXPECT_EQ(all.rate, 0U);
    EXPECT_EQ(all.duration, 5ms);
    EXPECT_EQ(all.payload_bytes, 7U);
    EXPECT_EQ(all.unanswered_max, 9U);
    EXPECT_EQ(all.report_every, 100ms);
    EXPECT_EQ(all.outcomes_file, "/a");
    EXPECT_EQ(all.options.deadline, 11ms);
    EXPECT_EQ(all.options.ordering, delivery::Ordering::lane);
    EXPECT_EQ(all.options.repetition, delivery::Repetition::idempotent);
    for (const auto& [line, rule] : std::vector<std::pair<std::string, std::string>>{
             {R"({"op":"produce"})", "'name' must be a string"},
             {R"({"op":"produce","name":"n","rate":-1})", "'rate' must be a number up to 4294967295"},
             {R"({"op":"produce","name":"n","rate":4294967296})", "'rate' must be a number up to 4294967295"},
             {R"({"op":"produce","name":"n","duration_ms":"1"})", "'duration_ms' must be a number"},
             {R"({"op":"produce","name":"n","kind":"stream"})", "'kind' must be send or request"},
             {R"({"op":"produce","name":"n","outcomes_file":1})", "'outcomes_file' must be a string"},
             {R"({"op":"produce","name":"n","deadline_ms":60001})", "'deadline_ms' must be a number up to 60000"}}) {
        const auto refused = decode_control_request(line);
        ASSERT_FALSE(refused) << line;
        EXPECT_NE(refused.error().message.find(rule), std::string::npos) << refused.error().message;
    }
}

TEST(ControlSocket, LinesComeAheadOfTheAnswerAndWhoGoesAwayIsNoticed) {
    const TempDir temp;
    FakeNode node(temp.path());
    {
        auto client = connected(temp.path());
        ASSERT_TRUE(client.send(R"({"op":"produce","name":"n"})", 1s));
        EXPECT_EQ(*node.line(client), R"({"event":"progress"})");
        node.server->say(node.loading.at(0), "more");
        node.server->answer(node.loading.at(0), "end");
        EXPECT_EQ(*node.line(client), "more");
        EXPECT_EQ(*node.line(client), "end");
        ASSERT_TRUE(client.send(R"({"op":"produce","name":"n"})", 1s));
        EXPECT_EQ(*node.line(client), R"({"event":"progress"})");
        EXPECT_TRUE(node.gone.empty());
    }
    EXPECT_TRUE(run_until(node.runtime, [&] { return !node.gone.empty(); }));
    EXPECT_EQ(node.gone, (std::vector<ClientId>{node.loading.at(1)}));
    node.server->say(node.loading.at(1), "to nobody");
    auto client = connected(temp.path());
    ASSERT_TRUE(client.send(R"({"op":"ls"})", 1s));
    EXPECT_EQ(*node.line(client), node.listing);
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

// Takes lines as they are.
class EchoHandler : public LineHandler {
public:
    explicit EchoHandler(const std::filesystem::path& dir)
        : server(std::move(
              *ControlServer::listen(runtime, dir, *this, ledger, ControlServer::kIdle, ControlPeer::supervisor))) {}
    base::Status on_line(ClientId client, std::string_view line) override {
        if (line == "bad") {
            return base::fail(base::ErrorCode::exhausted, "line: bad");
        }
        const Feed feed = line == "own" ? Feed::own : Feed::published;
        line == "echo" ? server->answer(client, line) : server->start_watching(client, line, feed);
        last = client;
        return {};
    }
    void on_gone(ClientId client) override { gone.push_back(client); }

    Runtime runtime;
    telemetry::Ledger ledger;
    ClientId last;
    std::vector<ClientId> gone;
    std::unique_ptr<ControlServer> server;
};

TEST(ControlServer, AnotherDecoderHasItsOwnSocketAndFeeds) {
    TempDir temp;
    EchoHandler handler(temp.path());
    EXPECT_EQ(ControlClient::connect(temp.path(), 1s).error().code, base::ErrorCode::not_found);
    const auto next = [&](ControlClient& client) {
        std::optional<std::string> got;
        EXPECT_TRUE(run_until(handler.runtime, [&] {
            got = client.try_line().value_or(std::string("closed"));
            return got.has_value();
        }));
        return got.value_or("");
    };
    auto own = std::make_unique<ControlClient>(*ControlClient::connect(temp.path(), 1s, ControlPeer::supervisor));
    ASSERT_TRUE(own->send("bad", 1s));
    EXPECT_NE(next(*own).find("exhausted"), std::string::npos);
    ASSERT_TRUE(own->send("own", 1s));
    EXPECT_EQ(next(*own), "own");
    const ClientId first = handler.last;
    auto published = *ControlClient::connect(temp.path(), 1s, ControlPeer::supervisor);
    ASSERT_TRUE(published.send("published", 1s));
    EXPECT_EQ(next(published), "published");
    EXPECT_EQ(handler.server->watchers(), 1U);
    handler.server->publish("to all");
    handler.server->tell(first, "to one");
    EXPECT_EQ(next(*own), "to one");
    EXPECT_EQ(next(published), "to all");
    own.reset();
    EXPECT_TRUE(run_until(handler.runtime, [&] { return handler.gone == std::vector<ClientId>{first}; }));
}

TEST(ControlServer, AFeedOfItsOwnThatIsNotReadIsClosed) {
    TempDir temp;
    EchoHandler handler(temp.path());
    auto client = *ControlClient::connect(temp.path(), 1s, ControlPeer::supervisor);
    ASSERT_TRUE(client.send("own", 1s));
    ASSERT_TRUE(run_until(handler.runtime, [&] { return handler.last.value != 0; }));
    const std::string line(4096, 'x');
    for (int i = 0; i < 1000 && handler.gone.empty(); ++i) {
        handler.server->tell(handler.last, line);
    }
    EXPECT_EQ(handler.gone, std::vector<ClientId>{handler.last});
    EXPECT_EQ(handler.server->counters().dropped_slow, 1U);
}

}  // namespace
}  // namespace grapevine::io
