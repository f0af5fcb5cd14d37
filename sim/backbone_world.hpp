#pragma once

// The backbone of a fabric, whole: real fabric::Backbones on one real gossip topic (topic_network.hpp). Of a mesh only
// its gateways are processes, since its other members have no part in the backbone; what its directory would tell the
// gateways is modelled: a start is known after 300 ms, a death after 3 s, to each gateway a little later than to
// others.
//
//  1. Meshes start at random moments of `boot_spread`, the gateways of one within a second. The fabric's seeds are the
//     first gateways of the first three meshes.
//  2. A gateway joins the topic as JoinBackbone says, through seeds, fellows and gateways that it heard of, and again
//     every two seconds while it has no neighbour there (a seed is tried for ever).
//  3. Members that are no gateways die at random, each after member_life in the mean, and are back after member_gap, so
//     the counts in summaries change as in a mesh that lives.
//  4. Strangers are nodes of the topic that are no gateways: they hear all, and say what a test has them say.
//  5. With gateway_life each mesh has a gateway stopped once in that time, by turns, which is back after gateway_gap.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ed25519.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "base/verification_memo.hpp"
#include "fabric/backbone.hpp"
#include "sim/topic_network.hpp"

namespace grapevine::sim {

inline constexpr std::size_t kHeardMax = 4096;

struct FabricShape {
    std::size_t meshes = 10;
    std::size_t nodes = 10;  // Of a mesh, its gateways included.
    std::size_t gateways = 3;
    base::Duration boot_spread = std::chrono::seconds(1);
    base::Duration member_life = std::chrono::hours(1);
    base::Duration member_gap = std::chrono::seconds(5);
    base::Duration gateway_life{};  // Zero: they stay.
    base::Duration gateway_gap = std::chrono::seconds(5);
    std::size_t strangers = 0;
    TopicNetworkConfig network;
    fabric::BackboneConfig backbone;  // But for what names the node and its mesh.
    std::uint64_t seed = 1;
};

class BackboneWorld final : private TopicOwner {
public:
    explicit BackboneWorld(FabricShape shape);
    ~BackboneWorld() override;
    BackboneWorld(const BackboneWorld&) = delete;
    BackboneWorld& operator=(const BackboneWorld&) = delete;

    // All meshes start now.
    void boot();
    // The same, and runs until they are there; but what gateways say meanwhile comes to every other at once, and not
    // through the topic. For worlds of so many meshes that the messages of a boot are more than can be waited for.
    void boot_without_gossip();
    void run_for(base::Duration time) { network_.run_for(time); }
    // From now on; zero: no more.
    void set_gateway_life(base::Duration life);
    void stop(std::size_t node);
    void start(std::size_t node);
    // A stranger's process runs from now on, and is in the topic.
    void admit_stranger(std::size_t node);
    // Any bytes, by a stranger, or by a gateway that lies. Nothing happens while the node is not in the topic.
    void broadcast(std::size_t node, base::Bytes content);
    // What a stranger heard; at most kHeardMax, the oldest.
    [[nodiscard]] const std::vector<base::Bytes>& heard(std::size_t node) const { return gateways_[node].heard; }
    [[nodiscard]] const base::SecretKey& key(std::size_t node) const { return *gateways_[node].key; }
    [[nodiscard]] const wire::EndpointAddr& addr(std::size_t node) const { return gateways_[node].addr; }
    // As fabric::Backbone::route; not for a stranger nor for a gateway that does not run.
    std::vector<fabric::Side> route(std::size_t node, std::size_t mesh);

    // Nodes are numbered mesh by mesh.
    [[nodiscard]] std::size_t gateway(std::size_t mesh, std::size_t n) const { return mesh * shape_.gateways + n; }
    [[nodiscard]] std::size_t gateways() const { return shape_.meshes * shape_.gateways; }
    [[nodiscard]] std::size_t stranger(std::size_t n) const { return gateways() + n; }
    [[nodiscard]] static std::string name_of(std::size_t mesh) { return "mesh-" + std::to_string(mesh); }
    // Null while the process does not run.
    [[nodiscard]] const fabric::Backbone* backbone(std::size_t node) const { return gateways_[node].backbone.get(); }
    [[nodiscard]] const TopicNetwork& network() const { return network_; }
    // Of all backbones that ever ran.
    [[nodiscard]] fabric::Counters counters() const;
    // Summaries, or what pretends to be one, that the topic delivered to backbones.
    [[nodiscard]] std::uint64_t delivered() const { return delivered_; }
    // Pairs of a gateway and another mesh of which it knows nothing; one that does not run knows nothing.
    [[nodiscard]] std::size_t unknown() const;
    // Runs until nothing is unknown; nothing if that takes longer than `limit`.
    std::optional<base::Duration> time_until_all_known(base::Duration limit);

private:
    struct Gateway {
        std::size_t mesh = 0;
        std::optional<base::SecretKey> key;
        wire::EndpointAddr addr;
        bool noticed = false;  // By the directory of its mesh.
        std::unique_ptr<base::Rng> rng;
        std::unique_ptr<fabric::Backbone> backbone;
        fabric::Effects out;
        std::vector<base::Bytes> heard;  // By a stranger.
    };
    struct Mesh {
        std::array<std::uint32_t, 3> members{};  // By type, those that are no gateways.
        std::size_t restarted = 0;               // How many of its gateways were, in turn.
    };

    void on_delivered(std::size_t node, const broadcast::Deliver& message) override;
    void on_neighbor_up(std::size_t node, const base::EndpointId& peer) override;
    void on_neighbor_down(std::size_t node, const base::EndpointId& peer) override;
    [[nodiscard]] std::optional<base::TimePoint> deadline(std::size_t node) const override;
    void on_deadline(std::size_t node) override;

    void say(std::size_t node, const base::Bytes& envelope);
    void say_to_all(std::size_t node, const base::Bytes& envelope);
    void tell(std::size_t mesh);
    [[nodiscard]] fabric::OwnFacts facts_of(std::size_t mesh) const;
    void flush(std::size_t node);
    void join(std::size_t node, const std::vector<wire::EndpointAddr>& peers);
    void rejoin_if_alone(std::size_t node);
    void plan_death(std::size_t mesh);
    void lose_member(std::size_t mesh);
    void plan_restart(std::size_t mesh, std::uint64_t regime);
    [[nodiscard]] base::Duration up_to(base::Duration longest) { return rng_.between(base::Duration{1}, longest); }

    FabricShape shape_;
    base::Rng rng_;
    base::VerificationMemo memo_;
    std::vector<Gateway> gateways_;
    std::vector<Mesh> meshes_;
    std::vector<wire::EndpointAddr> seeds_;
    fabric::Counters ended_;  // Of backbones that are gone.
    std::uint64_t delivered_ = 0;
    bool without_gossip_ = false;
    std::uint64_t regime_ = 0;  // Restarts that were planned under another one do not come.
    TopicNetwork network_;
};

}  // namespace grapevine::sim
