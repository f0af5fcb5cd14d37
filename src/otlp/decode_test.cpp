#include "otlp/decode.hpp"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "otlp/encode.hpp"
#include "otlp/encode_common.hpp"
#include "otlp/samples_testing.hpp"

namespace grapevine::otlp {
namespace {

using protozero::pbf_writer;
using ::testing::HasSubstr;
using testing::message;
using testing::pair_bytes;
using testing::request;
using testing::span_bytes;

template <typename T>
std::string error_of(const base::Result<T>& result) {
    return result ? "no error" : result.error().message;
}

void expect_attribute(const RowAttributes& attributes, std::string_view key, const RowAttribute& expected) {
    for (const RowAttribute& attribute : attributes) {
        if (attribute.key != key) continue;
        EXPECT_EQ(attribute, expected) << attribute.value;
        return;
    }
    ADD_FAILURE() << key << " is missing";
}

void expect_all_types(const RowAttributes& attributes) {
    expect_attribute(attributes, "yes", {"yes", "true", false});
    expect_attribute(attributes, "no", {"no", "false", false});
    expect_attribute(attributes, "zero", {"zero", "0", false});
    expect_attribute(attributes, "minus", {"minus", "-1", false});
    expect_attribute(attributes, "least", {"least", "-9223372036854775808", false});
    expect_attribute(attributes, "most", {"most", "9223372036854775807", false});
    expect_attribute(attributes, "half", {"half", "0.5", false});
    expect_attribute(attributes, "minus_zero", {"minus_zero", "-0", false});
    expect_attribute(attributes, "huge", {"huge", "1.7976931348623157e+308", false});
    expect_attribute(attributes, "infinity", {"infinity", "Infinity", true});
    expect_attribute(attributes, "empty", {"empty", "", true});
    expect_attribute(attributes, "text", {"text", "gr\xC3\xBC\xC3\x9F", true});
    expect_attribute(attributes, "broken", {"broken", "a\xEF\xBF\xBDz", true});
    expect_attribute(attributes, "long", {"long", std::string(300, 'x'), true});
}

TEST(Decode, SpansRoundTrip) {
    const auto spans = testing::spans();
    const auto decoded = decode_traces(encode_traces(testing::resource(), spans));
    ASSERT_TRUE(decoded) << error_of(decoded);
    EXPECT_EQ(decoded->refused, 0U);
    EXPECT_EQ(decoded->cut, 0U);
    ASSERT_EQ(decoded->resources.size(), 1U);
    EXPECT_EQ(decoded->resources[0].find("service.name"), "registry");
    EXPECT_EQ(decoded->resources[0].find("service"), "");
    ASSERT_EQ(decoded->rows.size(), spans.size());
    for (std::size_t i = 0; i < spans.size(); ++i) {
        const SpanRow& row = decoded->rows[i];
        EXPECT_EQ(row.resource, 0U);
        EXPECT_EQ(row.trace_id, spans[i].trace.hex());
        EXPECT_EQ(row.span_id, spans[i].id.hex());
        EXPECT_EQ(row.parent_span_id, spans[i].parent.is_valid() ? spans[i].parent.hex() : "");
        EXPECT_EQ(row.name, spans[i].spec->name);
        EXPECT_EQ(row.kind, spans[i].spec->kind);
        EXPECT_EQ(row.start_unix_ns, spans[i].start_unix_ns);
        EXPECT_EQ(row.end_unix_ns, spans[i].end_unix_ns);
        EXPECT_EQ(row.status, spans[i].status);
        EXPECT_EQ(row.status_text, spans[i].status_text);
        ASSERT_EQ(row.links.size(), spans[i].links.size());
        for (std::size_t link = 0; link < row.links.size(); ++link) {
            EXPECT_EQ(row.links[link].first, spans[i].links[link].trace.hex());
            EXPECT_EQ(row.links[link].second, spans[i].links[link].span.hex());
        }
        expect_attribute(row.attributes, "mesh.target",
                         {"mesh.target", std::string(telemetry::name(spans[i].spec->target)), true});
    }
    expect_all_types(decoded->rows[1].attributes);
}

TEST(Decode, LogsRoundTripWithTheirSeverity) {
    const auto logs = testing::logs();
    const auto decoded = decode_logs(encode_logs(testing::resource(), logs));
    ASSERT_TRUE(decoded) << error_of(decoded);
    ASSERT_EQ(decoded->rows.size(), logs.size());
    const std::pair<int, std::string> severities[] = {
        {17, "error"}, {13, "warn"}, {9, "info"}, {5, "debug"}, {1, "trace"}};
    for (std::size_t i = 0; i < logs.size(); ++i) {
        const LogRow& row = decoded->rows[i];
        EXPECT_EQ(row.severity, severities[i].first);
        EXPECT_EQ(row.severity_text, severities[i].second);
        EXPECT_EQ(row.unix_ns, logs[i].unix_ns);
        EXPECT_EQ(row.body, logs[i].body);
        EXPECT_EQ(row.trace_id, logs[i].context.is_valid() ? logs[i].context.trace.hex() : "");
        EXPECT_EQ(row.span_id, logs[i].context.is_valid() ? logs[i].context.span.hex() : "");
        expect_attribute(row.attributes, "mesh.target", {"mesh.target", "paths", true});
        if (!logs[i].site.empty()) expect_attribute(row.attributes, "mesh.site", {"mesh.site", "host.seed", true});
    }
    expect_all_types(decoded->rows[1].attributes);
}

TEST(Decode, NumbersRoundTrip) {
    const auto decoded = decode_metrics(encode_metrics(testing::resource(), testing::metrics(), 100, 200));
    ASSERT_TRUE(decoded) << error_of(decoded);
    EXPECT_EQ(decoded->refused, 0U);
    ASSERT_EQ(decoded->rows.size(), 8U);
    const auto& rows = decoded->rows;
    EXPECT_EQ(rows[0].metric, "test.frames");
    EXPECT_EQ(rows[0].unit, "{frame}");
    EXPECT_EQ(rows[0].description, "Frames");
    EXPECT_EQ(rows[0].kind, PointRow::Kind::sum);
    EXPECT_TRUE(rows[0].monotonic && rows[0].cumulative);
    EXPECT_EQ(rows[0].start_unix_ns, 100U);
    EXPECT_EQ(rows[0].unix_ns, 200U);
    EXPECT_EQ(rows[0].value, 17);
    EXPECT_EQ(rows[0].attributes, (RowAttributes{{"direction", "in", true}}));
    EXPECT_EQ(rows[1].value, std::ldexp(1.0, 63));  // Saturated at 2^63 - 1, which a double rounds up.
    EXPECT_EQ(rows[2].kind, PointRow::Kind::gauge);
    EXPECT_FALSE(rows[2].monotonic);
    EXPECT_EQ(rows[2].start_unix_ns, 0U);
    EXPECT_EQ(rows[2].value, -3);
    EXPECT_EQ(rows[3].value, 2.25);
    EXPECT_EQ(rows[4].value, 0);
    EXPECT_TRUE(std::isnan(rows[5].value));
}

TEST(Decode, HistogramsRoundTripWithExtremesAndExemplar) {
    const auto decoded = decode_metrics(encode_metrics(testing::resource(), testing::metrics(), 100, 200));
    ASSERT_TRUE(decoded && decoded->rows.size() == 8);
    const PointRow& filled = decoded->rows[6];
    EXPECT_EQ(filled.kind, PointRow::Kind::histogram);
    EXPECT_EQ(filled.count, 3U);
    EXPECT_EQ(filled.value, 102.0);
    EXPECT_EQ(filled.bounds, (std::vector<double>{1.0, 2.5, 10.0}));
    EXPECT_EQ(filled.buckets, (std::vector<std::uint64_t>{1, 1, 0, 1}));
    EXPECT_EQ(filled.min, 0.5);
    EXPECT_EQ(filled.max, 99.0);
    EXPECT_EQ(filled.exemplar_trace_id, testing::trace_id(1).hex());
    EXPECT_EQ(filled.exemplar_span_id, testing::span_id(16).hex());
    const PointRow& empty = decoded->rows[7];
    EXPECT_EQ(empty.count, 0U);
    EXPECT_EQ(empty.min, std::nullopt);
    EXPECT_EQ(empty.max, std::nullopt);
    EXPECT_EQ(empty.exemplar_trace_id, "");
}

// Cut anywhere, the outermost length is wrong.
TEST(Decode, EveryTruncatedRequestIsAnError) {
    const std::string traces = encode_traces(testing::resource(), testing::spans());
    const std::string logs = encode_logs(testing::resource(), testing::logs());
    const std::string metrics = encode_metrics(testing::resource(), testing::metrics(), 1, 2);
    for (std::size_t length = 1; length < traces.size(); ++length) {
        ASSERT_FALSE(decode_traces(std::string_view(traces).substr(0, length))) << length;
    }
    for (std::size_t length = 1; length < logs.size(); ++length) {
        ASSERT_FALSE(decode_logs(std::string_view(logs).substr(0, length))) << length;
    }
    for (std::size_t length = 1; length < metrics.size(); ++length) {
        ASSERT_FALSE(decode_metrics(std::string_view(metrics).substr(0, length))) << length;
    }
}

// An item that is cut within a correct request: whole fields may be missing, everything else is an error.
template <typename Decode>
void expect_cut_items_fail(const std::string& whole, std::string_view signal, const Decode& decode) {
    for (const std::string& item : testing::items_of(whole)) {
        std::size_t errors = 0;
        for (std::size_t length = 0; length < item.size(); ++length) {
            const auto decoded = decode(request({item.substr(0, length)}));
            if (decoded) continue;
            ++errors;
            EXPECT_THAT(error_of(decoded), HasSubstr("OTLP " + std::string(signal) + ": "));
            EXPECT_THAT(error_of(decoded), HasSubstr("truncated"));
        }
        EXPECT_GT(errors, item.size() / 2);
    }
}

TEST(Decode, TruncatedItemsNameTheirField) {
    expect_cut_items_fail(encode_traces({}, testing::spans()), "traces", [](auto body) { return decode_traces(body); });
    expect_cut_items_fail(encode_logs({}, testing::logs()), "logs", [](auto body) { return decode_logs(body); });
    expect_cut_items_fail(encode_metrics({}, testing::metrics(), 1, 2), "metrics",
                          [](auto body) { return decode_metrics(body); });
}

TEST(Decode, MalformedFieldsAreNamed) {
    const auto error = [](const testing::Fill& fill) { return error_of(decode_traces(request({span_bytes(fill)}))); };
    EXPECT_EQ(error([](pbf_writer& span) { span.add_string(5, "\xFF"); }), "OTLP traces: span.name: not UTF-8");
    EXPECT_EQ(error([](pbf_writer& span) { span.add_uint64(5, 1); }), "OTLP traces: span.name: wrong wire type 0");
    EXPECT_EQ(error([](pbf_writer& span) { span.add_uint64(7, 1); }),
              "OTLP traces: span.start_time_unix_nano: wrong wire type 0");
    EXPECT_EQ(error([](pbf_writer& span) { span.add_bytes(6, "x"); }), "OTLP traces: span.kind: wrong wire type 2");
    EXPECT_EQ(error([](pbf_writer& span) { span.add_bytes(13, "\x0a\x20"); }), "OTLP traces: link.trace_id: truncated");
    EXPECT_EQ(error([](pbf_writer& span) { span.add_bytes(15, "\x18\x80"); }), "OTLP traces: status.code: truncated");
    EXPECT_EQ(error([](pbf_writer& span) { span.add_message(9, pair_bytes("k", "\x0a\x01\xFF")); }),
              "OTLP traces: any_value.string_value: not UTF-8");
    EXPECT_EQ(error([](pbf_writer& span) { span.add_bytes(9, "\x0a\x01\xFF"); }),
              "OTLP traces: key_value.key: not UTF-8");
    EXPECT_EQ(error_of(decode_traces("\x0b")), "OTLP traces: request: a field of a wire type that does not exist");
    EXPECT_EQ(error_of(decode_traces("\x02")), "OTLP traces: request: a field of a number that does not exist");
    const std::string endless = std::string("\x08") + std::string(11, '\xFF');
    EXPECT_THAT(error_of(decode_traces(request({endless}))), HasSubstr("wrong wire type"));
    EXPECT_THAT(error_of(decode_traces(request({std::string("\x30") + std::string(11, '\xFF')}))),
                HasSubstr("span.kind: a varint of more than ten bytes"));
}

TEST(Decode, UnknownFieldsAreIgnored) {
    const auto decoded = decode_traces(request({span_bytes([](pbf_writer& span) {
        span.add_string(3, "vendor=1");
        span.add_uint64(1000, 1);
        span.add_fixed32(1001, 1);
        span.add_fixed64(1002, 1);
        span.add_bytes(1003, "\xFF");
    })}));
    ASSERT_TRUE(decoded) << error_of(decoded);
    EXPECT_EQ(decoded->rows.size(), 1U);
    EXPECT_EQ(decoded->cut, 0U);
}

TEST(Decode, SpansThatBreakARuleAreRefusedAndTheOthersKept) {
    const auto ids = [](std::string trace, std::string span, std::string parent) {
        return message([&](pbf_writer& out) {
            out.add_bytes(1, trace);
            out.add_bytes(2, span);
            out.add_bytes(4, parent);
            out.add_string(5, "bad");
        });
    };
    const std::string ones16(16, 1), ones8(8, 1), zeros16(16, 0), zeros8(8, 0);
    const std::string backwards = span_bytes([](pbf_writer& span) {
        span.add_fixed64(7, 2);
        span.add_fixed64(8, 1);
    });
    const auto decoded =
        decode_traces(request({ids(zeros16, ones8, ""), ids(ones16.substr(1), ones8, ""), ids(ones16, zeros8, ""),
                               ids(ones16, "", ""), ids(ones16, ones8, "abc"), backwards, ids(ones16, ones8, zeros8)}));
    ASSERT_TRUE(decoded) << error_of(decoded);
    EXPECT_EQ(decoded->refused, 6U);
    EXPECT_EQ(decoded->reason, "span 'bad': trace_id is not 16 bytes, or zero");
    ASSERT_EQ(decoded->rows.size(), 1U);
    EXPECT_EQ(decoded->rows[0].parent_span_id, "");
}

TEST(Decode, PointsThatBreakARuleAreRefused) {
    const auto histogram = [](std::vector<double> bounds, std::vector<std::uint64_t> buckets) {
        const std::string point = message([&](pbf_writer& out) {
            out.add_packed_fixed64(6, buckets.begin(), buckets.end());
            out.add_packed_double(7, bounds.begin(), bounds.end());
            out.add_double(5, 1);
        });
        const std::string data = message([&](pbf_writer& out) { out.add_message(1, point); });
        const std::string metric = message([&](pbf_writer& out) {
            out.add_message(9, data);  // The name comes late, as any field may.
            out.add_string(1, "h");
        });
        return decode_metrics(request({metric}));
    };
    EXPECT_EQ(histogram({1, 2}, {1, 1, 1})->rows.size(), 1U);
    EXPECT_EQ(histogram({}, {})->rows.size(), 1U);
    EXPECT_EQ(histogram({}, {5})->rows.size(), 1U);
    EXPECT_EQ(histogram({1, 2}, {1, 1})->reason, "metric 'h': buckets do not match the bounds");
    EXPECT_EQ(histogram({}, {1, 1})->refused, 1U);
    EXPECT_EQ(histogram({2, 1}, {1, 1, 1})->reason, "metric 'h': bounds do not ascend");
    EXPECT_EQ(histogram({1, 1}, {1, 1, 1})->refused, 1U);
    EXPECT_EQ(histogram({1, std::nan("")}, {1, 1, 1})->refused, 1U);
}

TEST(Decode, LogsWithoutATimeHaveTheObservers) {
    const std::string log = message([](pbf_writer& out) {
        out.add_fixed64(11, 42);
        out.add_int64(2, -1);
        out.add_bytes(9, "short");
        out.add_bytes(10, std::string(8, 1));
    });
    const auto decoded = decode_logs(request({log}));
    ASSERT_TRUE(decoded && decoded->rows.size() == 1);
    EXPECT_EQ(decoded->rows[0].unix_ns, 42U);
    EXPECT_EQ(decoded->rows[0].severity, 0);
    EXPECT_EQ(decoded->rows[0].trace_id, "");
    EXPECT_EQ(decoded->rows[0].span_id, "");
}

}  // namespace
}  // namespace grapevine::otlp
