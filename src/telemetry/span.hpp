#pragma once

// Spans, log records and their attributes as values: what the OpenTelemetry data model calls by the same names. Times
// are nanoseconds since the Unix epoch.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/trace_context.hpp"
#include "telemetry/filter.hpp"

namespace grapevine::telemetry {

using Value = std::variant<bool, std::int64_t, double, std::string>;

struct Attribute {
    std::string_view key;  // A string literal.
    Value value;
    friend bool operator==(const Attribute&, const Attribute&) = default;
};
using Attributes = std::vector<Attribute>;

enum class SpanKind : std::uint8_t { internal, server, client, producer, consumer };
enum class SpanStatus : std::uint8_t { unset, ok, error };

struct SpanLink {
    base::TraceId trace;
    base::SpanId span;
    friend bool operator==(const SpanLink&, const SpanLink&) = default;
};

// What is fixed about a span: one constant per name, in telemetry/catalogue.hpp.
struct SpanSpec {
    std::string_view name;
    Target target = Target::node;
    Level level = Level::info;
    SpanKind kind = SpanKind::internal;
};

struct Span {
    const SpanSpec* spec = nullptr;  // Static storage.
    base::TraceId trace;
    base::SpanId id;
    base::SpanId parent;         // Zero: a root.
    bool remote_parent = false;  // The parent is another process's.
    std::uint64_t start_unix_ns = 0;
    std::uint64_t end_unix_ns = 0;
    Attributes attributes;
    std::vector<SpanLink> links;
    SpanStatus status = SpanStatus::unset;
    std::string status_text;
};

struct LogRecord {
    std::uint64_t unix_ns = 0;
    Level level = Level::info;
    Target target = Target::app;
    std::string site;  // "udp", "host.seed".
    std::string body;
    Attributes attributes;
    base::TraceContext context;  // Invalid: none.
};

}  // namespace grapevine::telemetry
