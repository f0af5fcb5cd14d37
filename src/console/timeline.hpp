#pragma once

// What happened, newest last: a ring of the last hour.
//
// Rules
//  1. Bounded by kAge and kEventsMax; the oldest goes and is counted. Sequence numbers rise and are never used twice,
//     also over a restart, since adopt() goes on where the store ended.
//  2. Many nodes tell of one event. The first that tells makes it; the same again within kSameFor is the same event,
//     unless its contrary came in between (a node that died has joined anew). What is remembered for that is bounded by
//     kRememberedMax; beyond, the oldest is forgotten, and an event may be told twice.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "console/world_types.hpp"

namespace grapevine::console {

// Empty: any. Kind and mesh are compared whole; node is an id, a name or a part of one; text is a part of the text.
struct TimelineFilter {
    std::uint64_t before_seq = 0;  // Only what came before; 0: up to now.
    std::size_t limit = 100;
    std::string kind{}, node{}, mesh{}, text{};
    [[nodiscard]] bool fits(const TimelineEvent& event) const;
};

class Timeline {
public:
    static constexpr base::Duration kAge = std::chrono::hours(1);
    static constexpr std::size_t kEventsMax = 20'000;
    static constexpr base::Duration kSameFor = std::chrono::seconds(60);
    static constexpr std::size_t kRememberedMax = 8192;

    struct Counters {
        std::uint64_t added = 0, repeated = 0, dropped = 0;
    };

    // Of an earlier life, oldest first; `last_seq` is the newest number that was ever used.
    void adopt(std::vector<TimelineEvent> events, std::uint64_t last_seq);
    // The event gets the next sequence number and the wall clock, unless it has a time.
    void add(TimelineEvent event, const Moment& at);
    // Rule 2: `key` says what it is, `contrary` what it undoes.
    void add_once(const std::string& key, const std::string& contrary, TimelineEvent event, const Moment& at);

    // What `key` names may be told anew.
    void forget(const std::string& key);

    [[nodiscard]] std::uint64_t last_seq() const { return last_seq_; }
    // Newest first.
    [[nodiscard]] std::vector<TimelineEvent> find(const TimelineFilter& filter) const;
    // Oldest first, those after `seq`.
    [[nodiscard]] std::vector<TimelineEvent> after(std::uint64_t seq) const;
    [[nodiscard]] const Counters& counters() const { return counters_; }
    [[nodiscard]] std::size_t size() const { return events_.size(); }

private:
    void trim(const Moment& at);

    std::deque<TimelineEvent> events_;
    std::uint64_t last_seq_ = 0;
    std::map<std::string, base::TimePoint> told_;
    std::deque<std::pair<base::TimePoint, std::string>> told_order_;
    Counters counters_;
};

}  // namespace grapevine::console
