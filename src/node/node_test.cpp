// Rules of node.hpp that are judged by messages alone.

#include "node/node.hpp"

#include <gtest/gtest.h>

namespace grapevine::node {
namespace {

using namespace std::chrono_literals;

base::SecretKey key(std::uint8_t n) {
    std::array<std::uint8_t, 32> seed{};
    seed[0] = n;
    return *base::SecretKey::from_seed(seed);
}

base::TimePoint at(base::Duration since_start) {
    return base::TimePoint{} + since_start;
}

class NodeTest : public ::testing::Test {
protected:
    NodeTest() : secret_(key(1)), node_(config(), secret_, rng_, ledger_) {
        Effects out;
        node_.start({}, at(0s), out);
    }
    static Config config() {
        Config config;
        config.mesh = MeshConfig{};
        config.mesh->mesh = "mesh1";
        config.mesh->type = "broker";
        return config;
    }
    Effects receive(const base::EndpointId& from, wire::MembershipMessage message, base::Duration when) {
        Effects out;
        node_.on_gossip(from, Node::topic_of_mesh("mesh1"), wire::TopicMessage(std::move(message)), at(when), out);
        return out;
    }
    // How many Neighbor messages went to `to`.
    static std::size_t answers(const Effects& effects, const base::EndpointId& to) {
        std::size_t count = 0;
        for (const auto& effect : effects) {
            const auto* send = std::get_if<SendMessage>(&effect);
            const auto* message = send == nullptr ? nullptr : std::get_if<wire::MembershipMessage>(&send->message);
            if (message != nullptr && send->to == to && std::holds_alternative<wire::Neighbor>(*message)) ++count;
        }
        return count;
    }

    base::Rng rng_{3};
    telemetry::Ledger ledger_;
    base::SecretKey secret_;
    Node node_;
};

TEST_F(NodeTest, AJoinIsAlwaysAnsweredOnceAlsoFromANeighborThatRestarted) {  // Rule 7.
    const base::EndpointId peer = key(2).id();
    EXPECT_EQ(answers(receive(peer, wire::Join{wire::PeerData{}}, 0s), peer), 1U);
    EXPECT_EQ(answers(receive(peer, wire::Join{wire::PeerData{}}, 500ms), peer), 1U);
    EXPECT_EQ(answers(receive(peer, wire::Join{wire::PeerData{}}, 20s), peer), 1U);
    EXPECT_EQ(node_.mesh_neighbors(), std::vector<base::EndpointId>{peer});
}

TEST_F(NodeTest, AnEchoOfTheAnswerToAJoinEndsThere) {
    const base::EndpointId peer = key(2).id();
    receive(peer, wire::Join{wire::PeerData{}}, 0s);
    receive(peer, wire::Join{wire::PeerData{}}, 500ms);
    EXPECT_EQ(answers(receive(peer, wire::Neighbor{wire::Priority::high, wire::PeerData{}}, 600ms), peer), 0U);
}

}  // namespace
}  // namespace grapevine::node
