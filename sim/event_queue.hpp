#pragma once

// What happens next in virtual time. Events come out in the order of their times; those of one instant in the order in
// which they were put in, so that a run depends on nothing but its inputs. An instant before the last one that came out
// is refused: time never goes back.

#include <cstdint>
#include <queue>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/time.hpp"

namespace grapevine::sim {

template <typename Payload>
class EventQueue {
public:
    struct Event {
        base::TimePoint at;
        Payload payload;
    };

    void push(base::TimePoint at, Payload payload) {
        GRAPEVINE_ASSERT(at >= last_, "an event in the past");
        std::size_t slot = slots_.size();
        if (free_.empty()) {
            slots_.push_back(std::move(payload));
        } else {
            slot = free_.back();
            free_.pop_back();
            slots_[slot] = std::move(payload);
        }
        heap_.push({at, next_sequence_++, slot});
    }

    // Not for an empty queue.
    Event pop() {
        GRAPEVINE_ASSERT(!heap_.empty(), "pop of an empty event queue");
        const Entry entry = heap_.top();
        heap_.pop();
        free_.push_back(entry.slot);
        last_ = entry.at;
        return {entry.at, std::exchange(slots_[entry.slot], Payload{})};
    }

    [[nodiscard]] bool empty() const { return heap_.empty(); }
    [[nodiscard]] std::size_t size() const { return heap_.size(); }
    // Not for an empty queue.
    [[nodiscard]] base::TimePoint next_at() const { return heap_.top().at; }

private:
    struct Entry {
        base::TimePoint at;
        std::uint64_t sequence = 0;
        std::size_t slot = 0;  // Payloads stay where they are; the heap moves only these entries.
        bool operator<(const Entry& other) const { return at != other.at ? at > other.at : sequence > other.sequence; }
    };

    std::priority_queue<Entry> heap_;
    std::vector<Payload> slots_;
    std::vector<std::size_t> free_;
    base::TimePoint last_ = base::TimePoint::min();
    std::uint64_t next_sequence_ = 0;
};

}  // namespace grapevine::sim
