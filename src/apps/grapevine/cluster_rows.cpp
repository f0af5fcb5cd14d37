// A cluster's nodes as the table and the JSON object show them.

#include <algorithm>

#include "apps/grapevine/cluster.hpp"

namespace grapevine::apps {

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
    out.name = label(child);
    out.mesh = child.spec.mesh;
    out.type = child.spec.type;
    out.id = child.endpoint_id;
    out.pid = child.pid;
    out.data_dir = child.spec.data_dir.string();
    out.state = child.state;
    out.wish = child.wish;
    if (!child.alive() || child.state == ChildState::waiting) {
        out.end = child.alive() ? "" : describe_end(child);
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
        if (child != nullptr && child->alive() && child->state != ChildState::waiting) {
            member.from = sample_process(child->pid, runtime_.now(), Detail::cheap);
        }
    }
}

}  // namespace grapevine::apps
