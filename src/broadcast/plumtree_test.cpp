#include "broadcast/plumtree.hpp"

#include <memory>
#include <string>

#include <algorithm>

#include <gtest/gtest.h>

#include "base/blake3.hpp"

namespace grapevine::broadcast {
namespace {

using wire::Announcement;
using wire::Round;
using wire::Scope;
using wire::ScopeKind;

EndpointId peer(std::uint8_t n) {
    EndpointId id;
    id.bytes.fill(n);
    return id;
}

TimePoint at(Duration since_start) {
    return TimePoint(since_start);
}

base::Bytes bytes(std::string_view text) {
    return {text.begin(), text.end()};
}

MessageId id_of(std::string_view text) {
    return MessageId{base::blake3(base::as_bytes(text))};
}

wire::Gossip gossip(std::string_view text, std::uint16_t round) {
    return {id_of(text), bytes(text), Scope{ScopeKind::swarm, Round{round}}};
}

class PlumtreeTest : public ::testing::Test {
protected:
    void make(const Config& config = {}) { tree_ = std::make_unique<Plumtree>(peer(0), config, ledger_); }

    void up(std::initializer_list<std::uint8_t> peers) {
        Effects out;
        for (const std::uint8_t n : peers) {
            tree_->on_neighbor_up(peer(n), NeighborRole::essential, at(0s), out);
        }
    }
    Effects receive(std::uint8_t from, wire::BroadcastMessage message, Duration when = 0s) {
        Effects out;
        tree_->on_message(peer(from), std::move(message), at(when), out);
        return out;
    }
    Effects deadline(Duration when) {
        Effects out;
        tree_->on_deadline(at(when), out);
        return out;
    }
    Effects broadcast(std::string_view text, ScopeKind scope = ScopeKind::swarm, Duration when = 0s) {
        Effects out;
        EXPECT_TRUE(tree_->broadcast(bytes(text), scope, at(when), out).has_value());
        return out;
    }
    static Effect send(std::uint8_t to, wire::BroadcastMessage message) {
        return SendBroadcast{peer(to), std::move(message)};
    }
    static Effect deliver(std::string_view text, std::uint8_t from, Scope scope) {
        return Deliver{bytes(text), id_of(text), peer(from), scope};
    }

    telemetry::Ledger ledger_;
    std::unique_ptr<Plumtree> tree_;
};

TEST_F(PlumtreeTest, ANewNeighborIsEager) {
    make();
    Effects out;
    tree_->on_neighbor_up(peer(1), NeighborRole::essential, at(0s), out);
    EXPECT_EQ(out, (Effects{LinkStateChanged{peer(1), LinkState::eager}}));
    EXPECT_EQ(tree_->link(peer(1)), LinkState::eager);
    EXPECT_EQ(tree_->link(peer(2)), std::nullopt);
}

TEST_F(PlumtreeTest, ASpareNeighborIsLazyOnlyInAWorkingTree) {
    make();
    Effects out;
    tree_->on_neighbor_up(peer(1), NeighborRole::spare, at(0s), out);
    EXPECT_EQ(tree_->link(peer(1)), LinkState::eager);
    receive(1, gossip("a", 0));
    tree_->on_neighbor_up(peer(2), NeighborRole::spare, at(0s), out);
    EXPECT_EQ(tree_->link(peer(2)), LinkState::lazy);
    tree_->on_neighbor_down(peer(1));
    tree_->on_neighbor_up(peer(3), NeighborRole::spare, at(0s), out);
    EXPECT_EQ(tree_->link(peer(3)), LinkState::eager);
}

TEST_F(PlumtreeTest, ASpareNeighborIsLazyBesideEnoughEagerOnes) {
    make();
    up({1, 2, 3, 4});
    Effects out;
    tree_->on_neighbor_up(peer(5), NeighborRole::spare, at(0s), out);
    EXPECT_EQ(tree_->link(peer(5)), LinkState::lazy);
    up({6});
    EXPECT_EQ(tree_->link(peer(6)), LinkState::eager);
}

TEST_F(PlumtreeTest, ANewNeighborIsToldOfRecentMessages) {
    make();
    up({1});
    receive(1, gossip("old", 0), 0s);
    receive(1, gossip("young", 3), 4s);
    Effects out;
    tree_->on_neighbor_up(peer(2), NeighborRole::spare, at(6s), out);
    const wire::IHave told{{{id_of("young"), Round{4}}}};
    const Effects sent = deadline(6s + 5ms);
    EXPECT_NE(std::find(sent.begin(), sent.end(), send(2, told)), sent.end());
    EXPECT_EQ(sent.size(), 1U);
}

TEST_F(PlumtreeTest, ABroadcastGoesWholeToEagerAndAnnouncedToLazyPeers) {
    make();
    up({1, 2});
    receive(2, wire::Prune{});
    EXPECT_EQ(broadcast("hi"), (Effects{send(1, gossip("hi", 0))}));
    EXPECT_EQ(tree_->next_deadline(), at(5ms));
    EXPECT_EQ(deadline(5ms), (Effects{send(2, wire::IHave{{{id_of("hi"), Round{0}}}})}));
    EXPECT_NE(tree_->next_deadline(), at(5ms));
}

TEST_F(PlumtreeTest, ScopeNeighborsGoesToEagerPeersOnlyAndIsForgotten) {
    make();
    up({1, 2});
    receive(2, wire::Prune{});
    const wire::Gossip message{id_of("hi"), bytes("hi"), Scope{ScopeKind::neighbors, Round{0}}};
    EXPECT_EQ(broadcast("hi", ScopeKind::neighbors), (Effects{send(1, message)}));
    EXPECT_EQ(tree_->next_deadline(), std::nullopt);
    EXPECT_EQ(receive(1, message), (Effects{deliver("hi", 1, message.scope)}));
    EXPECT_EQ(receive(1, message), (Effects{deliver("hi", 1, message.scope)}));
    // One whose id was recorded from the swarm is answered as a duplicate.
    receive(1, gossip("hi", 0));
    EXPECT_EQ(receive(1, message), (Effects{LinkStateChanged{peer(1), LinkState::lazy}, send(1, wire::Prune{})}));
}

TEST_F(PlumtreeTest, ANewMessageIsForwardedOneHopFurtherAndDelivered) {  // Invariants 1 and 3.
    make();
    up({1, 2, 3});
    receive(3, wire::Prune{});
    const Effects out = receive(1, gossip("hi", 4), 1s);
    EXPECT_EQ(out, (Effects{send(2, gossip("hi", 5)), deliver("hi", 1, {ScopeKind::swarm, Round{4}})}));
    EXPECT_EQ(deadline(1005ms), (Effects{send(3, wire::IHave{{{id_of("hi"), Round{5}}}})}));
    EXPECT_EQ(tree_->quality().delivery_hop_max, 4);
    EXPECT_EQ(tree_->quality().deliveries, 1U);
}

TEST_F(PlumtreeTest, ADuplicateMakesItsSenderLazyAndIsAnsweredWithPrune) {
    make();
    up({1, 2});
    receive(1, gossip("hi", 0));
    EXPECT_EQ(receive(2, gossip("hi", 0)),
              (Effects{LinkStateChanged{peer(2), LinkState::lazy}, send(2, wire::Prune{})}));
    // Again, since the sender does not know yet.
    EXPECT_EQ(receive(2, gossip("hi", 0)), (Effects{send(2, wire::Prune{})}));
    EXPECT_EQ(tree_->quality().duplicates, 2U);
    EXPECT_EQ(tree_->quality().payload_received, 3U);
    EXPECT_DOUBLE_EQ(tree_->quality().redundancy(), 2.0);
}

TEST_F(PlumtreeTest, ASpoofedIdIsDroppedAndItsSendersLinkKept) {  // Invariant 1.
    make();
    up({1, 2});
    wire::Gossip spoofed = gossip("hi", 0);
    spoofed.content = bytes("ho");
    EXPECT_TRUE(receive(1, spoofed).empty());
    EXPECT_EQ(tree_->counters().spoofed, 1U);
    EXPECT_EQ(tree_->link(peer(1)), LinkState::eager);
    EXPECT_EQ(receive(1, gossip("hi", 0)).size(), 2U);
}

TEST_F(PlumtreeTest, AnAnnouncedMessageIsAskedForAnnouncerAfterAnnouncer) {  // Invariant 4.
    make();
    up({1, 2});
    receive(1, wire::Prune{});
    EXPECT_TRUE(receive(1, wire::IHave{{{id_of("hi"), Round{3}}}}).empty());
    EXPECT_TRUE(receive(2, wire::IHave{{{id_of("hi"), Round{5}}}}, 1ms).empty());
    const Config config;
    EXPECT_EQ(tree_->next_deadline(), at(config.graft_timeout_1));
    EXPECT_TRUE(deadline(config.graft_timeout_1 - 1ns).empty());
    EXPECT_EQ(deadline(config.graft_timeout_1),
              (Effects{LinkStateChanged{peer(1), LinkState::eager}, send(1, wire::Graft{id_of("hi"), Round{3}})}));
    const Duration second = config.graft_timeout_1 + config.graft_timeout_2;
    EXPECT_EQ(tree_->next_deadline(), at(second));
    EXPECT_EQ(deadline(second), (Effects{send(2, wire::Graft{id_of("hi"), Round{5}})}));
    EXPECT_TRUE(deadline(second + config.graft_timeout_2).empty());
    EXPECT_EQ(tree_->missing().size(), 0U);
    EXPECT_EQ(tree_->next_deadline(), std::nullopt);
}

TEST_F(PlumtreeTest, AMessageThatComesInTimeIsNotAskedFor) {
    make();
    up({1, 2});
    receive(1, wire::IHave{{{id_of("hi"), Round{3}}}});
    receive(2, gossip("hi", 3), 10ms);
    EXPECT_TRUE(deadline(1s).empty());
    EXPECT_TRUE(receive(1, wire::IHave{{{id_of("hi"), Round{3}}}}, 1s).empty());
    EXPECT_EQ(tree_->missing().size(), 0U);
}

TEST_F(PlumtreeTest, WhoAnnouncedAMessageFromAsNearIsNotSentIt) {  // Invariant 3.
    make();
    up({1, 2, 3, 4});
    receive(1, wire::IHave{{{id_of("hi"), Round{4}}}});
    receive(4, wire::IHave{{{id_of("hi"), Round{3}}}});
    EXPECT_EQ(receive(2, gossip("hi", 3)), (Effects{send(1, gossip("hi", 4)), send(3, gossip("hi", 4)),
                                                    deliver("hi", 2, {ScopeKind::swarm, Round{3}})}));
}

TEST_F(PlumtreeTest, AGraftMakesEagerAndIsAnsweredFromTheCache) {
    make();
    up({1, 2});
    receive(1, gossip("hi", 0));
    receive(2, wire::Prune{});
    EXPECT_EQ(receive(2, wire::Graft{id_of("hi"), Round{1}}, 29s),
              (Effects{LinkStateChanged{peer(2), LinkState::eager}, send(2, gossip("hi", 1))}));
    EXPECT_TRUE(receive(2, wire::Graft{std::nullopt, Round{1}}, 29s).empty());
    EXPECT_TRUE(receive(2, wire::Graft{id_of("hi"), Round{1}}, 30s).empty());
    EXPECT_TRUE(receive(2, wire::Graft{id_of("ho"), Round{1}}, 30s).empty());
    EXPECT_EQ(tree_->counters().grafts_unanswered, 2U);
}

// iroh-wire, limits worth a test: an IHave of round 2, then Gossip of round 6, 8 and 9.
class OptimizationTest : public PlumtreeTest, public ::testing::WithParamInterface<std::pair<std::uint16_t, bool>> {};

TEST_P(OptimizationTest, HappensFromTheThresholdOn) {
    const auto [round, happens] = GetParam();
    Config config;
    config.optimization_threshold = Round{7};
    make(config);
    up({2, 3});
    receive(2, wire::Prune{});
    receive(2, wire::IHave{{{id_of("hi"), Round{2}}}});
    const Effects out = receive(3, gossip("hi", round));
    Effects expected;
    if (happens) {
        expected = {LinkStateChanged{peer(2), LinkState::eager}, send(2, wire::Graft{std::nullopt, Round{2}}),
                    LinkStateChanged{peer(3), LinkState::lazy}, send(3, wire::Prune{})};
    }
    expected.push_back(deliver("hi", 3, {ScopeKind::swarm, Round{round}}));
    EXPECT_EQ(out, expected);
}

INSTANTIATE_TEST_SUITE_P(Rounds, OptimizationTest,
                         ::testing::Values(std::pair<std::uint16_t, bool>{6, false},
                                           std::pair<std::uint16_t, bool>{8, true},
                                           std::pair<std::uint16_t, bool>{9, true}));

TEST_F(PlumtreeTest, OptimizationDoesNotGraftAnEagerAnnouncer) {
    make();
    up({2, 3});
    receive(2, wire::IHave{{{id_of("hi"), Round{2}}}});
    const Effects out = receive(3, gossip("hi", 8));
    EXPECT_EQ(out, (Effects{LinkStateChanged{peer(3), LinkState::lazy}, send(3, wire::Prune{}),
                            deliver("hi", 3, {ScopeKind::swarm, Round{8}})}));
}

TEST_F(PlumtreeTest, OptimizationRestsWhileMessagesComeClosely) {
    make();
    up({2, 3});
    receive(2, wire::IHave{{{id_of("b"), Round{2}}, {id_of("c"), Round{2}}}});
    receive(3, gossip("a", 0), 0ms);
    receive(3, gossip("b", 8), 99ms);
    EXPECT_EQ(tree_->counters().optimizations, 0U);
    receive(3, gossip("c", 8), 199ms);
    EXPECT_EQ(tree_->counters().optimizations, 1U);
}

TEST_F(PlumtreeTest, FormerNeighborsGetNoLinkBack) {  // Invariant 2.
    make();
    up({1, 2});
    tree_->on_neighbor_down(peer(1));
    receive(1, wire::Prune{});
    EXPECT_EQ(tree_->link(peer(1)), std::nullopt);
    broadcast("hi");
    EXPECT_EQ(receive(1, wire::Graft{id_of("hi"), Round{0}}), (Effects{send(1, gossip("hi", 0))}));
    EXPECT_EQ(tree_->link(peer(1)), std::nullopt);
    receive(1, wire::IHave{{{id_of("x"), Round{0}}}});
    EXPECT_EQ(tree_->missing().size(), 0U);
    EXPECT_EQ(receive(1, gossip("y", 0)).size(), 2U);  // Its content is as good as any.
    EXPECT_EQ(tree_->counters().strangers, 4U);
}

TEST_F(PlumtreeTest, ANeighborThatGoesTakesItsAnnouncementsAlong) {
    make();
    up({1, 2});
    receive(1, wire::IHave{{{id_of("a"), Round{0}}, {id_of("b"), Round{0}}}});
    receive(2, wire::IHave{{{id_of("b"), Round{1}}}});
    tree_->on_neighbor_down(peer(1));
    EXPECT_EQ(tree_->missing().size(), 1U);
    EXPECT_EQ(deadline(1s), (Effects{send(2, wire::Graft{id_of("b"), Round{1}})}));
}

TEST_F(PlumtreeTest, SizesAreThoseOfIroh) {  // Invariant 7.
    make();
    up({1});
    EXPECT_EQ(tree_->content_max(), wire::kGossipContentMax);
    Effects out;
    EXPECT_TRUE(tree_->broadcast(base::Bytes(4057), ScopeKind::swarm, at(0s), out).has_value());
    EXPECT_EQ(out.size(), 1U);
    const auto refused = tree_->broadcast(base::Bytes(4058), ScopeKind::swarm, at(0s), out);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, base::ErrorCode::invalid);
    EXPECT_EQ(out.size(), 1U);
    EXPECT_EQ(tree_->counters().broadcasts_refused, 1U);
}

TEST_F(PlumtreeTest, WhatNoLongerFitsIsDeliveredButNotForwarded) {  // Invariant 7.
    make();
    up({1, 2});
    const std::string text(4057, 'x');
    EXPECT_EQ(receive(1, gossip(text, 127)).size(), 1U);  // Round 128 needs one byte more.
    EXPECT_EQ(tree_->counters().oversize_forwards, 1U);
    EXPECT_TRUE(receive(2, wire::Graft{id_of(text), Round{0}}).empty());
}

TEST_F(PlumtreeTest, HopCountsSaturate) {
    make();
    up({1, 2});
    EXPECT_EQ(receive(1, gossip("hi", 65535))[0], send(2, gossip("hi", 65535)));
}

TEST_F(PlumtreeTest, AnnouncementsAreBatchedAndChunked) {
    make();
    up({1});
    receive(1, wire::Prune{});
    for (int i = 0; i < 117; ++i) {
        broadcast(std::to_string(i), ScopeKind::swarm, 1ms * (i % 5));
    }
    const Effects out = deadline(5ms);
    ASSERT_EQ(out.size(), 2U);
    EXPECT_EQ(std::get<wire::IHave>(std::get<SendBroadcast>(out[0]).message).messages.size(), 116U);
    EXPECT_EQ(std::get<wire::IHave>(std::get<SendBroadcast>(out[1]).message).messages.size(), 1U);
}

TEST_F(PlumtreeTest, TheSameContentWithinTheRetentionIsOneMessage) {
    make();
    up({1, 2});
    Effects out;
    EXPECT_EQ(*tree_->broadcast(bytes("hi"), ScopeKind::swarm, at(0s), out), (Receipt{id_of("hi"), Novelty::fresh}));
    EXPECT_EQ(out.size(), 2U);
    EXPECT_EQ(*tree_->broadcast(bytes("hi"), ScopeKind::swarm, at(89s), out),
              (Receipt{id_of("hi"), Novelty::duplicate}));
    EXPECT_EQ(out.size(), 2U);
    EXPECT_EQ(*tree_->broadcast(bytes("hi"), ScopeKind::swarm, at(90s), out), (Receipt{id_of("hi"), Novelty::fresh}));
    EXPECT_EQ(out.size(), 4U);
}

TEST_F(PlumtreeTest, EvictionIsCoarseAndEndsInSilence) {  // Invariant 6.
    make();
    EXPECT_EQ(tree_->next_deadline(), std::nullopt);
    broadcast("hi", ScopeKind::swarm, 1s);
    EXPECT_EQ(tree_->next_deadline(), at(35s));
    deadline(35s);
    EXPECT_EQ(tree_->store().cached_count(), 0U);
    EXPECT_EQ(ledger_[telemetry::Kind::gossip_message].alive(), 0U);
    EXPECT_EQ(tree_->next_deadline(), at(95s));
    deadline(95s);
    EXPECT_EQ(tree_->next_deadline(), std::nullopt);
}

TEST_F(PlumtreeTest, CachesAreBoundedInCountAndBytes) {  // Invariant 5.
    Config config;
    config.store = {3, 2, 10};
    make(config);
    broadcast("aaaa");
    broadcast("bbbb");
    broadcast("cccc");
    EXPECT_EQ(tree_->store().cached_count(), 2U);
    EXPECT_EQ(tree_->store().cached_bytes(), 8U);
    broadcast("dddddd");
    EXPECT_EQ(tree_->store().cached_bytes(), 10U);
    EXPECT_EQ(tree_->store().seen_count(), 3U);
    EXPECT_EQ(tree_->store().seen_dropped(), 1U);
    EXPECT_EQ(tree_->store().cached_dropped(), 2U);
    broadcast("eleven bytes");
    EXPECT_EQ(tree_->store().cached_bytes(), 10U);
}

TEST_F(PlumtreeTest, TheMissingHistoryIsBoundedInAllAndByPeer) {  // Invariant 5.
    Config config;
    config.missing = {3, 2, 2};
    make(config);
    up({1, 2, 3});
    receive(1, wire::IHave{{{id_of("a"), Round{0}}, {id_of("b"), Round{0}}, {id_of("c"), Round{0}}}});
    EXPECT_EQ(tree_->missing().size(), 2U);
    receive(2, wire::IHave{{{id_of("c"), Round{0}}, {id_of("d"), Round{0}}, {id_of("a"), Round{0}}}});
    EXPECT_EQ(tree_->missing().size(), 3U);
    receive(3, wire::IHave{{{id_of("a"), Round{0}}}});
    EXPECT_EQ(tree_->counters().announcements_refused, 3U);
    EXPECT_TRUE(receive(1, wire::IHave{{{id_of("a"), Round{0}}}}).empty());
    EXPECT_EQ(tree_->counters().announcements_refused, 3U);  // A repetition is no loss.
}

TEST_F(PlumtreeTest, TheLazyQueueDropsItsOldest) {  // Invariant 5.
    Config config;
    config.lazy_queue_max = 2;
    make(config);
    up({1});
    receive(1, wire::Prune{});
    broadcast("a");
    broadcast("b");
    broadcast("c");
    EXPECT_EQ(deadline(5ms), (Effects{send(1, wire::IHave{{{id_of("b"), Round{0}}, {id_of("c"), Round{0}}}})}));
    EXPECT_EQ(tree_->counters().lazy_queue_dropped, 1U);
}

TEST_F(PlumtreeTest, TheMovingHopFollowsAndQualityResets) {
    make();
    up({1});
    for (int i = 0; i < 200; ++i) {
        receive(1, gossip(std::to_string(i), 8));
    }
    EXPECT_NEAR(tree_->quality().delivery_hop_moving, 8.0, 0.01);
    EXPECT_EQ(tree_->quality().delivery_hop, 8);
    tree_->reset_quality();
    EXPECT_EQ(tree_->quality().deliveries, 0U);
    EXPECT_DOUBLE_EQ(tree_->quality().redundancy(), 0.0);
}

}  // namespace
}  // namespace grapevine::broadcast
