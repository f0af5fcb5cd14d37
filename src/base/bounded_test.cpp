#include "base/bounded.hpp"

#include <algorithm>
#include <deque>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace grapevine::base {
namespace {

// Invariant 3: full is a value that the caller handles.
TEST(BoundedQueue, FullRefuses) {
    BoundedQueue<int> queue(2);
    EXPECT_EQ(queue.push(1), Admitted::yes);
    EXPECT_EQ(queue.push(2), Admitted::yes);
    EXPECT_TRUE(queue.full());
    EXPECT_EQ(queue.push(3), Admitted::no);
    EXPECT_EQ(queue.pop(), 1);
    EXPECT_EQ(queue.pop(), 2);
    EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueue, DropsTheOldestOnRequest) {
    BoundedQueue<int> queue(2);
    EXPECT_EQ(queue.push_drop_oldest(1), std::nullopt);
    EXPECT_EQ(queue.push_drop_oldest(2), std::nullopt);
    EXPECT_EQ(queue.push_drop_oldest(3), 1);
    EXPECT_EQ(queue.size(), 2U);
    EXPECT_EQ(queue.front(), 2);
}

TEST(BoundedQueue, NothingFitsALimitOfZero) {
    BoundedQueue<int> queue(0);
    EXPECT_EQ(queue.push(1), Admitted::no);
    EXPECT_EQ(queue.push_drop_oldest(1), 1);
    EXPECT_TRUE(queue.empty());
}

TEST(BoundedQueue, BehavesLikeAnUnboundedQueueThatIsCut) {
    EXPECT_TRUE(rc::check([](const std::vector<int>& operations) {
        BoundedQueue<int> queue(4);
        std::deque<int> twin;
        for (const int operation : operations) {
            if (operation % 3 == 0) {
                const auto popped = queue.pop();
                RC_ASSERT(popped.has_value() == !twin.empty());
                if (popped) RC_ASSERT(*popped == twin.front());
                if (popped) twin.pop_front();
            } else if (operation % 3 == 1) {
                const bool fits = twin.size() < 4;
                RC_ASSERT((queue.push(operation) == Admitted::yes) == fits);
                if (fits) twin.push_back(operation);
            } else {
                queue.push_drop_oldest(operation);
                twin.push_back(operation);
                if (twin.size() > 4) twin.pop_front();
            }
            RC_ASSERT(std::deque<int>(queue.begin(), queue.end()) == twin);
        }
    }));
}

TEST(IndexedSet, KeepsInsertionOrder) {
    IndexedSet<int> set;
    for (const int item : {5, 1, 4, 1})
        set.insert(item);
    EXPECT_FALSE(set.insert(5));
    EXPECT_TRUE(set.erase(1));
    EXPECT_FALSE(set.erase(1));
    EXPECT_EQ(set.items(), (std::vector<int>{5, 4}));
}

TEST(IndexedSet, PicksOnlyMembers) {
    IndexedSet<int> set;
    Rng rng(1);
    EXPECT_EQ(set.pick(rng), std::nullopt);
    for (int i = 0; i < 10; ++i)
        set.insert(i);
    IndexedSet<int> picked;
    for (int i = 0; i < 500; ++i) {
        picked.insert(*set.pick(rng));
        EXPECT_EQ(*set.pick_if(rng, [](int item) { return item % 2 == 1; }) % 2, 1);
    }
    EXPECT_EQ(picked.size(), 10U);
    EXPECT_EQ(set.pick_if(rng, [](int item) { return item > 9; }), std::nullopt);
}

TEST(IndexedSet, SamplesWithoutRepeats) {
    IndexedSet<int> set;
    for (int i = 0; i < 10; ++i)
        set.insert(i);
    Rng rng(2);
    for (std::size_t count : {0U, 3U, 10U, 20U}) {
        IndexedSet<int> distinct;
        for (const int item : set.sample(rng, count))
            EXPECT_TRUE(distinct.insert(item));
        EXPECT_EQ(distinct.size(), std::min<std::size_t>(count, 10));
    }
}

TEST(BoundedMap, NewKeysStopAtTheLimit) {
    BoundedMap<int, int> map(2);
    *map.find_or_insert(2) = 20;
    *map.find_or_insert(1) = 10;
    EXPECT_EQ(map.find_or_insert(3), nullptr);
    EXPECT_EQ(*map.find_or_insert(2), 20) << "a known key is found when full";
    EXPECT_TRUE(map.full());
    EXPECT_TRUE(map.erase(2));
    EXPECT_FALSE(map.erase(2));
    EXPECT_NE(map.find_or_insert(3), nullptr);
    EXPECT_EQ(map.find(2), nullptr);
}

TEST(BoundedMap, IteratesByKey) {
    BoundedMap<int, int> map(3);
    for (const int key : {3, 1, 2})
        *map.find_or_insert(key) = key;
    std::vector<int> keys;
    for (const auto& [key, value] : map)
        keys.push_back(key);
    EXPECT_EQ(keys, (std::vector<int>{1, 2, 3}));
}

}  // namespace
}  // namespace grapevine::base
