#include "node/gossip.hpp"

#include <gtest/gtest.h>

#include "base/blake3.hpp"

namespace grapevine::node {
namespace {

using base::EndpointId;
using base::TimePoint;
using base::TopicId;
using namespace std::chrono_literals;

EndpointId peer(std::uint8_t n) {
    EndpointId id;
    id.bytes.fill(n);
    return id;
}

TopicId topic(std::uint8_t n) {
    TopicId id;
    id.bytes.fill(n);
    return id;
}

TimePoint at(base::Duration since_start) {
    return TimePoint(since_start);
}

base::Bytes bytes(std::string_view text) {
    return {text.begin(), text.end()};
}

wire::TopicMessage join() {
    return wire::MembershipMessage(wire::Join{wire::PeerData{}});
}

wire::TopicMessage disconnect() {
    return wire::MembershipMessage(wire::Disconnect{true, false});
}

class GossipTest : public ::testing::Test {
protected:
    GossipEffects receive(std::uint8_t from, std::uint8_t to, wire::TopicMessage message, base::Duration when = 0s) {
        GossipEffects out;
        gossip_.on_message(peer(from), topic(to), std::move(message), at(when), out);
        return out;
    }
    void enter(std::uint8_t n) {
        GossipEffects out;
        ASSERT_TRUE(gossip_.subscribe(topic(n), {}, at(0s), out).has_value());
    }
    template <typename T>
    static std::vector<T> all(const GossipEffects& effects) {
        std::vector<T> found;
        for (const GossipEffect& effect : effects) {
            if (const auto* e = std::get_if<T>(&effect.effect)) {
                found.push_back(*e);
            }
        }
        return found;
    }

    telemetry::Ledger ledger_;
    base::Rng rng_{1};
    GossipConfig config_{{}, 2};
    Gossip gossip_{peer(0), config_, rng_, ledger_};
};

TEST_F(GossipTest, SubscribingJoinsThroughThePeersWithOurData) {
    gossip_.set_own_data(bytes("addr"));
    GossipEffects out;
    ASSERT_TRUE(gossip_.subscribe(topic(1), {peer(5)}, at(0s), out).has_value());
    const wire::TopicMessage expected = wire::MembershipMessage(wire::Join{bytes("addr")});
    EXPECT_EQ(out, (GossipEffects{{topic(1), SendGossip{peer(5), expected}}}));
    EXPECT_EQ(ledger_[telemetry::Kind::gossip_topic].alive(), 1U);
}

TEST_F(GossipTest, ForeignTopicsAreIgnoredAndCounted) {
    enter(1);
    EXPECT_TRUE(receive(5, 9, join()).empty());
    EXPECT_EQ(gossip_.counters().unknown_topic, 1U);
    GossipEffects out;
    const auto result = gossip_.broadcast(topic(9), bytes("x"), wire::ScopeKind::swarm, at(0s), out);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, base::ErrorCode::not_found);
}

TEST_F(GossipTest, TopicsAreBounded) {
    enter(1);
    enter(2);
    GossipEffects out;
    const auto result = gossip_.subscribe(topic(3), {}, at(0s), out);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, base::ErrorCode::exhausted);
    EXPECT_EQ(gossip_.counters().topics_refused, 1U);
    EXPECT_TRUE(gossip_.subscribe(topic(2), {}, at(0s), out).has_value());
}

TEST_F(GossipTest, NeighborsOfOneTopicCarryItsBroadcasts) {
    enter(1);
    enter(2);
    EXPECT_EQ(all<membership::NeighborUp>(receive(5, 1, join())).size(), 1U);
    GossipEffects out;
    ASSERT_TRUE(gossip_.broadcast(topic(1), bytes("hi"), wire::ScopeKind::swarm, at(1s), out).has_value());
    ASSERT_EQ(all<SendGossip>(out).size(), 1U);
    EXPECT_EQ(out[0].topic, topic(1));
    out.clear();
    ASSERT_TRUE(gossip_.broadcast(topic(2), bytes("hi"), wire::ScopeKind::swarm, at(1s), out).has_value());
    EXPECT_TRUE(out.empty());
}

TEST_F(GossipTest, APeerIsLetGoOnlyWhenNoTopicWantsIt) {
    enter(1);
    enter(2);
    receive(5, 1, join());
    receive(5, 2, join());
    EXPECT_TRUE(all<membership::DisconnectPeer>(receive(5, 1, disconnect(), 1s)).empty());
    EXPECT_EQ(gossip_.counters().disconnects_kept, 1U);
    EXPECT_TRUE(gossip_.wants(peer(5)));
    EXPECT_EQ(all<membership::DisconnectPeer>(receive(5, 2, disconnect(), 2s)).size(), 1U);
    EXPECT_FALSE(gossip_.wants(peer(5)));
}

TEST_F(GossipTest, LeavingSaysGoodbyeAndForgets) {
    enter(1);
    receive(5, 1, join());
    GossipEffects out;
    gossip_.leave(topic(1), at(1s), out);
    const wire::TopicMessage goodbye = wire::MembershipMessage(wire::Disconnect{false, false});
    const auto sent = all<SendGossip>(out);
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_EQ(sent[1], (SendGossip{peer(5), goodbye}));
    EXPECT_EQ(all<membership::DisconnectPeer>(out).size(), 1U);
    EXPECT_EQ(gossip_.find(topic(1)), nullptr);
    EXPECT_EQ(gossip_.next_deadline(), std::nullopt);
    EXPECT_EQ(ledger_[telemetry::Kind::gossip_topic].alive(), 0U);
}

TEST_F(GossipTest, ALostPeerIsLostInEveryTopic) {
    enter(1);
    enter(2);
    receive(5, 1, join());
    receive(5, 2, join());
    GossipEffects out;
    gossip_.on_peer_disconnected(peer(5), at(1s), out);
    EXPECT_EQ(all<membership::NeighborDown>(out).size(), 2U);
    EXPECT_EQ(all<membership::Isolated>(out).size(), 2U);
}

TEST_F(GossipTest, DeadlinesOfAllTopicsMerge) {
    enter(1);
    enter(2);
    receive(5, 1, join());
    receive(5, 2, join());
    receive(5, 2, wire::BroadcastMessage(wire::Prune{}));
    GossipEffects out;
    ASSERT_TRUE(gossip_.broadcast(topic(2), bytes("hi"), wire::ScopeKind::swarm, at(1s), out).has_value());
    EXPECT_EQ(gossip_.next_deadline(), at(1005ms));
    out.clear();
    gossip_.on_deadline(at(1005ms), out);
    ASSERT_EQ(all<SendGossip>(out).size(), 1U);
    EXPECT_EQ(out[0].topic, topic(2));
}

TEST_F(GossipTest, AStrangersBroadcastIsDeliveredAndItIsToldSo) {
    enter(1);
    const base::MessageId id{base::blake3(bytes("hi"))};
    const wire::Gossip message{id, bytes("hi"), {wire::ScopeKind::swarm, wire::Round{0}}};
    const GossipEffects out = receive(7, 1, wire::BroadcastMessage(message));
    EXPECT_EQ(all<broadcast::Deliver>(out).size(), 1U);
    EXPECT_EQ(all<membership::DisconnectPeer>(out).size(), 1U);
}

}  // namespace
}  // namespace grapevine::node
