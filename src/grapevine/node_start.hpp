#pragma once

// How a node starts, step by step, and the boot trace of it: the root mesh.node.ready with one child a step, each
// wrapping the work that it names and beginning where the one before it ended. The root begins when the program says
// that it began, else with the first step, and ends when the node is announced.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include <grapevine/node.hpp>

#include "base/ed25519.hpp"
#include "base/result.hpp"
#include "io/data_dir.hpp"
#include "io/host.hpp"
#include "io/node_telemetry.hpp"
#include "telemetry/steps.hpp"

namespace grapevine {

class NodeStart {
public:
    using Instant = std::chrono::steady_clock::time_point;
    // What the program did before it came here.
    struct Before {
        Instant began;
        Instant settings_loaded;
    };
    // Called with the node while the root is still open: prints the ready line. False: it failed.
    using Announce = std::function<bool(const Node&)>;

    // `options` outlives the start.
    NodeStart(Loop& loop, const NodeOptions& options, const std::optional<Before>& before);
    ~NodeStart();
    NodeStart(const NodeStart&) = delete;
    NodeStart& operator=(const NodeStart&) = delete;
    // Once. Busy where another process holds the data directory.
    Result<std::unique_ptr<Node>> run(const Announce& announce);

private:
    base::Status open_identity();
    base::Status create();
    base::Status publish();
    Result<std::unique_ptr<Node>> finish(const Announce& announce);
    [[nodiscard]] std::uint64_t unix_ns(Instant instant) const;
    base::Status fail_step(telemetry::OpenSpan step, base::Error error);
    [[nodiscard]] telemetry::Resource resource() const;
    void describe_root();

    Loop& loop_;
    const NodeOptions& options_;
    std::unique_ptr<io::NodeTelemetry> telemetry_;
    telemetry::Recorder& recorder_;
    telemetry::OpenSpan root_;
    telemetry::Steps steps_;
    std::optional<io::DataDir> data_dir_;
    std::optional<base::SecretKey> key_;
    std::unique_ptr<Endpoint::Impl> impl_;
};

}  // namespace grapevine
