// Links: who says them, who is eager on them, and flows of messages between meshes.

#include <algorithm>
#include <numeric>

#include "console/world.hpp"

namespace grapevine::console {
namespace {

constexpr double kFlowSeconds = 60;

LinkId link_of(const base::EndpointId& one, const base::EndpointId& other, LinkKind kind) {
    return one < other ? LinkId{one, other, kind} : LinkId{other, one, kind};
}

}  // namespace

bool World::drawn(const Id& id) const {
    const NodeRow* row = nodes_.find(id);
    if (row == nullptr) {
        return false;
    }
    return row->state == NodeState::member || row->state == NodeState::suspected ||
           (row->state == NodeState::unknown && !mesh_known(row->digest.mesh));
}

bool World::says(const Id& id, const Id& other) const {
    const auto it = infos_.find(id);
    return it != infos_.end() && std::binary_search(it->second.said.begin(), it->second.said.end(), other);
}

// Rule 3: what the node says now, against what it said before.
void World::relink(const Id& id, const Moment& at) {
    const NodeRow* row = nodes_.find(id);
    if (row == nullptr) {
        return;
    }
    std::vector<Id> says_now;
    const auto view = views_.find(id);
    if (view != views_.end() && view->second.neighbors) {
        for (const auto& [other, eager] : *view->second.neighbors) {
            says_now.push_back(other);
        }
    } else if (row->digest.sequence > infos_[id].ended_with) {
        says_now = row->digest.neighbors;
    }
    std::erase(says_now, id);
    std::sort(says_now.begin(), says_now.end());
    says_now.erase(std::unique(says_now.begin(), says_now.end()), says_now.end());
    const std::vector<Id> before = std::exchange(infos_[id].said, says_now);
    std::vector<Id> touched;
    std::set_union(before.begin(), before.end(), says_now.begin(), says_now.end(), std::back_inserter(touched));
    for (const Id& other : touched) {
        update_link(id, other, at);
    }
}

// Those of nodes that are drawn now and were not, or the other way round; others may name them that they do not.
void World::settle_links(const Moment& at) {
    if (redrawn_.empty()) {
        return;
    }
    const std::set<Id> redrawn = std::exchange(redrawn_, {});
    std::vector<std::pair<Id, Id>> touched;
    for (const auto& [id, info] : infos_) {
        const bool all = redrawn.contains(id);
        for (const Id& other : info.said) {
            if (all || redrawn.contains(other)) {
                touched.emplace_back(id, other);
            }
        }
    }
    for (const auto& [one, other] : touched) {
        update_link(one, other, at);
    }
}

void World::update_link(const Id& one, const Id& other, const Moment& at) {
    const LinkId id = link_of(one, other, LinkKind::overlay);
    const bool a = says(id.a, id.b);
    const bool b = says(id.b, id.a);
    if ((!a && !b) || !drawn(id.a) || !drawn(id.b)) {
        put_link(id, std::nullopt, at);
        return;
    }
    LinkRow row;
    row.mesh = nodes_.find(id.a)->digest.mesh;
    row.said_by = a && b ? Ends::both : a ? Ends::a : Ends::b;
    row.eager = eager_of(id);
    put_link(id, row, at);
}

Eager World::eager_of(const LinkId& link) const {
    const auto a = views_.find(link.a);
    const auto b = views_.find(link.b);
    if (a == views_.end() || b == views_.end() || !a->second.neighbors || !b->second.neighbors) {
        return Eager::unknown;
    }
    const auto eager = [](const std::map<Id, bool>& neighbors, const Id& id) {
        const auto it = neighbors.find(id);
        return it != neighbors.end() && it->second;
    };
    const bool of_a = eager(*a->second.neighbors, link.b);
    const bool of_b = eager(*b->second.neighbors, link.a);
    return of_a && of_b ? Eager::both : of_a ? Eager::a : of_b ? Eager::b : Eager::neither;
}

void World::put_link(const LinkId& id, const std::optional<LinkRow>& row, const Moment& at) {
    const LinkRow* known = links_.find(id);
    if (!row) {
        if (known != nullptr) {
            past_.replaced(id, *known, at.wall);
            ++counters_.changes;
            links_.erase(id, next());
        }
        return;
    }
    if (known != nullptr && *known == *row) {
        return;
    }
    const bool only_rate = known != nullptr && id.kind == LinkKind::delivery;
    if (!only_rate) {
        past_.replaced(id, known != nullptr ? std::optional(*known) : std::nullopt, at.wall);
    }
    ++counters_.changes;
    links_.change(id, next()) = *row;
}

void World::on_neighbors(base::EndpointId viewer, std::span<const NeighborFact> neighbors, const Moment& at) {
    const auto it = views_.find(viewer);
    if (it == views_.end()) {
        return;
    }
    std::map<Id, bool> all;
    for (const NeighborFact& neighbor : neighbors.first(std::min(neighbors.size(), kNeighborsMax))) {
        all.emplace(neighbor.id, neighbor.eager);
    }
    if (it->second.neighbors == all) {
        return;
    }
    it->second.neighbors = std::move(all);
    refresh(viewer, at);
    relink(viewer, at);
    settle_links(at);
}

// Only of what passes from one mesh to another (LinkKind::delivery).
void World::count_flow(const Id& from, const Id& to, const Moment& at) {
    const NodeRow* sender = nodes_.find(from);
    const NodeRow* receiver = nodes_.find(to);
    if (sender == nullptr || receiver == nullptr || sender->digest.mesh == receiver->digest.mesh) {
        return;
    }
    const LinkId id = link_of(from, to, LinkKind::delivery);
    auto it = flows_.find(id);
    if (it == flows_.end()) {
        if (flows_.size() >= kFlowsMax) {
            ++counters_.flows_refused;
            return;
        }
        it = flows_.emplace(id, Flow{}).first;
        put_link(id, LinkRow{nodes_.find(id.a)->digest.mesh, Ends::none, Eager::unknown, 1 / kFlowSeconds}, at);
    }
    ++it->second.steps.back();
    flows_step_ = flows_step_.value_or(at.now);
}

void World::step_flows(const Moment& at) {
    while (flows_step_ && *flows_step_ + kFlowStep <= at.now) {
        *flows_step_ += kFlowStep;
        for (auto it = flows_.begin(); it != flows_.end();) {
            auto& steps = it->second.steps;
            const double count = std::accumulate(steps.begin(), steps.end(), 0.0);
            std::rotate(steps.begin(), steps.begin() + 1, steps.end());
            steps.back() = 0;
            if (count == 0) {
                put_link(it->first, std::nullopt, at);
                it = flows_.erase(it);
                continue;
            }
            const LinkRow* row = links_.find(it->first);
            LinkRow changed = row != nullptr ? *row : LinkRow{};
            changed.rate = count / kFlowSeconds;
            put_link(it->first, changed, at);
            ++it;
        }
        if (flows_.empty()) {
            flows_step_.reset();
        }
    }
}

}  // namespace grapevine::console
