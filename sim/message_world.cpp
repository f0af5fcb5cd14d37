#include "sim/message_world.hpp"

#include <utility>

#include "base/overloaded.hpp"

namespace grapevine::sim {

using base::Overloaded;

void MessageWorld::boot(std::size_t node) {
    if (processes_.size() <= node) processes_.resize(node + 1);
    Process& process = processes_[node];
    Machine& m = machine(node);
    process.node =
        std::make_unique<node::Node>(node::Config{mesh_config(node), {}, recorder(node)}, m.key, *m.rng, *m.ledger);
    drive(node, [&](node::Node& n, node::Effects& out) { n.start({m.addr}, now(), out); });
    if (!m.spec.topic) return;
    drive(node, [&](node::Node& n, node::Effects& out) {
        const auto status = n.join_topic(*m.spec.topic, seed_addrs(node), now(), out);
        if (!status) fault("node " + std::to_string(node) + " cannot join its topic: " + status.error().message);
    });
}

void MessageWorld::destroy(std::size_t node) {
    // Nobody answers for a process that crashed: what its peers learn, they learn from silence.
    processes_[node] = Process{};
}

void MessageWorld::say_goodbye(std::size_t node) {
    drive(node, [&](node::Node& n, node::Effects& out) { n.leave(now(), out); });
    std::vector<std::size_t> peers;
    for (const auto& [peer, link] : processes_[node].links)
        peers.push_back(peer);
    for (const std::size_t peer : peers)
        close_link(node, peer);
}

void MessageWorld::tell_address(std::size_t node) {
    drive(node, [&](node::Node& n, node::Effects& out) { n.set_addrs({machine(node).addr}, now(), out); });
}

base::Status MessageWorld::broadcast(std::size_t node, const base::TopicId& topic, base::ByteView content) {
    base::Status status;
    drive(node, [&](node::Node& n, node::Effects& out) { status = n.broadcast(topic, content, now(), out); });
    rearm(node);
    return status;
}

std::vector<node::DirectoryRow> MessageWorld::directory(std::size_t node) const {
    return processes_[node].node->directory(now());
}

std::vector<node::Figure> MessageWorld::figures(std::size_t node) const {
    return processes_[node].node->figures();
}

std::optional<base::TimePoint> MessageWorld::deadline(std::size_t node) const {
    return processes_[node].node->next_deadline();
}

void MessageWorld::report_heard(std::size_t node) {
    for (const auto& id : processes_[node].node->monitored()) {
        const auto peer = find(id);
        const Link* link = peer ? find_link(node, *peer) : nullptr;
        if (link == nullptr) continue;
        drive(node, [&](node::Node& n, node::Effects& out) { n.heard(id, link->heard, now(), out); });
    }
}

void MessageWorld::take_deadline(std::size_t node) {
    const auto due = deadline(node);
    if (!due || *due > now()) return;
    report_heard(node);
    drive(node, [&](node::Node& n, node::Effects& out) { n.on_deadline(now(), out); });
}

void MessageWorld::execute(std::size_t index, node::Effect& effect) {
    std::visit(Overloaded{
                   [&](node::SendMessage& e) { send_gossip(index, e); },
                   [](node::FinishTopic&) {},
                   [&](node::DropPeer& e) { close(index, e.peer); },
                   [&](node::AbandonPeer& e) { close(index, e.peer); },
                   [&](node::ProbePeer& e) { probe(index, e.peer); },
                   [&](node::OpenSync& e) { open_exchange(index, e); },
                   [&](node::SendSync& e) { continue_exchange(index, e); },
                   [&](node::AbortSync& e) { abort_exchange(index, e.sync); },
                   [&](auto& e) {
                       // Deliveries are for worlds of whole stacks.
                       if constexpr (std::is_constructible_v<Report, decltype(std::move(e))>)
                           report(index, std::move(e));
                   },
               },
               effect);
}

void MessageWorld::take(std::size_t node, Packet& packet) {
    auto& body = std::get<MessageBody>(packet.body);
    const std::size_t peer = packet.from;
    std::visit(Overloaded{
                   [&](Dial&) { on_dial(node, peer, body.link); },
                   [&](DialAccepted&) { on_accepted(node, peer, body.link); },
                   [&](GossipMessage& e) { on_gossip(node, peer, body.link, e); },
                   [&](ProbeMessage&) { on_probe(node, peer, body.link); },
                   [&](ProbeAnswer&) {
                       Link* link = find_link(node, peer);
                       if (link != nullptr && link->state == LinkState::up) link->heard = now();
                   },
                   [&](CloseMessage& e) { on_close(node, peer, body.link, e.sequence); },
                   [&](ResetMessage&) { lose(node, peer, body.link, node::LinkEnd::lost, "stateless reset"); },
                   [&](ExchangeTurn& e) { on_turn(node, peer, e); },
                   [&](ExchangeAborted& e) { end_exchange(node, e.exchange, "aborted by the peer"); },
               },
               body.message);
}

void MessageWorld::take_own(OwnEvent& event) {
    // A stopped process's timers fire when it goes on.
    if (power(event.node) == Power::paused) {
        schedule(now() + std::chrono::milliseconds(100), std::move(event));
        return;
    }
    const std::size_t node = event.node;
    const std::size_t peer = event.peer;
    std::visit(Overloaded{
                   [&](DialRetry& e) { on_dial_retry(node, peer, e); },
                   [&](ProbeRetry& e) { on_probe_retry(node, peer, e); },
                   [&](MessageRetry& e) { on_retry(node, peer, e); },
                   [&](IdleCheck& e) { check_idle(node, peer, e.link); },
                   [&](ExchangeTimeout& e) { end_exchange(node, e.exchange, "no answer in time"); },
                   [&](LinkFailed& e) { lose(node, peer, e.link, node::LinkEnd::dial_failed, "no address is known"); },
                   [&](NobodyThere& e) { on_nobody_there(node, peer, e); },
               },
               event.what);
    if (power(node) == Power::running) rearm(node);
}

}  // namespace grapevine::sim
