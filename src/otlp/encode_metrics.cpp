#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <variant>

#include "base/assert.hpp"
#include "base/overloaded.hpp"
#include "otlp/encode.hpp"
#include "otlp/encode_common.hpp"

namespace grapevine::otlp {

namespace {

constexpr std::size_t kMetricBytesExpected = 256;

struct Times {
    std::uint64_t start_unix_ns = 0;  // 0 for gauges, which have none.
    std::uint64_t unix_ns = 0;
};

// Larger numbers do not exist in the protocol; a counter of ours never comes near.
std::int64_t saturated(std::uint64_t value) {
    constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::min(value, kMax));
}

template <typename Field>
void write_times(protozero::pbf_builder<Field>& point, const Times& times) {
    if (times.start_unix_ns != 0) point.add_fixed64(Field::start_time, times.start_unix_ns);
    if (times.unix_ns != 0) point.add_fixed64(Field::time, times.unix_ns);
}

void write_number(protozero::pbf_builder<DataField>& data, const telemetry::Point& point, const Times& times) {
    protozero::pbf_builder<NumberField> out(data, DataField::points);
    write_times(out, times);
    std::visit(base::Overloaded{
                   [&](std::uint64_t value) { out.add_sfixed64(NumberField::as_int, saturated(value)); },
                   [&](std::int64_t value) { out.add_sfixed64(NumberField::as_int, value); },
                   [&](double value) { out.add_double(NumberField::as_double, value); },
                   [](const telemetry::Histogram&) { GRAPEVINE_ASSERT(false, "a number is not a histogram"); },
               },
               point.value);
    write_attributes(out, number(NumberField::attributes), point.attributes);
}

void write_exemplar(protozero::pbf_builder<HistogramField>& point, const telemetry::Exemplar& exemplar) {
    protozero::pbf_builder<ExemplarField> out(point, HistogramField::exemplars);
    if (exemplar.unix_ns != 0) out.add_fixed64(ExemplarField::time, exemplar.unix_ns);
    out.add_double(ExemplarField::as_double, exemplar.value);
    write_id(out, number(ExemplarField::span_id), exemplar.context.span.bytes);
    write_id(out, number(ExemplarField::trace_id), exemplar.context.trace.bytes);
}

void write_histogram(protozero::pbf_builder<DataField>& data, const telemetry::Point& point, const Times& times) {
    const auto* histogram = std::get_if<telemetry::Histogram>(&point.value);
    GRAPEVINE_ASSERT(histogram != nullptr, "a histogram's points are histograms");
    protozero::pbf_builder<HistogramField> out(data, DataField::points);
    write_times(out, times);
    if (histogram->count() != 0) out.add_fixed64(HistogramField::count, histogram->count());
    out.add_double(HistogramField::sum, histogram->sum());
    const auto counts = histogram->counts();
    const auto bounds = histogram->bounds();
    out.add_packed_fixed64(HistogramField::bucket_counts, counts.begin(), counts.end());
    out.add_packed_double(HistogramField::explicit_bounds, bounds.begin(), bounds.end());
    if (const telemetry::Exemplar* exemplar = histogram->exemplar()) write_exemplar(out, *exemplar);
    write_attributes(out, number(HistogramField::attributes), point.attributes);
    if (histogram->count() == 0) return;  // Of nothing there is no extreme.
    out.add_double(HistogramField::min, histogram->min());
    out.add_double(HistogramField::max, histogram->max());
}

void write_data(protozero::pbf_builder<MetricField>& out, const telemetry::Metric& metric, const Times& times) {
    const auto write_all = [&](MetricField field, auto write_point, const Times& point_times) {
        protozero::pbf_builder<DataField> data(out, field);
        for (const telemetry::Point& point : metric.points) {
            write_point(data, point, point_times);
        }
        if (field != MetricField::gauge) data.add_enum(DataField::temporality, kTemporalityCumulative);
        if (field == MetricField::sum) data.add_bool(DataField::is_monotonic, true);
    };
    switch (metric.spec->instrument) {
        case telemetry::Instrument::gauge: return write_all(MetricField::gauge, write_number, {0, times.unix_ns});
        case telemetry::Instrument::counter: return write_all(MetricField::sum, write_number, times);
        case telemetry::Instrument::histogram: return write_all(MetricField::histogram, write_histogram, times);
    }
}

void write_metric(protozero::pbf_builder<ScopeItemsField>& scope, const telemetry::Metric& metric, const Times& times) {
    GRAPEVINE_ASSERT(metric.spec != nullptr, "a metric to export has a spec");
    protozero::pbf_builder<MetricField> out(scope, ScopeItemsField::items);
    write_text(out, number(MetricField::name), metric.spec->name);
    write_text(out, number(MetricField::description), metric.spec->description);
    write_text(out, number(MetricField::unit), metric.spec->unit);
    write_data(out, metric, times);
}

}  // namespace

std::string encode_metrics(const telemetry::Resource& resource, std::span<const telemetry::Metric> metrics,
                           std::uint64_t start_unix_ns, std::uint64_t unix_ns) {
    const auto has_points = [](const telemetry::Metric& metric) { return !metric.points.empty(); };
    if (std::none_of(metrics.begin(), metrics.end(), has_points)) return {};
    return encode_request(resource, metrics.size() * kMetricBytesExpected,
                          [&](protozero::pbf_builder<ScopeItemsField>& scope) {
                              for (const telemetry::Metric& metric : metrics) {
                                  if (has_points(metric)) write_metric(scope, metric, {start_unix_ns, unix_ns});
                              }
                          });
}

}  // namespace grapevine::otlp
