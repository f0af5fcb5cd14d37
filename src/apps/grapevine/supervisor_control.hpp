#pragma once

// The supervisor's socket, supervisor.sock in the run directory: the operations of docs/supervisor.md on a cluster.
//
// Manners and limits are those of a node's control socket (io/control_server.hpp). While it listens it is registered
// (io/supervisor_registry.hpp). Nothing from outside becomes a path, an environment or an argument: of a request only
// names that passed wire::parse_name and the list of types, and numbers, reach a NodeSpec.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/grapevine/child_lookup.hpp"
#include "apps/grapevine/cluster.hpp"
#include "apps/grapevine/log_tail.hpp"
#include "apps/grapevine/supervisor_jobs.hpp"
#include "apps/grapevine/supervisor_request.hpp"
#include "base/result.hpp"
#include "io/control_server.hpp"
#include "io/runtime.hpp"
#include "io/supervisor_registry.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::apps {

class SupervisorControl : public io::LineHandler {
public:
    // `runtime` and `cluster` outlive this; its root is the run directory. Error: the socket cannot be made.
    static base::Result<std::unique_ptr<SupervisorControl>> start(io::Runtime& runtime, Cluster& cluster);
    ~SupervisorControl() override;

    base::Status on_line(io::ClientId client, std::string_view line) override;
    void on_gone(io::ClientId client) override;
    // Every event of the cluster passes through here.
    void on_event(Cluster::Event event, const Child* child);

private:
    SupervisorControl(io::Runtime& runtime, Cluster& cluster);
    base::Status begin();
    void enter_registry();
    base::Status carry_out(io::ClientId client, const SpawnRequest& wanted);
    base::Status carry_out(io::ClientId client, const ActionRequest& wanted);
    base::Status carry_out(io::ClientId client, const BootstrapRequest& wanted);
    base::Status carry_out(io::ClientId client, const LogsRequest& wanted);
    base::Status act(io::ClientId client, const Child& child, Action action);
    [[nodiscard]] base::Status check_place(const std::string& mesh, const std::string& type) const;
    [[nodiscard]] base::Status check_room(std::size_t count) const;
    [[nodiscard]] base::Result<const Child*> find(const std::string& name, Among among) const;

    io::Runtime& runtime_;
    Cluster& cluster_;
    std::vector<std::string> types_;
    telemetry::Ledger ledger_;
    std::optional<io::SupervisorRegistry> registry_;
    SupervisorJobs jobs_;
    LogFollowers followers_;
    std::unique_ptr<io::ControlServer> server_;
};

}  // namespace grapevine::apps
