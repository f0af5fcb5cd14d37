#include "sim/event_queue.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace grapevine::sim {
namespace {

base::TimePoint at(std::int64_t ns) {
    return base::TimePoint{} + base::Duration(ns);
}

TEST(EventQueue, OrdersByTimeThenInsertion) {
    EventQueue<int> queue;
    queue.push(at(20), 1);
    queue.push(at(10), 2);
    queue.push(at(20), 3);
    queue.push(at(10), 4);
    std::vector<int> order;
    while (!queue.empty())
        order.push_back(queue.pop().payload);
    EXPECT_EQ(order, (std::vector<int>{2, 4, 1, 3}));
}

TEST(EventQueue, AgreesWithAStableSort) {
    base::Rng rng(7);
    EventQueue<std::size_t> queue;
    std::vector<std::pair<base::TimePoint, std::size_t>> expected;
    for (std::size_t i = 0; i < 2000; ++i) {
        const auto when = at(static_cast<std::int64_t>(rng.below(50)));
        queue.push(when, i);
        expected.emplace_back(when, i);
    }
    std::stable_sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [when, payload] : expected) {
        ASSERT_FALSE(queue.empty());
        const auto event = queue.pop();
        EXPECT_EQ(event.at, when);
        EXPECT_EQ(event.payload, payload);
    }
    EXPECT_TRUE(queue.empty());
}

TEST(EventQueueDeathTest, RefusesThePast) {
    EventQueue<int> queue;
    queue.push(at(10), 1);
    (void)queue.pop();
    queue.push(at(10), 2);
    EXPECT_DEATH(queue.push(at(9), 3), "past");
}

}  // namespace
}  // namespace grapevine::sim
