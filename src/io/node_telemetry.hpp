#pragma once

// A node's telemetry at the edge: its clock, its recorder, and the exporter that empties it. Made before anything else
// of the node, so that the first span can begin; the exporter starts when the node knows who it is.

#include <functional>
#include <memory>
#include <vector>

#include "io/exporter.hpp"
#include "io/otel_environment.hpp"
#include "io/runtime.hpp"
#include "io/wall_clock.hpp"
#include "stack/types.hpp"
#include "telemetry/recorder.hpp"
#include "telemetry/resource.hpp"

namespace grapevine::io {

class NodeTelemetry {
public:
    // Says the environment's warnings to the log. Without an endpoint nothing is recorded.
    NodeTelemetry(Runtime& runtime, const OtelEnvironment& environment, base::Duration clock_offset);
    ~NodeTelemetry();
    NodeTelemetry(const NodeTelemetry&) = delete;
    NodeTelemetry& operator=(const NodeTelemetry&) = delete;

    [[nodiscard]] telemetry::Recorder& recorder() { return recorder_; }
    [[nodiscard]] const WallClock& clock() const { return clock_; }

    // `collect` is called in later turns, until stop() is done. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over
    // what `resource` says.
    void start_export(telemetry::Resource resource, Exporter::Collect collect);
    // At the end of each turn of the node.
    void poke();
    // Sends the last; `done` is called once, in a later turn, at the latest after `limit`.
    void stop(base::Duration limit, std::function<void()> done);

    // "telemetry.spans_recorded" and so on, and the exporter's.
    [[nodiscard]] std::vector<stack::Figure> figures() const;

private:
    Runtime& runtime_;
    ExportConfig config_;
    WallClock clock_;
    telemetry::Recorder recorder_;
    std::unique_ptr<Exporter> exporter_;
};

}  // namespace grapevine::io
