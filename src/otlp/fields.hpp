#pragma once

// Field numbers of opentelemetry-proto 1.5, by message, as far as this layer writes or reads them. A number means one
// thing for ever (the protocol's stability guarantee), so these never change.

#include <cstdint>

#include <protozero/types.hpp>

namespace grapevine::otlp {

using FieldNumber = protozero::pbf_tag_type;

// The three signals share the shape of the outer messages: a request has resources, a resource has scopes, a scope has
// items (spans, metrics or log records).
enum class RequestField : FieldNumber { resources = 1 };
enum class ResourceItemsField : FieldNumber { resource = 1, scopes = 2 };
enum class ScopeItemsField : FieldNumber { scope = 1, items = 2 };
enum class ResourceField : FieldNumber { attributes = 1 };
enum class ScopeField : FieldNumber { name = 1, version = 2 };

enum class KeyValueField : FieldNumber { key = 1, value = 2 };
enum class AnyValueField : FieldNumber {
    string_value = 1,
    bool_value = 2,
    int_value = 3,
    double_value = 4,
    array_value = 5,
    kvlist_value = 6,
    bytes_value = 7,
};
enum class ListField : FieldNumber { values = 1 };  // Of ArrayValue and KeyValueList.

enum class SpanField : FieldNumber {
    trace_id = 1,
    span_id = 2,
    parent_span_id = 4,
    name = 5,
    kind = 6,
    start_time = 7,
    end_time = 8,
    attributes = 9,
    events = 11,
    links = 13,
    status = 15,
    flags = 16,
};
enum class LinkField : FieldNumber { trace_id = 1, span_id = 2 };
enum class StatusField : FieldNumber { message = 2, code = 3 };

// Span.flags: the low byte holds W3C's trace flags, bit 8 says that bit 9 is known, bit 9 that the parent is remote.
inline constexpr std::uint32_t kFlagSampled = 0x001;
inline constexpr std::uint32_t kFlagHasIsRemote = 0x100;
inline constexpr std::uint32_t kFlagIsRemote = 0x200;

enum class LogField : FieldNumber {
    time = 1,
    severity_number = 2,
    severity_text = 3,
    body = 5,
    attributes = 6,
    flags = 8,
    trace_id = 9,
    span_id = 10,
    observed_time = 11,
};

enum class MetricField : FieldNumber {
    name = 1,
    description = 2,
    unit = 3,
    gauge = 5,
    sum = 7,
    histogram = 9,
    exponential_histogram = 10,
    summary = 11,
};
// Of Gauge, Sum, Histogram, ExponentialHistogram and Summary, as far as each has them.
enum class DataField : FieldNumber { points = 1, temporality = 2, is_monotonic = 3 };
inline constexpr std::int32_t kTemporalityDelta = 1;
inline constexpr std::int32_t kTemporalityCumulative = 2;

enum class NumberField : FieldNumber {
    start_time = 2,
    time = 3,
    as_double = 4,
    exemplars = 5,
    as_int = 6,
    attributes = 7,
    flags = 8,
};
enum class HistogramField : FieldNumber {
    start_time = 2,
    time = 3,
    count = 4,
    sum = 5,
    bucket_counts = 6,
    explicit_bounds = 7,
    exemplars = 8,
    attributes = 9,
    flags = 10,
    min = 11,
    max = 12,
};
// DataPointFlags: the series went away; the point has no value.
inline constexpr std::uint64_t kFlagNoRecordedValue = 1;
enum class ExemplarField : FieldNumber { time = 2, as_double = 3, span_id = 4, trace_id = 5 };

enum class ResponseField : FieldNumber { partial_success = 1 };
enum class PartialSuccessField : FieldNumber { rejected = 1, error_message = 2 };

}  // namespace grapevine::otlp
