#pragma once

// What clients of the supervisor wait for: nodes that become ready, or that end. Each job is answered once, when all
// its nodes are settled or after kDeadline; a client that goes away takes its job with it, and what was begun goes on.
//
// At most one a client, which bounds their number by the server's.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/grapevine/cluster.hpp"
#include "io/control_server.hpp"
#include "io/runtime.hpp"

namespace grapevine::apps {

enum class JobKind : std::uint8_t { spawn, bootstrap, restart, end };

// A node in the life that is meant, counted by its restarts.
struct JobNode {
    ChildId id;
    std::uint32_t restarts = 0;
};

struct Job {
    JobKind kind = JobKind::spawn;
    std::vector<JobNode> nodes;
    std::vector<ChildId> present;  // Of bootstrap: what was there.
};

class SupervisorJobs {
public:
    static constexpr base::Duration kDeadline = std::chrono::seconds(30);

    using Answer = std::function<void(io::ClientId, const std::string& line)>;

    // `deadline` is kDeadline but for tests.
    SupervisorJobs(io::Runtime& runtime, Cluster& cluster, Answer answer, base::Duration deadline = kDeadline);
    ~SupervisorJobs();
    SupervisorJobs(const SupervisorJobs&) = delete;
    SupervisorJobs& operator=(const SupervisorJobs&) = delete;

    // Answers at once if all is settled already.
    void add(io::ClientId client, Job job);
    void forget(io::ClientId client);
    // Something became of this child.
    void on_child(ChildId id);
    [[nodiscard]] std::size_t size() const { return jobs_.size(); }

private:
    enum class Verdict : std::uint8_t { pending, done, failed };
    struct Waiting {
        Job job;
        io::TaskId deadline;
    };

    [[nodiscard]] Verdict judge(JobKind kind, const JobNode& node) const;
    [[nodiscard]] base::Error failure(const JobNode& node) const;
    [[nodiscard]] std::vector<const Child*> children_of(const Job& job) const;
    void settle(io::ClientId client);
    void on_deadline(io::ClientId client);
    void finish(io::ClientId client, const std::optional<base::Error>& error);
    [[nodiscard]] std::string text_of(const Job& job, const std::optional<base::Error>& error) const;

    io::Runtime& runtime_;
    Cluster& cluster_;
    Answer answer_;
    base::Duration deadline_;
    std::map<io::ClientId, Waiting> jobs_;
};

}  // namespace grapevine::apps
