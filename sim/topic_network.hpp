#pragma once

// One gossip topic on a virtual network: a real node::Topic a node, with what its messages cost as bytes on the wire.
// Discrete events, deterministic in the seed. What a node does with the topic is its owner's (TopicOwner).
//
// The model:
//  1. Latency is that of sim/network.hpp: constant for a pair. Streams are reliable and in order; nothing is lost but
//     with a process.
//  2. The first message between two nodes makes a connection, which takes a round trip more, and lasts until one side
//     lets go of it; the other learns that one latency later.
//  3. Nobody says goodbye for a process that is stopped: its peers notice after `death_noticed`, or at their next
//     message if it runs again by then (a reset). A first message to a node that does not run fails after a round trip
//     (the port is closed), one to an id that nobody has after `dial_fails`.
//  4. A node that runs but is not in the topic ignores what comes.
//
// Bytes are those of wire/gossip.hpp: each message as encoded with the length before it, and for each connection and
// direction the header of the stream. QUIC, UDP and IP are not in them; `datagrams` counts what would carry them:
// messages of one instant to one peer share datagrams of kDatagramPayload, as the stack packs them.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "node/topic.hpp"
#include "sim/event_queue.hpp"
#include "sim/network.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::sim {

inline constexpr std::size_t kDatagramPayload = 1200;  // Bytes of stream data; RFC 9000 has every path carry them.

struct TopicNetworkConfig {
    NetworkConfig network;  // Its latencies.
    node::TopicConfig topic;
    base::Duration death_noticed = std::chrono::seconds(2);  // Between the 1.7 and 2.7 s of paths/link_monitor.hpp.
    base::Duration dial_fails = std::chrono::seconds(10);    // As MessageWorld's kDialTimeout.
};

// What was sent. Bytes and datagrams count once, at their sender.
struct WireCost {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::uint64_t payloads = 0;  // Messages that carry a broadcast.
    std::uint64_t payload_bytes = 0;
    std::uint64_t datagrams = 0;
    std::uint64_t connections = 0;

    WireCost operator-(const WireCost& other) const;
    WireCost& operator+=(const WireCost& other);
    friend bool operator==(const WireCost&, const WireCost&) = default;
};

class TopicOwner {
public:
    virtual ~TopicOwner() = default;
    virtual void on_delivered(std::size_t node, const broadcast::Deliver& message) = 0;
    virtual void on_neighbor_up(std::size_t node, const base::EndpointId& peer) = 0;
    virtual void on_neighbor_down(std::size_t node, const base::EndpointId& peer) = 0;
    // The owner's own deadline for this node; after on_deadline it lies in the future.
    [[nodiscard]] virtual std::optional<base::TimePoint> deadline(std::size_t node) const = 0;
    virtual void on_deadline(std::size_t node) = 0;
};

class TopicNetwork {
public:
    // The owner outlives the network.
    TopicNetwork(const TopicNetworkConfig& config, std::uint64_t seed, TopicOwner& owner);

    // A node that does not run yet. Nodes are numbered from 0.
    std::size_t add(const base::EndpointId& id, wire::PeerData own);
    void start(std::size_t node);
    // The process is gone at once, and its topic with it.
    void stop(std::size_t node);

    // Enters the topic if need be, and joins through the peers.
    void join(std::size_t node, const std::vector<base::EndpointId>& peers);
    void leave(std::size_t node);
    // Not for a node that is not in the topic.
    base::Result<broadcast::Receipt> broadcast(std::size_t node, base::Bytes content);
    // The owner's deadline may be another one.
    void reschedule(std::size_t node);

    void at(base::TimePoint when, std::function<void()> action);
    // If the node lives the same life then.
    void at(std::size_t node, base::TimePoint when, std::function<void()> action);
    void run_until(base::TimePoint end);
    void run_for(base::Duration time) { run_until(now_ + time); }

    [[nodiscard]] base::TimePoint now() const { return now_; }
    [[nodiscard]] base::Rng& rng() { return rng_; }
    [[nodiscard]] std::size_t size() const { return nodes_.size(); }
    [[nodiscard]] const base::EndpointId& id(std::size_t node) const { return nodes_[node].id; }
    [[nodiscard]] bool runs(std::size_t node) const { return nodes_[node].runs; }
    // Null when the node is not in the topic.
    [[nodiscard]] const node::Topic* topic(std::size_t node) const { return nodes_[node].topic.get(); }
    [[nodiscard]] const WireCost& cost() const { return cost_; }
    [[nodiscard]] std::uint64_t bytes_sent(std::size_t node) const { return nodes_[node].bytes_sent; }
    // What was sent to it.
    [[nodiscard]] std::uint64_t bytes_received(std::size_t node) const { return nodes_[node].bytes_received; }
    [[nodiscard]] std::uint64_t events() const { return events_; }
    [[nodiscard]] std::uint64_t trace_hash() const { return hash_; }

private:
    struct Node {
        base::EndpointId id;
        wire::PeerData own;
        bool runs = false;
        std::uint64_t life = 0;
        base::TimePoint started;
        std::unique_ptr<base::Rng> rng;
        std::unique_ptr<node::Topic> topic;
        std::optional<base::TimePoint> wake_at;  // The wake that counts; others are stale.
        std::set<std::size_t> connected;
        std::uint64_t bytes_sent = 0;
        std::uint64_t bytes_received = 0;
    };
    struct Direction {
        bool has_stream = false;
        base::TimePoint sent_at;
        std::size_t room = 0;  // Of the datagram of that instant.
    };
    struct Link {
        bool open = false;
        std::uint64_t generation = 0;
        base::TimePoint ready_at;
        base::TimePoint broken_at;    // When a process was stopped,
        base::TimePoint believed_to;  // and how long the survivor does not know.
        std::array<Direction, 2> directions;
    };
    struct Wake {};
    struct Lost {
        base::EndpointId peer;
        std::uint64_t generation = 0;
        std::uint64_t life = 0;
    };
    struct Arrival {
        std::size_t from = 0;
        std::uint64_t life = 0;  // Of the receiver.
        wire::TopicMessage message;
    };
    using Action = std::function<void()>;
    struct Event {
        std::size_t node = 0;
        std::variant<Wake, Lost, Arrival, Action> what;
    };

    void step();
    void take(std::size_t node, Lost& lost);
    void take(std::size_t node, Arrival& arrival);
    void wake(std::size_t node, base::TimePoint when);
    // Carries out what the topic asked for, and keeps for notify() what it said.
    void apply(std::size_t node, node::TopicEffects& effects);
    void notify();
    void send(std::size_t from, node::SendGossip& send);
    void charge(std::size_t from, std::size_t to, Link& link, const wire::TopicMessage& message);
    void disconnect(std::size_t from, const base::EndpointId& peer);
    void fail(std::size_t from, const base::EndpointId& peer, std::uint64_t generation, base::Duration after);
    void note(std::uint64_t word);
    [[nodiscard]] Link& link(std::size_t a, std::size_t b);
    [[nodiscard]] std::optional<std::size_t> find(const base::EndpointId& id) const;

    TopicNetworkConfig config_;
    Network network_;
    base::Rng rng_;
    TopicOwner& owner_;
    telemetry::Ledger ledger_;
    base::TimePoint now_{};
    EventQueue<Event> queue_;
    std::unordered_map<std::uint64_t, Link> links_;                          // By pair; never iterated.
    std::unordered_map<base::EndpointId, std::size_t, base::IdHash> index_;  // Never iterated.
    struct Notice {
        std::size_t node;
        std::uint64_t life;
        node::TopicEffect effect;
    };
    std::deque<Notice> notices_;
    std::vector<Node> nodes_;
    WireCost cost_;
    std::uint64_t events_ = 0;
    std::uint64_t hash_ = 0x9ae16a3b2f90404fULL;
};

}  // namespace grapevine::sim
