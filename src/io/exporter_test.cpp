#include "io/exporter.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zlib.h>

#include "io/exporter_lane.hpp"
#include "io/http_client_testing.hpp"
#include "io/runtime_testing.hpp"
#include "otlp/decode.hpp"
#include "otlp/encode.hpp"

namespace grapevine::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Then = ServedAnswer::Then;

constexpr telemetry::SpanSpec kWork{"test.work", telemetry::Target::app, telemetry::Level::info};
constexpr telemetry::MetricSpec kCount{"test.count", "1", "Counts.", telemetry::Instrument::counter};

class FixedClock : public telemetry::Clock {
public:
    [[nodiscard]] std::uint64_t unix_ns() const override { return 1'700'000'000'000'000'000ULL; }
};

std::string gunzip(const std::string& data) {
    std::string out(1 << 20, '\0');
    z_stream stream{};
    EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
    stream.avail_in = static_cast<uInt>(data.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    inflateEnd(&stream);
    return out;
}

class ExporterTest : public ::testing::Test {
protected:
    SignalTarget target(std::uint16_t port, const std::string& path) {
        SignalTarget target;
        target.enabled = true;
        target.host = "127.0.0.1";
        target.port = port;
        target.path = path;
        target.timeout = milliseconds(200);
        return target;
    }
    ExportConfig everything(std::uint16_t port) {
        ExportConfig config;
        config.traces = target(port, "/v1/traces");
        config.metrics = target(port, "/v1/metrics");
        config.logs = target(port, "/v1/logs");
        config.span_delay = config.log_delay = milliseconds(10);
        config.metric_interval = seconds(3600);
        return config;
    }
    ExportConfig traces_only(std::uint16_t port) {
        ExportConfig config = everything(port);
        config.metrics.enabled = config.logs.enabled = false;
        return config;
    }
    void start(const ExportConfig& config) {
        exporter_ = std::make_unique<Exporter>(runtime_, config, telemetry::Resource{{{"service.name", "broker"}}},
                                               recorder_, [this] {
                                                   ++collected_;
                                                   telemetry::Metric metric{&kCount, {}};
                                                   metric.points.push_back({{}, std::uint64_t{7}});
                                                   return std::vector{metric};
                                               });
    }
    void record_spans(int count) {
        for (int i = 0; i < count; ++i) {
            auto span = recorder_.begin(kWork);
            span.set("number", std::int64_t{i});
            recorder_.end(std::move(span));
        }
        exporter_->poke();
    }
    void record_log(const std::string& text) {
        telemetry::LogRecord record;
        record.body = text;
        record.site = "test";
        recorder_.log(std::move(record));
        exporter_->poke();
    }
    std::uint64_t figure(const std::string& name) {
        for (const stack::Figure& figure : exporter_->figures())
            if (figure.name == "export." + name) return figure.value;
        ADD_FAILURE() << "no figure " << name;
        return 0;
    }
    bool until(const std::function<bool()>& condition) { return run_until(runtime_, condition); }
    // Ends within until()'s ten seconds: before a `limit` that is longer, and long before the receivers would answer.
    void stop(base::Duration limit) {
        bool done = false;
        exporter_->stop(limit, [&] { done = true; });
        EXPECT_FALSE(done) << "in a later turn";
        EXPECT_TRUE(until([&] { return done; }));
    }
    std::size_t served(const TestHttpServer& server, const std::string& path) {
        return static_cast<std::size_t>(std::count_if(server.requests().begin(), server.requests().end(),
                                                      [&](const ServedRequest& one) { return one.path == path; }));
    }

    Runtime runtime_;
    FixedClock clock_;
    telemetry::Recorder recorder_{{}, base::Rng(1), clock_};
    std::unique_ptr<Exporter> exporter_;
    int collected_ = 0;
};

ServedAnswer accepted(const ServedRequest&) {
    return {http_answer(200)};
}

TEST_F(ExporterTest, WhatIsRecordedArrives) {
    TestHttpServer server(runtime_, accepted);
    start(everything(server.port()));
    record_spans(3);
    record_log("hello");
    ASSERT_TRUE(until([&] { return figure("spans_sent") == 3 && figure("logs_sent") == 1; }));
    EXPECT_EQ(server.accepted(), 1U) << "one connection for all";
    const ServedRequest& request = server.requests().front();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.headers.at("content-type"), "application/x-protobuf");
    for (const ServedRequest& one : server.requests()) {
        if (one.path != "/v1/traces") continue;
        const auto decoded = otlp::decode_traces(one.body);
        ASSERT_TRUE(decoded);
        ASSERT_EQ(decoded->rows.size(), 3U);
        EXPECT_EQ(decoded->rows[2].name, "test.work");
    }
}

TEST_F(ExporterTest, BatchesAreBoundedAndAFullOneDoesNotWait) {
    TestHttpServer server(runtime_, accepted);
    ExportConfig config = traces_only(server.port());
    config.span_delay = seconds(3600);
    config.span_batch_max = 10;
    start(config);
    record_spans(25);
    ASSERT_TRUE(until([&] { return figure("spans_sent") == 20; }));
    EXPECT_EQ(server.requests().size(), 2U);
    EXPECT_EQ(recorder_.spans_waiting(), 5U);
}

TEST_F(ExporterTest, GzipAndHeadersAreSent) {
    TestHttpServer server(runtime_, accepted);
    ExportConfig config = traces_only(server.port());
    config.traces.gzip = true;
    config.traces.headers = {{"api-key", "secret"}};
    start(config);
    record_spans(100);
    ASSERT_TRUE(until([&] { return figure("spans_sent") == 100; }));
    const ServedRequest& request = server.requests().front();
    EXPECT_EQ(request.headers.at("content-encoding"), "gzip");
    EXPECT_EQ(request.headers.at("api-key"), "secret");
    const std::string body = gunzip(request.body);
    EXPECT_GT(body.size(), 2 * request.body.size());
    EXPECT_EQ(otlp::decode_traces(body)->rows.size(), 100U);
    EXPECT_EQ(figure("bytes_sent"), request.body.size());
}

TEST_F(ExporterTest, ABatchSurvivesAShortOutage) {
    int answers = 0;
    TestHttpServer server(runtime_, [&](const ServedRequest&) {
        return ServedAnswer{++answers < 2 ? http_answer(503) : http_answer(200)};
    });
    start(traces_only(server.port()));
    record_spans(5);
    ASSERT_TRUE(until([&] { return figure("spans_sent") == 5; }));
    EXPECT_EQ(figure("retries"), 1U);
    EXPECT_EQ(figure("failed_status"), 1U);
    EXPECT_EQ(server.requests()[0].body, server.requests()[1].body);
}

TEST_F(ExporterTest, RetryAfterIsHonoured) {
    int answers = 0;
    base::TimePoint refused{}, served{};
    TestHttpServer server(runtime_, [&](const ServedRequest&) {
        (++answers == 1 ? refused : served) = runtime_.now();
        return ServedAnswer{answers == 1 ? http_answer(429, "", "Retry-After: 2\r\n") : http_answer(200)};
    });
    start(traces_only(server.port()));
    record_spans(1);
    ASSERT_TRUE(until([&] { return figure("spans_sent") == 1; }));
    EXPECT_GE(served - refused, seconds(2));
}

TEST_F(ExporterTest, RefusedBatchesAreDroppedAndCounted) {
    for (const unsigned status : {400U, 401U, 404U, 413U, 500U, 301U}) {
        TestHttpServer server(runtime_, [&](const ServedRequest&) { return ServedAnswer{http_answer(status)}; });
        start(traces_only(server.port()));
        record_spans(4);
        ASSERT_TRUE(until([&] { return figure("spans_dropped_refused") == 4; })) << status;
        EXPECT_EQ(figure("batches_held"), 0U);
        EXPECT_EQ(figure("retries"), 0U);
        exporter_.reset();
    }
}

TEST_F(ExporterTest, PartialSuccessIsCounted) {
    TestHttpServer server(runtime_, [](const ServedRequest&) {
        return ServedAnswer{http_answer(200, otlp::encode_response({3, "too old"}))};
    });
    start(traces_only(server.port()));
    record_spans(5);
    ASSERT_TRUE(until([&] { return figure("batches_sent") == 1; }));
    EXPECT_EQ(figure("spans_sent"), 2U);
    EXPECT_EQ(figure("spans_dropped_rejected"), 3U);
}

TEST_F(ExporterTest, GarbageAndClosedConnectionsAreTriedAgain) {
    int answers = 0;
    TestHttpServer server(runtime_, [&](const ServedRequest&) {
        ++answers;
        if (answers == 1) return ServedAnswer{"garbage\r\n\r\n", Then::close};
        return ServedAnswer{http_answer(200)};
    });
    start(traces_only(server.port()));
    record_spans(1);
    ASSERT_TRUE(until([&] { return figure("spans_sent") == 1; }));
    EXPECT_EQ(figure("failed_transport"), 1U);
}

TEST_F(ExporterTest, MetricsGoOnceAPeriod) {
    TestHttpServer server(runtime_, accepted);
    ExportConfig config = everything(server.port());
    config.metric_interval = milliseconds(50);
    start(config);
    ASSERT_TRUE(until([&] { return figure("points_sent") >= 3; }));
    EXPECT_EQ(otlp::decode_metrics(server.requests().front().body)->rows.front().metric, "test.count");
}

TEST_F(ExporterTest, StopSendsWhatWaitsAndThenTheLastMetrics) {
    TestHttpServer server(runtime_, accepted);
    ExportConfig config = everything(server.port());
    config.span_delay = config.log_delay = seconds(3600);
    config.span_batch_max = 10;
    start(config);
    record_spans(9);
    record_log("last words");
    ASSERT_TRUE(server.requests().empty());
    record_spans(14);
    stop(seconds(60));
    EXPECT_EQ(figure("spans_sent"), 23U);
    EXPECT_EQ(figure("logs_sent"), 1U);
    EXPECT_EQ(figure("points_sent"), 1U);
    EXPECT_EQ(server.requests().back().path, "/v1/metrics");
    EXPECT_EQ(collected_, 1);
}

TEST_F(ExporterTest, StopSendsMetricsAnewThatWereUnderWay) {
    TestHttpServer server(
        runtime_, [](const ServedRequest&) { return ServedAnswer{http_answer(200), Then::keep, milliseconds(1)}; });
    ExportConfig config = everything(server.port());
    config.metric_interval = milliseconds(20);
    config.metrics.timeout = seconds(5);
    start(config);
    ASSERT_TRUE(until([&] { return served(server, "/v1/metrics") == 1; }));
    stop(seconds(5));
    EXPECT_EQ(served(server, "/v1/metrics"), 2U);
    EXPECT_EQ(figure("points_sent"), 2U);
}

TEST_F(ExporterTest, StopRidesOutAShortOverload) {
    int answers = 0;
    TestHttpServer server(runtime_, [&](const ServedRequest&) {
        return ServedAnswer{++answers < 3 ? http_answer(503) : http_answer(200)};
    });
    ExportConfig config = traces_only(server.port());
    config.span_delay = seconds(3600);
    start(config);
    record_spans(2);
    stop(seconds(5));
    EXPECT_EQ(figure("spans_sent"), 2U);
}

TEST_F(ExporterTest, StopEndsInTimeWhateverTheReceiverDoes) {
    const std::map<std::string, ServedAnswer> receivers{
        {"silent", {"", Then::keep, seconds(3600)}},
        {"one byte a second", {http_answer(200), Then::keep, seconds(1)}},
        {"closes", {"HTTP/1.1 200", Then::close}},
        {"garbage", {"garbage\r\n\r\n"}},
        {"overloaded", {http_answer(503, "", "Retry-After: 100\r\n")}},
        {"broken", {http_answer(500)}},
        {"endless", {"HTTP/1.1 200 OK\r\n", Then::keep, std::nullopt, [] { return std::string("A: b\r\n"); }}}};
    for (const auto& [what, answer] : receivers) {
        TestHttpServer server(runtime_, [&](const ServedRequest&) { return answer; });
        ExportConfig config = everything(server.port());
        config.traces.timeout = config.logs.timeout = config.metrics.timeout = seconds(60);
        start(config);
        record_spans(20);
        record_log("lost");
        ASSERT_TRUE(until([&] { return !server.requests().empty(); })) << what;
        record_spans(20);
        SCOPED_TRACE(what);
        stop(milliseconds(300));
        EXPECT_EQ(figure("spans_sent"), 0U) << what;
        EXPECT_EQ(figure("spans_dropped_stopping") + figure("spans_dropped_refused"), 40U) << what;
        EXPECT_EQ(figure("batches_held"), 0U) << what;
        exporter_.reset();
        (void)recorder_.take_spans(1000);
        (void)recorder_.take_logs(1000);
    }
}

TEST_F(ExporterTest, StopDoesNotWaitForAnAbsentReceiver) {
    start(everything(closed_port()));
    record_spans(20);
    ASSERT_TRUE(until([&] { return figure("failed_transport") > 0; }));
    stop(seconds(60));
    EXPECT_EQ(figure("spans_dropped_stopping"), 20U);
}

TEST_F(ExporterTest, AnUnresolvableNameIsAnErrorLikeAnyOther) {
    ExportConfig config = traces_only(1);
    config.traces.host = "no.such.host.invalid";
    start(config);
    record_spans(1);
    ASSERT_TRUE(until([&] { return figure("failed_timeout") + figure("failed_transport") > 0; }));
    stop(milliseconds(300));
}

// Rule 1: what a receiver that swallows everything can hold of us is one batch a signal.
TEST_F(ExporterTest, ABlackHoleHoldsOneBatch) {
    TestHttpServer server(runtime_, [](const ServedRequest&) { return ServedAnswer{"", Then::keep, seconds(3600)}; });
    ExportConfig config = traces_only(server.port());
    config.span_batch_max = 10;
    config.traces.timeout = seconds(60);
    start(config);
    for (int batch = 0; batch < 1000; ++batch) {
        record_spans(10);
        if (batch % 100 == 0) {
            ASSERT_TRUE(until([&] { return figure("batches_held") == 1; }));
        }
        ASSERT_LE(figure("batches_held"), 1U);
    }
    ASSERT_TRUE(until([&] { return !server.requests().empty(); }));
    EXPECT_EQ(recorder_.spans_waiting(), recorder_.config().spans_max);
    const telemetry::RecorderCounters& counters = recorder_.counters();
    EXPECT_EQ(counters.spans_recorded, counters.spans_dropped + recorder_.spans_waiting() + 10);
    EXPECT_EQ(server.accepted(), 1U);
    EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(ExporterTest, AnIdleExporterDoesNothing) {
    TestHttpServer server(runtime_, accepted);
    start(everything(server.port()));
    const std::uint64_t before = runtime_.turns();
    for (int i = 0; i < 1000; ++i)
        exporter_->poke();
    bool over = false;
    runtime_.at(runtime_.now() + milliseconds(100), base::Duration(0), [&] {
        over = true;
        runtime_.stop();
    });
    runtime_.run();
    EXPECT_TRUE(over);
    EXPECT_LE(runtime_.turns() - before, 1U);
    EXPECT_EQ(server.accepted(), 0U);
}

TEST_F(ExporterTest, MayBeDestroyedAtAnyTime) {
    TestHttpServer server(runtime_, accepted);
    start(everything(server.port()));
    exporter_.reset();
    start(everything(server.port()));
    record_spans(1);
    exporter_.reset();
    start(everything(server.port()));
    ASSERT_TRUE(until([&] { return !server.requests().empty(); }));
    exporter_.reset();
    start(everything(server.port()));
    exporter_->stop(seconds(1), [&] { FAIL() << "destroyed before"; });
    exporter_.reset();
    ASSERT_TRUE(until([&] { return server.open_connections() == 0; }));
}

TEST(RetryAfter, IsSecondsOrADate) {
    const base::WallTime now{784'111'777'000};  // Sun, 06 Nov 1994 08:49:37 GMT
    EXPECT_EQ(parse_retry_after("120", now), seconds(120));
    EXPECT_EQ(parse_retry_after("0", now), seconds(0));
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), seconds(60));
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), seconds(0));
    EXPECT_EQ(parse_retry_after("99999999999999999999999999", now), std::chrono::hours(24));
    for (const char* bad : {"", "soon", "-1", "1.5", "12 ", "Sun, 06 Nov", "Sun, 06 Foo 1994 08:50:37 GMT",
                            "Sun, 06 Nov 1994 08:50:37 GMTx", "Sun, 06 anF 1994 08:50:37 GMT"})
        EXPECT_EQ(parse_retry_after(bad, now), seconds(0)) << bad;
}

}  // namespace
}  // namespace grapevine::io
