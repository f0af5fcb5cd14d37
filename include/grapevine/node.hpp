#pragma once

/// A mesh node: an Endpoint that belongs to exactly one mesh, finds the others, and keeps a signed directory of them.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "grapevine/endpoint.hpp"

namespace grapevine {

struct NodeOptions {
    std::string mesh{};                ///< Mandatory. [a-z0-9][a-z0-9-]{0,62}
    std::string type{};                ///< Mandatory. The same rule.
    std::vector<std::string> seeds{};  ///< Tickets, or "<64 hex>@<ip:port>". Tried for ever.
    std::vector<std::string> bind{};   ///< As EndpointOptions::bind.
    std::filesystem::path data_dir{};  ///< Identity, control socket and lock; made 0700. Empty: nothing is kept.
    std::vector<std::string> alpns{};  ///< Own protocols served besides the mesh's.
    std::chrono::milliseconds gossip_interval{2000};  ///< Least time between change-driven digests.
    std::chrono::milliseconds staleness{30000};       ///< A node not heard of for this long is dropped.
    std::uint32_t cpu_budget_millicores = 0;          ///< Stated in the digest; 0 states none.
    std::uint32_t memory_budget_kib = 0;
    /// For tests: this node's wall clock, as its telemetry and its digests show it, is so far ahead. Nothing depends on
    /// it.
    std::chrono::milliseconds clock_offset{0};
};

/// One row of the directory: a node as this node knows it.
struct DirectoryEntry {
    std::string name;  ///< "<mesh>.<type>.<6 hex or more>"
    std::string id;
    std::string mesh;
    std::string type;
    std::vector<std::string> addresses;
    std::vector<std::string> neighbors;  ///< Ids of its overlay neighbours.
    std::uint32_t cpu_millicores = 0;
    std::uint32_t memory_kib = 0;
    std::uint64_t sequence = 0;
    std::uint64_t started_unix_ms = 0;      ///< By its own clock; for display.
    std::chrono::milliseconds age{0};       ///< Since its newest digest came in, on this node's monotonic clock.
    std::string known_via;                  ///< "self", "gossip" or "sync".
    std::vector<std::string> suspected_by;  ///< Names or ids of its accusers, while it is under suspicion.
};

struct NodeEvent {
    enum class Kind { joined, updated, left, died, stale, suspected, refuted, neighbor_up, neighbor_down, seed_retry };
    Kind kind = Kind::joined;
    std::string id;
    std::string name;
    std::string detail;  ///< Accusers, reason, delay: one line for people.
};

class NodeStart;

class Node : public Endpoint {
public:
    /// Locks the data directory, loads or mints the identity, binds, and starts looking for the mesh.
    static Result<std::unique_ptr<Node>> start(Loop& loop, const NodeOptions& options);
    ~Node() override;

    [[nodiscard]] std::string name() const;
    [[nodiscard]] std::vector<DirectoryEntry> directory() const;
    /// A name of this mesh or 64 hex characters, to an id.
    [[nodiscard]] Result<std::string> resolve(std::string_view name) const;
    void on_event(std::function<void(const NodeEvent&)> listener);
    /// Called when somebody asks the node to stop through its control socket. Without a handler the process gets
    /// SIGTERM.
    void on_stop_request(std::function<void()> handler);
    /// One round trip to the mesh service of a node; `done` gets the time or the error, once.
    void ping(std::string_view name, std::function<void(Result<std::chrono::nanoseconds>)> done);

private:
    friend class NodeStart;
    explicit Node(std::unique_ptr<Impl> impl);
};

/// The main function of a node type: flags, environment (MESH_*) and file as in `--help`, signals, the `ready` line on
/// stdout, graceful leave on SIGTERM. Returns the exit code.
struct NodePreset {
    std::string type;
    std::uint32_t cpu_budget_millicores = 0;
    std::uint32_t memory_budget_kib = 0;
};
int node_main(const NodePreset& preset, int argc, char** argv);

}  // namespace grapevine
