#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "otlp/decode.hpp"
#include "otlp/decode_common.hpp"
#include "otlp/decode_value.hpp"

namespace grapevine::otlp {

namespace {

// A metric before its points: fields come in any order, and the points need all of these.
struct MetricHead {
    std::string_view name, unit, description;
    MetricField kind{};  // 0: none.
    std::string_view data;
    bool monotonic = false;
    bool cumulative = true;
};

struct PointState {
    bool has_value = false;
    bool is_no_value = false;  // Says itself that it has none: a series that went away.
    std::uint64_t exemplar_unix_ns = 0;
};

void read_exemplar(Intake& intake, std::string_view bytes, PointState& state, PointRow& row) {
    std::uint64_t unix_ns = 0;
    std::string_view trace, span;
    Message message("exemplar", bytes, intake.problem());
    while (message.next()) {
        switch (message.field<ExemplarField>()) {
            case ExemplarField::time: unix_ns = message.fixed64("time_unix_nano"); break;
            case ExemplarField::trace_id: trace = message.bytes("trace_id"); break;
            case ExemplarField::span_id: span = message.bytes("span_id"); break;
            default: message.skip();
        }
    }
    if (unix_ns < state.exemplar_unix_ns) return;
    std::string trace_hex = hex_id<kTraceIdBytes>(trace);
    std::string span_hex = hex_id<kSpanIdBytes>(span);
    if (trace_hex.empty() || span_hex.empty()) return;
    state.exemplar_unix_ns = unix_ns;
    row.exemplar_trace_id = std::move(trace_hex);
    row.exemplar_span_id = std::move(span_hex);
}

void read_number_field(Intake& intake, Message& point, PointState& state, PointRow& row) {
    switch (point.field<NumberField>()) {
        case NumberField::start_time: row.start_unix_ns = point.fixed64("start_time_unix_nano"); break;
        case NumberField::time: row.unix_ns = point.fixed64("time_unix_nano"); break;
        case NumberField::as_double:
            row.value = point.real("as_double");
            state.has_value = true;
            break;
        case NumberField::as_int:
            row.value = static_cast<double>(static_cast<std::int64_t>(point.fixed64("as_int")));
            state.has_value = true;
            break;
        case NumberField::exemplars: read_exemplar(intake, point.bytes("exemplars"), state, row); break;
        case NumberField::attributes: read_attribute(intake, point.bytes("attributes"), row.attributes); break;
        case NumberField::flags: state.is_no_value = (point.varint("flags") & kFlagNoRecordedValue) != 0; break;
        default: point.skip();
    }
}

void read_histogram_field(Intake& intake, Message& point, PointState& state, PointRow& row) {
    state.has_value = true;  // A histogram of nothing is one, too.
    switch (point.field<HistogramField>()) {
        case HistogramField::start_time: row.start_unix_ns = point.fixed64("start_time_unix_nano"); break;
        case HistogramField::time: row.unix_ns = point.fixed64("time_unix_nano"); break;
        case HistogramField::count: row.count = point.fixed64("count"); break;
        case HistogramField::sum: row.value = point.real("sum"); break;
        case HistogramField::bucket_counts: point.fixed64_list("bucket_counts", row.buckets); break;
        case HistogramField::explicit_bounds: point.real_list("explicit_bounds", row.bounds); break;
        case HistogramField::exemplars: read_exemplar(intake, point.bytes("exemplars"), state, row); break;
        case HistogramField::attributes: read_attribute(intake, point.bytes("attributes"), row.attributes); break;
        case HistogramField::flags: state.is_no_value = (point.varint("flags") & kFlagNoRecordedValue) != 0; break;
        case HistogramField::min: row.min = point.real("min"); break;
        case HistogramField::max: row.max = point.real("max"); break;
        default: point.skip();
    }
}

// Why the point cannot be kept; empty: it can.
std::string_view broken_rule(const PointState& state, const PointRow& row) {
    if (!state.has_value) return "a point without a value";
    if (!row.bounds.empty() && row.buckets.size() != row.bounds.size() + 1) return "buckets do not match the bounds";
    if (row.bounds.empty() && row.buckets.size() > 1) return "buckets do not match the bounds";
    // Not ascending in the strict sense; NaN is in no order at all.
    const auto is_disorder = [](double a, double b) { return !(a < b); };
    if (std::adjacent_find(row.bounds.begin(), row.bounds.end(), is_disorder) != row.bounds.end()) {
        return "bounds do not ascend";
    }
    return {};
}

// What all points of a metric share.
struct Shared {
    std::size_t resource = 0;
    std::string metric, unit, description;
    PointRow::Kind kind = PointRow::Kind::gauge;
    bool monotonic = false;
    bool cumulative = true;
};

std::size_t bytes_of(const Shared& shared, const PointRow& row) {
    return sizeof row + bytes_of(row.attributes) + shared.metric.size() + shared.unit.size() +
           shared.description.size() + sizeof(double) * (row.bounds.size() + row.buckets.size());
}

PointRow::Kind kind_of(MetricField field) {
    if (field == MetricField::sum) return PointRow::Kind::sum;
    return field == MetricField::histogram ? PointRow::Kind::histogram : PointRow::Kind::gauge;
}

Shared shared_of(Intake& intake, const MetricHead& head, std::size_t resource) {
    return {resource,
            limited(intake, head.name),
            limited(intake, head.unit),
            limited(intake, head.description),
            kind_of(head.kind),
            head.monotonic,
            head.cumulative};
}

void fill(const Shared& shared, PointRow& row) {
    row.resource = shared.resource;
    row.metric = shared.metric;
    row.unit = shared.unit;
    row.description = shared.description;
    row.kind = shared.kind;
    row.monotonic = shared.monotonic;
    row.cumulative = shared.cumulative;
}

// The long texts are copied last, so that points that are refused cost nothing.
void read_point(Intake& intake, std::string_view bytes, const Shared& shared, std::vector<PointRow>& rows) {
    if (!intake.has_room()) return;
    PointRow row;
    PointState state;
    const bool is_histogram = shared.kind == PointRow::Kind::histogram;
    const auto read_field = is_histogram ? read_histogram_field : read_number_field;
    Message point(is_histogram ? "histogram_data_point" : "number_data_point", bytes, intake.problem());
    while (point.next()) {
        read_field(intake, point, state, row);
    }
    if (intake.problem().found() || state.is_no_value) return;
    if (const auto why = broken_rule(state, row); !why.empty()) return intake.refuse("metric", shared.metric, why);
    if (!intake.admit(bytes_of(shared, row))) return;
    fill(shared, row);
    rows.push_back(std::move(row));
}

// Calls on_point(bytes) for each point, or reads what is beside them, as asked.
template <typename OnPoint>
void read_data(Intake& intake, MetricHead& head, const OnPoint& on_point) {
    Message data("data", head.data, intake.problem());
    while (data.next()) {
        switch (data.field<DataField>()) {
            case DataField::points: on_point(data.bytes("data_points")); break;
            case DataField::temporality:
                head.cumulative = data.varint("aggregation_temporality") != kTemporalityDelta;
                break;
            case DataField::is_monotonic: head.monotonic = data.varint("is_monotonic") != 0; break;
            default: data.skip();
        }
    }
}

void read_head_data(Intake& intake, Message& metric, MetricHead& head) {
    const bool is_second = head.kind != MetricField{};
    head.kind = metric.field<MetricField>();
    head.data = metric.bytes("data");
    if (is_second && !intake.problem().found()) intake.problem().text = "metric.data: more than one kind";
}

MetricHead read_head(Intake& intake, std::string_view bytes) {
    MetricHead head;
    Message metric("metric", bytes, intake.problem());
    while (metric.next()) {
        switch (metric.field<MetricField>()) {
            case MetricField::name: head.name = metric.text("name"); break;
            case MetricField::description: head.description = metric.text("description"); break;
            case MetricField::unit: head.unit = metric.text("unit"); break;
            case MetricField::gauge:
            case MetricField::sum:
            case MetricField::histogram:
            case MetricField::exponential_histogram:
            case MetricField::summary: read_head_data(intake, metric, head); break;
            default: metric.skip();
        }
    }
    return head;
}

// Empty: points of this kind are kept.
std::string_view not_kept(MetricField kind) {
    if (kind == MetricField::exponential_histogram) return "exponential histograms are not kept";
    return kind == MetricField::summary ? "summaries are not kept" : std::string_view{};
}

void read_metric(Intake& intake, std::string_view bytes, std::size_t resource, std::vector<PointRow>& rows) {
    MetricHead head = read_head(intake, bytes);
    if (intake.problem().found() || head.kind == MetricField{}) return;
    if (const auto why = not_kept(head.kind); !why.empty()) {
        return read_data(intake, head, [&](std::string_view) { intake.refuse("metric", head.name, why); });
    }
    read_data(intake, head, [](std::string_view) {});
    if (intake.problem().found()) return;
    if (head.name.empty()) {
        return read_data(intake, head, [&](std::string_view) { intake.refuse("metric", {}, "has no name"); });
    }
    const Shared shared = shared_of(intake, head, resource);
    read_data(intake, head, [&](std::string_view point) { read_point(intake, point, shared, rows); });
}

}  // namespace

base::Result<Decoded<PointRow>> decode_metrics(std::string_view body, const DecodeLimits& limits) {
    return decode_request<PointRow>("metrics", body, limits, read_metric);
}

}  // namespace grapevine::otlp
