#pragma once

// Telemetry to encode, and requests to decode that no encoder of ours would make.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <protozero/pbf_builder.hpp>

#include "otlp/fields.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/resource.hpp"
#include "telemetry/span.hpp"

namespace grapevine::otlp::testing {

base::TraceId trace_id(std::uint8_t first);
base::SpanId span_id(std::uint8_t first);

telemetry::Resource resource();
// Every kind, status, type of value, extremes of integers, links, remote and local parents, and text that is no UTF-8.
std::vector<telemetry::Span> spans();
// Every level, with and without context.
std::vector<telemetry::LogRecord> logs();
// Every instrument and type of number; a histogram with and one without values; one metric without points.
std::vector<telemetry::Metric> metrics();

using Fill = std::function<void(protozero::pbf_writer&)>;
// A message with what `fill` writes.
std::string message(const Fill& fill);
// A request with one resource (with `resource_bytes`), one scope, and these items.
std::string request(const std::vector<std::string>& items, std::string_view resource_bytes = {});
// The items of a request with one resource and one scope.
std::vector<std::string> items_of(std::string_view request);

// A span without a fault, which `more` adds to.
std::string span_bytes(const Fill& more);
// An AnyValue of so many arrays within each other.
std::string nested_arrays(std::size_t depth);
// A KeyValue.
std::string pair_bytes(std::string_view key, std::string_view any_value);

}  // namespace grapevine::otlp::testing
