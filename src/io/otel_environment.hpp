#pragma once

// The OTEL_* variables that apply to a node (OpenTelemetry specification 1.x, "Environment Variable Specification" and
// "OTLP Exporter Configuration"): parsed once at start, each with its rule. A signal's own variable wins over the
// general one. An empty variable counts as unset.
//
// Rules
//  1. An unparsable value is a warning and leaves the default in place, as the specification asks. A value beyond our
//     bounds is a warning and becomes the bound.
//  2. An endpoint that is no http or https URL, and a certificate or key that cannot be used, switch the signal off and
//     say so: guessing where to send is worse than silence.
//  3. The only protocol is http/protobuf. Another one is a warning, and http/protobuf is used.
//  4. OTEL_RESOURCE_ATTRIBUTES with any error is ignored as a whole, as the specification asks.
//  5. A warning shows a value only if it cannot be a secret: never a header's, nor a URL's user and password.
//  6. A standard variable that we know and cannot honour is a warning if it is set to anything but what we do.
//
// Variables, each as OTEL_EXPORTER_OTLP_<V> and with _TRACES_, _METRICS_ or _LOGS_ before <V>: ENDPOINT, HEADERS,
// TIMEOUT, PROTOCOL, COMPRESSION, CERTIFICATE, CLIENT_CERTIFICATE, CLIENT_KEY. Further: OTEL_SDK_DISABLED,
// OTEL_{TRACES,METRICS,LOGS}_EXPORTER, OTEL_TRACES_SAMPLER and _ARG, OTEL_{BSP,BLRP}_{SCHEDULE_DELAY,EXPORT_TIMEOUT,
// MAX_QUEUE_SIZE,MAX_EXPORT_BATCH_SIZE}, OTEL_METRIC_EXPORT_{INTERVAL,TIMEOUT}, OTEL_RESOURCE_ATTRIBUTES,
// OTEL_SERVICE_NAME, OTEL_{,SPAN_}ATTRIBUTE_{COUNT,VALUE_LENGTH}_LIMIT, OTEL_SPAN_LINK_COUNT_LIMIT.

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

inline constexpr std::size_t kOtelValueBytesMax = 64 * 1024;  // A longer variable is ignored, with a warning.
inline constexpr std::size_t kOtelHeadersMax = 64;
inline constexpr std::size_t kOtelHeaderBytesMax = 8 * 1024;  // All headers of a signal.
inline constexpr std::size_t kOtelQueueMax = 65536;           // Records that wait, of a kind.
inline constexpr std::size_t kOtelAttributesMax = 1024;       // Resource attributes.

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
    // The lesser of OTEL_EXPORTER_OTLP_TIMEOUT and the batch processor's or metric reader's export timeout.
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
    std::vector<std::string> warnings;  // One line each, naming the variable, its value (rule 5) and the rule.
};

// Nothing is exported unless somebody asks: by an endpoint (OTEL_EXPORTER_OTLP_ENDPOINT or a signal's own), or by
// OTEL_TRACES_EXPORTER=otlp and the like, which without an endpoint mean http://localhost:4318. A mesh node is not a
// telemetry agent, and silence is the right default. OTEL_SDK_DISABLED=true and OTEL_TRACES_EXPORTER=none (and the
// like) switch off. `environment` is like getenv().
OtelEnvironment read_otel_environment(const std::function<const char*(const char*)>& environment);

}  // namespace grapevine::io
