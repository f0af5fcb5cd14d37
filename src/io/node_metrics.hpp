#pragma once

// All metrics of one node for the exporter: what its counters, its stack and the kernel's accounting of its process
// say.

#include <vector>

#include "io/host.hpp"
#include "io/node_telemetry.hpp"
#include "telemetry/metrics.hpp"

namespace grapevine::io {

std::vector<telemetry::Metric> collect_metrics(const Host& host, const NodeTelemetry& telemetry);

}  // namespace grapevine::io
