#include "apps/grapevine/cluster.hpp"

#include <algorithm>

#include "apps/grapevine/mesh_options.hpp"
#include "grapevine/node_main_flags.hpp"
#include "node/mesh_fabric.hpp"

namespace grapevine::apps {
namespace {

std::string mesh_name(std::size_t mesh) {
    return "mesh" + std::to_string(mesh + 1);
}

}  // namespace

std::size_t ClusterSpec::nodes_per_mesh() const {
    std::size_t total = 0;
    for (const TypeCount& type : per_mesh) {
        total += type.count;
    }
    return total;
}

Cluster::Cluster(io::Runtime& runtime, ClusterSpec spec, Listener listener)
    : runtime_(runtime), spec_(std::move(spec)), listener_(std::move(listener)) {
    supervisor_ = std::make_unique<Supervisor>(
        runtime_, spec_.programs, [this](const Child& child, Supervisor::Event event) { on_child(child, event); });
}

Cluster::~Cluster() {
    stopping_ = true;
}

base::Status Cluster::boot() {
    for (std::size_t mesh = 0; mesh < spec_.meshes; ++mesh) {
        if (auto started = start_first(mesh); !started) {
            return started;
        }
    }
    return {};
}

base::Status Cluster::start_first(std::size_t mesh) {
    return start({mesh_name(mesh), spec_.per_mesh.front().type, 1, {}});
}

base::Status Cluster::start_others(const Child& first) {
    const std::vector<std::string> seeds{first.ticket};
    const std::string& mesh = first.spec.mesh;
    bool is_first = true;
    for (const TypeCount& type : spec_.per_mesh) {
        for (std::size_t number = 1; number <= type.count; ++number) {
            if (std::exchange(is_first, false)) {
                continue;
            }
            if (auto started = start({mesh, type.type, number, seeds}); !started) {
                return started;
            }
        }
    }
    return {};
}

bool Cluster::waits_for_seed(const Start& wanted) const {
    return wanted.type == node::kGatewayType && wanted.mesh != mesh_name(0) && fabric_seed_.empty();
}

base::Status Cluster::start(const Start& wanted) {
    if (waits_for_seed(wanted)) {
        waiting_.push_back(wanted);
        return {};
    }
    NodeSpec node;
    node.mesh = wanted.mesh;
    node.type = wanted.type;
    node.seeds = wanted.seeds;
    if (wanted.type == node::kGatewayType && wanted.mesh != mesh_name(0)) {
        node.fabric_seeds.push_back(fabric_seed_);
    }
    node.data_dir = spec_.root / node.mesh / (wanted.type + "-" + std::to_string(wanted.number));
    if (spec_.admission == Admission::closed) {
        if (auto admitted = admit(node); !admitted) {
            return admitted;
        }
    }
    const auto id = supervisor_->spawn(std::move(node));
    if (!id) {
        return tl::unexpected(id.error());
    }
    last_change_ = runtime_.now();
    members_.try_emplace(*id);
    return {};
}

base::Status Cluster::start_waiting_gateways(const Child& seed) {
    if (!fabric_seed_.empty() || seed.spec.mesh != mesh_name(0) || seed.spec.type != node::kGatewayType) {
        return {};
    }
    fabric_seed_ = seed.ticket;
    for (const Start& waiting : std::exchange(waiting_, {})) {
        if (auto started = start(waiting); !started) {
            return started;
        }
    }
    return {};
}

// The authority of the mesh is made once and found again by a later run in the same directory. The node's key is minted
// here, so that its ticket can be signed before it starts; the node then finds it.
base::Status Cluster::admit(NodeSpec& node) {
    auto authority = authorities_.find(node.mesh);
    if (authority == authorities_.end()) {
        const auto made = load_or_create_authority(spec_.root / (node.mesh + ".authority"), node.mesh);
        if (!made) {
            return tl::unexpected(made.error());
        }
        authority = authorities_.emplace(node.mesh, *made).first;
    }
    const auto ticket = admit_data_dir(authority->second, node.data_dir);
    if (!ticket) {
        return tl::unexpected(ticket.error());
    }
    node.authority = authority->second.key.id().hex();
    node.ticket = *ticket;
    return {};
}

void Cluster::on_child(const Child& child, Supervisor::Event event) {
    if (stopping_) {
        return;
    }
    event == Supervisor::Event::ready ? on_ready(child) : on_ended(child);
}

void Cluster::on_ready(const Child& child) {
    Member& member = members_[child.id];
    member.view = std::make_unique<NodeView>(runtime_, child.spec.data_dir, [this] { check(); });
    member.from = member.last = sample_process(child.pid, runtime_.now(), Detail::cheap);
    const bool others_started = std::exchange(mesh_started_[child.spec.mesh], true);
    listener_(Event::node_ready, &child);
    if (const auto started = start_waiting_gateways(child); !started) {
        fail(started.error());
        return;
    }
    if (others_started) {
        return;
    }
    if (const auto started = start_others(child); !started) {
        fail(started.error());
    }
}

void Cluster::on_ended(const Child& child) {
    members_[child.id] = {};
    last_change_ = runtime_.now();
    listener_(Event::node_ended, &child);
    if (!mesh_started_[child.spec.mesh]) {
        fail({base::ErrorCode::failed, child.spec.mesh + ": its first node ended before it was ready, " +
                                           describe_wait_status(child.wait_status) + "; see " +
                                           (child.spec.data_dir / "node.log").string()});
    } else if (spec_.on_death == OnDeath::respawn) {
        respawn_later(child.id);
    }
    check();
}

void Cluster::respawn_later(ChildId id) {
    runtime_.at(runtime_.now() + kRespawnDelay, base::Duration::zero(), [this, id] {
        const Child* child = supervisor_->find(id);
        if (stopping_ || child == nullptr || child->alive()) {
            return;
        }
        if (const auto restarted = supervisor_->restart_same_identity(id); !restarted) {
            respawn_later(id);
        }
        last_change_ = runtime_.now();
    });
}

void Cluster::fail(const base::Error& error) {
    cli::complain(error.message);
    listener_(Event::boot_failed, nullptr);
}

// A dead node counts as gone, so that the others can agree without it; one that is starting or stopping does not.
bool Cluster::agrees() const {
    if (members_.size() < planned()) {
        return false;
    }
    std::map<std::string, std::set<std::string>> running;
    for (const Child* child : supervisor_->children()) {
        if (child->state == ChildState::ready) {
            running[child->spec.mesh].insert(child->endpoint_id);
        } else if (child->alive()) {
            return false;
        }
    }
    for (const Child* child : supervisor_->children()) {
        if (!child->alive()) {
            continue;
        }
        const auto& view = members_.at(child->id).view;
        if (!view || !view->directory() || *view->directory() != running[child->spec.mesh]) {
            return false;
        }
    }
    return !running.empty();
}

void Cluster::check() {
    const bool now_agrees = agrees();
    if (now_agrees == converged()) {
        return;
    }
    if (now_agrees) {
        converged_at_ = runtime_.now();
        listener_(Event::converged, nullptr);
    } else {
        converged_at_.reset();
        listener_(Event::diverged, nullptr);
    }
}

base::Duration Cluster::converged_after() const {
    return converged_at_ ? *converged_at_ - last_change_ : base::Duration::zero();
}

const Child* Cluster::find_ready(const std::string& mesh, const std::string& type) const {
    for (const Child* child : supervisor_->children()) {
        if (child->state == ChildState::ready && child->spec.mesh == mesh && child->spec.type == type) {
            return child;
        }
    }
    return nullptr;
}

std::size_t Cluster::ready() const {
    const auto children = supervisor_->children();
    return static_cast<std::size_t>(std::count_if(
        children.begin(), children.end(), [](const Child* child) { return child->state == ChildState::ready; }));
}

std::vector<NodeRow> Cluster::sample(Detail detail) {
    std::vector<NodeRow> rows;
    for (const Child* child : supervisor_->children()) {
        rows.push_back(row(*child, members_[child->id], detail));
    }
    std::stable_sort(rows.begin(), rows.end(), [](const NodeRow& a, const NodeRow& b) {
        return a.mesh.size() != b.mesh.size() ? a.mesh.size() < b.mesh.size() : a.mesh < b.mesh;
    });
    return rows;
}

NodeRow Cluster::row(const Child& child, Member& member, Detail detail) {
    NodeRow out;
    out.name = child.name.empty() ? child.spec.mesh + "." + child.spec.data_dir.filename().string() : child.name;
    out.mesh = child.spec.mesh;
    out.type = child.spec.type;
    out.id = child.endpoint_id;
    out.pid = child.pid;
    out.data_dir = child.spec.data_dir.string();
    out.state = child.state;
    out.wait_status = child.wait_status;
    if (!child.alive()) {
        return out;
    }
    if (auto now = sample_process(child.pid, runtime_.now(), detail)) {
        now->pss_kib = now->pss_kib != 0 || !member.last ? now->pss_kib : member.last->pss_kib;
        member.from = member.from ? member.from : now;
        out.rates = rates_between(*member.from, *now);
        out.rss_kib = now->rss_kib;
        out.pss_kib = now->pss_kib;
        member.last = now;
    }
    if (member.view && member.view->directory()) {
        out.peers = member.view->neighbors().size();
        out.directory_size = member.view->directory()->size();
    }
    return out;
}

void Cluster::mark() {
    for (auto& [id, member] : members_) {
        const Child* child = supervisor_->find(id);
        if (child != nullptr && child->alive()) {
            member.from = sample_process(child->pid, runtime_.now(), Detail::cheap);
        }
    }
}

void Cluster::stop(std::function<void()> done) {
    stopping_ = true;
    for (auto& [id, member] : members_) {
        member.view.reset();
    }
    supervisor_->stop_all(std::move(done));
}

}  // namespace grapevine::apps
