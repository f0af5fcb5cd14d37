#pragma once

// Sends what a node's recorder and counters hold to an OTLP receiver, on the node's own loop: HTTP/protobuf, one
// request at a time per signal, over one kept-alive connection.
//
// Rules
//  1. Nothing here delays the node: records wait in the recorder, which is bounded and drops the oldest; at most one
//     batch per signal is encoded or in flight; a slow or silent receiver costs one timeout at a time.
//  2. An idle node does not wake for the exporter: a batch timer runs only while something waits (schedule delay), and
//     metrics have their own interval.
//  3. Retry: on a transport error, 429, 502, 503 and 504 with exponential backoff and jitter, honouring Retry-After,
//  for
//     five minutes a batch; other answers drop the batch, counted by cause (OTLP 1.x, "Failures"; exporter_lane.hpp).
//  4. stop() sends what waits, then the last metrics, and is over after `limit` at the latest, whatever the receiver
//     does. Afterwards nothing is sent any more.
//  5. Signals that go to one server share one connection and take turns on it.
//  6. The exporter writes to the log only when a signal stops or begins to arrive: its own trouble must not feed it.

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/time.hpp"
#include "io/otel_environment.hpp"
#include "io/runtime.hpp"
#include "stack/types.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/recorder.hpp"
#include "telemetry/resource.hpp"

namespace grapevine::io {

class Exporter {
public:
    using Collect = std::function<std::vector<telemetry::Metric>()>;

    // `runtime` and `recorder` outlive the exporter. `collect` is called once per metric interval and by stop();
    // metrics count from the construction of the exporter.
    Exporter(Runtime& runtime, const ExportConfig& config, telemetry::Resource resource, telemetry::Recorder& recorder,
             Collect collect);
    ~Exporter();
    Exporter(const Exporter&) = delete;
    Exporter& operator=(const Exporter&) = delete;

    // Something may have been recorded: starts the batch timer if it does not run. Cheap; called once a turn.
    void poke();
    // Rule 4. `done` is called once, in a later turn.
    void stop(base::Duration limit, std::function<void()> done);

    // For each signal that is exported, N of spans, logs and points: "export.N_sent", "export.N_dropped_refused",
    // "_rejected" (partial success), "_expired", "_stopping", "_superseded". Together: "export.batches_sent",
    // "export.batches_held" (now), "export.bytes_sent", "export.failed_status", "export.failed_timeout",
    // "export.failed_transport", "export.retries", "export.connections", "export.reconnects", "export.connected" (now).
    [[nodiscard]] std::vector<stack::Figure> figures() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace grapevine::io
