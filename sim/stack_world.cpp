#include "sim/stack_world.hpp"

#include <algorithm>
#include <utility>

#include "base/overloaded.hpp"

namespace grapevine::sim {

void StackWorld::boot(std::size_t node) {
    if (stacks_.size() <= node) stacks_.resize(node + 1);
    Machine& m = machine(node);
    stack::Config config;
    config.mesh = mesh_config(node);
    config.recorder = recorder(node);
    stacks_[node] = std::make_unique<stack::Stack>(config, m.key, *m.rng, *m.ledger);
    stacks_[node]->start({m.addr}, now());
    if (m.spec.topic) {
        const auto status = stacks_[node]->join_topic(*m.spec.topic, seed_addrs(node), now());
        if (!status) fault("node " + std::to_string(node) + " cannot join its topic: " + status.error().message);
    }
    settle(node);
}

void StackWorld::destroy(std::size_t node) {
    stacks_[node].reset();
}

void StackWorld::say_goodbye(std::size_t node) {
    stacks_[node]->leave(now());
    settle(node);
}

void StackWorld::tell_address(std::size_t node) {
    stacks_[node]->set_addrs({machine(node).addr}, now());
    settle(node);
}

base::Status StackWorld::broadcast(std::size_t node, const base::TopicId& topic, base::ByteView content) {
    auto status = stacks_[node]->broadcast(topic, content, now());
    settle(node);
    rearm(node);
    return status;
}

std::vector<node::DirectoryRow> StackWorld::directory(std::size_t node) const {
    return stacks_[node]->directory(now());
}

std::vector<node::Figure> StackWorld::figures(std::size_t node) const {
    return stacks_[node]->figures();
}

std::optional<base::TimePoint> StackWorld::deadline(std::size_t node) const {
    return stacks_[node]->next_deadline();
}

void StackWorld::take_deadline(std::size_t node) {
    stacks_[node]->on_deadline(now());
    settle(node);
}

void StackWorld::take(std::size_t node, Packet& packet) {
    const auto& body = std::get<DatagramBody>(packet.body);
    // An address that the machine no longer has.
    if (body.to != machine(node).addr) return;
    quic::ReceivedDatagram datagram;
    datagram.local = body.to;
    datagram.remote = body.from;
    datagram.ecn = body.ecn;
    datagram.payload = body.payload;
    stacks_[node]->on_datagram(datagram, now());
    settle(node);
}

void StackWorld::settle(std::size_t node) {
    stack::Stack& stack = *stacks_[node];
    stack.flush(now(), [&](const quic::Transmit& train) { send_train(node, train); });
    bool left = false;
    while (auto event = stack.poll_event()) {
        std::visit(
            base::Overloaded{
                [&](stack::Left&) { left = true; },
                [](stack::PingDone&) {},
                [](stack::DeliveryReport&) {},
                [](stack::FabricReport&) {},
                [](stack::PublicationReport&) {},
                [](stack::WatchReport&) {},
                [](stack::ByteStreamEvent&) {},
                [](stack::AppEvent&) {},
                [&](stack::LawBroken& e) {
                    fault("node " + std::to_string(node) + " broke a law of its ledger: " + telemetry::describe(e));
                },
                [](stack::LawKept&) {},
                [&](auto& e) {  // What only a closed mesh says is for tests of stacks.
                    if constexpr (std::is_constructible_v<Report, decltype(std::move(e))>) report(node, std::move(e));
                },
            },
            *event);
    }
    if (left) machine(node).ends_at = now();
}

void StackWorld::send_train(std::size_t node, const quic::Transmit& train) {
    const std::size_t piece = train.segment_bytes == 0 ? train.payload.size() : train.segment_bytes;
    const auto to = at_address(train.remote);
    for (std::size_t at = 0; at < train.payload.size(); at += piece) {
        const auto bytes = train.payload.subspan(at, std::min(piece, train.payload.size() - at));
        if (!to) {  // Nobody has this address: the packet leaves and is lost.
            ++machine(node).counters.sent;
            machine(node).counters.bytes_sent += bytes.size();
            continue;
        }
        DatagramBody body{machine(node).addr, train.remote, train.ecn, {bytes.begin(), bytes.end()}};
        (void)transmit({node, *to, 0, std::move(body)}, bytes.size());
    }
}

void StackWorld::nobody_there(const Packet& packet) {
    if (!network().is_open(packet.to, packet.from) || power(packet.from) == Power::off) return;
    schedule(now() + network().latency(packet.from, packet.to),
             {packet.from, packet.to, 0, NobodyThere{0, std::get<DatagramBody>(packet.body).to}});
}

void StackWorld::take_own(OwnEvent& event) {
    const auto* answer = std::get_if<NobodyThere>(&event.what);
    if (answer == nullptr || power(event.node) != Power::running) return;
    stacks_[event.node]->on_unreachable(answer->addr, now());
    settle(event.node);
    rearm(event.node);
}

}  // namespace grapevine::sim
