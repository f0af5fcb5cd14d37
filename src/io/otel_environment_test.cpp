#include "io/otel_environment.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "io/otel_environment_value.hpp"
#include "io/temp_dir_testing.hpp"

namespace grapevine::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Variables = std::map<std::string, std::string>;
using Root = telemetry::Sampler::Root;

OtelEnvironment read(const Variables& variables) {
    return read_otel_environment([&](const char* name) -> const char* {
        const auto it = variables.find(name);
        return it == variables.end() ? nullptr : it->second.c_str();
    });
}

ExportConfig read_quietly(const Variables& variables) {
    const OtelEnvironment environment = read(variables);
    EXPECT_TRUE(environment.warnings.empty()) << environment.warnings.front();
    return environment.config;
}

// The only warning.
std::string warning(const Variables& variables) {
    const OtelEnvironment environment = read(variables);
    EXPECT_EQ(environment.warnings.size(), 1U);
    return environment.warnings.empty() ? "" : environment.warnings.front();
}

const char* const kEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

TEST(OtelEnvironment, SilenceIsTheDefault) {
    const ExportConfig config = read_quietly({});
    EXPECT_FALSE(config.any());
    EXPECT_EQ(config.span_delay, seconds(5));
    EXPECT_EQ(config.recorder.sampler.root, Root::always_on);
    EXPECT_FALSE(read_quietly({{kEndpoint, "  "}}).any());
}

TEST(OtelEnvironment, TheEndpointSwitchesAllSignalsOn) {
    const ExportConfig config = read_quietly({{kEndpoint, "http://collector.example:4318"}});
    EXPECT_TRUE(config.traces.enabled && config.metrics.enabled && config.logs.enabled);
    EXPECT_EQ(config.traces.host, "collector.example");
    EXPECT_EQ(config.traces.port, 4318);
    EXPECT_FALSE(config.traces.https);
    EXPECT_EQ(config.traces.path, "/v1/traces");
    EXPECT_EQ(config.metrics.path, "/v1/metrics");
    EXPECT_EQ(config.logs.path, "/v1/logs");
    EXPECT_EQ(config.traces.timeout, seconds(10));
}

TEST(OtelEnvironment, ASignalsOwnEndpointIsUsedAsItIs) {
    const ExportConfig config = read_quietly({{kEndpoint, "https://[2001:db8::1]/base/"},
                                              {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/own?x=1"},
                                              {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs"}});
    EXPECT_EQ(config.traces.path, "/own?x=1");
    EXPECT_EQ(config.traces.port, 9);
    EXPECT_EQ(config.metrics.host, "2001:db8::1");
    EXPECT_EQ(config.metrics.port, 443);
    EXPECT_TRUE(config.metrics.https);
    EXPECT_EQ(config.metrics.path, "/base/v1/metrics");
    EXPECT_EQ(config.logs.path, "/");
    EXPECT_EQ(config.logs.port, 80);
}

TEST(OtelEnvironment, ExportersSwitchSignals) {
    EXPECT_FALSE(read_quietly({{kEndpoint, "http://a"}, {"OTEL_SDK_DISABLED", "TRUE"}}).any());
    const ExportConfig off = read_quietly({{kEndpoint, "http://a"}, {"OTEL_TRACES_EXPORTER", "none"}});
    EXPECT_TRUE(!off.traces.enabled && off.metrics.enabled && off.logs.enabled);
    const ExportConfig on = read_quietly({{"OTEL_TRACES_EXPORTER", "otlp"}});
    EXPECT_TRUE(on.traces.enabled && !on.metrics.enabled && !on.logs.enabled);
    EXPECT_EQ(on.traces.host, "localhost");
    EXPECT_EQ(on.traces.port, 4318);
    EXPECT_EQ(on.traces.path, "/v1/traces");
    const OtelEnvironment other = read({{kEndpoint, "http://a"}, {"OTEL_TRACES_EXPORTER", "console"}});
    EXPECT_FALSE(other.config.traces.enabled);
    EXPECT_EQ(other.warnings.size(), 1U);
    EXPECT_TRUE(read({{kEndpoint, "http://a"}, {"OTEL_TRACES_EXPORTER", "zipkin, otlp"}}).config.traces.enabled);
}

TEST(OtelEnvironment, ABadEndpointSwitchesTheSignalOffAndSaysSo) {
    for (const char* bad : {"collector:4318", "ftp://a", "http://", "http://a:0", "http://a:99999", "http://a:x",
                            "http://[::1", "http://[::1]x", "http://a b", "http:///path", "http", "://a"}) {
        const OtelEnvironment environment = read({{kEndpoint, bad}});
        EXPECT_FALSE(environment.config.any()) << bad;
        ASSERT_EQ(environment.warnings.size(), 3U) << bad;
        EXPECT_NE(environment.warnings.front().find(kEndpoint), std::string::npos);
        EXPECT_NE(environment.warnings.front().find("not exported"), std::string::npos);
    }
}

TEST(OtelEnvironment, SecretsAreNotShown) {
    const OtelEnvironment user = read({{kEndpoint, "http://user:hunter2@a"}});
    EXPECT_FALSE(user.config.any());
    const OtelEnvironment headers =
        read({{kEndpoint, "http://a"}, {"OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2%zz"}});
    EXPECT_TRUE(headers.config.traces.enabled && headers.config.traces.headers.empty());
    const OtelEnvironment control =
        read({{kEndpoint, "http://a"}, {"OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2%0d%0aX:y,b=c"}});
    EXPECT_EQ(control.config.traces.headers.size(), 1U);
    for (const auto* environment : {&user, &headers, &control}) {
        ASSERT_FALSE(environment->warnings.empty());
        for (const std::string& line : environment->warnings)
            EXPECT_EQ(line.find("hunter2"), std::string::npos) << line;
    }
}

TEST(OtelEnvironment, HeadersAreDecoded) {
    const ExportConfig config = read_quietly({{kEndpoint, "http://a"},
                                              {"OTEL_EXPORTER_OTLP_HEADERS", " api-key = a%20b%3D , x-y=1,"},
                                              {"OTEL_EXPORTER_OTLP_LOGS_HEADERS", "only=logs"}});
    const std::vector<std::pair<std::string, std::string>> all{{"api-key", "a b="}, {"x-y", "1"}};
    const std::vector<std::pair<std::string, std::string>> logs{{"only", "logs"}};
    EXPECT_EQ(config.traces.headers, all);
    EXPECT_EQ(config.logs.headers, logs);
    EXPECT_NE(warning({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://a"}, {"OTEL_EXPORTER_OTLP_HEADERS", "Host=x"}})
                  .find("pair 1"),
              std::string::npos);
    const OtelEnvironment many = read({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://a"},
                                       {"OTEL_EXPORTER_OTLP_HEADERS", "a=" + std::string(9000, 'x')}});
    EXPECT_TRUE(many.config.traces.headers.empty());
    EXPECT_EQ(many.warnings.size(), 1U);
}

TEST(OtelEnvironment, OtherProtocolsFallToHttpProtobuf) {
    const Variables grpc{{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://a"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}};
    EXPECT_NE(warning(grpc).find("OTEL_EXPORTER_OTLP_PROTOCOL='grpc'"), std::string::npos);
    EXPECT_TRUE(read(grpc).config.traces.enabled);
    read_quietly({{kEndpoint, "http://a"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/protobuf"}});
}

TEST(OtelEnvironment, CompressionAndTimeouts) {
    const ExportConfig config = read_quietly({{kEndpoint, "http://a"},
                                              {"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"},
                                              {"OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none"},
                                              {"OTEL_EXPORTER_OTLP_TIMEOUT", "7000"},
                                              {"OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "300"},
                                              {"OTEL_BSP_EXPORT_TIMEOUT", "2000"}});
    EXPECT_TRUE(config.traces.gzip && config.logs.gzip && !config.metrics.gzip);
    EXPECT_EQ(config.traces.timeout, seconds(2));
    EXPECT_EQ(config.metrics.timeout, seconds(7));
    EXPECT_EQ(config.logs.timeout, milliseconds(300));
    const Variables none{{kEndpoint, "http://a"}, {"OTEL_EXPORTER_OTLP_TIMEOUT", "10s"}};
    EXPECT_NE(warning(none).find("10s"), std::string::npos);
    EXPECT_EQ(read(none).config.traces.timeout, seconds(10));
}

TEST(OtelEnvironment, BatchesAndLimits) {
    const ExportConfig config = read_quietly({{"OTEL_BSP_SCHEDULE_DELAY", "100"},
                                              {"OTEL_BSP_MAX_QUEUE_SIZE", "300"},
                                              {"OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "9"},
                                              {"OTEL_METRIC_EXPORT_INTERVAL", "1000"},
                                              {"OTEL_ATTRIBUTE_COUNT_LIMIT", "10"},
                                              {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "11"},
                                              {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "12"},
                                              {"OTEL_SPAN_LINK_COUNT_LIMIT", "13"}});
    EXPECT_EQ(config.span_delay, milliseconds(100));
    EXPECT_EQ(config.recorder.spans_max, 300U);
    EXPECT_EQ(config.recorder.spans_bytes_max, 64U * 1024);
    EXPECT_EQ(config.recorder.logs_bytes_max, 64U * 1024);
    EXPECT_EQ(config.span_batch_max, 300U);
    EXPECT_EQ(config.log_batch_max, 9U);
    EXPECT_EQ(config.metric_interval, seconds(1));
    EXPECT_EQ(config.recorder.attributes_max, 11U);
    EXPECT_EQ(config.recorder.attribute_bytes_max, 12U);
    EXPECT_EQ(config.recorder.links_max, 13U);
    EXPECT_EQ(read({{"OTEL_BSP_MAX_QUEUE_SIZE", "99999999999"}}).config.recorder.spans_max, kOtelQueueMax);
    EXPECT_EQ(read({{"OTEL_BSP_MAX_QUEUE_SIZE", "0"}}).config.recorder.spans_max, 1U);
    // A longer queue may occupy more.
    const auto longer = read({{"OTEL_BSP_MAX_QUEUE_SIZE", "4096"}, {"OTEL_BLRP_MAX_QUEUE_SIZE", "20480"}}).config;
    EXPECT_EQ(longer.recorder.spans_bytes_max, 512U * 1024);
    EXPECT_EQ(longer.recorder.logs_bytes_max, 640U * 1024);
    for (const char* bad : {"-1", "1e3", "many", "18446744073709551616", "0x10"}) {
        const Variables variables{{"OTEL_BSP_MAX_QUEUE_SIZE", bad}};
        EXPECT_EQ(read(variables).config.recorder.spans_max, 2048U);
        EXPECT_NE(warning(variables).find(bad), std::string::npos);
    }
}

TEST(OtelEnvironment, Samplers) {
    const auto sampler = [](const Variables& variables) { return read_quietly(variables).recorder.sampler; };
    EXPECT_EQ(sampler({{"OTEL_TRACES_SAMPLER", "always_off"}}).root, Root::always_off);
    EXPECT_FALSE(sampler({{"OTEL_TRACES_SAMPLER", "always_off"}}).parent_based);
    const auto ratio =
        sampler({{"OTEL_TRACES_SAMPLER", "parentbased_traceidratio"}, {"OTEL_TRACES_SAMPLER_ARG", "0.25"}});
    EXPECT_TRUE(ratio.root == Root::ratio && ratio.parent_based && ratio.ratio == 0.25);
    EXPECT_FALSE(warning({{"OTEL_TRACES_SAMPLER", "jaeger_remote"}}).empty());
    for (const char* bad : {"2", "-0.1", "nan", "half", "0.5x"})
        EXPECT_NE(warning({{"OTEL_TRACES_SAMPLER", "traceidratio"}, {"OTEL_TRACES_SAMPLER_ARG", bad}}).find("ARG"),
                  std::string::npos)
            << bad;
}

TEST(OtelEnvironment, ResourceAndServiceName) {
    const ExportConfig config =
        read_quietly({{"OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test%2C1, service.name=from-attributes"}});
    EXPECT_EQ(config.service_name, "from-attributes");
    const std::vector<std::pair<std::string, std::string>> rest{{"deployment.environment", "test,1"}};
    EXPECT_EQ(config.resource, rest);
    EXPECT_EQ(read_quietly({{"OTEL_RESOURCE_ATTRIBUTES", "service.name=a"}, {"OTEL_SERVICE_NAME", "b"}}).service_name,
              "b");
    for (const char* bad : {"a=b,c", "a=%", "a=%4", "a=%gg", "=b", "a=%ff", "a=b,c=%c0%80"}) {
        const Variables variables{{"OTEL_RESOURCE_ATTRIBUTES", bad}};
        EXPECT_TRUE(read(variables).config.resource.empty()) << bad;
        EXPECT_FALSE(warning(variables).empty()) << bad;
    }
    EXPECT_FALSE(warning({{"OTEL_SERVICE_NAME", "\xff\xfe"}}).empty());
    EXPECT_FALSE(warning({{"OTEL_RESOURCE_ATTRIBUTES", std::string(70'000, 'a')}}).empty());
}

TEST(OtelEnvironment, UnusableCertificatesSwitchTheSignalOff) {
    TempDir folder;
    const std::string text = (folder.path() / "text.pem").string();
    std::ofstream(text) << "no certificate";
    for (const char* variable :
         {"OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_KEY"}) {
        const OtelEnvironment environment = read({{kEndpoint, "https://a"}, {variable, text}});
        EXPECT_FALSE(environment.config.any()) << variable;
        EXPECT_EQ(environment.warnings.size(), 3U);
        // Plain HTTP has no use for them.
        EXPECT_TRUE(read({{kEndpoint, "http://a"}, {variable, text}}).config.any());
    }
}

TEST(OtelEnvironment, WhatWeCannotHonourIsSaid) {
    EXPECT_FALSE(warning({{"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"}}).empty());
    read_quietly({{"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Cumulative"}});
    EXPECT_FALSE(warning({{"OTEL_CONFIG_FILE", "otel.yaml"}}).empty());
    EXPECT_FALSE(warning({{"OTEL_SDK_DISABLED", "yes"}}).empty());
}

TEST(OtelEnvironment, WarningsAreOnePrintableLine) {
    const std::string line = warning({{"OTEL_TRACES_SAMPLER", "a\nb\x1b[31m" + std::string(500, 'x')}});
    EXPECT_LT(line.size(), 250U);
    EXPECT_TRUE(std::none_of(line.begin(), line.end(), [](char c) { return c < ' ' || c == 0x7f; })) << line;
}

}  // namespace
}  // namespace grapevine::io
