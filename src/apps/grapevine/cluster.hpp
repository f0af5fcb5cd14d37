#pragma once

// Several meshes of real node processes: boots them, follows every node's directory, and says when all agree.
//
// Boot: the first node of each mesh alone; as soon as it is ready, all the others of its mesh at once, seeded by its
// ticket. The first gateway of the first mesh is the fabric's seed: gateways of the other meshes start once it is
// ready, so that names of every mesh can be resolved. Converged: every node that should run is ready, and its directory
// holds exactly the ids of its own mesh's running nodes. The time to converge is counted from the last change to the
// set of processes: the last start at boot, or later an end.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/grapevine/node_view.hpp"
#include "apps/grapevine/process_stat.hpp"
#include "apps/grapevine/supervisor.hpp"
#include "io/authority_file.hpp"

namespace grapevine::apps {

struct TypeCount {
    std::string type;
    std::size_t count = 0;
};

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
    int wait_status = 0;
    ProcessRates rates;
    std::uint64_t rss_kib = 0;
    std::uint64_t pss_kib = 0;
    std::size_t peers = 0;
    std::size_t directory_size = 0;
};

class Cluster {
public:
    static constexpr std::size_t kMeshesMax = 16;
    static constexpr base::Duration kRespawnDelay = std::chrono::seconds(1);

    enum class Event : std::uint8_t { node_ready, node_ended, converged, diverged, boot_failed };
    using Listener = std::function<void(Event, const Child*)>;

    Cluster(io::Runtime& runtime, ClusterSpec spec, Listener listener);
    ~Cluster();

    base::Status boot();
    void stop(std::function<void()> done);

    [[nodiscard]] bool converged() const { return converged_at_.has_value(); }
    // From the last change of processes to the moment all agreed.
    [[nodiscard]] base::Duration converged_after() const;
    [[nodiscard]] std::size_t started() const { return members_.size(); }
    [[nodiscard]] std::size_t ready() const;
    [[nodiscard]] std::size_t planned() const { return spec_.meshes * spec_.nodes_per_mesh(); }
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

    base::Status start_first(std::size_t mesh);
    base::Status start_others(const Child& first);
    base::Status start_waiting_gateways(const Child& seed);
    struct Start {
        std::string mesh;
        std::string type;
        std::size_t number = 1;
        std::vector<std::string> seeds;
    };
    base::Status start(const Start& wanted);
    [[nodiscard]] bool waits_for_seed(const Start& wanted) const;
    base::Status admit(NodeSpec& node);
    void on_child(const Child& child, Supervisor::Event event);
    void on_ready(const Child& child);
    void on_ended(const Child& child);
    void respawn_later(ChildId id);
    void check();
    [[nodiscard]] bool agrees() const;
    [[nodiscard]] NodeRow row(const Child& child, Member& member, Detail detail);
    void fail(const base::Error& error);

    io::Runtime& runtime_;
    ClusterSpec spec_;
    Listener listener_;
    std::map<ChildId, Member> members_;
    std::map<std::string, bool> mesh_started_;          // Whether the others of the mesh were started.
    std::string fabric_seed_;                           // A ticket; empty until it is ready.
    std::vector<Start> waiting_;                        // For the fabric's seed.
    std::map<std::string, io::Authority> authorities_;  // By mesh; of closed ones.
    base::TimePoint last_change_{};
    std::optional<base::TimePoint> converged_at_;
    bool stopping_ = false;
    std::unique_ptr<Supervisor> supervisor_;  // Last: it may call back until it is gone.
};

}  // namespace grapevine::apps
