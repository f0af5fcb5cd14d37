#include "io/host.hpp"

#include <map>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "io/control.hpp"
#include "io/load_runner_testing.hpp"
#include "io/node_control.hpp"
#include "io/node_metrics.hpp"
#include "io/runtime_testing.hpp"
#include "io/temp_dir_testing.hpp"
#include "telemetry/metric_catalogue.hpp"

namespace grapevine::io {
namespace {

using namespace std::chrono_literals;

const std::string kAlpn = "grapevine/test/1";

// A host with the events it reported.
struct Peer : HostListener {
    Peer(Runtime& runtime, std::optional<stack::MeshConfig> mesh) {
        HostConfig config;
        config.stack.quic.alpns = {kAlpn};
        config.stack.mesh = std::move(mesh);
        config.bind = {base::SocketAddr::v4(127, 0, 0, 1, 0)};
        auto started = Host::start(runtime, config, base::SecretKey::generate(), *this);
        EXPECT_TRUE(started) << (started ? "" : started.error().message);
        host = std::move(*started);
    }

    void on_event(const stack::Event& event) override {
        if (control) {
            control->on_event(event);
        }
        if (std::holds_alternative<stack::Left>(event)) {
            left = true;
        }
        if (const auto* app = std::get_if<stack::AppEvent>(&event)) {
            on_app(*app);
        }
    }

    void on_app(const quic::Event& event) {
        if (const auto* connected = std::get_if<quic::Connected>(&event)) {
            connection = connected->connection;
        }
        if (const auto* data = std::get_if<quic::StreamData>(&event)) {
            received += data->data.size();
            fin = fin || data->fin;
            host->stack().consume(data->connection, data->stream, data->data.size());
        }
        if (std::holds_alternative<quic::StreamWritable>(event) && pump) {
            pump();
        }
        if (const auto* closed = std::get_if<quic::Closed>(&event)) {
            close_text = closed->reason.text;
        }
    }

    std::unique_ptr<Host> host;
    std::unique_ptr<NodeControl> control;
    std::optional<quic::ConnectionRef> connection;
    std::function<void()> pump;
    std::size_t received = 0;
    bool fin = false;
    bool left = false;
    std::string close_text;
};

std::uint64_t figure(const Host& host, const std::string& name) {
    for (const stack::Figure& entry : host.figures()) {
        if (entry.name == name) {
            return entry.value;
        }
    }
    ADD_FAILURE() << "no figure " << name;
    return 0;
}

stack::MeshConfig mesh(const std::vector<wire::EndpointAddr>& seeds) {
    stack::MeshConfig config;
    config.mesh = "mesh1";
    config.type = "broker";
    config.seeds = seeds;
    config.started_unix_ms = 1;
    return config;
}

TEST(Host, TwoStacksCarryAStreamOverRealSockets) {
    Runtime runtime;
    Peer server(runtime, std::nullopt);
    Peer client(runtime, std::nullopt);
    const auto dialled = client.host->stack().connect(server.host->stack().addr(), kAlpn, runtime.now());
    ASSERT_TRUE(dialled) << dialled.error().message;
    client.host->touch();
    ASSERT_TRUE(run_until(runtime, [&] { return client.connection && server.connection; }));

    constexpr std::size_t kTotal = 8U * 1024U * 1024U;
    const auto stream = client.host->stack().open_stream(*dialled, quic::Direction::unidirectional);
    ASSERT_TRUE(stream);
    const base::Bytes chunk(64U * 1024U, 'x');
    std::size_t sent = 0;
    client.pump = [&] {
        while (sent < kTotal) {
            const bool last = sent + chunk.size() == kTotal;
            const auto taken =
                client.host->stack().write(*dialled, *stream, base::ByteView(chunk).subspan(sent % chunk.size()), last);
            ASSERT_TRUE(taken);
            sent += *taken;
            if (*taken == 0) {
                break;
            }
        }
        client.host->touch();
    };
    client.pump();
    EXPECT_TRUE(run_until(runtime, [&] { return server.received == kTotal; }, 30s));
    EXPECT_EQ(server.received, kTotal);
    EXPECT_GT(figure(*client.host, "udp.datagrams_sent"), 4 * figure(*client.host, "udp.trains_sent"))
        << "trains are sent as trains";
    client.host->stack().close(*dialled, 7, "enough", runtime.now());
    client.host->touch();
    EXPECT_TRUE(run_until(runtime, [&] { return server.close_text == "enough"; }));
}

TEST(Host, APortInUseIsAnErrorThatNamesIt) {
    Runtime runtime;
    Peer first(runtime, std::nullopt);
    HostConfig config;
    config.bind = first.host->addrs();
    const auto second = Host::start(runtime, config, base::SecretKey::generate(), first);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, base::ErrorCode::busy);
    EXPECT_NE(second.error().message.find(config.bind[0].text()), std::string::npos);
}

TEST(Host, UnspecifiedAddressesBecomeThoseOfTheInterfaces) {
    Runtime runtime;
    Peer listener(runtime, std::nullopt);
    const auto host = Host::start(runtime, HostConfig{}, base::SecretKey::generate(), listener);
    ASSERT_TRUE(host) << host.error().message;
    const auto addrs = (*host)->addrs();
    ASSERT_FALSE(addrs.empty());
    for (const base::SocketAddr& addr : addrs) {
        EXPECT_FALSE(addr.is_unspecified());
        EXPECT_NE(addr.port, 0);
    }
}

TEST(Host, MeshNodesFindEachOtherAndAnswerTheControlSocket) {
    IdleLoadRunner loads;
    Runtime runtime;
    Peer one(runtime, mesh({}));
    Peer two(runtime, mesh({one.host->stack().addr()}));
    const auto both = [&] {
        return one.host->stack().directory(runtime.now()).size() == 2 &&
               two.host->stack().directory(runtime.now()).size() == 2;
    };
    ASSERT_TRUE(run_until(runtime, both));

    const TempDir temp;
    bool stopped = false;
    NodeRecord record;
    record.data_dir = temp.path().string();
    record.mesh = "mesh1";
    auto control = NodeControl::start(*one.host, record, loads, [&] { stopped = true; });
    ASSERT_TRUE(control) << control.error().message;
    one.control = std::move(*control);
    auto client = ControlClient::connect(temp.path(), 1s);
    ASSERT_TRUE(client);
    const auto ask = [&](const std::string& request) {
        EXPECT_TRUE(client->send(request, 1s));
        base::Result<std::optional<std::string>> line = std::optional<std::string>();
        EXPECT_TRUE(run_until(runtime, [&] {
            line = client->try_line();
            return !line || line->has_value();
        }));
        return line && *line ? **line : std::string();
    };
    const std::string other = two.host->stack().own_name();
    EXPECT_NE(ask(R"({"op":"ls"})").find("\"name\":\"" + other + "\""), std::string::npos);
    const std::string status = ask(R"({"op":"status"})");
    EXPECT_NE(status.find("\"directory_size\":2"), std::string::npos);
    EXPECT_NE(status.find("\"udp.datagrams_sent\""), std::string::npos);
    EXPECT_NE(status.find("\"ledger\""), std::string::npos);
    EXPECT_NE(ask(R"({"op":"ping","name":")" + other + "\"}").find("\"rtt_us\":"), std::string::npos);
    EXPECT_NE(ask(R"({"op":"ping","name":"mesh1.broker.000000"})").find("\"code\":\"not_found\""), std::string::npos);
    EXPECT_EQ(ask(R"({"op":"watch"})"), R"({"ok":true,"watching":true})");
    two.host->stack().leave(runtime.now());
    two.host->touch();
    EXPECT_TRUE(run_until(runtime, [&] { return two.left; }));
    bool saw_left = false;
    EXPECT_TRUE(run_until(runtime, [&] {
        const auto line = client->try_line();
        saw_left = saw_left || (line && *line && (*line)->find("\"event\":\"left\"") != std::string::npos);
        return saw_left;
    }));
    ASSERT_TRUE(client->send(R"({"op":"stop"})", 1s));
    EXPECT_TRUE(run_until(runtime, [&] { return stopped; }));
}

TEST(Host, EveryFigureBecomesAPointOfAMetric) {
    Runtime runtime;
    Peer one(runtime, mesh({}));
    OtelEnvironment environment;
    for (SignalTarget* signal : {&environment.config.traces, &environment.config.metrics, &environment.config.logs}) {
        signal->enabled = true;
        signal->host = "127.0.0.1";
    }
    NodeTelemetry telemetry(runtime, environment, {});
    telemetry.start_export({}, [] { return std::vector<telemetry::Metric>{}; });
    EXPECT_EQ(telemetry::unmapped(one.host->figures()), std::vector<std::string>{});
    EXPECT_EQ(telemetry::unmapped(telemetry.figures()), std::vector<std::string>{});
    std::map<std::string_view, int> names;
    for (const telemetry::Metric& metric : collect_metrics(*one.host, telemetry))
        ++names[metric.spec->name];
    for (const auto& [name, count] : names)
        EXPECT_EQ(count, 1) << name;
    EXPECT_TRUE(names.contains("mesh.directory.size") && names.contains("mesh.export.batches"));
}

TEST(Host, AnIdlePairWakesSeldom) {
    Runtime runtime;
    Peer one(runtime, mesh({}));
    Peer two(runtime, mesh({one.host->stack().addr()}));
    ASSERT_TRUE(run_until(runtime, [&] { return two.host->stack().directory(runtime.now()).size() == 2; }));
    const base::TimePoint settled = runtime.now() + 1s;
    runtime.at(settled, 0ms, [&] { runtime.stop(); });
    runtime.run();
    const std::uint64_t before = runtime.turns();
    runtime.at(runtime.now() + 3s, 0ms, [&] { runtime.stop(); });
    runtime.run();
    // Two nodes for three seconds, at most fifteen wake-ups a node and second.
    EXPECT_LE(runtime.turns() - before, 2U * 3U * 15U);
}

}  // namespace
}  // namespace grapevine::io
