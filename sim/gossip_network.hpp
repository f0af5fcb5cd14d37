#pragma once

// The network of gossip_scenarios.hpp: nodes that hold one topic each, joined by latencies.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "node/topic.hpp"
#include "sim/gossip_scenarios.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::sim {

class GossipNetwork {
public:
    GossipNetwork(const GossipScenario& scenario, std::uint64_t seed);

    // All nodes enter and the overlay settles.
    void bootstrap();
    // Each message is its sender's index and its content.
    struct Sent {
        std::size_t sender;
        base::Bytes content;
    };
    RoundFigures round(const std::vector<Sent>& messages);

    [[nodiscard]] base::Rng& rng() { return rng_; }
    [[nodiscard]] std::size_t size() const { return nodes_.size(); }
    [[nodiscard]] const node::Topic& topic(std::size_t index) const { return *nodes_[index].topic; }
    [[nodiscard]] const base::EndpointId& id(std::size_t index) const { return nodes_[index].id; }
    [[nodiscard]] static std::size_t index_of(const base::EndpointId& id);
    [[nodiscard]] base::TimePoint now() const { return now_; }
    [[nodiscard]] std::uint64_t events() const { return events_; }
    [[nodiscard]] std::uint64_t trace_hash() const { return hash_; }

private:
    struct Node {
        base::EndpointId id;
        std::unique_ptr<base::Rng> rng;
        std::unique_ptr<node::Topic> topic;
        std::optional<base::TimePoint> wake_at;  // The wake event that counts; others are stale.
    };
    struct Wake {};
    struct Lost {
        std::size_t peer;
    };
    struct Arrival {
        std::size_t from;
        wire::TopicMessage message;
    };
    using Payload = std::variant<Wake, Lost, Arrival>;
    struct Event {
        base::TimePoint at;
        std::uint64_t sequence;
        std::size_t node;
        std::size_t slot;  // Into payloads_.
        bool operator<(const Event& other) const { return at != other.at ? at > other.at : sequence > other.sequence; }
    };

    void add_node();
    void enter(std::size_t index, std::optional<std::size_t> contact);
    void run_for(base::Duration duration);
    void step();
    void apply(std::size_t index);
    void disconnect(std::size_t from, std::size_t to);
    void schedule(base::TimePoint at, std::size_t node, Payload payload);
    void note(std::uint64_t word);
    [[nodiscard]] bool due_before(base::TimePoint end) const { return !queue_.empty() && queue_.top().at <= end; }
    [[nodiscard]] base::Duration latency(std::size_t a, std::size_t b);
    [[nodiscard]] std::size_t pair_index(std::size_t a, std::size_t b) const;

    GossipScenario scenario_;
    base::Rng rng_;
    telemetry::Ledger ledger_;
    base::TimePoint now_{};
    std::vector<Node> nodes_;
    std::vector<base::Duration> latencies_;  // By unordered pair; zero until drawn.
    std::vector<bool> connected_;            // By unordered pair.
    std::priority_queue<Event> queue_;
    std::vector<Payload> payloads_;
    std::vector<std::size_t> free_slots_;
    node::TopicEffects effects_;
    std::uint64_t sequence_ = 0;
    std::uint64_t events_ = 0;
    std::uint64_t delivered_ = 0;  // In this round.
    std::uint64_t hash_ = 0x9ae16a3b2f90404fULL;
};

}  // namespace grapevine::sim
