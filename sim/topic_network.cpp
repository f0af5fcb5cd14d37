#include "sim/topic_network.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.hpp"
#include "base/overloaded.hpp"

namespace grapevine::sim {

namespace {

constexpr std::size_t kStreamHeaderBytes = wire::kFramePrefixBytes + base::kIdBytes;

bool is_payload(const wire::TopicMessage& message) {
    const auto* broadcast = std::get_if<wire::BroadcastMessage>(&message);
    return broadcast != nullptr && std::holds_alternative<wire::Gossip>(*broadcast);
}

}  // namespace

WireCost WireCost::operator-(const WireCost& other) const {
    return {messages - other.messages,           bytes - other.bytes,         payloads - other.payloads,
            payload_bytes - other.payload_bytes, datagrams - other.datagrams, connections - other.connections};
}

WireCost& WireCost::operator+=(const WireCost& other) {
    messages += other.messages;
    bytes += other.bytes;
    payloads += other.payloads;
    payload_bytes += other.payload_bytes;
    datagrams += other.datagrams;
    connections += other.connections;
    return *this;
}

TopicNetwork::TopicNetwork(const TopicNetworkConfig& config, std::uint64_t seed, TopicOwner& owner)
    : config_(config), network_(config.network, seed), rng_(seed), owner_(owner) {}

std::size_t TopicNetwork::add(const base::EndpointId& id, wire::PeerData own) {
    GRAPEVINE_ASSERT(index_.emplace(id, nodes_.size()).second, "an id is of one node");
    Node node;
    node.id = id;
    node.own = std::move(own);
    nodes_.push_back(std::move(node));
    return nodes_.size() - 1;
}

void TopicNetwork::start(std::size_t index) {
    Node& node = nodes_[index];
    GRAPEVINE_ASSERT(!node.runs, "a node is started once");
    node.runs = true;
    ++node.life;
    node.started = now_;
    node.rng = std::make_unique<base::Rng>(rng_.fork());
}

void TopicNetwork::stop(std::size_t index) {
    Node& node = nodes_[index];
    node.runs = false;
    node.topic.reset();
    node.wake_at.reset();
    for (const std::size_t peer : std::exchange(node.connected, {})) {
        Link& broken = link(index, peer);
        broken.open = false;
        broken.broken_at = now_;
        broken.believed_to = now_ + config_.death_noticed;
        nodes_[peer].connected.erase(index);
        fail(peer, node.id, broken.generation, config_.death_noticed);
    }
}

void TopicNetwork::join(std::size_t index, const std::vector<base::EndpointId>& peers) {
    Node& node = nodes_[index];
    GRAPEVINE_ASSERT(node.runs, "a node that runs joins");
    if (!node.topic) {
        node.topic = std::make_unique<node::Topic>(node.id, config_.topic, *node.rng, ledger_);
        node.topic->set_own_data(node.own);
    }
    node::TopicEffects effects;
    node.topic->join(peers, now_, effects);
    apply(index, effects);
}

void TopicNetwork::leave(std::size_t index) {
    Node& node = nodes_[index];
    if (!node.topic) return;
    node::TopicEffects effects;
    node.topic->quit(now_, effects);
    apply(index, effects);
    node.topic.reset();
}

base::Result<broadcast::Receipt> TopicNetwork::broadcast(std::size_t index, base::Bytes content) {
    GRAPEVINE_ASSERT(nodes_[index].topic, "a node in the topic broadcasts");
    node::TopicEffects effects;
    auto receipt = nodes_[index].topic->broadcast(std::move(content), wire::ScopeKind::swarm, now_, effects);
    apply(index, effects);
    return receipt;
}

void TopicNetwork::at(base::TimePoint when, std::function<void()> action) {
    queue_.push(std::max(when, now_), {0, std::move(action)});
}

void TopicNetwork::at(std::size_t node, base::TimePoint when, std::function<void()> action) {
    at(when, [this, node, life = nodes_[node].life, action = std::move(action)] {
        if (nodes_[node].runs && nodes_[node].life == life) action();
    });
}

void TopicNetwork::run_until(base::TimePoint end) {
    notify();
    while (!queue_.empty() && queue_.next_at() <= end)
        step();
    now_ = end;
}

void TopicNetwork::step() {
    auto [when, event] = queue_.pop();
    now_ = when;
    ++events_;
    note(static_cast<std::uint64_t>(when.time_since_epoch().count()));
    note(event.node << 8U | event.what.index());
    std::visit(base::Overloaded{[&](Wake&) { wake(event.node, when); }, [](Action& action) { action(); },
                                [&](auto& what) { take(event.node, what); }},
               event.what);
    notify();
}

void TopicNetwork::take(std::size_t index, Lost& lost) {
    Node& node = nodes_[index];
    if (!node.runs || node.life != lost.life) return;
    if (const auto peer = find(lost.peer)) {
        Link& gone = link(index, *peer);
        if (gone.open || gone.generation != lost.generation) return;  // There is a newer one.
        gone.believed_to = base::TimePoint::min();
    }
    if (!node.topic) return;
    node::TopicEffects effects;
    node.topic->on_peer_disconnected(lost.peer, now_, effects);
    apply(index, effects);
}

void TopicNetwork::take(std::size_t index, Arrival& arrival) {
    Node& node = nodes_[index];
    if (!node.topic || node.life != arrival.life) return;
    note(arrival.from << 8U | arrival.message.index());
    node::TopicEffects effects;
    node.topic->on_message(nodes_[arrival.from].id, std::move(arrival.message), now_, effects);
    apply(index, effects);
}

void TopicNetwork::wake(std::size_t index, base::TimePoint when) {
    Node& node = nodes_[index];
    if (!node.runs || node.wake_at != when) return;
    node.wake_at.reset();
    const auto is_due = [&](const auto& deadline) { return deadline && *deadline <= now_; };
    if (node.topic && is_due(node.topic->next_deadline())) {
        node::TopicEffects effects;
        node.topic->on_deadline(now_, effects);
        apply(index, effects);
    }
    if (is_due(owner_.deadline(index))) {
        owner_.on_deadline(index);
        GRAPEVINE_ASSERT(!is_due(owner_.deadline(index)), "deadlines make progress");
    }
    reschedule(index);
}

// A wake that comes too early finds nothing to do, and is cheaper than one for each deadline that moved.
void TopicNetwork::reschedule(std::size_t index) {
    Node& node = nodes_[index];
    if (!node.runs) return;
    const auto topic = node.topic ? node.topic->next_deadline() : std::nullopt;
    const auto deadline = base::earliest(topic, owner_.deadline(index));
    if (!deadline || (node.wake_at && *node.wake_at <= *deadline)) return;
    node.wake_at = std::max(*deadline, now_);
    queue_.push(*node.wake_at, {index, Wake{}});
}

void TopicNetwork::apply(std::size_t index, node::TopicEffects& effects) {
    for (node::TopicEffect& effect : effects) {
        if (auto* message = std::get_if<node::SendGossip>(&effect)) send(index, *message);
    }
    for (node::TopicEffect& effect : effects) {
        if (const auto* gone = std::get_if<membership::DisconnectPeer>(&effect)) {
            disconnect(index, gone->peer);
        } else if (!std::holds_alternative<node::SendGossip>(effect)) {
            notices_.push_back({index, nodes_[index].life, std::move(effect)});
        }
    }
    reschedule(index);
}

// The owner may act on the network when it is told, which makes more to tell.
void TopicNetwork::notify() {
    while (!notices_.empty()) {
        const Notice notice = std::move(notices_.front());
        notices_.pop_front();
        if (!nodes_[notice.node].runs || nodes_[notice.node].life != notice.life) continue;
        std::visit(
            base::Overloaded{[&](const broadcast::Deliver& e) { owner_.on_delivered(notice.node, e); },
                             [&](const membership::NeighborUp& e) { owner_.on_neighbor_up(notice.node, e.peer); },
                             [&](const membership::NeighborDown& e) { owner_.on_neighbor_down(notice.node, e.peer); },
                             [](const auto&) {}},
            notice.effect);
        reschedule(notice.node);
    }
}

void TopicNetwork::send(std::size_t from, node::SendGossip& send) {
    const auto to = find(send.to);
    if (!to) return fail(from, send.to, 0, config_.dial_fails);
    Link& way = link(from, *to);
    Node& receiver = nodes_[*to];
    const base::Duration latency = network_.latency(from, *to);
    if (!way.open) {
        const bool believes = now_ < way.believed_to && nodes_[from].started < way.broken_at;
        if (believes) charge(from, *to, way, send.message);
        if (!believes && receiver.runs) {
            way = {true, way.generation + 1, now_ + 2 * latency, {}, {}, {}};
            nodes_[from].connected.insert(*to);
            receiver.connected.insert(from);
            ++cost_.connections;
        } else {
            if (!believes || receiver.runs) fail(from, send.to, way.generation, 2 * latency);
            return;
        }
    }
    charge(from, *to, way, send.message);
    queue_.push(std::max(now_, way.ready_at) + latency, {*to, Arrival{from, receiver.life, std::move(send.message)}});
}

void TopicNetwork::charge(std::size_t from, std::size_t to, Link& link, const wire::TopicMessage& message) {
    std::size_t bytes = wire::kFramePrefixBytes + wire::encode(message).size();
    ++cost_.messages;
    if (is_payload(message)) {
        ++cost_.payloads;
        cost_.payload_bytes += bytes;
    }
    Direction& direction = link.directions[from < to ? 0 : 1];
    if (!std::exchange(direction.has_stream, true)) bytes += kStreamHeaderBytes;
    cost_.bytes += bytes;
    nodes_[from].bytes_sent += bytes;
    nodes_[to].bytes_received += bytes;
    const base::TimePoint leaves = std::max(now_, link.ready_at);
    if (std::exchange(direction.sent_at, leaves) != leaves) direction.room = 0;
    for (; bytes > direction.room; direction.room += kDatagramPayload)
        ++cost_.datagrams;
    direction.room -= bytes;
}

void TopicNetwork::disconnect(std::size_t from, const base::EndpointId& peer) {
    const auto to = find(peer);
    if (!to) return;
    Link& closed = link(from, *to);
    if (!std::exchange(closed.open, false)) return;
    nodes_[from].connected.erase(*to);
    nodes_[*to].connected.erase(from);
    const base::Duration until_ready = std::max(now_, closed.ready_at) - now_;
    fail(*to, nodes_[from].id, closed.generation,
         until_ready + network_.latency(from, *to) + std::chrono::microseconds(1));
}

void TopicNetwork::fail(std::size_t from, const base::EndpointId& peer, std::uint64_t generation,
                        base::Duration after) {
    queue_.push(now_ + after, {from, Lost{peer, generation, nodes_[from].life}});
}

void TopicNetwork::note(std::uint64_t word) {
    hash_ = std::rotl((hash_ ^ word) * 0x9e3779b97f4a7c15ULL, 29);
}

TopicNetwork::Link& TopicNetwork::link(std::size_t a, std::size_t b) {
    const auto [low, high] = std::minmax(a, b);
    return links_[static_cast<std::uint64_t>(low) << 32U | high];
}

std::optional<std::size_t> TopicNetwork::find(const base::EndpointId& id) const {
    const auto found = index_.find(id);
    return found == index_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace grapevine::sim
