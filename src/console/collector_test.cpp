#include "console/collector.hpp"

#include <array>
#include <cstdlib>

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "console/gunzip.hpp"
#include "io/http_client.hpp"
#include "io/temp_dir_testing.hpp"
#include "otlp/encode.hpp"
#include "telemetry/catalogue.hpp"

namespace grapevine::console {
namespace {

namespace json = boost::json;
constexpr std::uint64_t kMillisecond = 1'000'000;

telemetry::Resource resource() {
    return {{{"service.name", "broker"},
             {"service.instance.id", "abc"},
             {"mesh.id", "mesh1"},
             {"mesh.node.name", "mesh1.broker.abc"}}};
}

class CollectorTest : public ::testing::Test {
protected:
    CollectorTest() {
        ::setenv("XDG_RUNTIME_DIR", dir_.path().c_str(), 1);
        config_.listen.port = 0;
        config_.directory = dir_.path() / "store";
    }

    void start() {
        auto started = Collector::start(runtime_, config_);
        ASSERT_TRUE(started) << started.error().message;
        collector_ = std::move(*started);
        const auto address = base::SocketAddr::parse(collector_->record().url.substr(7));
        client_ = std::make_unique<io::HttpClient>(runtime_, io::HttpServer{false, "127.0.0.1", address->port, {}});
    }

    io::HttpAnswer ask(io::HttpRequest request) {
        io::HttpAnswer out;
        request.timeout = std::chrono::seconds(60);  // A busy machine under a sanitizer is slow, and not wrong.
        client_->request(std::move(request), [&](io::HttpResult result) {
            EXPECT_TRUE(result) << (result ? "" : result.error().message);
            out = result ? std::move(*result) : io::HttpAnswer{};
            runtime_.stop();
        });
        runtime_.run();
        return out;
    }

    io::HttpAnswer post(const std::string& path, std::string_view body,
                        const std::string& type = "application/x-protobuf", bool packed = false) {
        io::HttpRequest request;
        request.method = "POST";
        request.path = path;
        request.body = body;
        request.headers = {{"Content-Type", type}};
        if (packed) {
            request.headers.emplace_back("Content-Encoding", "gzip");
        }
        return ask(std::move(request));
    }

    json::value get(const std::string& path, unsigned status = 200) {
        io::HttpRequest request;
        request.path = path;
        request.answer_bytes_max = 1U << 20U;
        const io::HttpAnswer answer = ask(std::move(request));
        EXPECT_EQ(answer.status, status) << path << ": " << answer.body;
        return json::parse(answer.body);
    }

    // A boot now, so that it is in the windows that the queries look at.
    std::string boot_request() {
        const std::uint64_t now = runtime_.wall_now().unix_ms * kMillisecond;
        std::vector<telemetry::Span> spans(2);
        for (std::size_t i = 0; i < spans.size(); ++i) {
            spans[i].spec = i == 0 ? &telemetry::spans::kReady : &telemetry::spans::kIdentityMinted;
            spans[i].trace.bytes[0] = 0xab;
            spans[i].id.bytes[0] = static_cast<std::uint8_t>(i + 1);
            spans[i].start_unix_ns = now + i * kMillisecond;
            spans[i].end_unix_ns = now + (5 - i) * kMillisecond;
        }
        spans[1].parent = spans[0].id;
        return otlp::encode_traces(resource(), spans);
    }

    io::TempDir dir_;
    io::Runtime runtime_;
    CollectorConfig config_;
    std::unique_ptr<Collector> collector_;
    std::unique_ptr<io::HttpClient> client_;
};

TEST_F(CollectorTest, ReceivesAndAnswers) {
    start();
    const std::string traces = boot_request();
    EXPECT_EQ(post("/v1/traces", traces).status, 200U);
    EXPECT_EQ(post("/v1/traces", gzip(traces), "application/x-protobuf; x=y", true).status, 200U);  // Once more.

    telemetry::LogRecord log;
    log.unix_ns = runtime_.wall_now().unix_ms * kMillisecond;
    log.body = "hello";
    log.context.trace.bytes[0] = 0xab;
    log.context.span.bytes[0] = 1;
    EXPECT_EQ(post("/v1/logs", otlp::encode_logs(resource(), std::array{log})).status, 200U);

    static constexpr telemetry::MetricSpec kSpec{"mesh.peers", "{peer}", "Peers.", telemetry::Instrument::gauge};
    telemetry::Metric metric{&kSpec, {{{}, std::int64_t{4}}}};
    const std::uint64_t now = runtime_.wall_now().unix_ms * kMillisecond;
    EXPECT_EQ(post("/v1/metrics", otlp::encode_metrics(resource(), std::array{metric}, now, now)).status, 200U);

    EXPECT_EQ(get("/api/traces").at("traces").as_array().size(), 1U);
    const json::value boot = get("/api/boot/mesh1.broker.abc");
    EXPECT_EQ(boot.at("spans").as_array().size(), 2U);
    EXPECT_EQ(boot.at("duration_ns").as_int64(), 5'000'000);
    EXPECT_EQ(boot.at("logs").as_array()[0].at("body").as_string(), "hello");
    EXPECT_EQ(get("/api/traces/ab").at("trace_id"), boot.at("trace_id"));
    EXPECT_EQ(get("/api/spans").at("spans").as_array().size(), 2U);
    EXPECT_EQ(get("/api/metrics/mesh.peers").at("series").as_array()[0].at("value").as_double(), 4.0);
    EXPECT_EQ(get("/api/metrics").at("metrics").as_array()[0].at("unit").as_string(), "{peer}");
    const json::value status = get("/api/status");
    EXPECT_EQ(status.at("receiver").at("items").as_int64(), 6);
    EXPECT_EQ(status.at("store").at("counters").at("duplicates").as_int64(), 2);
}

TEST_F(CollectorTest, RefusesWhatIsWrong) {
    start();
    EXPECT_EQ(post("/v1/traces", "{}", "application/json").status, 415U);
    EXPECT_EQ(post("/v1/traces", "\xff\xff\xff not protobuf").status, 400U);
    EXPECT_EQ(post("/v1/logs", std::string(config_.http.body_bytes_max + 1, 'x')).status, 413U);
    EXPECT_EQ(get("/api/traces?limit=0", 400).at("error").at("code").as_string(), "invalid");
    get("/api/traces?since_s=abc", 400);
    get("/api/traces/zz", 400);
    get("/api/traces/1234", 404);
    get("/api/boot/nobody", 404);
    get("/api/metrics/none", 404);
    get("/api/nothing", 404);
    const json::value status = get("/api/status");
    EXPECT_EQ(status.at("receiver").at("unsupported_type").as_int64(), 1);
    EXPECT_EQ(status.at("receiver").at("malformed").as_int64(), 1);
}

// A store that has no room answers 503, keeps answering questions, and counts.
TEST_F(CollectorTest, SaysThatTheStoreIsFull) {
    config_.store.bytes_max = StoreLimits::kBytesMin;
    start();
    std::vector<telemetry::Span> spans(9000);
    for (std::size_t i = 0; i < spans.size(); ++i) {
        spans[i].spec = &telemetry::spans::kPing;
        spans[i].trace.bytes[0] = 1;
        spans[i].id.bytes[0] = static_cast<std::uint8_t>(i & 0xffU);
        spans[i].id.bytes[1] = static_cast<std::uint8_t>(i >> 8U);
        spans[i].id.bytes[2] = 1;
        spans[i].attributes = {{"text", std::string(600, 'x')}};
    }
    const std::string packed = gzip(otlp::encode_traces(resource(), std::span(spans).first(6000)));
    const io::HttpAnswer answer = post("/v1/traces", packed, "application/x-protobuf", true);
    EXPECT_EQ(answer.status, 503U) << answer.body;
    EXPECT_EQ(answer.header("Retry-After"), "10");
    EXPECT_NE(answer.body.find("full"), std::string::npos);
    const json::value status = get("/api/status");
    EXPECT_EQ(status.at("receiver").at("store_full").as_int64(), 1);
    EXPECT_EQ(status.at("store").at("counters").at("items_dropped_full").as_int64(), 6000);
    EXPECT_EQ(post("/v1/traces", boot_request()).status, 200U);
}

TEST_F(CollectorTest, IsFoundWhileItRuns) {
    start();
    const auto registry = CollectorRegistry::open();
    ASSERT_TRUE(registry);
    ASSERT_EQ(registry->list().size(), 1U);
    EXPECT_EQ(registry->list().front(), collector_->record());
    // One that is gone without a word is not believed, and its file goes.
    CollectorRecord gone = collector_->record();
    gone.pid = 1;
    ASSERT_TRUE(registry->add(gone));
    EXPECT_EQ(registry->list().size(), 1U);
    EXPECT_FALSE(std::filesystem::exists(dir_.path() / "grapevine" / "collectors" / "1.json"));
    const auto second = Collector::start(runtime_, config_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, base::ErrorCode::busy) << second.error().message;
    EXPECT_EQ(registry->list().size(), 1U);
    collector_.reset();
    EXPECT_TRUE(registry->list().empty());
}

}  // namespace
}  // namespace grapevine::console
