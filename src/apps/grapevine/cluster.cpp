#include "apps/grapevine/cluster.hpp"

#include <algorithm>

#include "grapevine/node_main_flags.hpp"

namespace grapevine::apps {

std::string Cluster::mesh_name(std::size_t mesh) {
    return "mesh" + std::to_string(mesh + 1);
}

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
        booting_.insert(mesh_name(mesh));
        for (const TypeCount& type : spec_.per_mesh) {
            for (std::size_t number = 1; number <= type.count; ++number) {
                if (const auto added = add(mesh_name(mesh), type.type, {}); !added) {
                    return tl::unexpected(added.error());
                }
            }
        }
    }
    start_waiting();
    return {};
}

void Cluster::on_child(const Child& child, Supervisor::Event event) {
    if (stopping_) {
        return;
    }
    switch (event) {
        case Supervisor::Event::waits: start_waiting(); break;
        case Supervisor::Event::started:
            changed();
            listener_(Event::started, &child);
            break;
        case Supervisor::Event::ready: on_ready(child); break;
        case Supervisor::Event::stopping: listener_(Event::stopping, &child); break;
        case Supervisor::Event::wedged:
            changed();
            listener_(Event::wedged, &child);
            break;
        case Supervisor::Event::resumed:
            changed();
            listener_(Event::resumed, &child);
            start_waiting();
            break;
        case Supervisor::Event::ended: on_ended(child); break;
    }
    check();
}

void Cluster::changed() {
    last_change_ = runtime_.now();
    // Agreement is judged anew from here: that of the set before says nothing of this one.
    if (converged_at_) {
        converged_at_.reset();
        listener_(Event::diverged, nullptr);
    }
}

void Cluster::on_ready(const Child& child) {
    Member& member = members_[child.id];
    member.view = std::make_unique<NodeView>(runtime_, child.spec.data_dir, [this] { check(); });
    member.from = member.last = sample_process(child.pid, runtime_.now(), Detail::cheap);
    booting_.erase(child.spec.mesh);
    listener_(Event::ready, &child);
    start_waiting();
}

void Cluster::on_ended(const Child& child) {
    std::erase_if(members_, [this](const auto& item) { return supervisor_->find(item.first) == nullptr; });
    members_[child.id] = {};
    changed();
    listener_(Event::ended, &child);
    if (child.wish == Wish::none && booting_.contains(child.spec.mesh)) {
        cli::complain(child.spec.mesh + ": its first node ended before it was ready, " + describe_end(child) +
                      "; see " + (child.spec.data_dir / "node.log").string());
        listener_(Event::boot_failed, nullptr);
        return;
    }
    if (child.wish == Wish::none && spec_.on_death == OnDeath::respawn) {
        respawn_later(child.id);
    }
    start_waiting();
}

void Cluster::respawn_later(ChildId id) {
    runtime_.at(runtime_.now() + kRespawnDelay, base::Duration::zero(), [this, id] {
        const Child* child = supervisor_->find(id);
        if (!stopping_ && child != nullptr && !child->alive() && !child->asked_to_end()) {
            supervisor_->come_again(id);
        }
    });
}

bool Cluster::agrees() const {
    std::map<std::string, std::set<std::string>> running;
    const auto children = supervisor_->children();
    for (const Child* child : children) {
        switch (child->state) {
            case ChildState::ready:
                if (child->spec.type != kObserverType) {
                    running[child->spec.mesh].insert(child->endpoint_id);
                }
                break;
            case ChildState::wedged:
            case ChildState::ended: break;
            case ChildState::waiting:
            case ChildState::starting:
            case ChildState::stopping: return false;
        }
    }
    for (const Child* child : children) {
        if (child->state != ChildState::ready) {
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
    if (stopping_ || now_agrees == converged()) {
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

std::size_t Cluster::planned() const {
    const auto children = supervisor_->children();
    return static_cast<std::size_t>(std::count_if(
        children.begin(), children.end(), [](const Child* child) { return child->alive() || !child->asked_to_end(); }));
}

std::size_t Cluster::meshes() const {
    std::set<std::string> names;
    for (const Child* child : supervisor_->children()) {
        if (child->alive() || !child->asked_to_end()) {
            names.insert(child->spec.mesh);
        }
    }
    return names.size();
}

void Cluster::stop(std::function<void()> done) {
    stopping_ = true;
    for (auto& [id, member] : members_) {
        member.view.reset();
    }
    supervisor_->stop_all(std::move(done));
}

}  // namespace grapevine::apps
