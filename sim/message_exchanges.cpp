// Directory exchanges of MessageWorld: each a conversation of turns between two processes.

#include <utility>

#include "sim/message_world.hpp"

namespace grapevine::sim {

void MessageWorld::open_exchange(std::size_t from, node::OpenSync& open) {
    const auto to = find(open.peer);
    if (!to) return fault("node " + std::to_string(from) + " opened an exchange with nobody");
    const ExchangeId exchange = next_exchange_++;
    Process& process = processes_[from];
    process.exchanges[exchange] = {*to, open.sync, 0, 1};
    process.by_ref[open.sync] = exchange;
    schedule(now() + kExchangeTimeout, {from, *to, 0, ExchangeTimeout{exchange}});
    // The handshake of the mesh service and its hello come first.
    const base::Duration handshake = network().latency(from, *to) * 4;
    post_reliably(from, *to, {0, ExchangeTurn{exchange, std::move(open.turn), 0, node::Last::no}}, now(), 0, handshake);
}

void MessageWorld::continue_exchange(std::size_t from, node::SendSync& send) {
    Process& process = processes_[from];
    const auto it = process.by_ref.find(send.sync);
    if (it == process.by_ref.end()) return;
    const ExchangeId exchange = it->second;
    Exchange& open = process.exchanges.at(exchange);
    ExchangeTurn turn{exchange, std::move(send.turn), open.next_out++, send.last};
    post_reliably(from, open.peer, {0, std::move(turn)}, now(), 0, {});
    if (send.last == node::Last::no) return;
    process.by_ref.erase(it);
    process.exchanges.erase(exchange);
}

void MessageWorld::abort_exchange(std::size_t from, node::SyncRef ref) {
    Process& process = processes_[from];
    const auto it = process.by_ref.find(ref);
    if (it == process.by_ref.end()) return;
    const ExchangeId exchange = it->second;
    post_reliably(from, process.exchanges.at(exchange).peer, {0, ExchangeAborted{exchange}}, now(), 0, {});
    process.exchanges.erase(exchange);
    process.by_ref.erase(it);
}

void MessageWorld::on_turn(std::size_t node, std::size_t peer, ExchangeTurn& turn) {
    Process& process = processes_[node];
    auto it = process.exchanges.find(turn.exchange);
    if (it == process.exchanges.end()) {
        if (turn.number != 0 || !process.served.insert(turn.exchange).second) return;
        const node::SyncRef ref{process.next_incoming_sync};
        process.next_incoming_sync += 2;
        it = process.exchanges.emplace(turn.exchange, Exchange{peer, ref, 0, 0}).first;
        process.by_ref[ref] = turn.exchange;
        schedule(now() + kExchangeTimeout, {node, peer, 0, ExchangeTimeout{turn.exchange}});
        drive(node, [&](node::Node& n, node::Effects& out) { n.on_sync_opened(ref, id(peer), now(), out); });
        it = process.exchanges.find(turn.exchange);
        if (it == process.exchanges.end()) return;  // It was refused.
    }
    if (turn.number != it->second.next_in) return;
    ++it->second.next_in;
    const node::SyncRef ref = it->second.ref;
    drive(node, [&](node::Node& n, node::Effects& out) { n.on_sync_received(ref, turn.turn, now(), out); });
    if (turn.last == node::Last::yes) end_exchange(node, turn.exchange, "");
}

void MessageWorld::end_exchange(std::size_t node, ExchangeId exchange, std::string_view error) {
    Process& process = processes_[node];
    const auto it = process.exchanges.find(exchange);
    if (it == process.exchanges.end()) return;
    const node::SyncRef ref = it->second.ref;
    process.by_ref.erase(ref);
    process.exchanges.erase(it);
    drive(node, [&](node::Node& n, node::Effects& out) { n.on_sync_ended(ref, error, now(), out); });
}

}  // namespace grapevine::sim
