#pragma once

// Sends what a node's recorder and counters hold to an OTLP receiver, on the node's own loop: HTTP/protobuf, one
// request at a time per signal, over one kept-alive connection.
//
// Rules
//  1. Nothing here delays the node: records wait in the recorder, which is bounded and drops the oldest; at most one
//     batch per signal is encoded or in flight; a slow or silent receiver costs one timeout at a time.
//  2. An idle node does not wake for the exporter: a batch timer runs only while something waits (schedule delay), and
//     metrics have their own interval.
//  3. Retry: on a transport error, 429, 502, 503 and 504 with exponential backoff and jitter from kRetryFirst to
//     kRetryMax, honouring Retry-After; other answers drop the batch, counted by cause (OTLP 1.x, "Failures").
//  4. stop() sends what waits, then the last metrics, and is over after `limit` at the latest, whatever the receiver
//     does.

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
    static constexpr base::Duration kRetryFirst = std::chrono::seconds(1);
    static constexpr base::Duration kRetryMax = std::chrono::seconds(30);

    using Collect = std::function<std::vector<telemetry::Metric>()>;

    // `runtime` and `recorder` outlive the exporter. `collect` is called once per metric interval.
    Exporter(Runtime& runtime, const ExportConfig& config, telemetry::Resource resource, telemetry::Recorder& recorder,
             Collect collect);
    ~Exporter();
    Exporter(const Exporter&) = delete;
    Exporter& operator=(const Exporter&) = delete;

    // Something may have been recorded: starts the batch timer if it does not run. Cheap; called once a turn.
    void poke();
    // Rule 4. `done` is called once, in a later turn.
    void stop(base::Duration limit, std::function<void()> done);

    // "export.spans_sent", "export.batches_failed", "export.retries", "export.dropped_refused" and so on.
    [[nodiscard]] std::vector<stack::Figure> figures() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace grapevine::io
