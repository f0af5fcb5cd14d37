#include "sim/topic_network.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "sim/sites.hpp"

namespace grapevine::sim {
namespace {

using namespace std::chrono_literals;

// Nodes that only listen.
struct Listeners final : TopicOwner {
    explicit Listeners(std::size_t count) : network({}, 7, *this), heard(count), up(count), down(count) {
        for (std::size_t node = 0; node < count; ++node) {
            network.add(key_of(node, network.rng()).id(), {});
            network.start(node);
            network.join(node, node == 0 ? std::vector<base::EndpointId>{} : std::vector{network.id(0)});
        }
        network.run_for(10s);
    }
    void on_delivered(std::size_t node, const broadcast::Deliver& message) override {
        heard[node].push_back(message.content);
    }
    void on_neighbor_up(std::size_t node, const base::EndpointId& /*peer*/) override {
        up[node].push_back(network.now());
    }
    void on_neighbor_down(std::size_t node, const base::EndpointId& /*peer*/) override {
        down[node].push_back(network.now());
    }
    [[nodiscard]] std::optional<base::TimePoint> deadline(std::size_t /*node*/) const override { return {}; }
    void on_deadline(std::size_t /*node*/) override {}

    TopicNetwork network;
    std::vector<std::vector<base::Bytes>> heard;
    std::vector<std::vector<base::TimePoint>> up;
    std::vector<std::vector<base::TimePoint>> down;
};

TEST(TopicNetwork, CarriesAMessageToAllAndOnce) {
    Listeners nodes(40);
    const base::Bytes content = base::to_bytes("hello");
    ASSERT_TRUE(nodes.network.broadcast(3, content));
    nodes.network.run_for(2s);
    for (std::size_t node = 0; node < 40; ++node)
        EXPECT_EQ(nodes.heard[node], std::vector<base::Bytes>(node == 3 ? 0 : 1, content)) << node;
}

TEST(TopicNetwork, CountsTheBytesOfTheStream) {
    Listeners nodes(2);
    const WireCost before = nodes.network.cost();
    const base::Bytes content(300, 'x');
    const auto receipt = nodes.network.broadcast(0, content);
    ASSERT_TRUE(receipt);
    nodes.network.run_for(1s);
    const WireCost cost = nodes.network.cost() - before;
    const wire::TopicMessage sent = wire::BroadcastMessage{wire::Gossip{receipt->id, content, {}}};
    EXPECT_EQ(cost.payloads, 1U);
    EXPECT_EQ(cost.messages, 1U);
    EXPECT_EQ(cost.bytes, wire::kFramePrefixBytes + wire::encode(sent).size());
    EXPECT_EQ(cost.payload_bytes, cost.bytes);
    EXPECT_EQ(cost.datagrams, 1U);
    EXPECT_EQ(cost.connections, 0U) << "there is one";
    EXPECT_EQ(before.connections, 1U);
    EXPECT_EQ(nodes.network.bytes_sent(0) + nodes.network.bytes_sent(1), before.bytes + cost.bytes);
    EXPECT_EQ(nodes.network.bytes_received(0) + nodes.network.bytes_received(1), before.bytes + cost.bytes);
}

TEST(TopicNetwork, ADeathIsNoticedLate) {
    Listeners nodes(2);
    const base::TimePoint died = nodes.network.now();
    nodes.network.stop(0);
    EXPECT_TRUE(nodes.down[1].empty());
    nodes.network.run_for(5s);
    EXPECT_EQ(nodes.down[1], std::vector{died + TopicNetworkConfig{}.death_noticed});
}

TEST(TopicNetwork, WhoRunsAgainIsANeighbourAgain) {
    Listeners nodes(2);
    nodes.network.stop(1);
    nodes.network.run_for(100ms);
    nodes.network.start(1);
    nodes.network.join(1, {nodes.network.id(0)});
    nodes.network.run_for(10s);
    EXPECT_EQ(nodes.network.topic(1)->membership().active(), std::vector{nodes.network.id(0)});
    EXPECT_EQ(nodes.network.topic(0)->membership().active(), std::vector{nodes.network.id(1)});
    EXPECT_EQ(nodes.network.cost().connections, 2U);
    ASSERT_TRUE(nodes.network.broadcast(0, base::to_bytes("again")));
    nodes.network.run_for(1s);
    EXPECT_EQ(nodes.heard[1].size(), 1U);
}

TEST(TopicNetwork, ANodeThatNobodyHasCannotBeDialled) {
    Listeners nodes(1);
    nodes.network.join(0, {key_of(99, nodes.network.rng()).id()});
    nodes.network.run_for(30s);
    EXPECT_TRUE(nodes.up[0].empty());
    EXPECT_EQ(nodes.network.cost().bytes, 0U);
}

}  // namespace
}  // namespace grapevine::sim
