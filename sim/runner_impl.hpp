#pragma once

// The inside of run_scenario(): the timeline of steps (runner.cpp) and the verdict at the end (verdict.cpp).

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/runner.hpp"

namespace grapevine::sim {

class Runner {
public:
    Runner(const Scenario& scenario, std::uint64_t seed, const TraceSink& trace);
    RunFigures run();

private:
    using Deed = std::function<void()>;
    struct Usage {
        std::uint32_t starts = 0;
        NodeCounters counters;
    };

    void plan();
    void plan_steps();
    void at(base::TimePoint when, Deed deed) { timeline_.emplace(when, std::move(deed)); }
    void after(base::Duration delay, Deed deed) { at(world_->now() + delay, std::move(deed)); }
    std::size_t add_node();
    void start(std::size_t node, Change change);

    void act(const CrashStep& step, std::size_t repetition);
    void act(const RestartStep& step, std::size_t repetition);
    void act(const LeaveStep& step, std::size_t repetition);
    void act(const PauseStep& step, std::size_t repetition);
    void act(const PartitionStep& step, std::size_t repetition);
    void act(const HealStep& step, std::size_t repetition);
    void act(const LossStep& step, std::size_t repetition);
    void act(const BlockStep& step, std::size_t repetition);
    void act(const SlowStep& step, std::size_t repetition);
    void act(const BroadcastStep& step, std::size_t repetition);
    void act(const JoinStep& step, std::size_t repetition);
    void act(const MoveStep& step, std::size_t repetition);
    [[nodiscard]] std::vector<std::size_t> choose(const Targets& targets, std::size_t repetition);
    [[nodiscard]] std::vector<std::size_t> running() const;
    [[nodiscard]] bool broadcasts() const;

    // verdict.cpp
    void begin_measuring();
    void measure();
    void collect();
    void judge_end();
    void judge_directories();
    void judge_directory(std::size_t node);
    void judge_overlay();
    void judge_ledger(std::size_t node);
    void judge_expectations();
    void judge_times(std::string_view what, const Times& times, const std::optional<base::Duration>& limit);
    void judge_number(std::string_view what, double value, const std::optional<double>& limit);
    void fail(std::string line) { figures_.failures.push_back(std::move(line)); }

    const Scenario& scenario_;
    std::unique_ptr<World> world_;
    Observer observer_;
    std::multimap<base::TimePoint, Deed> timeline_;
    std::vector<base::TopicId> topics_;  // By mesh.
    std::vector<Usage> usage_;
    std::vector<std::uint32_t> starts_;  // By node.
    base::TimePoint measured_since_{};
    std::uint64_t messages_ = 0;
    RunFigures figures_;
};

}  // namespace grapevine::sim
