#include "delivery/fair_queue.hpp"

#include <gtest/gtest.h>

namespace grapevine::delivery {
namespace {

using Flow = FairQueue::Flow;
using wire::MessageSequence;

FairQueue::Item item(std::uint64_t flow, std::uint64_t message, std::size_t cost = 100) {
    return {Flow{flow}, MessageSequence{message}, cost};
}

std::vector<std::uint64_t> take_all(FairQueue& queue) {
    std::vector<std::uint64_t> order;
    while (const auto next = queue.front()) {
        order.push_back(next->message.value);
        queue.pop();
    }
    return order;
}

TEST(FairQueue, OneFlowIsFirstInFirstOut) {
    FairQueue queue(250);
    for (std::uint64_t i = 1; i <= 4; ++i)
        queue.push(item(1, i));
    EXPECT_EQ(queue.size(), 4U);
    EXPECT_EQ(queue.bytes(), 400U);
    EXPECT_EQ(take_all(queue), (std::vector<std::uint64_t>{1, 2, 3, 4}));
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.bytes(), 0U);
    EXPECT_FALSE(queue.front());
}

TEST(FairQueue, FlowsTakeTurnsOfOneQuantum) {
    FairQueue queue(200);
    for (std::uint64_t i = 1; i <= 5; ++i)
        queue.push(item(1, i));
    queue.push(item(2, 10));
    queue.push(item(3, 20));
    queue.push(item(3, 21));
    queue.push(item(3, 22));
    EXPECT_EQ(take_all(queue), (std::vector<std::uint64_t>{1, 2, 10, 20, 21, 3, 4, 22, 5}));
}

// The paper's point: flows with large and with small messages get the same bytes.
TEST(FairQueue, LargeMessagesWaitUntilTheirFlowHasSavedEnough) {
    FairQueue queue(200);
    queue.push(item(1, 1, 500));
    queue.push(item(1, 2, 500));
    for (std::uint64_t i = 10; i < 20; ++i)
        queue.push(item(2, i, 100));
    EXPECT_EQ(take_all(queue), (std::vector<std::uint64_t>{10, 11, 12, 13, 1, 14, 15, 16, 17, 2, 18, 19}));
}

TEST(FairQueue, AnEmptyFlowKeepsNoCredit) {
    FairQueue queue(1000);
    queue.push(item(1, 1, 100));
    EXPECT_EQ(take_all(queue), (std::vector<std::uint64_t>{1}));
    queue.push(item(1, 2, 600));
    queue.push(item(1, 3, 600));
    queue.push(item(2, 4, 100));
    EXPECT_EQ(take_all(queue), (std::vector<std::uint64_t>{2, 4, 3})) << "900 left over would have let 3 pass";
}

TEST(FairQueue, WhatIsErasedIsNotServed) {
    FairQueue queue(100);
    queue.push(item(1, 1));
    queue.push(item(1, 2));
    queue.push(item(2, 3));
    EXPECT_EQ(queue.front()->message.value, 1U);
    EXPECT_TRUE(queue.erase(Flow{1}, MessageSequence{1}));
    EXPECT_FALSE(queue.erase(Flow{1}, MessageSequence{1}));
    EXPECT_FALSE(queue.erase(Flow{9}, MessageSequence{1}));
    EXPECT_TRUE(queue.erase(Flow{2}, MessageSequence{3}));
    EXPECT_EQ(queue.bytes(), 100U);
    EXPECT_EQ(queue.load_of(Flow{1}), (FairQueue::Load{1, 100}));
    EXPECT_EQ(queue.load_of(Flow{2}), FairQueue::Load{});
    EXPECT_EQ(take_all(queue), (std::vector<std::uint64_t>{2}));
}

TEST(FairQueue, AFlowThatMayNotIsPassedOver) {
    FairQueue queue(100);
    queue.push(item(1, 1));
    queue.push(item(2, 2));
    queue.push(item(3, 3, 250));
    const auto not_first = [](const FairQueue::Item& i) { return i.flow != Flow{1}; };
    std::vector<std::uint64_t> order;
    while (const auto next = queue.front(not_first)) {
        order.push_back(next->message.value);
        queue.pop();
    }
    EXPECT_EQ(order, (std::vector<std::uint64_t>{2, 3}));
    EXPECT_EQ(take_all(queue), (std::vector<std::uint64_t>{1}));
}

TEST(FairQueue, DrainGivesEverything) {
    FairQueue queue(100);
    queue.push(item(2, 3));
    queue.push(item(1, 1));
    queue.push(item(2, 4));
    EXPECT_EQ(queue.drain(), (std::vector<FairQueue::Item>{item(1, 1), item(2, 3), item(2, 4)}));
    EXPECT_TRUE(queue.empty());
    EXPECT_TRUE(take_all(queue).empty());
}

TEST(FairQueueDeathTest, OnlyWhatWasLookedAtIsTaken) {
    FairQueue queue(100);
    queue.push(item(1, 1));
    EXPECT_DEATH(queue.pop(), "looked at before");
}

}  // namespace
}  // namespace grapevine::delivery
