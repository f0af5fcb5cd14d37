// Alerts: derived from the rows, and gone with their cause.

#include <algorithm>

#include "console/world.hpp"

namespace grapevine::console {

void World::set_alert(const std::string& kind, const std::string& subject, Severity severity, const std::string& text,
                      const Moment& at) {
    const std::string id = kind + ":" + subject;
    const AlertRow* known = alerts_.find(id);
    if (known == nullptr && alerts_.size() >= kAlertsMax) {
        ++counters_.alerts_refused;
        return;
    }
    AlertRow row{severity, kind, subject, text, known != nullptr ? known->since_unix_ms : at.wall.unix_ms};
    if (known == nullptr || *known != row) {
        alerts_.change(id, next()) = std::move(row);
    }
}

void World::clear_alert(const std::string& kind, const std::string& subject) {
    const std::string id = kind + ":" + subject;
    if (alerts_.find(id) != nullptr) {
        alerts_.erase(id, next());
    }
}

// All that is to be said of one node; null: it is not shown any more.
void World::judge(const Id& id, const NodeRow* row, const Moment& at) {
    const std::string subject = id.hex();
    const auto say = [&](bool holds, const char* kind, Severity severity, const std::string& text) {
        if (holds) {
            set_alert(kind, subject, severity, text, at);
        } else {
            clear_alert(kind, subject);
        }
    };
    const NodeRow none;
    const NodeRow& node = row != nullptr ? *row : none;
    const Load& load = node.digest.load;
    const std::string& name = node.digest.name;
    const bool runs = node.state == NodeState::member || node.state == NodeState::suspected;
    say(node.state == NodeState::suspected, "node_suspected", Severity::warning,
        name + " is suspected by " + std::to_string(node.suspected_by.size()));
    say(row != nullptr && node.state == NodeState::dead, "node_dead", Severity::critical, name + " died");
    say(node.process == ProcessState::wedged, "process_wedged", Severity::warning, name + " is stopped (SIGSTOP)");
    say(runs && load.cpu_budget_millicores > 0 && load.cpu_millicores > load.cpu_budget_millicores, "cpu_budget",
        Severity::warning,
        name + " uses " + std::to_string(load.cpu_millicores) + " millicores of " +
            std::to_string(load.cpu_budget_millicores));
    say(runs && load.memory_budget_kib > 0 && load.memory_kib > load.memory_budget_kib, "memory_budget",
        Severity::warning,
        name + " uses " + std::to_string(load.memory_kib) + " KiB of " + std::to_string(load.memory_budget_kib));
}

void World::check_splits(const Moment& at) {
    split_checked_ = at.now;
    for (const auto& [mesh, since] : std::exchange(split_dirty_, {})) {
        check_split(mesh, since);
    }
    for (const auto& [mesh, since] : std::map(differ_since_)) {
        const MeshRow* row = meshes_.find(mesh);
        if (row == nullptr || row->split || since + kSplitAfter > at.now) {
            continue;
        }
        MeshRow split = *row;
        split.split = true;
        put_mesh(mesh, split);
        set_alert("mesh_split", mesh, Severity::critical,
                  mesh + ": its nodes have disagreed about who is in it for " +
                      std::to_string(kSplitAfter / std::chrono::seconds(1)) + " s",
                  at);
    }
}

void World::check_split(const std::string& mesh, base::TimePoint since) {
    const View* first = nullptr;
    bool differ = false;
    for (const auto& [id, view] : views_) {
        if (!view.known || view.mesh != mesh) {
            continue;
        }
        if (first == nullptr) {
            first = &view;
            continue;
        }
        differ = differ || first->members.size() != view.members.size() ||
                 !std::equal(first->members.begin(), first->members.end(), view.members.begin(),
                             [](const auto& a, const auto& b) { return a.first == b.first; });
    }
    if (differ) {
        differ_since_.emplace(mesh, since);
        return;
    }
    differ_since_.erase(mesh);
    clear_alert("mesh_split", mesh);
    if (const MeshRow* row = meshes_.find(mesh); row != nullptr && row->split) {
        MeshRow whole = *row;
        whole.split = false;
        put_mesh(mesh, whole);
    }
}

}  // namespace grapevine::console
