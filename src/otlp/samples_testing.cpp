#include "otlp/samples_testing.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include <protozero/pbf_reader.hpp>

#include "otlp/encode_common.hpp"

namespace grapevine::otlp::testing {

namespace {

using telemetry::Instrument;
using telemetry::Level;
using telemetry::SpanKind;
using telemetry::SpanSpec;
using telemetry::Target;

constexpr std::array<SpanSpec, 5> kSpans{{
    {"test.internal", Target::node, Level::info, SpanKind::internal},
    {"test.server", Target::peer, Level::info, SpanKind::server},
    {"test.client", Target::gossip, Level::debug, SpanKind::client},
    {"test.producer", Target::sync, Level::trace, SpanKind::producer},
    {"test.consumer", Target::quic, Level::error, SpanKind::consumer},
}};
constexpr telemetry::MetricSpec kCounter{"test.frames", "{frame}", "Frames", Instrument::counter};
constexpr telemetry::MetricSpec kGauge{"test.peers", "{peer}", "Peers now", Instrument::gauge};
constexpr telemetry::MetricSpec kHistogram{"test.rtt", "ms", "Round trips", Instrument::histogram};
constexpr telemetry::MetricSpec kNothing{"test.nothing", "1", "Has no points", Instrument::gauge};
constexpr std::array<double, 3> kBounds{1.0, 2.5, 10.0};
constexpr std::uint64_t kStart = 1'700'000'000'000'000'000U;

telemetry::Attributes attributes() {
    return {{"yes", true},
            {"no", false},
            {"zero", std::int64_t{0}},
            {"minus", std::int64_t{-1}},
            {"least", std::numeric_limits<std::int64_t>::min()},
            {"most", std::numeric_limits<std::int64_t>::max()},
            {"half", 0.5},
            {"minus_zero", -0.0},
            {"huge", 1.7976931348623157e308},
            {"infinity", std::numeric_limits<double>::infinity()},
            {"empty", std::string()},
            {"text", std::string("gr\xC3\xBC\xC3\x9F")},
            {"broken", std::string("a\xFFz")},
            {"long", std::string(300, 'x')}};
}

}  // namespace

base::TraceId trace_id(std::uint8_t first) {
    base::TraceId id;
    for (std::uint8_t& byte : id.bytes) {
        byte = first++;
    }
    return id;
}

base::SpanId span_id(std::uint8_t first) {
    base::SpanId id;
    for (std::uint8_t& byte : id.bytes) {
        byte = first++;
    }
    return id;
}

telemetry::Resource resource() {
    return {{{"service.name", "registry"}, {"service.instance.id", std::string(64, 'a')}, {"mesh.node.name", "n-1"}}};
}

std::vector<telemetry::Span> spans() {
    std::vector<telemetry::Span> out;
    for (const SpanSpec& spec : kSpans) {
        telemetry::Span span;
        span.spec = &spec;
        span.trace = trace_id(1);
        span.id = span_id(static_cast<std::uint8_t>(16 * (out.size() + 1)));
        span.start_unix_ns = kStart + out.size();
        span.end_unix_ns = span.start_unix_ns + 1'500;
        if (!out.empty()) span.parent = out.back().id;
        out.push_back(std::move(span));
    }
    out[1].remote_parent = true;
    out[1].attributes = attributes();
    out[2].status = telemetry::SpanStatus::ok;
    out[3].status = telemetry::SpanStatus::error;
    out[3].status_text = "timed out";
    out[4].links = {{trace_id(40), span_id(50)}, {trace_id(60), span_id(70)}};
    return out;
}

std::vector<telemetry::LogRecord> logs() {
    std::vector<telemetry::LogRecord> out;
    for (const Level level : {Level::error, Level::warn, Level::info, Level::debug, Level::trace}) {
        telemetry::LogRecord log;
        log.unix_ns = kStart + out.size();
        log.level = level;
        log.target = Target::paths;
        log.site = "host.seed";
        log.body = "seed answered";
        out.push_back(std::move(log));
    }
    out[1].attributes = attributes();
    out[2].context = {trace_id(1), span_id(16), true, 0};
    out[3].context = {trace_id(2), span_id(17), false, 0};
    out[4].body.clear();
    out[4].site.clear();
    return out;
}

std::vector<telemetry::Metric> metrics() {
    telemetry::Histogram filled(kBounds);
    filled.record(0.5);
    filled.record(2.5, {trace_id(1), span_id(16), true, 0}, kStart + 7);
    filled.record(99.0);
    std::vector<telemetry::Metric> out(4);
    out[0] = {&kCounter,
              {{{{"direction", std::string("in")}}, std::uint64_t{17}},
               {{{"direction", std::string("out")}}, std::numeric_limits<std::uint64_t>::max()}}};
    out[1] = {
        &kGauge,
        {{{}, std::int64_t{-3}}, {{}, 2.25}, {{}, std::uint64_t{0}}, {{}, std::numeric_limits<double>::quiet_NaN()}}};
    out[2] = {&kHistogram, {{{{"peer", std::string("a")}}, filled}, {{}, telemetry::Histogram(kBounds)}}};
    out[3] = {&kNothing, {}};
    return out;
}

std::string message(const Fill& fill) {
    std::string bytes;
    protozero::pbf_writer writer(bytes);
    fill(writer);
    return bytes;
}

std::string request(const std::vector<std::string>& items, std::string_view resource_bytes) {
    const std::string scope = message([&](protozero::pbf_writer& out) {
        for (const std::string& item : items) {
            out.add_message(number(ScopeItemsField::items), item);
        }
    });
    const std::string of_resource = message([&](protozero::pbf_writer& out) {
        out.add_message(number(ResourceItemsField::resource), resource_bytes.data(), resource_bytes.size());
        out.add_message(number(ResourceItemsField::scopes), scope);
    });
    return message([&](protozero::pbf_writer& out) { out.add_message(number(RequestField::resources), of_resource); });
}

std::vector<std::string> items_of(std::string_view request) {
    std::vector<std::string> out;
    protozero::pbf_reader reader(request.data(), request.size());
    reader.next(number(RequestField::resources));
    protozero::pbf_reader of_resource = reader.get_message();
    of_resource.next(number(ResourceItemsField::scopes));
    protozero::pbf_reader of_scope = of_resource.get_message();
    while (of_scope.next(number(ScopeItemsField::items))) {
        out.push_back(of_scope.get_bytes());
    }
    return out;
}

std::string span_bytes(const Fill& more) {
    return message([&](protozero::pbf_writer& span) {
        write_id(span, number(SpanField::trace_id), trace_id(1).bytes);
        write_id(span, number(SpanField::span_id), span_id(1).bytes);
        span.add_string(number(SpanField::name), "test.span");
        more(span);
    });
}

std::string nested_arrays(std::size_t depth) {
    std::string any = message([](protozero::pbf_writer& out) { out.add_int64(number(AnyValueField::int_value), 7); });
    for (; depth > 0; --depth) {
        const std::string list =
            message([&](protozero::pbf_writer& out) { out.add_message(number(ListField::values), any); });
        any = message([&](protozero::pbf_writer& out) { out.add_message(number(AnyValueField::array_value), list); });
    }
    return any;
}

std::string pair_bytes(std::string_view key, std::string_view any_value) {
    return message([&](protozero::pbf_writer& out) {
        out.add_string(number(KeyValueField::key), key.data(), key.size());
        out.add_message(number(KeyValueField::value), any_value.data(), any_value.size());
    });
}

}  // namespace grapevine::otlp::testing
