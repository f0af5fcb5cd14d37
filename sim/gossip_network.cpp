#include "sim/gossip_network.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.hpp"

namespace grapevine::sim {

namespace {

constexpr std::size_t kIndexBytes = 4;

// Random, but for its last bytes, which are the index: a look-up by id then costs nothing.
base::EndpointId make_id(std::size_t index, base::Rng& rng) {
    base::EndpointId id;
    rng.fill(id.bytes);
    for (std::size_t i = 0; i < kIndexBytes; ++i) {
        id.bytes[base::kIdBytes - 1 - i] = static_cast<std::uint8_t>(index >> (8 * i));
    }
    return id;
}

}  // namespace

std::size_t GossipNetwork::index_of(const base::EndpointId& id) {
    std::size_t index = 0;
    for (std::size_t i = base::kIdBytes - kIndexBytes; i < base::kIdBytes; ++i) {
        index = index << 8U | id.bytes[i];
    }
    return index;
}

GossipNetwork::GossipNetwork(const GossipScenario& scenario, std::uint64_t seed) : scenario_(scenario), rng_(seed) {
    GRAPEVINE_ASSERT(scenario.nodes >= 3, "the figures need three nodes");
    nodes_.reserve(scenario.nodes);
    const std::size_t pairs = scenario.nodes * (scenario.nodes - 1) / 2;
    latencies_.resize(pairs);
    connected_.resize(pairs);
}

void GossipNetwork::bootstrap() {
    const auto trips = [this](int count) { run_for(scenario_.latency_max * count); };
    const std::size_t first = scenario_.bootstrap_set > 0 ? scenario_.bootstrap_set : scenario_.nodes;
    for (std::size_t i = 0; i < scenario_.nodes; ++i) {
        if (i == first) {
            trips(7);
        }
        add_node();
        if (i == 0) {
            enter(i, std::nullopt);
        } else {
            enter(i, i < first ? 0 : rng_.index(first));
        }
    }
    trips(20);
}

void GossipNetwork::add_node() {
    Node node;
    node.id = make_id(nodes_.size(), rng_);
    node.rng = std::make_unique<base::Rng>(rng_.fork());
    node.topic = std::make_unique<node::Topic>(node.id, scenario_.topic, *node.rng, ledger_);
    nodes_.push_back(std::move(node));
}

void GossipNetwork::enter(std::size_t index, std::optional<std::size_t> contact) {
    std::vector<base::EndpointId> peers;
    if (contact) {
        peers.push_back(nodes_[*contact].id);
    }
    nodes_[index].topic->join(peers, now_, effects_);
    apply(index);
}

RoundFigures GossipNetwork::round(const std::vector<Sent>& messages) {
    for (Node& node : nodes_) {
        node.topic->reset_quality();
    }
    const base::TimePoint start = now_;
    const std::uint64_t expected = messages.size() * (nodes_.size() - 1);
    delivered_ = 0;
    for (const Sent& sent : messages) {
        const auto receipt = nodes_[sent.sender].topic->broadcast(sent.content, wire::ScopeKind::swarm, now_, effects_);
        GRAPEVINE_ASSERT(receipt.has_value(), "the scenarios send small messages");
        apply(sent.sender);
    }
    const base::TimePoint end = start + scenario_.round_timeout;
    while (delivered_ < expected && due_before(end)) {
        step();
    }
    if (delivered_ < expected) {
        now_ = end;
    }
    RoundFigures figures;
    double payload = 0.0;
    for (const Node& node : nodes_) {
        const broadcast::Quality& quality = node.topic->broadcast().quality();
        payload += static_cast<double>(quality.payload_received);
        figures.ldh = std::max(figures.ldh, static_cast<double>(quality.delivery_hop_max));
    }
    figures.missed = expected - delivered_;
    figures.rmr = payload / (static_cast<double>(delivered_) - 1.0) - 1.0;
    figures.duration = now_ - start;
    return figures;
}

void GossipNetwork::run_for(base::Duration duration) {
    const base::TimePoint end = now_ + duration;
    while (due_before(end)) {
        step();
    }
    now_ = end;
}

void GossipNetwork::step() {
    const Event event = queue_.top();
    queue_.pop();
    now_ = event.at;
    Payload payload = std::move(payloads_[event.slot]);
    free_slots_.push_back(event.slot);
    Node& node = nodes_[event.node];
    if (std::holds_alternative<Wake>(payload)) {
        if (node.wake_at != event.at) {
            return;
        }
        node.wake_at.reset();
    }
    ++events_;
    note(static_cast<std::uint64_t>(event.at.time_since_epoch().count()));
    note(event.node << 8U | payload.index());
    if (auto* arrival = std::get_if<Arrival>(&payload)) {
        note(arrival->from << 8U | arrival->message.index());
        connected_[pair_index(event.node, arrival->from)] = true;
        node.topic->on_message(nodes_[arrival->from].id, std::move(arrival->message), now_, effects_);
    } else if (const auto* lost = std::get_if<Lost>(&payload)) {
        node.topic->on_peer_disconnected(nodes_[lost->peer].id, now_, effects_);
    } else {
        node.topic->on_deadline(now_, effects_);
    }
    apply(event.node);
}

// Disconnections come after the sends of the same step, as in the original.
void GossipNetwork::apply(std::size_t index) {
    for (node::TopicEffect& effect : effects_) {
        if (auto* send = std::get_if<node::SendGossip>(&effect)) {
            const std::size_t to = index_of(send->to);
            schedule(now_ + latency(index, to), to, Arrival{index, std::move(send->message)});
        } else if (std::holds_alternative<broadcast::Deliver>(effect)) {
            ++delivered_;
        }
    }
    for (const node::TopicEffect& effect : effects_) {
        if (const auto* gone = std::get_if<membership::DisconnectPeer>(&effect)) {
            disconnect(index, index_of(gone->peer));
        }
    }
    effects_.clear();
    const auto deadline = nodes_[index].topic->next_deadline();
    if (deadline && nodes_[index].wake_at != deadline) {
        nodes_[index].wake_at = deadline;
        schedule(std::max(*deadline, now_), index, Wake{});
    } else if (!deadline) {
        nodes_[index].wake_at.reset();
    }
}

void GossipNetwork::disconnect(std::size_t from, std::size_t to) {
    const std::size_t pair = pair_index(from, to);
    if (connected_[pair]) {
        connected_[pair] = false;
        schedule(now_ + latency(from, to) + std::chrono::microseconds(1), to, Lost{from});
    }
}

void GossipNetwork::schedule(base::TimePoint at, std::size_t node, Payload payload) {
    std::size_t slot = payloads_.size();
    if (free_slots_.empty()) {
        payloads_.push_back(std::move(payload));
    } else {
        slot = free_slots_.back();
        free_slots_.pop_back();
        payloads_[slot] = std::move(payload);
    }
    queue_.push({at, sequence_++, node, slot});
}

void GossipNetwork::note(std::uint64_t word) {
    hash_ = std::rotl((hash_ ^ word) * 0x9e3779b97f4a7c15ULL, 29);
}

base::Duration GossipNetwork::latency(std::size_t a, std::size_t b) {
    base::Duration& value = latencies_[pair_index(a, b)];
    if (value == base::Duration::zero()) {
        value = rng_.between(scenario_.latency_min, scenario_.latency_max);
    }
    return value;
}

std::size_t GossipNetwork::pair_index(std::size_t a, std::size_t b) const {
    const auto [low, high] = std::minmax(a, b);
    return high * (high - 1) / 2 + low;
}

}  // namespace grapevine::sim
