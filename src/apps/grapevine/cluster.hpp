#pragma once

// Several meshes of real node processes: boots them, adds to them, follows every node's directory, and says when all
// agree.
//
// Rules:
// 1. A node enters its mesh by nodes of it that are ready. While there is none but one is coming, it waits; if none is
//    coming either, it starts as the seed of its mesh. So of a mesh that boots the first node starts alone, and all the
//    others at once as soon as it is ready.
// 2. A gateway enters the fabric likewise, by gateways of other meshes. Who waits for whom is decided by the order in
//    which nodes were added, so that no two wait for each other.
// 3. Seeds are chosen anew for each life: a node that comes again after the one that was its seed has moved finds its
//    mesh.
// 4. Converged: every node that should run is ready, and its directory holds exactly the ids of its own mesh's running
//    nodes; consoles, which only look, do not count. What ended or is wedged does not run, so that the others can agree
//    without it. The time to converge is counted from the last change to the set of processes: a start, an end, a wedge
//    or its end.
// 5. A mesh of the boot whose node ends before any was ready ends the boot, unless that was asked for.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apps/grapevine/node_view.hpp"
#include "apps/grapevine/process_stat.hpp"
#include "apps/grapevine/supervisor.hpp"
#include "apps/grapevine/supervisor_request.hpp"

namespace grapevine::apps {

enum class OnDeath : std::uint8_t { leave_dead, respawn };
// A closed mesh has an authority of its own, <root>/<mesh>.authority, and each of its nodes a ticket.
enum class Admission : std::uint8_t { open, closed };

struct ClusterSpec {
    std::size_t meshes = 2;
    std::vector<TypeCount> per_mesh;
    std::filesystem::path root;  // Data directories: <root>/<mesh>/<type>-<n>.
    std::filesystem::path programs;
    OnDeath on_death = OnDeath::leave_dead;
    Admission admission = Admission::open;

    [[nodiscard]] std::size_t nodes_per_mesh() const;
};

// One node as the table and the JSON object show it.
struct NodeRow {
    std::string name;  // "mesh1.broker-2" until it has said its own.
    std::string mesh;
    std::string type;
    std::string id;
    pid_t pid = 0;
    std::string data_dir;
    ChildState state = ChildState::starting;
    Wish wish = Wish::none;
    std::string end;  // How it ended.
    ProcessRates rates;
    std::uint64_t rss_kib = 0;
    std::uint64_t pss_kib = 0;
    std::size_t peers = 0;
    std::size_t directory_size = 0;
};

class Cluster {
public:
    static constexpr std::size_t kMeshesMax = 16;
    static constexpr std::size_t kSeedsMax = 3;    // Tickets a node gets of its mesh, and of the fabric.
    static constexpr std::size_t kVisitsMax = 16;  // Other meshes that a gateway of a closed one may visit.
    static constexpr base::Duration kRespawnDelay = std::chrono::seconds(1);

    // Of a node: started to ended. The others come without one.
    enum class Event : std::uint8_t {
        started,
        ready,
        stopping,
        wedged,
        resumed,
        ended,
        converged,
        diverged,
        boot_failed
    };
    using Listener = std::function<void(Event, const Child*)>;

    // Of the boot: 0 is "mesh1".
    static std::string mesh_name(std::size_t mesh);

    Cluster(io::Runtime& runtime, ClusterSpec spec, Listener listener);
    ~Cluster();

    base::Status boot();
    // One more node, started by start_waiting(). Error: exhausted.
    base::Result<ChildId> add(const std::string& mesh, const std::string& type, const Budgets& budgets);
    // Starts every waiting node that has nothing to wait for.
    void start_waiting();
    void stop(std::function<void()> done);
    [[nodiscard]] bool stopping() const { return stopping_; }

    // For what is done to single nodes, and for their logs.
    [[nodiscard]] Supervisor& nodes() { return *supervisor_; }
    [[nodiscard]] const Supervisor& nodes() const { return *supervisor_; }

    [[nodiscard]] bool converged() const { return converged_at_.has_value(); }
    // From the last change of processes to the moment all agreed.
    [[nodiscard]] base::Duration converged_after() const;
    [[nodiscard]] std::size_t ready() const;
    // Nodes that should run: all but those that were asked to end; and their meshes.
    [[nodiscard]] std::size_t planned() const;
    [[nodiscard]] std::size_t meshes() const;
    [[nodiscard]] const ClusterSpec& spec() const { return spec_; }
    // The first node of a type in a mesh that is ready.
    [[nodiscard]] const Child* find_ready(const std::string& mesh, const std::string& type) const;

    // Rates since the last mark(); the row's PSS only with Detail::with_pss.
    std::vector<NodeRow> sample(Detail detail);
    // Rates count from here on.
    void mark();

private:
    struct Member {
        std::unique_ptr<NodeView> view;
        std::optional<ProcessSample> from;
        std::optional<ProcessSample> last;
    };

    // cluster_seeds.cpp
    [[nodiscard]] std::filesystem::path free_data_dir(const std::string& mesh, const std::string& type) const;
    [[nodiscard]] std::optional<Seeds> seeds_for(const Child& child) const;
    base::Status admit(const Child& child);
    base::Status admit_visits(const Child& child, std::vector<std::filesystem::path>& tickets);

    void on_child(const Child& child, Supervisor::Event event);
    void on_ready(const Child& child);
    void on_ended(const Child& child);
    void changed();
    void respawn_later(ChildId id);
    void check();
    [[nodiscard]] bool agrees() const;
    [[nodiscard]] NodeRow row(const Child& child, Member& member, Detail detail);

    io::Runtime& runtime_;
    ClusterSpec spec_;
    Listener listener_;
    std::map<ChildId, Member> members_;
    std::set<std::string> booting_;  // Meshes of the boot of which no node was ready yet.
    base::TimePoint last_change_{};
    std::optional<base::TimePoint> converged_at_;
    bool stopping_ = false;
    std::unique_ptr<Supervisor> supervisor_;  // Last: it may call back until it is gone.
};

}  // namespace grapevine::apps
