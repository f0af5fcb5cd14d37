#include "fabric/lru.hpp"

#include <string>

#include <gtest/gtest.h>

namespace grapevine::fabric {
namespace {

TEST(Lru, TheOneUsedLongestAgoGivesWay) {
    Lru<int, std::string> lru(2);
    lru.put(1, "one");
    lru.put(2, "two");
    ASSERT_NE(lru.find(1), nullptr);
    lru.put(3, "three");
    EXPECT_EQ(lru.peek(2), nullptr);
    EXPECT_EQ(*lru.peek(1), "one");
    EXPECT_EQ(lru.displaced(), 1U);
    EXPECT_EQ(lru.size(), 2U);
}

TEST(Lru, AGlimpseIsNoUseAndANewValueIs) {
    Lru<int, int> lru(2);
    lru.put(1, 10);
    lru.put(2, 20);
    EXPECT_EQ(*lru.peek(1), 10);
    lru.put(3, 30);
    EXPECT_EQ(lru.peek(1), nullptr);
    lru.put(2, 21);
    lru.put(4, 40);
    EXPECT_EQ(lru.peek(3), nullptr);
    EXPECT_EQ(*lru.peek(2), 21);
}

TEST(Lru, WhatIsErasedLeavesRoom) {
    Lru<int, int> lru(2);
    lru.put(1, 10);
    lru.put(2, 20);
    EXPECT_TRUE(lru.erase(1));
    EXPECT_FALSE(lru.erase(1));
    lru.put(3, 30);
    EXPECT_EQ(lru.displaced(), 0U);
    EXPECT_EQ(lru.erase_if([](int value) { return value == 20; }), 1U);
    lru.put(4, 40);
    EXPECT_EQ(lru.displaced(), 0U);
    int sum = 0;
    lru.for_each([&](int key, int value) { sum += key * value; });
    EXPECT_EQ(sum, 3 * 30 + 4 * 40);
}

TEST(Lru, ALimitOfZeroKeepsNothing) {
    Lru<int, int> lru(0);
    lru.put(1, 10);
    EXPECT_EQ(lru.size(), 0U);
}

}  // namespace
}  // namespace grapevine::fabric
