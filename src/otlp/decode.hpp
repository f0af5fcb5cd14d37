#pragma once

// The receiver's side: an export request of anybody's (not only ours) to rows for a store. Everything is bounded: what
// is malformed is an error that names the field, what is over a limit is cut or left out and counted in the result.
// Unknown fields are ignored, as protobuf has it. A body over its limit is ErrorCode::exhausted, any other error
// invalid.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "telemetry/span.hpp"

namespace grapevine::otlp {

struct DecodeLimits {
    std::size_t body_bytes_max = 4U * 1024U * 1024U;  // After decompression.
    std::size_t depth_max = 8;                        // Of nested attribute values (arrays, maps).
    std::size_t attributes_max = 128;                 // Of one span, log record, point or resource.
    std::size_t text_bytes_max = 4096;                // Of one name, key or value.
    std::size_t items_max = 16384;                    // Spans, log records or points of one request.
    std::size_t links_max = 128;
    // Of all rows in memory, nearly: many tiny items, or points that repeat a long name, are larger here than there.
    std::size_t decoded_bytes_max = 64U * 1024U * 1024U;
};

// Values as text; numbers and booleans as JSON writes them, arrays, maps and bytes as JSON (bytes as a string in
// base64, nothing as null). What JSON has no number for is a text: NaN, Infinity, -Infinity.
struct RowAttribute {
    std::string key;
    std::string value;
    bool is_text = true;  // Else the value is to be read as JSON.
    friend bool operator==(const RowAttribute&, const RowAttribute&) = default;
};
using RowAttributes = std::vector<RowAttribute>;

struct SpanRow {
    std::size_t resource = 0;                       // Index into Decoded::resources.
    std::string trace_id, span_id, parent_span_id;  // Hex; the parent's may be empty.
    std::string name;
    telemetry::SpanKind kind = telemetry::SpanKind::internal;
    std::uint64_t start_unix_ns = 0, end_unix_ns = 0;
    RowAttributes attributes;
    std::vector<std::pair<std::string, std::string>> links;  // Trace id and span id, hex.
    telemetry::SpanStatus status = telemetry::SpanStatus::unset;
    std::string status_text;
};

struct LogRow {
    std::size_t resource = 0;
    std::uint64_t unix_ns = 0;  // Of the event, or if that is unknown, of its observation.
    std::int32_t severity = 0;  // OTLP's number, 1 to 24; 0 unknown.
    std::string severity_text;
    std::string body;
    RowAttributes attributes;
    std::string trace_id, span_id;  // Hex or empty.
};

struct PointRow {
    std::size_t resource = 0;
    std::string metric, unit, description;
    enum class Kind : std::uint8_t { gauge, sum, histogram } kind = Kind::gauge;  // Others are left out and counted.
    bool monotonic = false;
    bool cumulative = true;
    std::uint64_t start_unix_ns = 0, unix_ns = 0;
    RowAttributes attributes;
    double value = 0;  // Of a histogram its sum. Integers beyond 2^53 are rounded.
    // Histograms only.
    std::uint64_t count = 0;
    std::optional<double> min, max;
    std::vector<double> bounds;
    std::vector<std::uint64_t> buckets;
    std::string exemplar_trace_id, exemplar_span_id;  // Of the newest exemplar, or empty.
};

struct ResourceRow {
    RowAttributes attributes;
    // The value of an attribute, or empty.
    [[nodiscard]] std::string_view find(std::string_view key) const;
};

template <typename Row>
struct Decoded {
    std::vector<ResourceRow> resources;
    std::vector<Row> rows;
    // Items that break a rule of their own (zero ids, ends before it starts), are over items_max or decoded_bytes_max,
    // or are points of a kind that is not kept (exponential histograms, summaries).
    std::uint64_t refused = 0;
    // Attributes, links and bytes of text beyond their limits, attributes without a key, links without ids, values too
    // deep, and the events of spans, which rows do not have.
    std::uint64_t cut = 0;
    std::string reason;  // The first cause of refused, for the partial-success answer.
};

base::Result<Decoded<SpanRow>> decode_traces(std::string_view body, const DecodeLimits& limits = {});
base::Result<Decoded<LogRow>> decode_logs(std::string_view body, const DecodeLimits& limits = {});
base::Result<Decoded<PointRow>> decode_metrics(std::string_view body, const DecodeLimits& limits = {});

}  // namespace grapevine::otlp
