// How a node of a cluster is added and finds its mesh: its directory, its seeds, its ticket.

#include <set>
#include <utility>
#include <vector>

#include "apps/grapevine/cluster.hpp"
#include "apps/grapevine/mesh_options.hpp"
#include "io/authority_file.hpp"
#include "node/mesh_fabric.hpp"

namespace grapevine::apps {
namespace {

bool is_gateway(const Child& child) {
    return child.spec.type == node::kGatewayType;
}

// Of those that `child` may be seeded by: the tickets of the ready ones and of those that are wedged, and whether it
// should wait for one that comes. A seed is tried for ever, so that a wedged one is better than none.
struct Candidates {
    std::vector<std::string> ready, wedged;
    bool one_comes = false;

    [[nodiscard]] bool worth_waiting() const { return ready.empty() && one_comes; }
    [[nodiscard]] std::vector<std::string> tickets() && { return std::move(ready.empty() ? wedged : ready); }
};

void keep(std::vector<std::string>& tickets, const Child& child) {
    if (tickets.size() < Cluster::kSeedsMax) {
        tickets.push_back(child.ticket);
    }
}

template <typename Fits>
Candidates candidates(const std::vector<const Child*>& children, const Child& child, Fits fits) {
    Candidates out;
    for (const Child* other : children) {
        if (other->id == child.id || !fits(*other)) {
            continue;
        }
        if (other->state == ChildState::ready || other->state == ChildState::wedged) {
            keep(other->state == ChildState::ready ? out.ready : out.wedged, *other);
        }
        const bool before = other->state == ChildState::waiting && other->id < child.id;
        out.one_comes = out.one_comes || before || other->state == ChildState::starting;
    }
    return out;
}

}  // namespace

// Numbers count from 1 among the children that are known, so that a directory that is kept is used again.
std::filesystem::path Cluster::free_data_dir(const std::string& mesh, const std::string& type) const {
    std::set<std::string> taken;
    for (const Child* child : supervisor_->children()) {
        if (child->spec.mesh == mesh) {
            taken.insert(child->spec.data_dir.filename().string());
        }
    }
    std::size_t number = 1;
    while (taken.contains(type + "-" + std::to_string(number))) {
        ++number;
    }
    return spec_.root / mesh / (type + "-" + std::to_string(number));
}

base::Result<ChildId> Cluster::add(const std::string& mesh, const std::string& type, const Budgets& budgets) {
    NodeSpec node;
    node.mesh = mesh;
    node.type = type;
    node.budgets = budgets;
    node.data_dir = free_data_dir(mesh, type);
    const auto id = supervisor_->add(std::move(node));
    if (id) {
        members_.try_emplace(*id);
    }
    return id;
}

std::optional<Seeds> Cluster::seeds_for(const Child& child) const {
    const auto children = supervisor_->children();
    const auto in_mesh = [&](const Child& other) { return other.spec.mesh == child.spec.mesh; };
    Candidates mesh = candidates(children, child, in_mesh);
    if (mesh.worth_waiting()) {
        return std::nullopt;
    }
    Seeds seeds{std::move(mesh).tickets(), {}};
    if (is_gateway(child)) {
        const auto beside = [&](const Child& other) { return is_gateway(other) && !in_mesh(other); };
        Candidates fabric = candidates(children, child, beside);
        if (fabric.worth_waiting()) {
            return std::nullopt;
        }
        seeds.fabric = std::move(fabric).tickets();
    }
    return seeds;
}

void Cluster::start_waiting() {
    for (const Child* child : supervisor_->children()) {
        if (stopping_ || child->state != ChildState::waiting) {
            continue;
        }
        const auto seeds = seeds_for(*child);
        if (!seeds) {
            continue;
        }
        if (spec_.admission == Admission::closed) {
            if (const auto admitted = admit(*child); !admitted) {
                supervisor_->give_up(child->id, admitted.error().message);
                continue;
            }
        }
        supervisor_->start(child->id, *seeds);
    }
}

// The authority of the mesh is made once and found again by a later run in the same directory. The node's key is minted
// here, so that its ticket can be signed before it starts; the node then finds it.
base::Status Cluster::admit(const Child& child) {
    auto own = admit_to(spec_.root, child.spec.mesh, child.spec.data_dir, wire::AdmissionUse::member);
    if (!own) {
        return tl::unexpected(own.error());
    }
    std::vector<std::filesystem::path> tickets{std::move(own->ticket)};
    if (is_gateway(child)) {
        if (const auto visits = admit_visits(child, tickets); !visits) {
            return visits;
        }
    }
    supervisor_->admit(child.id, std::move(own->authority), std::move(tickets));
    return {};
}

// To the other meshes of this moment: gateways speak for theirs with the others.
base::Status Cluster::admit_visits(const Child& child, std::vector<std::filesystem::path>& tickets) {
    std::set<std::string> meshes;
    for (const Child* other : supervisor_->children()) {
        if (other->spec.mesh != child.spec.mesh && meshes.size() < kVisitsMax) {
            meshes.insert(other->spec.mesh);
        }
    }
    for (const std::string& mesh : meshes) {
        auto visit = admit_to(spec_.root, mesh, child.spec.data_dir, wire::AdmissionUse::visitor);
        if (!visit) {
            return tl::unexpected(visit.error());
        }
        tickets.push_back(std::move(visit->ticket));
    }
    return {};
}

}  // namespace grapevine::apps
