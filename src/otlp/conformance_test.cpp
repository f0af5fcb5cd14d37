// Against the official definitions of opentelemetry-proto, as protoc generates them: what we write, they read, with
// every field in its place, none unknown, and the same bytes when they write it again; what they write, we read.

#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <opentelemetry/proto/collector/logs/v1/logs_service.pb.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include "base/utf8.hpp"
#include "otlp/decode.hpp"
#include "otlp/encode.hpp"
#include "otlp/samples_testing.hpp"

namespace grapevine::otlp {
namespace {

namespace proto = opentelemetry::proto;
using proto::collector::logs::v1::ExportLogsServiceRequest;
using proto::collector::logs::v1::ExportLogsServiceResponse;
using proto::collector::metrics::v1::ExportMetricsServiceRequest;
using proto::collector::metrics::v1::ExportMetricsServiceResponse;
using proto::collector::trace::v1::ExportTraceServiceRequest;
using proto::collector::trace::v1::ExportTraceServiceResponse;

// Of the message and all within it.
int unknown_fields(const google::protobuf::Message& message) {
    const auto* reflection = message.GetReflection();
    int count = reflection->GetUnknownFields(message).field_count();
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    reflection->ListFields(message, &fields);
    for (const auto* field : fields) {
        if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
        if (!field->is_repeated()) {
            count += unknown_fields(reflection->GetMessage(message, field));
            continue;
        }
        for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
            count += unknown_fields(reflection->GetRepeatedMessage(message, field, i));
        }
    }
    return count;
}

// Reads our bytes, and checks that nothing is unknown and that they are the official serialiser's, too.
template <typename Message>
Message official(const std::string& bytes) {
    Message message;
    EXPECT_TRUE(message.ParseFromString(bytes));
    EXPECT_EQ(unknown_fields(message), 0);
    EXPECT_TRUE(message.SerializeAsString() == bytes) << message.Utf8DebugString();
    return message;
}

template <std::size_t N>
std::string text_of(const std::array<std::uint8_t, N>& bytes) {
    return {bytes.begin(), bytes.end()};
}

void expect_value(const proto::common::v1::AnyValue& value, const telemetry::Value& expected) {
    if (const auto* flag = std::get_if<bool>(&expected)) {
        EXPECT_TRUE(value.has_bool_value());
        EXPECT_EQ(value.bool_value(), *flag);
    } else if (const auto* integer = std::get_if<std::int64_t>(&expected)) {
        EXPECT_TRUE(value.has_int_value());
        EXPECT_EQ(value.int_value(), *integer);
    } else if (const auto* real = std::get_if<double>(&expected)) {
        EXPECT_TRUE(value.has_double_value());
        EXPECT_EQ(value.double_value(), *real);
        EXPECT_EQ(std::signbit(value.double_value()), std::signbit(*real));
    } else {
        EXPECT_TRUE(value.has_string_value());
        EXPECT_EQ(value.string_value(), base::repaired_utf8(std::get<std::string>(expected)));
    }
}

// `more`: how many attributes of our own may follow.
template <typename Official>
void expect_attributes(const Official& official, const telemetry::Attributes& expected, int more) {
    ASSERT_EQ(official.size(), static_cast<int>(expected.size()) + more);
    for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(official[static_cast<int>(i)].key(), expected[i].key);
        expect_value(official[static_cast<int>(i)].value(), expected[i].value);
    }
}

template <typename OfResource>
void expect_resource_and_scope(const OfResource& of_resource, const proto::common::v1::InstrumentationScope& scope) {
    const auto expected = testing::resource().attributes;
    const auto& attributes = of_resource.resource().attributes();
    ASSERT_EQ(attributes.size(), static_cast<int>(expected.size()));
    for (int i = 0; i < attributes.size(); ++i) {
        EXPECT_EQ(attributes[i].key(), expected[static_cast<std::size_t>(i)].first);
        EXPECT_EQ(attributes[i].value().string_value(), expected[static_cast<std::size_t>(i)].second);
    }
    EXPECT_EQ(scope.name(), "grapevine");
    EXPECT_EQ(scope.version(), GRAPEVINE_VERSION);
}

TEST(Conformance, OurSpansInTheirWords) {
    const auto spans = testing::spans();
    const auto request = official<ExportTraceServiceRequest>(encode_traces(testing::resource(), spans));
    ASSERT_EQ(request.resource_spans_size(), 1);
    ASSERT_EQ(request.resource_spans(0).scope_spans_size(), 1);
    const auto& scope = request.resource_spans(0).scope_spans(0);
    expect_resource_and_scope(request.resource_spans(0), scope.scope());
    ASSERT_EQ(scope.spans_size(), static_cast<int>(spans.size()));
    using Official = proto::trace::v1::Span;
    const Official::SpanKind kinds[] = {Official::SPAN_KIND_INTERNAL, Official::SPAN_KIND_SERVER,
                                        Official::SPAN_KIND_CLIENT, Official::SPAN_KIND_PRODUCER,
                                        Official::SPAN_KIND_CONSUMER};
    for (std::size_t i = 0; i < spans.size(); ++i) {
        const Official& span = scope.spans(static_cast<int>(i));
        const telemetry::Span& expected = spans[i];
        EXPECT_EQ(span.trace_id(), text_of(expected.trace.bytes));
        EXPECT_EQ(span.span_id(), text_of(expected.id.bytes));
        EXPECT_EQ(span.parent_span_id(), expected.parent.is_valid() ? text_of(expected.parent.bytes) : "");
        EXPECT_EQ(span.name(), expected.spec->name);
        EXPECT_EQ(span.kind(), kinds[i]);
        EXPECT_EQ(span.start_time_unix_nano(), expected.start_unix_ns);
        EXPECT_EQ(span.end_time_unix_nano(), expected.end_unix_ns);
        expect_attributes(span.attributes(), expected.attributes, 1);
        EXPECT_EQ(span.status().message(), expected.status_text);
        EXPECT_EQ(static_cast<int>(span.status().code()), static_cast<int>(expected.status));
        EXPECT_TRUE((span.flags() & proto::trace::v1::SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK) != 0);
        EXPECT_EQ((span.flags() & proto::trace::v1::SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK) != 0, expected.remote_parent);
        EXPECT_EQ(span.flags() & proto::trace::v1::SPAN_FLAGS_TRACE_FLAGS_MASK, 1U);
        ASSERT_EQ(span.links_size(), static_cast<int>(expected.links.size()));
        for (int link = 0; link < span.links_size(); ++link) {
            EXPECT_EQ(span.links(link).trace_id(), text_of(expected.links[static_cast<std::size_t>(link)].trace.bytes));
            EXPECT_EQ(span.links(link).span_id(), text_of(expected.links[static_cast<std::size_t>(link)].span.bytes));
        }
    }
}

TEST(Conformance, OurLogsInTheirWords) {
    const auto logs = testing::logs();
    const auto request = official<ExportLogsServiceRequest>(encode_logs(testing::resource(), logs));
    ASSERT_EQ(request.resource_logs_size(), 1);
    const auto& scope = request.resource_logs(0).scope_logs(0);
    expect_resource_and_scope(request.resource_logs(0), scope.scope());
    ASSERT_EQ(scope.log_records_size(), static_cast<int>(logs.size()));
    const proto::logs::v1::SeverityNumber severities[] = {
        proto::logs::v1::SEVERITY_NUMBER_ERROR, proto::logs::v1::SEVERITY_NUMBER_WARN,
        proto::logs::v1::SEVERITY_NUMBER_INFO, proto::logs::v1::SEVERITY_NUMBER_DEBUG,
        proto::logs::v1::SEVERITY_NUMBER_TRACE};
    for (std::size_t i = 0; i < logs.size(); ++i) {
        const auto& log = scope.log_records(static_cast<int>(i));
        EXPECT_EQ(log.time_unix_nano(), logs[i].unix_ns);
        EXPECT_EQ(log.observed_time_unix_nano(), logs[i].unix_ns);
        EXPECT_EQ(log.severity_number(), severities[i]);
        EXPECT_EQ(log.severity_text(), telemetry::name(logs[i].level));
        EXPECT_TRUE(log.body().has_string_value());
        EXPECT_EQ(log.body().string_value(), logs[i].body);
        expect_attributes(log.attributes(), logs[i].attributes, logs[i].site.empty() ? 1 : 2);
        const bool has_context = logs[i].context.is_valid();
        EXPECT_EQ(log.trace_id(), has_context ? text_of(logs[i].context.trace.bytes) : "");
        EXPECT_EQ(log.span_id(), has_context ? text_of(logs[i].context.span.bytes) : "");
        EXPECT_EQ(log.flags(), logs[i].context.sampled ? 1U : 0U);
    }
}

TEST(Conformance, OurMetricsInTheirWords) {
    const auto metrics = testing::metrics();
    const auto request = official<ExportMetricsServiceRequest>(encode_metrics(testing::resource(), metrics, 100, 200));
    const auto& scope = request.resource_metrics(0).scope_metrics(0);
    expect_resource_and_scope(request.resource_metrics(0), scope.scope());
    ASSERT_EQ(scope.metrics_size(), 3);  // The one without points is not there.
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(scope.metrics(i).name(), metrics[static_cast<std::size_t>(i)].spec->name);
        EXPECT_EQ(scope.metrics(i).unit(), metrics[static_cast<std::size_t>(i)].spec->unit);
        EXPECT_EQ(scope.metrics(i).description(), metrics[static_cast<std::size_t>(i)].spec->description);
    }
    ASSERT_TRUE(scope.metrics(0).has_sum());
    const auto& sum = scope.metrics(0).sum();
    EXPECT_TRUE(sum.is_monotonic());
    EXPECT_EQ(sum.aggregation_temporality(), proto::metrics::v1::AGGREGATION_TEMPORALITY_CUMULATIVE);
    EXPECT_EQ(sum.data_points(0).start_time_unix_nano(), 100U);
    EXPECT_EQ(sum.data_points(0).time_unix_nano(), 200U);
    EXPECT_EQ(sum.data_points(0).as_int(), 17);
    EXPECT_EQ(sum.data_points(1).as_int(), std::numeric_limits<std::int64_t>::max());
    expect_attributes(sum.data_points(0).attributes(), metrics[0].points[0].attributes, 0);
    ASSERT_TRUE(scope.metrics(1).has_gauge());
    const auto& gauge = scope.metrics(1).gauge();
    ASSERT_EQ(gauge.data_points_size(), 4);
    EXPECT_EQ(gauge.data_points(0).start_time_unix_nano(), 0U);
    EXPECT_EQ(gauge.data_points(0).as_int(), -3);
    EXPECT_EQ(gauge.data_points(1).as_double(), 2.25);
    EXPECT_TRUE(gauge.data_points(2).has_as_int());
    EXPECT_TRUE(std::isnan(gauge.data_points(3).as_double()));
}

TEST(Conformance, OurHistogramsInTheirWords) {
    const auto request = official<ExportMetricsServiceRequest>(encode_metrics({}, testing::metrics(), 100, 200));
    const auto& metric = request.resource_metrics(0).scope_metrics(0).metrics(2);
    ASSERT_TRUE(metric.has_histogram());
    EXPECT_EQ(metric.histogram().aggregation_temporality(), proto::metrics::v1::AGGREGATION_TEMPORALITY_CUMULATIVE);
    ASSERT_EQ(metric.histogram().data_points_size(), 2);
    const auto& filled = metric.histogram().data_points(0);
    EXPECT_EQ(filled.start_time_unix_nano(), 100U);
    EXPECT_EQ(filled.time_unix_nano(), 200U);
    EXPECT_EQ(filled.count(), 3U);
    EXPECT_EQ(filled.sum(), 102.0);
    EXPECT_EQ(filled.min(), 0.5);
    EXPECT_EQ(filled.max(), 99.0);
    EXPECT_THAT(filled.bucket_counts(), ::testing::ElementsAre(1, 1, 0, 1));
    EXPECT_THAT(filled.explicit_bounds(), ::testing::ElementsAre(1.0, 2.5, 10.0));
    EXPECT_EQ(filled.attributes(0).value().string_value(), "a");
    ASSERT_EQ(filled.exemplars_size(), 1);
    EXPECT_EQ(filled.exemplars(0).as_double(), 2.5);
    EXPECT_EQ(filled.exemplars(0).time_unix_nano(), 1'700'000'000'000'000'007U);
    EXPECT_EQ(filled.exemplars(0).trace_id(), text_of(testing::trace_id(1).bytes));
    EXPECT_EQ(filled.exemplars(0).span_id(), text_of(testing::span_id(16).bytes));
    const auto& empty = metric.histogram().data_points(1);
    EXPECT_TRUE(empty.has_sum());
    EXPECT_FALSE(empty.has_min() || empty.has_max());
    EXPECT_EQ(empty.bucket_counts_size(), 4);
}

TEST(Conformance, ResponsesBothWays) {
    const std::string ours = encode_response({3, "why"});
    EXPECT_EQ(official<ExportTraceServiceResponse>(ours).partial_success().rejected_spans(), 3);
    EXPECT_EQ(official<ExportLogsServiceResponse>(ours).partial_success().rejected_log_records(), 3);
    EXPECT_EQ(official<ExportMetricsServiceResponse>(ours).partial_success().rejected_data_points(), 3);
    EXPECT_EQ(official<ExportMetricsServiceResponse>(ours).partial_success().error_message(), "why");
    ExportTraceServiceResponse theirs;
    EXPECT_EQ(decode_response(theirs.SerializeAsString()), PartialSuccess{});
    theirs.mutable_partial_success()->set_rejected_spans(std::numeric_limits<std::int64_t>::max());
    theirs.mutable_partial_success()->set_error_message("full");
    EXPECT_EQ(decode_response(theirs.SerializeAsString()), (PartialSuccess{(1ULL << 63U) - 1, "full"}));
    theirs.mutable_partial_success()->set_rejected_spans(-1);
    EXPECT_FALSE(decode_response(theirs.SerializeAsString()));
}

template <typename Official>
proto::common::v1::AnyValue* add(Official* owner, const std::string& key) {
    auto* pair = owner->add_attributes();
    pair->set_key(key);
    return pair->mutable_value();
}

// One value of each type, also within others.
template <typename Official>
void add_values(Official* owner) {
    add(owner, "text")->set_string_value("gr\xC3\xBC\xC3\x9F");
    add(owner, "flag")->set_bool_value(false);
    add(owner, "integer")->set_int_value(std::numeric_limits<std::int64_t>::min());
    add(owner, "real")->set_double_value(-0.125);
    add(owner, "raw")->set_bytes_value(std::string("\0\x01\xFF", 3));
    add(owner, "nothing");
    auto* array = add(owner, "array")->mutable_array_value();
    array->add_values()->set_string_value("a");
    array->add_values()->mutable_array_value()->add_values()->set_int_value(7);
    auto* map = add(owner, "map")->mutable_kvlist_value();
    auto* pair = map->add_values();
    pair->set_key("k");
    pair->mutable_value()->mutable_kvlist_value();
}

const RowAttributes& expected_values() {
    static const RowAttributes kValues{{"text", "gr\xC3\xBC\xC3\x9F", true},
                                       {"flag", "false", false},
                                       {"integer", "-9223372036854775808", false},
                                       {"real", "-0.125", false},
                                       {"raw", "\"AAH/\"", false},
                                       {"nothing", "null", false},
                                       {"array", "[\"a\",[7]]", false},
                                       {"map", "{\"k\":{}}", false}};
    return kValues;
}

TEST(Conformance, TheirSpansInOurRows) {
    ExportTraceServiceRequest request;
    auto* of_resource = request.add_resource_spans();
    of_resource->set_schema_url("https://example.test/schema");
    add_values(of_resource->mutable_resource());
    auto* scope = of_resource->add_scope_spans();
    scope->mutable_scope()->set_name("library");
    add(scope->mutable_scope(), "k")->set_int_value(1);
    auto* span = scope->add_spans();
    span->set_trace_id(text_of(testing::trace_id(1).bytes));
    span->set_span_id(text_of(testing::span_id(2).bytes));
    span->set_parent_span_id(text_of(testing::span_id(3).bytes));
    span->set_trace_state("vendor=1");
    span->set_flags(0x301);
    span->set_name("GET /");
    span->set_kind(proto::trace::v1::Span::SPAN_KIND_SERVER);
    span->set_start_time_unix_nano(10);
    span->set_end_time_unix_nano(20);
    span->set_dropped_attributes_count(4);
    add_values(span);
    span->add_events()->set_name("event");
    auto* link = span->add_links();
    link->set_trace_id(text_of(testing::trace_id(5).bytes));
    link->set_span_id(text_of(testing::span_id(6).bytes));
    link->set_flags(0x300);
    add(link, "k")->set_bool_value(true);
    span->mutable_status()->set_code(proto::trace::v1::Status::STATUS_CODE_ERROR);
    span->mutable_status()->set_message("bad");
    request.add_resource_spans()->add_scope_spans()->add_spans()->CopyFrom(*span);

    const auto decoded = decode_traces(request.SerializeAsString());
    ASSERT_TRUE(decoded) << decoded.error().message;
    ASSERT_EQ(decoded->rows.size(), 2U);
    ASSERT_EQ(decoded->resources.size(), 2U);
    EXPECT_EQ(decoded->resources[0].attributes, expected_values());
    EXPECT_EQ(decoded->refused, 0U);
    EXPECT_EQ(decoded->cut, 2U);  // The events.
    const SpanRow& row = decoded->rows[0];
    EXPECT_EQ(row.trace_id, testing::trace_id(1).hex());
    EXPECT_EQ(row.span_id, testing::span_id(2).hex());
    EXPECT_EQ(row.parent_span_id, testing::span_id(3).hex());
    EXPECT_EQ(row.name, "GET /");
    EXPECT_EQ(row.kind, telemetry::SpanKind::server);
    EXPECT_EQ(row.start_unix_ns, 10U);
    EXPECT_EQ(row.end_unix_ns, 20U);
    EXPECT_EQ(row.attributes, expected_values());
    ASSERT_EQ(row.links.size(), 1U);
    EXPECT_EQ(row.links[0], std::pair(testing::trace_id(5).hex(), testing::span_id(6).hex()));
    EXPECT_EQ(row.status, telemetry::SpanStatus::error);
    EXPECT_EQ(row.status_text, "bad");
    EXPECT_EQ(decoded->rows[1].resource, 1U);
}

TEST(Conformance, TheirLogsInOurRows) {
    ExportLogsServiceRequest request;
    auto* log = request.add_resource_logs()->add_scope_logs()->add_log_records();
    log->set_time_unix_nano(10);
    log->set_observed_time_unix_nano(11);
    log->set_severity_number(proto::logs::v1::SEVERITY_NUMBER_FATAL4);
    log->set_severity_text("FATAL");
    log->mutable_body()->mutable_array_value()->add_values()->set_double_value(0.5);
    log->set_flags(1);
    log->set_trace_id(text_of(testing::trace_id(1).bytes));
    log->set_span_id(text_of(testing::span_id(2).bytes));
    log->set_event_name("event");
    add_values(log);
    const auto decoded = decode_logs(request.SerializeAsString());
    ASSERT_TRUE(decoded) << decoded.error().message;
    ASSERT_EQ(decoded->rows.size(), 1U);
    const LogRow& row = decoded->rows[0];
    EXPECT_EQ(row.unix_ns, 10U);
    EXPECT_EQ(row.severity, 24);
    EXPECT_EQ(row.severity_text, "FATAL");
    EXPECT_EQ(row.body, "[0.5]");
    EXPECT_EQ(row.attributes, expected_values());
    EXPECT_EQ(row.trace_id, testing::trace_id(1).hex());
    EXPECT_EQ(row.span_id, testing::span_id(2).hex());
    EXPECT_EQ(decoded->cut, 0U);
}

proto::metrics::v1::Metric* add_metric(ExportMetricsServiceRequest& request, const std::string& name) {
    auto* metric = request.add_resource_metrics()->add_scope_metrics()->add_metrics();
    metric->set_name(name);
    metric->set_unit("ms");
    metric->set_description("about " + name);
    return metric;
}

TEST(Conformance, TheirMetricsInOurRows) {
    ExportMetricsServiceRequest request;
    auto* gauge_point = add_metric(request, "gauge")->mutable_gauge()->add_data_points();
    gauge_point->set_as_double(-1.5);
    gauge_point->set_time_unix_nano(7);
    add_values(gauge_point);
    auto* sum = add_metric(request, "sum")->mutable_sum();
    sum->set_aggregation_temporality(proto::metrics::v1::AGGREGATION_TEMPORALITY_DELTA);
    sum->set_is_monotonic(true);
    sum->add_data_points()->set_as_int(-4);
    auto* stale = sum->add_data_points();
    stale->set_flags(proto::metrics::v1::DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK);
    sum->add_data_points();
    auto* histogram = add_metric(request, "histogram")->mutable_histogram();
    histogram->set_aggregation_temporality(proto::metrics::v1::AGGREGATION_TEMPORALITY_CUMULATIVE);
    auto* point = histogram->add_data_points();
    point->set_start_time_unix_nano(1);
    point->set_time_unix_nano(2);
    point->set_count(3);
    point->set_sum(4.5);
    point->set_min(-1);
    point->set_max(9);
    for (const std::uint64_t count : {1U, 2U}) {
        point->add_bucket_counts(count);
    }
    point->add_explicit_bounds(0.25);
    for (const std::uint8_t time : {std::uint8_t{5}, std::uint8_t{9}, std::uint8_t{7}}) {
        auto* exemplar = point->add_exemplars();
        exemplar->set_time_unix_nano(time);
        exemplar->set_trace_id(text_of(testing::trace_id(time).bytes));
        exemplar->set_span_id(text_of(testing::span_id(time).bytes));
    }
    add_metric(request, "exponential")->mutable_exponential_histogram()->add_data_points()->set_count(1);
    auto* summary = add_metric(request, "summary")->mutable_summary();
    summary->add_data_points()->add_quantile_values()->set_quantile(0.5);
    summary->add_data_points();

    const auto decoded = decode_metrics(request.SerializeAsString());
    ASSERT_TRUE(decoded) << decoded.error().message;
    ASSERT_EQ(decoded->rows.size(), 3U);
    EXPECT_EQ(decoded->resources.size(), 3U);
    // The sum's point without a value, one exponential histogram, two summaries. The stale point is no loss.
    EXPECT_EQ(decoded->refused, 4U);
    EXPECT_EQ(decoded->reason, "metric 'sum': a point without a value");
    EXPECT_EQ(decoded->rows[0].kind, PointRow::Kind::gauge);
    EXPECT_EQ(decoded->rows[0].value, -1.5);
    EXPECT_EQ(decoded->rows[0].unix_ns, 7U);
    EXPECT_EQ(decoded->rows[0].unit, "ms");
    EXPECT_EQ(decoded->rows[0].description, "about gauge");
    EXPECT_EQ(decoded->rows[0].attributes, expected_values());
    EXPECT_EQ(decoded->rows[1].kind, PointRow::Kind::sum);
    EXPECT_EQ(decoded->rows[1].value, -4);
    EXPECT_TRUE(decoded->rows[1].monotonic);
    EXPECT_FALSE(decoded->rows[1].cumulative);
    const PointRow& row = decoded->rows[2];
    EXPECT_EQ(row.kind, PointRow::Kind::histogram);
    EXPECT_TRUE(row.cumulative);
    EXPECT_EQ(row.start_unix_ns, 1U);
    EXPECT_EQ(row.count, 3U);
    EXPECT_EQ(row.value, 4.5);
    EXPECT_EQ(row.min, -1.0);
    EXPECT_EQ(row.max, 9.0);
    EXPECT_EQ(row.bounds, std::vector<double>{0.25});
    EXPECT_EQ(row.buckets, (std::vector<std::uint64_t>{1, 2}));
    EXPECT_EQ(row.exemplar_trace_id, testing::trace_id(9).hex());
    EXPECT_EQ(row.exemplar_span_id, testing::span_id(9).hex());
}

}  // namespace
}  // namespace grapevine::otlp
