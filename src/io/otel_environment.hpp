#pragma once

// The OTEL_* variables that apply to a node (OpenTelemetry specification 1.x, "Environment Variable Specification" and
// "OTLP Exporter Configuration"): parsed once at start, each with its rule. A signal's own variable wins over the
// general one. An empty variable counts as unset.
//
// An unparsable value is a warning and leaves the default in place, as the specification asks; an endpoint that is no
// URL, and an unreadable certificate, switch the signal off and say so: guessing where to send is worse than silence.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "telemetry/recorder.hpp"

namespace grapevine::io {

struct SignalTarget {  // Of traces, metrics or logs.
    bool enabled = false;
    bool https = false;
    std::string host;  // Name or address without brackets.
    std::uint16_t port = 4318;
    std::string path;                                          // "/v1/traces"
    std::vector<std::pair<std::string, std::string>> headers;  // OTEL_EXPORTER_OTLP_HEADERS, percent-decoded.
    std::string ca_file;                                       // Empty: the system's.
    std::string client_certificate_file, client_key_file;
    bool gzip = false;
    base::Duration timeout = std::chrono::seconds(10);
};

struct ExportConfig {
    SignalTarget traces, metrics, logs;
    base::Duration span_delay = std::chrono::milliseconds(5000);        // OTEL_BSP_SCHEDULE_DELAY
    base::Duration log_delay = std::chrono::milliseconds(1000);         // OTEL_BLRP_SCHEDULE_DELAY
    base::Duration metric_interval = std::chrono::milliseconds(60000);  // OTEL_METRIC_EXPORT_INTERVAL
    std::size_t span_batch_max = 512;                                   // OTEL_BSP_MAX_EXPORT_BATCH_SIZE
    std::size_t log_batch_max = 512;                                    // OTEL_BLRP_MAX_EXPORT_BATCH_SIZE
    std::vector<std::pair<std::string, std::string>> resource;          // OTEL_RESOURCE_ATTRIBUTES
    std::string service_name;                                           // OTEL_SERVICE_NAME; empty: the node's type.
    // Sampler and limits, from the OTEL_* variables; its filter is not theirs.
    telemetry::RecorderConfig recorder;
    [[nodiscard]] bool any() const { return traces.enabled || metrics.enabled || logs.enabled; }
};

struct OtelEnvironment {
    ExportConfig config;
    std::vector<std::string>
        warnings;  // One line each, naming the variable, its value (never a header's) and the rule.
};

// Nothing is exported unless an endpoint is set (OTEL_EXPORTER_OTLP_ENDPOINT or a signal's own): a mesh node is not a
// telemetry agent, and silence is the right default. OTEL_SDK_DISABLED=true and OTEL_TRACES_EXPORTER=none (and the
// like) switch off.
OtelEnvironment read_otel_environment(const std::function<const char*(const char*)>& environment);

}  // namespace grapevine::io
