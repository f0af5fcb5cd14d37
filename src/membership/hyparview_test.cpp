#include "membership/hyparview.hpp"

#include "membership/hyparview_testing.hpp"

namespace grapevine::membership {
namespace {

TEST_F(HyParViewTest, JoinSendsOwnDataAndSkipsItself) {
    make();
    view_->set_own_data(data("me"));
    Effects out;
    view_->join({peer(1), peer(0)}, at(0s), out);
    EXPECT_EQ(out, (Effects{SendMembership{peer(1), wire::Join{data("me")}}}));
    EXPECT_EQ(view_->counters().refused_own_id, 1U);
}

TEST_F(HyParViewTest, AJoinIsAcceptedAnsweredAndForwarded) {
    make();
    fill(1);
    const Effects out = receive(2, wire::Join{data("two")});
    const Effects expected = {
        NeighborUp{peer(2), Priority::high},
        PeerDataLearned{peer(2), data("two")},
        SendMembership{peer(2), wire::Neighbor{Priority::high, kNoAddress}},
        SendMembership{peer(1), wire::ForwardJoin{{peer(2), data("two")}, wire::Ttl{6}}},
    };
    EXPECT_EQ(out, expected);
}

TEST_F(HyParViewTest, TheFirstNeighborRejoinsAndTheLastIsolates) {  // Invariant 4.
    make();
    const Effects up = receive(1, wire::Join{kNoAddress});
    EXPECT_EQ(all<Rejoined>(up).size(), 1U);
    const Effects down = lose(1, 1s);
    const Effects expected = {NeighborDown{peer(1), DownReason::connection_closed}, DisconnectPeer{peer(1)},
                              Isolated{}};
    EXPECT_EQ(down, expected);
    EXPECT_EQ(all<Rejoined>(receive(1, wire::Join{kNoAddress}, 2s)).size(), 1U);
    EXPECT_EQ(view_->counters().isolations, 1U);
}

TEST_F(HyParViewTest, AJoinToAFullViewEvictsOneWithContactsAndAGoodbye) {
    make();
    fill(5);
    const Effects out = receive(6, wire::Join{kNoAddress});
    const auto down = all<NeighborDown>(out);
    ASSERT_EQ(down.size(), 1U);
    EXPECT_EQ(down[0].reason, DownReason::evicted);
    const EndpointId victim = down[0].peer;
    const auto reply = sent<wire::ShuffleReply>(out);
    ASSERT_EQ(reply.size(), 1U);
    EXPECT_EQ(reply[0].first, victim);
    EXPECT_EQ(reply[0].second.nodes.size(), 4U);  // The other active peers; the newcomer is not in yet.
    EXPECT_EQ(sent<wire::Disconnect>(out),
              (std::vector<std::pair<EndpointId, wire::Disconnect>>{{victim, {true, false}}}));
    EXPECT_EQ(all<DisconnectPeer>(out), (std::vector<DisconnectPeer>{{victim}}));
    EXPECT_EQ(view_->passive(), std::vector<EndpointId>{victim});
    EXPECT_EQ(view_->active().size(), 5U);
    EXPECT_EQ(sent<wire::ForwardJoin>(out).size(), 4U);
}

TEST_F(HyParViewTest, ANeighborRequestIsAnsweredOnceAndALateEchoIsSwallowed) {
    make();
    const Effects first = receive(1, wire::Neighbor{Priority::low, kNoAddress});
    EXPECT_EQ(sent<wire::Neighbor>(first).size(), 1U);
    EXPECT_EQ(sent<wire::Neighbor>(first)[0].second.priority, Priority::low);
    EXPECT_TRUE(receive(1, wire::Neighbor{Priority::low, kNoAddress}, 600ms).empty());
    // A third one cannot be the echo of our answer.
    EXPECT_EQ(sent<wire::Neighbor>(receive(1, wire::Neighbor{Priority::low, kNoAddress}, 700ms)).size(), 1U);
    EXPECT_EQ(view_->active(), std::vector<EndpointId>{peer(1)});
}

TEST_F(HyParViewTest, LowPriorityNeedsRoom) {
    make();
    fill(5);
    const Effects out = receive(6, wire::Neighbor{Priority::low, kNoAddress});
    EXPECT_EQ(sent<wire::ShuffleReply>(out).size(), 1U);
    EXPECT_EQ(sent<wire::Disconnect>(out)[0].second, (wire::Disconnect{true, false}));
    EXPECT_EQ(all<DisconnectPeer>(out), (std::vector<DisconnectPeer>{{peer(6)}}));
    EXPECT_EQ(out.size(), 3U);
    EXPECT_EQ(view_->counters().refused_view_full, 1U);
}

TEST_F(HyParViewTest, HighPriorityEvicts) {
    make();
    fill(5);
    const Effects out = receive(6, wire::Neighbor{Priority::high, kNoAddress});
    EXPECT_EQ(all<NeighborDown>(out).size(), 1U);
    EXPECT_TRUE(view_->is_active(peer(6)));
    EXPECT_EQ(view_->counters().evictions, 1U);
}

TEST_F(HyParViewTest, HighPriorityThatCrossedADisconnectCountsAsLow) {
    make();
    fill(5);
    const EndpointId victim = all<NeighborDown>(receive(6, wire::Join{kNoAddress}))[0].peer;
    const std::uint8_t n = victim.bytes[0];
    const Effects echo = receive(n, wire::Neighbor{Priority::high, kNoAddress}, 100ms);
    EXPECT_TRUE(all<NeighborDown>(echo).empty());
    EXPECT_EQ(sent<wire::Disconnect>(echo).size(), 1U);
    // Later it means what it says.
    EXPECT_EQ(all<NeighborUp>(receive(n, wire::Neighbor{Priority::high, kNoAddress}, 1200ms)).size(), 1U);
}

TEST_F(HyParViewTest, AForwardJoinIsPassedOnAndRememberedAtPrwl) {
    make();
    fill(2);
    const Effects six = receive(1, wire::ForwardJoin{{peer(9), data("nine")}, wire::Ttl{6}});
    EXPECT_EQ(six, (Effects{SendMembership{peer(2), wire::ForwardJoin{{peer(9), data("nine")}, wire::Ttl{5}}}}));
    EXPECT_TRUE(view_->passive().empty());
    const Effects three = receive(1, wire::ForwardJoin{{peer(9), data("nine")}, wire::Ttl{3}});
    EXPECT_EQ(view_->passive(), std::vector<EndpointId>{peer(9)});
    EXPECT_EQ(sent<wire::ForwardJoin>(three)[0].second.ttl, wire::Ttl{2});
    EXPECT_EQ(all<PeerDataLearned>(three), (std::vector<PeerDataLearned>{{peer(9), data("nine")}}));
}

TEST_F(HyParViewTest, AForwardJoinThatEndsAsksTheNewcomerWithoutAddingIt) {
    make();
    fill(2);
    const Effects out = receive(1, wire::ForwardJoin{{peer(9), std::nullopt}, wire::Ttl{0}});
    EXPECT_EQ(out, (Effects{SendMembership{peer(9), wire::Neighbor{Priority::high, kNoAddress}}}));
    EXPECT_FALSE(view_->is_active(peer(9)));
    EXPECT_TRUE(view_->wants(peer(9)));
    // A second walk that ends here within the timeout adds nothing.
    EXPECT_TRUE(receive(2, wire::ForwardJoin{{peer(9), std::nullopt}, wire::Ttl{0}}).empty());
    const Effects answer = receive(9, wire::Neighbor{Priority::high, kNoAddress}, 50ms);
    // The confirmation frees an iroh node of the mark that it keeps for us.
    EXPECT_EQ(answer, (Effects{NeighborUp{peer(9), Priority::high},
                               SendMembership{peer(9), wire::Neighbor{Priority::low, kNoAddress}}}));
}

TEST_F(HyParViewTest, AForwardJoinWithOneNeighborEndsAtOnce) {
    make();
    fill(1);
    const Effects out = receive(1, wire::ForwardJoin{{peer(9), std::nullopt}, wire::Ttl{6}});
    EXPECT_EQ(sent<wire::Neighbor>(out).size(), 1U);
}

TEST_F(HyParViewTest, AForwardJoinOfANeighborRenewsIt) {
    make();
    fill(2);
    const Effects out = receive(1, wire::ForwardJoin{{peer(2), std::nullopt}, wire::Ttl{6}}, 10s);
    EXPECT_EQ(sent<wire::Neighbor>(out)[0].first, peer(2));
}

TEST_F(HyParViewTest, AStuckRequestEndsWithItsTimeout) {  // Invariant 3; iroh-gossip keeps it for ever.
    make();
    fill(2);
    receive(1, wire::ForwardJoin{{peer(9), std::nullopt}, wire::Ttl{0}});
    EXPECT_EQ(view_->requests(), 1U);
    EXPECT_EQ(view_->next_deadline(), at(500ms));
    deadline(500ms);
    EXPECT_FALSE(view_->wants(peer(9)));
    EXPECT_EQ(view_->counters().request_timeouts, 1U);
    EXPECT_EQ(sent<wire::Neighbor>(receive(1, wire::ForwardJoin{{peer(9), std::nullopt}, wire::Ttl{0}}, 1s)).size(),
              1U);
}

TEST_F(HyParViewTest, AStrangersMessageEndsItsConnection) {
    make();
    fill(2);
    const Effects out = receive(7, wire::ShuffleReply{{{peer(8), std::nullopt}}});
    EXPECT_EQ(out, (Effects{DisconnectPeer{peer(7)}}));
    EXPECT_EQ(view_->passive(), std::vector<EndpointId>{peer(8)});
}

TEST_F(HyParViewTest, APeerThatIsAskedIsNotDisconnectedForAnotherMessage) {
    make();
    fill(2);
    receive(1, wire::ForwardJoin{{peer(9), std::nullopt}, wire::Ttl{0}});
    EXPECT_TRUE(receive(9, wire::ShuffleReply{{}}, 10ms).empty());
}

TEST_F(HyParViewTest, ALostNeighborIsReplacedAtOnceAndTheSilentCandidateForgotten) {
    make();
    fill(5);
    know({10, 11});
    const Effects out = lose(1, 1s);
    const auto asked = sent<wire::Neighbor>(out);
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0].second.priority, Priority::low);
    EXPECT_EQ(view_->next_deadline(), at(1500ms));
    const Effects later = deadline(1500ms);
    ASSERT_EQ(sent<wire::Neighbor>(later).size(), 1U);
    EXPECT_NE(sent<wire::Neighbor>(later)[0].first, asked[0].first);
    EXPECT_EQ(std::count(view_->passive().begin(), view_->passive().end(), asked[0].first), 0);
    EXPECT_EQ(std::count(view_->passive().begin(), view_->passive().end(), peer(1)), 0);
}

TEST_F(HyParViewTest, WithoutNeighborsTheRequestHasHighPriority) {
    make();
    fill(1);
    know({10});
    const Effects out = lose(1, 1s);
    EXPECT_EQ(sent<wire::Neighbor>(out),
              (std::vector<std::pair<EndpointId, wire::Neighbor>>{{peer(10), {Priority::high, kNoAddress}}}));
    EXPECT_EQ(all<Isolated>(out).size(), 1U);
}

TEST_F(HyParViewTest, AFailedDialEndsTheRequestAndTriesTheNext) {
    make();
    fill(1);
    know({10, 11});
    const EndpointId first = sent<wire::Neighbor>(lose(1, 1s))[0].first;
    const auto next = sent<wire::Neighbor>(lose(first.bytes[0], 1100ms));
    ASSERT_EQ(next.size(), 1U);
    EXPECT_NE(next[0].first, first);
}

TEST_F(HyParViewTest, BelowCapacityTheRefillTimerBacksOff) {  // Invariant 5.
    make();
    fill(2);
    know({10});
    EXPECT_EQ(view_->next_deadline(), at(2s));
    EXPECT_EQ(sent<wire::Neighbor>(deadline(2s))[0].first, peer(10));
    // Refused: kept as passive, and asked again after 4 s, 8 s and so on.
    receive(10, wire::Disconnect{true, false}, 2100ms);
    EXPECT_EQ(view_->passive(), std::vector<EndpointId>{peer(10)});
    EXPECT_EQ(view_->next_deadline(), at(6s));
    EXPECT_EQ(sent<wire::Neighbor>(deadline(6s)).size(), 1U);
    receive(10, wire::Disconnect{true, false}, 6100ms);
    EXPECT_EQ(view_->next_deadline(), at(14s));
}

TEST_F(HyParViewTest, DisconnectAliveKeepsThePeerThroughTheClose) {
    make();
    fill(4);
    const Effects out = receive(1, wire::Disconnect{true, false}, 1s);
    EXPECT_EQ(out, (Effects{NeighborDown{peer(1), DownReason::disconnected}, DisconnectPeer{peer(1)}}));
    EXPECT_TRUE(lose(1, 1100ms).empty());
    EXPECT_EQ(view_->passive(), std::vector<EndpointId>{peer(1)});
}

TEST_F(HyParViewTest, DisconnectOnQuitForgetsThePeer) {
    make();
    fill(2);
    const Effects out = receive(1, wire::Disconnect{false, false}, 1s);
    EXPECT_EQ(out, (Effects{NeighborDown{peer(1), DownReason::left}, DisconnectPeer{peer(1)}}));
    EXPECT_TRUE(view_->passive().empty());
}

TEST_F(HyParViewTest, QuitSaysGoodbyeToAllAndLeavesNothing) {  // Invariant 7.
    make();
    fill(2);
    know({10});
    Effects out;
    view_->quit(at(1s), out);
    EXPECT_EQ(all<NeighborDown>(out),
              (std::vector<NeighborDown>{{peer(1), DownReason::quit}, {peer(2), DownReason::quit}}));
    for (const auto& [to, message] : sent<wire::Disconnect>(out)) {
        EXPECT_FALSE(message.alive);
    }
    EXPECT_TRUE(all<Isolated>(out).empty());
    EXPECT_EQ(view_->next_deadline(), std::nullopt);
    EXPECT_EQ(ledger_[telemetry::Kind::active_peer].alive(), 0U);
    EXPECT_EQ(ledger_[telemetry::Kind::passive_peer].alive(), 0U);
}

TEST_F(HyParViewTest, AShuffleOfBothViewsAndItselfGoesOutEachInterval) {
    Config config;
    config.shuffle_jitter = 0.0;
    make(config);
    fill(5);
    know({10, 11, 12, 13, 14});
    EXPECT_EQ(view_->next_deadline(), at(60s));
    const auto shuffles = sent<wire::Shuffle>(deadline(60s));
    ASSERT_EQ(shuffles.size(), 1U);
    const wire::Shuffle& shuffle = shuffles[0].second;
    EXPECT_EQ(shuffle.origin, peer(0));
    EXPECT_EQ(shuffle.ttl, wire::Ttl{6});
    ASSERT_EQ(shuffle.nodes.size(), 8U);  // 3 active, 4 passive, itself.
    EXPECT_EQ(shuffle.nodes.back(), (wire::PeerInfo{peer(0), kNoAddress}));
    for (const wire::PeerInfo& info : shuffle.nodes) {
        EXPECT_NE(info.id, shuffles[0].first);
    }
    EXPECT_EQ(view_->next_deadline(), at(120s));
}

TEST_F(HyParViewTest, AShuffleIsPassedOnNeitherToSenderNorOrigin) {
    make();
    fill(3);
    const wire::Shuffle shuffle{peer(2), {{peer(20), std::nullopt}}, wire::Ttl{6}};
    const Effects out = receive(1, shuffle);
    EXPECT_EQ(out, (Effects{SendMembership{peer(3), wire::Shuffle{peer(2), shuffle.nodes, wire::Ttl{5}}}}));
    EXPECT_TRUE(view_->passive().empty());
}

TEST_F(HyParViewTest, AShuffleThatEndsIsTakenAndAnsweredInKind) {
    make();
    fill(3);
    const Effects out =
        receive(1, wire::Shuffle{peer(9), {{peer(20), data("x")}, {peer(0), data("self")}}, wire::Ttl{0}});
    EXPECT_EQ(view_->passive(), std::vector<EndpointId>{peer(20)});
    const auto reply = sent<wire::ShuffleReply>(out);
    ASSERT_EQ(reply.size(), 1U);
    EXPECT_EQ(reply[0].first, peer(9));
    EXPECT_EQ(reply[0].second.nodes.size(), 2U);
    EXPECT_EQ(all<PeerDataLearned>(out), (std::vector<PeerDataLearned>{{peer(20), data("x")}}));
}

TEST_F(HyParViewTest, WalksAreNoLongerThanOurOwn) {
    make();
    fill(2);
    const Effects out = receive(1, wire::ForwardJoin{{peer(9), std::nullopt}, wire::Ttl{65535}});
    EXPECT_EQ(sent<wire::ForwardJoin>(out)[0].second.ttl, wire::Ttl{5});
}

TEST_F(HyParViewTest, MessagesThatNameUsAreRefused) {
    make();
    fill(2);
    EXPECT_TRUE(receive(1, wire::ForwardJoin{{peer(0), std::nullopt}, wire::Ttl{0}}).empty());
    EXPECT_TRUE(receive(1, wire::Shuffle{peer(0), {{peer(20), std::nullopt}}, wire::Ttl{0}}).empty());
    EXPECT_TRUE(receive(0, wire::Join{std::nullopt}).empty());
    EXPECT_EQ(view_->counters().refused_own_id, 3U);
    EXPECT_TRUE(view_->passive().empty());
}

TEST_F(HyParViewTest, ListsRequestsAndDataAreBounded) {  // Invariants 1 and 6.
    make();
    fill(2);
    wire::ShuffleReply reply;
    for (std::uint8_t n = 50; n < 50 + 64; ++n) {
        reply.nodes.push_back({peer(n), std::nullopt});
    }
    receive(1, reply);
    EXPECT_EQ(view_->passive().size(), kShuffleTakenMax);
    EXPECT_EQ(view_->counters().refused_list_excess, 64 - kShuffleTakenMax);
    for (std::uint8_t n = 50; n < 50 + 100; ++n) {
        receive(1, wire::ForwardJoin{{peer(n), std::nullopt}, wire::Ttl{0}});
    }
    EXPECT_EQ(view_->requests(), kRequestsMax);
    EXPECT_EQ(view_->counters().refused_requests_full, 100 - kRequestsMax);
    const Effects out = receive(1, wire::Neighbor{Priority::low, wire::PeerData(kPeerDataBytesMax + 1)});
    EXPECT_TRUE(all<PeerDataLearned>(out).empty());
    EXPECT_EQ(view_->counters().refused_data_oversize, 1U);
}

TEST_F(HyParViewTest, PeerDataIsReportedWhenItChanges) {
    make();
    EXPECT_EQ(all<PeerDataLearned>(receive(1, wire::Join{data("a")})).size(), 1U);
    EXPECT_TRUE(all<PeerDataLearned>(receive(1, wire::Join{data("a")})).empty());
    EXPECT_TRUE(all<PeerDataLearned>(receive(1, wire::Join{kNoAddress})).empty());
    EXPECT_EQ(all<PeerDataLearned>(receive(1, wire::Join{data("b")})).size(), 1U);
}

TEST_F(HyParViewTest, AStrayBroadcastIsAnsweredWithGoodbyeOnceInAWhile) {
    make();
    fill(2);
    Effects out;
    view_->on_stray_broadcast(peer(9), at(0s), out);
    EXPECT_EQ(sent<wire::Disconnect>(out).size(), 1U);
    Effects again;
    view_->on_stray_broadcast(peer(9), at(900ms), again);
    view_->on_stray_broadcast(peer(1), at(900ms), again);
    EXPECT_TRUE(again.empty());
    view_->on_stray_broadcast(peer(9), at(1s), again);
    EXPECT_EQ(sent<wire::Disconnect>(again).size(), 1U);
    EXPECT_EQ(view_->counters().strangers_told, 2U);
}

TEST_F(HyParViewTest, AliveIsBornMinusEnded) {
    make();
    fill(8);
    EXPECT_EQ(ledger_[telemetry::Kind::active_peer].alive(), view_->active().size());
    EXPECT_EQ(ledger_[telemetry::Kind::passive_peer].alive(), view_->passive().size());
    view_.reset();
    EXPECT_EQ(ledger_[telemetry::Kind::active_peer].alive(), 0U);
}

}  // namespace
}  // namespace grapevine::membership
