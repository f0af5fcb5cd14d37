#pragma once

// Messages of several flows that are served in turn: deficit round robin (Shreedhar, Varghese, "Efficient fair queueing
// using deficit round robin", SIGCOMM 1995). In its turn a flow may take as many bytes as its quantum, and what it
// could not use because its next message is larger it keeps for the turns to come; a flow that runs empty keeps
// nothing. Within a flow, first in is first out.
//
// front() does at most (cost of the message / quantum) turns of the ring. Bounds are the owner's.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <vector>

#include "base/assert.hpp"
#include "wire/delivery.hpp"

namespace grapevine::delivery {

class FairQueue {
public:
    struct Flow {
        std::uint64_t number = 0;
        friend auto operator<=>(const Flow&, const Flow&) = default;
    };
    struct Item {
        Flow flow;
        wire::MessageSequence message;
        std::size_t cost = 0;
        friend bool operator==(const Item&, const Item&) = default;
    };

    explicit FairQueue(std::size_t quantum) : quantum_(quantum) {
        GRAPEVINE_ASSERT(quantum > 0, "a turn takes something");
    }

    void push(const Item& item);
    // The message whose turn it is, of those flows whose first message `accept`s; it stays until pop(). A flow that is
    // passed over keeps its place and what it saved.
    template <typename Accept>
    [[nodiscard]] std::optional<Item> front(Accept accept) {
        std::size_t passed_over = 0;
        while (passed_over < ring_.size()) {
            Line& line = lines_.find(ring_.front())->second;
            if (accept(line.items.front())) {
                passed_over = 0;
                if (!granted_) line.deficit += quantum_;
                granted_ = true;
                if (line.items.front().cost <= line.deficit) return line.items.front();
            } else {
                ++passed_over;
            }
            ring_.splice(ring_.end(), ring_, ring_.begin());
            granted_ = false;
        }
        return std::nullopt;
    }
    [[nodiscard]] std::optional<Item> front() {
        return front([](const Item&) { return true; });
    }
    // Takes what front() just gave.
    void pop();
    // False if it is not here.
    bool erase(Flow flow, wire::MessageSequence message);
    // Takes everything, flow by flow.
    std::vector<Item> drain();

    struct Load {
        std::size_t messages = 0;
        std::size_t bytes = 0;
        friend bool operator==(const Load&, const Load&) = default;
    };
    [[nodiscard]] Load load_of(Flow flow) const;
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

private:
    struct Line {
        std::deque<Item> items;
        std::size_t bytes = 0;
        std::size_t deficit = 0;
    };
    void count_out(Line& line, const Item& item);
    void remove_if_empty(Flow flow);

    std::size_t quantum_;
    std::map<Flow, Line> lines_;
    std::list<Flow> ring_;  // Flows with messages; the first one has its turn.
    bool granted_ = false;  // The first one has had its quantum in this turn.
    std::size_t size_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace grapevine::delivery
