#pragma once

// Watches a world from outside: keeps the tracker up from what nodes report, times how long each change takes to be
// known, counts false deaths and what broadcasts missed.
//
// A false death is a report that a node died or went stale (or left) while it ran, was not paused, had said no goodbye,
// and no partition lay between the two; all that for kSettled at least, so that a report under way when a fault ended
// is not held against anybody.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/tracker.hpp"
#include "sim/world.hpp"

namespace grapevine::sim {

inline constexpr base::Duration kSettled = std::chrono::seconds(10);

// What a change is, whose knowledge is timed.
enum class Change : std::uint8_t { boot, join, back, death, leave, reconciliation };

struct RoundResult {
    std::uint64_t missed = 0;
    double ldh = 0.0;
    double rmr = 0.0;
};

class Observer {
public:
    // With Timing::none nobody reports what it knows, and nothing is timed.
    enum class Timing : std::uint8_t { none, directories };
    Observer(World& world, Timing timing);

    void added(std::size_t node, std::size_t mesh);
    void started(std::size_t node, Change change);
    void gone(std::size_t node, Change change);
    void paused(std::size_t node);
    void resumed(std::size_t node);
    void regrouped();
    void healed();
    void broadcast(std::size_t sender, const base::TopicId& topic, const base::Bytes& content);
    // Ends the oldest round under way.
    void end_round();

    [[nodiscard]] const Tracker& tracker() const { return tracker_; }
    [[nodiscard]] const std::vector<base::Duration>& times(Change change) const;
    // Changes that not everybody had learned when the next change of the same node came, or the run ended.
    [[nodiscard]] std::size_t pending() const { return watches_.size(); }
    [[nodiscard]] std::string describe_pending() const;
    [[nodiscard]] std::uint64_t false_deaths() const { return false_deaths_; }
    [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
    [[nodiscard]] const std::vector<RoundResult>& rounds() const { return rounds_; }
    [[nodiscard]] const std::set<std::size_t>& neighbors(std::size_t node) const { return neighbors_[node]; }
    [[nodiscard]] std::uint64_t suspicions() const { return suspicions_; }
    [[nodiscard]] std::uint64_t seed_retries() const { return seed_retries_; }

private:
    struct Watch {
        Change change = Change::boot;
        std::optional<std::size_t> node;  // Absent: of the whole world.
        base::TimePoint since;
    };
    struct Round {
        base::TopicId topic;
        base::Bytes content;
        std::set<std::size_t> awaited;
        std::size_t receivers = 0;
        std::uint64_t payload_before = 0;
        std::uint16_t hops = 0;
    };

    void on_report(std::size_t node, Report& report);
    void on_directory(std::size_t node, const node::DirectoryChanged& change);
    void on_suspicion(std::size_t node, const node::SuspicionChanged& change);
    void on_received(std::size_t node, const node::TopicReceived& received);
    void on_neighbor(std::size_t node, node::NeighborChange change, const base::EndpointId& peer);
    void judge_removal(std::size_t node, std::size_t subject, const node::DirectoryChanged& change);
    void settle_watches();
    [[nodiscard]] bool is_settled(const Watch& watch) const;
    [[nodiscard]] std::uint64_t payload_received(const base::TopicId& topic) const;
    void watch(Change change, std::optional<std::size_t> node);
    void note(std::string line);

    World& world_;
    Timing timing_;
    Tracker tracker_;
    std::vector<Watch> watches_;
    std::map<Change, std::vector<base::Duration>> times_;
    std::vector<base::TimePoint> stable_since_;  // By node.
    base::TimePoint network_stable_since_{};
    std::vector<std::set<std::size_t>> neighbors_;
    std::vector<Round> open_rounds_;
    std::vector<RoundResult> rounds_;
    std::uint64_t false_deaths_ = 0;
    std::uint64_t suspicions_ = 0;
    std::uint64_t seed_retries_ = 0;
    std::vector<std::string> notes_;
};

}  // namespace grapevine::sim
