// What a span costs to encode. The floors are a copy of the same bytes and, where it is installed, the official
// serialiser on a message that is filled already, and copied into a message first, as an SDK has to fill one from its
// spans.

#include <cstdint>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "otlp/decode.hpp"
#include "otlp/encode.hpp"
#include "otlp/samples_testing.hpp"

#ifdef GRAPEVINE_OTLP_PROTO
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>
#endif

namespace {

using namespace grapevine;

constexpr std::size_t kBatch = 512;  // OTEL_BSP_MAX_EXPORT_BATCH_SIZE.

// A typical one: a parent and four attributes.
std::vector<telemetry::Span> batch() {
    static constexpr telemetry::SpanSpec kSpec{"mesh.peer.connected", telemetry::Target::peer};
    std::vector<telemetry::Span> spans(kBatch);
    for (std::size_t i = 0; i < kBatch; ++i) {
        telemetry::Span& span = spans[i];
        span.spec = &kSpec;
        span.trace = otlp::testing::trace_id(1);
        span.id = otlp::testing::span_id(static_cast<std::uint8_t>(i));
        span.parent = otlp::testing::span_id(9);
        span.start_unix_ns = 1'700'000'000'000'000'000U + i;
        span.end_unix_ns = span.start_unix_ns + 1'000'000;
        span.attributes = {{"peer.id", std::string(64, 'a')},
                           {"peer.address", std::string("192.0.2.1:49152")},
                           {"handshake.rtt_ms", 12.5},
                           {"attempt", std::int64_t{3}}};
    }
    return spans;
}

void report(benchmark::State& state, std::size_t bytes) {
    const auto spans = static_cast<double>(kBatch);
    state.counters["bytes_per_span"] = static_cast<double>(bytes) / spans;
    state.counters["per_span"] =
        benchmark::Counter(spans, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void encode(benchmark::State& state) {
    const auto spans = batch();
    const auto resource = otlp::testing::resource();
    std::string bytes;
    for (auto _ : state) {
        bytes = otlp::encode_traces(resource, spans);
        benchmark::DoNotOptimize(bytes.data());
    }
    report(state, bytes.size());
}
BENCHMARK(encode);

void copy(benchmark::State& state) {
    const std::string bytes = otlp::encode_traces(otlp::testing::resource(), batch());
    for (auto _ : state) {
        std::string copied(bytes);
        benchmark::DoNotOptimize(copied.data());
    }
    report(state, bytes.size());
}
BENCHMARK(copy);

void decode(benchmark::State& state) {
    const std::string bytes = otlp::encode_traces(otlp::testing::resource(), batch());
    for (auto _ : state) {
        auto decoded = otlp::decode_traces(bytes);
        benchmark::DoNotOptimize(decoded);
    }
    report(state, bytes.size());
}
BENCHMARK(decode);

#ifdef GRAPEVINE_OTLP_PROTO
using Request = opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest;

void official_serialise(benchmark::State& state) {
    Request request;
    request.ParseFromString(otlp::encode_traces(otlp::testing::resource(), batch()));
    std::string bytes;
    for (auto _ : state) {
        bytes = request.SerializeAsString();
        benchmark::DoNotOptimize(bytes.data());
    }
    report(state, bytes.size());
}
BENCHMARK(official_serialise);

void official_copy_and_serialise(benchmark::State& state) {
    Request filled;
    filled.ParseFromString(otlp::encode_traces(otlp::testing::resource(), batch()));
    std::string bytes;
    for (auto _ : state) {
        const Request request = filled;
        bytes = request.SerializeAsString();
        benchmark::DoNotOptimize(bytes.data());
    }
    report(state, bytes.size());
}
BENCHMARK(official_copy_and_serialise);

void official_parse(benchmark::State& state) {
    const std::string bytes = otlp::encode_traces(otlp::testing::resource(), batch());
    for (auto _ : state) {
        Request request;
        request.ParseFromString(bytes);
        benchmark::DoNotOptimize(request);
    }
    report(state, bytes.size());
}
BENCHMARK(official_parse);
#endif

}  // namespace
