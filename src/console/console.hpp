#pragma once

// The console's server: the collector, and on its port the world, its changes, the actions and the pages.
//
// It owns no process. What it shows comes in by input(), which the feed of the nodes that run here (feed.hpp) fills
// too, once start_feed() was called. Its state is kept in the collector's directory: the timeline in the store, the
// audit log beside it.

#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "console/collector.hpp"
#include "console/guard.hpp"
#include "console/mesh_watcher.hpp"
#include "console/static_files.hpp"
#include "console/supervisor_client.hpp"
#include "console/tls_session.hpp"
#include "console/world_input.hpp"
#include "io/runtime.hpp"

namespace grapevine::console {

struct ConsoleConfig {
    CollectorConfig collector;
    Access access = Access::full;
    std::string token;
    std::string fabric = "default";
    std::string jaeger;                     // Base URL of a Jaeger with the same traces, for links there; empty: none.
    std::unique_ptr<TlsIdentity> identity;  // Needed on another address than loopback.
    std::vector<std::string> hosts;         // Guard's, rule 1.
    StaticFiles pages = StaticFiles::absent("the pages are not here");
};

class Console {
public:
    static constexpr base::Duration kFlushAfter = std::chrono::milliseconds(200);
    static constexpr base::Duration kFlushAgain = std::chrono::seconds(5);  // After the store refused.

    // Opens the store and listens. `runtime` and `supervisor` outlive it. Errors: another address than loopback without
    // TLS or without a token; as Collector::start().
    static base::Result<std::unique_ptr<Console>> start(io::Runtime& runtime, ConsoleConfig config,
                                                        SupervisorClient& supervisor);
    // Keeps what it knows and closes all.
    ~Console();
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;

    // Follows the nodes that run here, and tells of which meshes they are, also when they are others. Error: the
    // registry cannot be watched.
    using MeshesHere = std::function<void(const std::set<std::string>& meshes)>;
    base::Status start_feed(MeshesHere meshes = {});
    // The console has a node of its own, until lose_own(): meshes of which none runs here are watched by `watcher`.
    // Without they are unknown. After start_feed().
    void set_own(const base::EndpointId& self, MeshWatcher& watcher);
    void lose_own();
    // Whoever puts something in calls changed() afterwards.
    [[nodiscard]] WorldInput& input();
    void changed();
    [[nodiscard]] Moment moment() const;

    [[nodiscard]] const CollectorRecord& record() const;

private:
    class Impl;
    explicit Console(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace grapevine::console
