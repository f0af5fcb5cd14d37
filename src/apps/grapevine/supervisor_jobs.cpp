#include "apps/grapevine/supervisor_jobs.hpp"

#include <algorithm>
#include <utility>

#include "apps/grapevine/supervisor_views.hpp"

namespace grapevine::apps {

SupervisorJobs::SupervisorJobs(io::Runtime& runtime, Cluster& cluster, Answer answer, base::Duration deadline)
    : runtime_(runtime), cluster_(cluster), answer_(std::move(answer)), deadline_(deadline) {}

SupervisorJobs::~SupervisorJobs() {
    for (const auto& [client, waiting] : jobs_) {
        runtime_.cancel(waiting.deadline);
    }
}

void SupervisorJobs::add(io::ClientId client, Job job) {
    forget(client);
    const io::TaskId deadline =
        runtime_.at(runtime_.now() + deadline_, base::Duration::zero(), [this, client] { on_deadline(client); });
    jobs_.emplace(client, Waiting{std::move(job), deadline});
    settle(client);
}

void SupervisorJobs::forget(io::ClientId client) {
    const auto found = jobs_.find(client);
    if (found != jobs_.end()) {
        runtime_.cancel(found->second.deadline);
        jobs_.erase(found);
    }
}

void SupervisorJobs::on_child(ChildId id) {
    std::vector<io::ClientId> concerned;
    for (const auto& [client, waiting] : jobs_) {
        const auto& nodes = waiting.job.nodes;
        if (std::any_of(nodes.begin(), nodes.end(), [&](const JobNode& node) { return node.id == id; })) {
            concerned.push_back(client);
        }
    }
    for (const io::ClientId client : concerned) {
        settle(client);
    }
}

SupervisorJobs::Verdict SupervisorJobs::judge(JobKind kind, const JobNode& node) const {
    const Child* child = cluster_.nodes().find(node.id);
    if (kind == JobKind::end) {
        const bool over = child == nullptr || !child->alive() || child->restarts > node.restarts;
        return over ? Verdict::done : Verdict::pending;
    }
    if (child == nullptr || (!child->alive() && child->wish != Wish::restart)) {
        return Verdict::failed;
    }
    const bool up = child->state == ChildState::ready || child->state == ChildState::wedged;
    return up && child->restarts >= node.restarts ? Verdict::done : Verdict::pending;
}

base::Error SupervisorJobs::failure(const JobNode& node) const {
    const Child* child = cluster_.nodes().find(node.id);
    if (child == nullptr) {
        return {base::ErrorCode::failed, "node: ended before it was ready, and is forgotten"};
    }
    std::string message = label(*child) + ": ended before it was ready, " + describe_end(*child);
    const std::vector<std::string> words = child->pid != 0 ? last_words(*child) : std::vector<std::string>{};
    // The last line is our own, that it ended; the one before says why.
    if (words.size() > 1) {
        message += "; its log ends: " + words[words.size() - 2];
    }
    return {base::ErrorCode::failed, message};
}

void SupervisorJobs::settle(io::ClientId client) {
    const auto found = jobs_.find(client);
    if (found == jobs_.end()) {
        return;
    }
    const Job& job = found->second.job;
    std::optional<base::Error> error;
    for (const JobNode& node : job.nodes) {
        switch (judge(job.kind, node)) {
            case Verdict::pending: return;
            case Verdict::failed: error = error ? error : std::optional(failure(node)); break;
            case Verdict::done: break;
        }
    }
    finish(client, error);
}

// What has not even started is given up: nobody would expect it to come later.
void SupervisorJobs::on_deadline(io::ClientId client) {
    const auto found = jobs_.find(client);
    if (found == jobs_.end()) {
        return;
    }
    const Job job = found->second.job;
    std::optional<base::Error> error;
    const std::string late = job.kind == JobKind::end ? ": has not ended within " : ": is not ready within ";
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(deadline_).count();
    for (const JobNode& node : job.nodes) {
        const Child* child = cluster_.nodes().find(node.id);
        if (child != nullptr && judge(job.kind, node) == Verdict::pending && !error) {
            error = base::Error{base::ErrorCode::busy, label(*child) + late + std::to_string(seconds) + " s"};
        }
    }
    finish(client, error);
    for (const JobNode& node : job.nodes) {
        const Child* child = cluster_.nodes().find(node.id);
        if (child != nullptr && child->state == ChildState::waiting) {
            cluster_.nodes().stop(node.id);
        }
    }
}

std::vector<const Child*> SupervisorJobs::children_of(const Job& job) const {
    std::vector<const Child*> out;
    for (const JobNode& node : job.nodes) {
        if (const Child* child = cluster_.nodes().find(node.id)) {
            out.push_back(child);
        }
    }
    return out;
}

std::string SupervisorJobs::text_of(const Job& job, const std::optional<base::Error>& error) const {
    const auto children = children_of(job);
    const bool one = job.kind == JobKind::restart || job.kind == JobKind::end;
    if (error || job.kind == JobKind::spawn || (one && children.size() != 1)) {
        return encode_nodes(children, error, runtime_.now());
    }
    if (one) {
        return encode_node(*children.front(), runtime_.now());
    }
    std::vector<const Child*> present;
    for (const ChildId id : job.present) {
        if (const Child* child = cluster_.nodes().find(id)) {
            present.push_back(child);
        }
    }
    return encode_bootstrap(children, present, runtime_.now());
}

void SupervisorJobs::finish(io::ClientId client, const std::optional<base::Error>& error) {
    const Job job = jobs_.at(client).job;
    forget(client);
    answer_(client, text_of(job, error));
}

}  // namespace grapevine::apps
