#pragma once

// Export requests of OTLP 1.x (opentelemetry-proto 1.5): ExportTraceServiceRequest, ExportMetricsServiceRequest and
// ExportLogsServiceRequest, in protobuf, as they are posted to /v1/traces, /v1/metrics and /v1/logs. One resource and
// one scope ("grapevine" and its version) a request.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/resource.hpp"
#include "telemetry/span.hpp"

namespace grapevine::otlp {

std::string encode_traces(const telemetry::Resource& resource, std::span<const telemetry::Span> spans);
std::string encode_logs(const telemetry::Resource& resource, std::span<const telemetry::LogRecord> logs);

// The same of records that are not all in memory at once. Gives the next one, which stays until the next call; null
// after the last.
template <typename Record>
using NextRecord = std::function<const Record*()>;
std::string encode_traces(const telemetry::Resource& resource, std::size_t count_expected,
                          const NextRecord<telemetry::Span>& next);
std::string encode_logs(const telemetry::Resource& resource, std::size_t count_expected,
                        const NextRecord<telemetry::LogRecord>& next);

// Counters and histograms are cumulative since `start_unix_ns`. Metrics without points are left out.
std::string encode_metrics(const telemetry::Resource& resource, std::span<const telemetry::Metric> metrics,
                           std::uint64_t start_unix_ns, std::uint64_t unix_ns);

// A receiver's answer to any of the three: how many items it refused, and why. Empty bytes: none.
struct PartialSuccess {
    std::uint64_t rejected = 0;
    std::string message;
    friend bool operator==(const PartialSuccess&, const PartialSuccess&) = default;
};
std::string encode_response(const PartialSuccess& response);
base::Result<PartialSuccess> decode_response(std::string_view body);

}  // namespace grapevine::otlp
