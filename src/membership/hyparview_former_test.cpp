// What is ours beside the paper: former neighbours, confirmations, and where newcomers' walks end.

#include "membership/hyparview_testing.hpp"

namespace grapevine::membership {
namespace {

// Invariant 3: a confirmation is the end, also where both asked at once.
TEST_F(HyParViewTest, AConfirmationIsNotAnswered) {
    make();
    const Effects answer = receive(1, wire::Neighbor{Priority::high, kNoAddress});
    EXPECT_EQ(sent<wire::Neighbor>(answer).size(), 1U);
    EXPECT_TRUE(receive(1, wire::Neighbor{Priority::low, kNoAddress}, 50ms).empty());
}

// Invariant 1: up to active_view_max, and nobody is evicted for it.
TEST_F(HyParViewTest, ANodeOfStandingWithRoomEndsTheWalkOfANewcomer) {
    make();
    fill(5);
    const wire::ForwardJoin walk{{peer(9), std::nullopt}, wire::Ttl{5}};
    EXPECT_EQ(sent<wire::ForwardJoin>(receive(1, walk, 29s)).size(), 1U);
    EXPECT_EQ(sent<wire::Neighbor>(receive(1, walk, 30s)).size(), 1U);
    receive(9, wire::Neighbor{Priority::high, kNoAddress}, 30s + 50ms);
    receive(1, wire::ForwardJoin{{peer(10), std::nullopt}, wire::Ttl{5}}, 31s);
    receive(10, wire::Neighbor{Priority::high, kNoAddress}, 31s + 50ms);
    EXPECT_EQ(view_->active().size(), Config{}.active_view_max);
    EXPECT_EQ(view_->counters().evictions, 0U);
    const Effects full = receive(1, wire::ForwardJoin{{peer(11), std::nullopt}, wire::Ttl{5}}, 32s);
    EXPECT_EQ(sent<wire::ForwardJoin>(full).size(), 1U);
    EXPECT_TRUE(sent<wire::Neighbor>(full).empty());
}

// Invariant 1: a settled victim may come back beyond the capacity; nobody else may.
TEST_F(HyParViewTest, ASettledVictimIsAskedBackAndWelcome) {
    make();
    fill(5);
    const auto down = all<NeighborDown>(receive(6, wire::Join{kNoAddress}, 10s));
    ASSERT_EQ(down.size(), 1U);
    const std::uint8_t victim = down[0].peer.bytes[0];
    const auto asked = sent<wire::Neighbor>(deadline(10s + Config{}.take_back_after));
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0].first, peer(victim));
    EXPECT_EQ(asked[0].second.priority, Priority::low);
    receive(victim, wire::Neighbor{Priority::low, kNoAddress}, 10s + 150ms);
    EXPECT_EQ(view_->active().size(), 6U);
    receive(9, wire::Neighbor{Priority::low, kNoAddress}, 10s + 200ms);
    EXPECT_FALSE(view_->is_active(peer(9)));
    EXPECT_EQ(view_->counters().take_backs, 1U);
}

// Invariant 3: and not for ever.
TEST_F(HyParViewTest, ASettledNeighborThatDropsUsIsAskedForAWhile) {
    Config config;
    config.take_back_tries = 2;
    config.shuffle_interval = 3600s;
    make(config);
    fill(5);
    know({11, 12, 13, 14, 15, 16, 17, 18, 19, 20});
    ASSERT_TRUE(sent<wire::Neighbor>(receive(3, wire::Disconnect{true, false}, 10s)).empty());
    receive(6, wire::Neighbor{Priority::low, kNoAddress}, 11s);  // The place is taken.
    for (int tries = 1; tries <= 2; ++tries) {
        const Duration when = 10s + tries * config.take_back_interval;
        EXPECT_EQ(view_->next_deadline(), at(when));
        const Effects out = deadline(when);
        ASSERT_EQ(sent<wire::Neighbor>(out).size(), 1U);
        EXPECT_EQ(out[0], Effect(SendMembership{peer(3), wire::Neighbor{Priority::low, kNoAddress}}));
        receive(3, wire::Disconnect{true, false}, when + 50ms);  // It has no room.
    }
    EXPECT_TRUE(deadline(10s + 3 * config.take_back_interval).empty());
    EXPECT_EQ(view_->counters().take_backs, 2U);
    EXPECT_GT(view_->next_deadline(), at(1000s));
}

TEST_F(HyParViewTest, AFormerNeighborThatDiedIsForgotten) {
    make();
    fill(5);
    receive(3, wire::Disconnect{true, false}, 10s);
    lose(3, 10s + 1ms);  // The close that belongs to its goodbye.
    lose(3, 12s);
    EXPECT_TRUE(sent<wire::Neighbor>(deadline(10s + Config{}.take_back_interval)).empty());
    EXPECT_EQ(view_->counters().take_backs, 0U);
}

TEST_F(HyParViewTest, AnUnsettledVictimIsNotAskedBack) {
    make();
    fill(6);
    EXPECT_EQ(view_->counters().evictions, 1U);
    EXPECT_TRUE(sent<wire::Neighbor>(deadline(Config{}.take_back_after)).empty());
    EXPECT_EQ(view_->counters().take_backs, 0U);
}

}  // namespace
}  // namespace grapevine::membership
