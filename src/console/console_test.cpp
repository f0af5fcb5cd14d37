#include "console/console.hpp"

#include <cstdlib>
#include <thread>

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "console/plain_client_testing.hpp"
#include "console/schema_testing.hpp"
#include "console/world_testing.hpp"
#include "io/temp_dir_testing.hpp"

namespace grapevine::console {
namespace {

using namespace testing;
namespace json = boost::json;

// A supervisor that does at once what it is asked, or refuses.
class FakeSupervisor : public SupervisorClient {
public:
    [[nodiscard]] bool present() const override { return present_; }
    [[nodiscard]] std::string why_not() const override { return present_ ? "" : "none runs"; }
    void spawn(const SpawnWish& wish, Done done) override {
        asked_ = "spawn " + wish.mesh + "." + wish.type;
        wish.count > 5 ? done(base::fail(base::ErrorCode::exhausted, "5 at most"))
                       : done(json::object{{"nodes", json::array{process()}}});
    }
    void act(NodeAction action, const std::string& node, Done done) override {
        asked_ = std::string(name(action)) + " " + node;
        done(json::object{{"node", process()}});
    }
    void bootstrap(const std::vector<MeshWish>& meshes, Done done) override {
        asked_ = "bootstrap " + std::to_string(meshes.size());
        done(json::object{{"started", json::array{process()}}, {"present", json::array{}}});
    }
    void log(const std::string& node, std::uint64_t lines, Done done) override {
        asked_ = "log " + node + " " + std::to_string(lines);
        done(json::object{{"lines", json::array{"one"}}});
    }
    static json::object process() {
        return {{"name", "m.t.1"}, {"mesh", "m"}, {"type", "t"}, {"id", nullptr}, {"state", "ready"}, {"pid", 1}};
    }

    bool present_ = true;
    std::string asked_;
};

class ConsoleTest : public ::testing::Test {
protected:
    ConsoleTest() {
        ::setenv("XDG_RUNTIME_DIR", dir_.path().c_str(), 1);
        start();
    }
    void start() {
        console_.reset();
        ConsoleConfig config;
        config.collector.listen.port = 0;
        config.collector.directory = dir_.path() / "store";
        config.token = kToken;
        auto started = Console::start(runtime_, std::move(config), supervisor_);
        ASSERT_TRUE(started) << started.error().message;
        console_ = std::move(*started);
        host_ = console_->record().url.substr(7);
    }
    void fill(std::uint32_t nodes, std::uint32_t meshes) {
        fabric_.emplace(nodes, meshes);
        fabric_->begin(console_->input(), console_->moment());
        console_->changed();
    }
    // The clients' work in a thread beside the loop.
    void run(const std::function<void()>& clients) {
        std::thread thread([&] {
            clients();
            runtime_.stop();
        });
        runtime_.run();
        thread.join();
    }
    [[nodiscard]] base::SocketAddr address() const { return *base::SocketAddr::parse(host_); }
    [[nodiscard]] std::string get(const std::string& path) const {
        return "GET " + path + " HTTP/1.1\r\nHost: " + host_ + "\r\n\r\n";
    }
    [[nodiscard]] std::string post(const std::string& path, const std::string& body) const {
        return "POST " + path + " HTTP/1.1\r\nHost: " + host_ + "\r\nOrigin: http://" + host_ +
               "\r\nAuthorization: Bearer " + kToken +
               "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
               body;
    }
    static json::value body_of(const std::string& answer) {
        return json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
    }
    // Asks, and holds the answer against the schema.
    static json::value checked(Client& client, const std::string& request, const char* status,
                               const std::string& schema) {
        const std::string answer = client.ask(request);
        EXPECT_TRUE(answer.starts_with(std::string("HTTP/1.1 ") + status)) << request << answer.substr(0, 300);
        json::value body = body_of(answer);
        EXPECT_EQ(mismatch(schema, body), "") << request;
        return body;
    }

    static inline const std::string kToken = std::string(64, 'c');
    io::TempDir dir_;
    io::Runtime runtime_;
    FakeSupervisor supervisor_;
    std::unique_ptr<Console> console_;
    std::optional<SimulatedFabric> fabric_;
    std::string host_;
};

TEST_F(ConsoleTest, EveryAnswerIsAsTheSchemaSays) {
    fill(40, 2);
    console_->input().on_message(message(3, 4), console_->moment());
    console_->input().on_process({"mesh1.t.3", "mesh1", id_of(3).hex(), ProcessState::wedged, "wedged", ""},
                                 console_->moment());
    console_->input().on_source("else", SourceState::down, "gone", console_->moment());
    const std::string node = id_of(3).hex();
    run([&] {
        Client client(address());
        const json::value world = checked(client, get("/api/world"), "200", "World");
        EXPECT_EQ(world.at("nodes").as_array().size(), 40U);
        EXPECT_GT(world.at("links").as_array().size(), 40U);
        EXPECT_GE(world.at("alerts").as_array().size(), 2U);
        EXPECT_EQ(checked(client, get("/api/messages"), "200", "Messages").at("messages").as_array().size(), 1U);
        EXPECT_EQ(checked(client, get("/api/timeline?kind=wedged"), "200", "Timeline").at("events").as_array().size(),
                  1U);
        const auto past = std::to_string(world.at("now_unix_ms").to_number<std::uint64_t>());
        EXPECT_EQ(
            checked(client, get("/api/world/at?unix_ms=" + past), "200", "PastWorld").at("nodes").as_array().size(),
            40U);
        EXPECT_TRUE(checked(client, get("/api/nodes/" + node), "200", "NodeDetail").at("status").is_null());
        checked(client, get("/api/nodes/" + node + "/log?lines=7"), "200", "Log");
        checked(client, get("/api/services"), "200", "Services");
        checked(client, get("/api/status"), "200", "Status");
        checked(client, get("/api/traces"), "200", "Traces");
        checked(client, get("/api/spans"), "200", "Spans");
        checked(client, get("/api/metrics"), "200", "Metrics");
        checked(client, get("/api/logs"), "200", "Logs");
        checked(client, post("/api/spawn", R"({"mesh":"m","type":"t"})"), "201", "Spawned");
        checked(client, post("/api/bootstrap", R"({"meshes":[{"mesh":"m","per_mesh":{"t":1}}]})"), "200",
                "Bootstrapped");
        for (const char* action : {"stop", "kill", "restart", "wedge", "resume"}) {
            checked(client, post("/api/nodes/" + node + "/" + action, "{}"), "200", "Acted");
        }
        for (const char* wrong : {"/api/world/at", "/api/world/at?unix_ms=x", "/api/timeline?limit=0", "/api/nodes/x",
                                  "/api/live?after=-1", "/api/messages?limit=99999"}) {
            checked(client, get(wrong), "400", "Error");
        }
        for (const char* absent : {"/api/world/at?unix_ms=1", "/api/none", "/", "/topology"}) {
            checked(client, get(absent), "404", "Error");
        }
        checked(client, get("/api/nodes/" + id_of(999).hex()), "404", "Error");
        checked(client, post("/api/spawn", R"({"mesh":"m"})"), "400", "Error");
        checked(client, post("/api/spawn", R"({"mesh":"m","type":"t","count":9})"), "409", "Error");
        EXPECT_NE(client.ask(get("/api/openapi.json")).find("\"openapi\""), std::string::npos);
        EXPECT_TRUE(client.ask(get("/metrics")).ends_with("# EOF\n"));
        EXPECT_TRUE(client.ask(get("/readyz")).starts_with("HTTP/1.1 503")) << "nothing feeds it";
    });
}

TEST_F(ConsoleTest, WithoutASupervisorNothingIsDone) {
    supervisor_.present_ = false;
    run([&] {
        Client client(address());
        const json::value world = checked(client, get("/api/world"), "200", "World");
        EXPECT_FALSE(world.at("supervisor").at("can_spawn").as_bool());
        EXPECT_EQ(world.at("supervisor").at("why_not").as_string(), "none runs");
        checked(client, post("/api/spawn", R"({"mesh":"m","type":"t"})"), "404", "Error");
        checked(client, get("/api/nodes/" + id_of(3).hex() + "/log"), "404", "Error");
    });
    EXPECT_EQ(supervisor_.asked_, "");
}

TEST_F(ConsoleTest, TellsChangesAsTheyHappen) {
    fill(40, 2);
    run([&] {
        Client asker(address());
        const json::value world = checked(asker, get("/api/world"), "200", "World");
        Client browser(address());
        browser.send(get("/api/live?after=" + std::to_string(world.at("version").to_number<std::uint64_t>())));
        browser.until("event: delta\n");
        runtime_.post([&] {
            fabric_->step(console_->input(), console_->moment());
            console_->input().on_note({0, 0, "note", "", "", "that happened", {}}, console_->moment());
            console_->changed();
        });
        const std::string text = browser.until("that happened");
        EXPECT_NE(text.find("Content-Security-Policy"), std::string::npos);
        std::size_t deltas = 0;
        for (std::size_t at = text.find("event: delta\n"); at != std::string::npos;
             at = text.find("event: delta\n", at + 1)) {
            const std::size_t begin = text.find("data: ", at) + 6;
            EXPECT_EQ(mismatch("Delta", json::parse(text.substr(begin, text.find('\n', begin) - begin))), "");
            ++deltas;
        }
        EXPECT_GE(deltas, 1U);
    });
}

// A thousand nodes that change all the time, and a browser that does not read: it goes, and the others are served.
TEST_F(ConsoleTest, ABrowserThatDoesNotReadIsDropped) {
    fill(1000, 10);
    bool go_on = true;
    const std::function<void()> churn = [&] {
        for (int i = 0; i < 20; ++i) {
            fabric_->step(console_->input(), console_->moment());
        }
        console_->changed();
        if (go_on) {
            runtime_.at(runtime_.now() + std::chrono::milliseconds(20), {}, churn);
        }
    };
    runtime_.post(churn);
    run([&] {
        Client lazy(address());
        lazy.receive_little();
        lazy.send(get("/api/live"));
        Client reader(address());
        reader.send(get("/api/live"));
        std::string metrics;
        Client asker(address());
        do {
            reader.forget();
            reader.until("event: delta");
            metrics = asker.ask(get("/metrics"));
        } while (metrics.find("{cause=\"browser_behind\"} 1\n") == std::string::npos);
        EXPECT_NE(metrics.find("grapevine_console_browsers 1\n"), std::string::npos) << "the reader stays";
        EXPECT_TRUE(lazy.closed());
    });
    go_on = false;
}

TEST_F(ConsoleTest, TheTimelineOutlivesIt) {
    console_->input().on_note({0, 0, "note", "", "m", "before", {"x"}}, console_->moment());
    start();
    console_->input().on_note({0, 0, "note", "", "m", "after", {}}, console_->moment());
    run([&] {
        Client client(address());
        const json::value found = checked(client, get("/api/timeline?kind=note"), "200", "Timeline");
        const json::array& events = found.at("events").as_array();
        ASSERT_EQ(events.size(), 2U);
        EXPECT_EQ(events[0].at("text").as_string(), "after");
        EXPECT_EQ(events[1].at("text").as_string(), "before");
        EXPECT_GT(events[0].at("seq").to_number<std::uint64_t>(), events[1].at("seq").to_number<std::uint64_t>());
    });
}

}  // namespace
}  // namespace grapevine::console
