// The links of MessageWorld: dialling, order, retransmission, probes, ends.

#include <algorithm>
#include <utility>

#include "sim/message_world.hpp"

namespace grapevine::sim {

namespace {

constexpr std::size_t kOverheadBytes = 34;  // A short header, a frame header and the tag of one QUIC packet.
constexpr std::size_t kHandshakeBytes = 1200;
constexpr std::size_t kPacketBytes = 1200;  // What one packet carries of a longer message.
constexpr base::Duration kRetransmissionMax = std::chrono::seconds(5);
constexpr base::Duration kDrainMax = std::chrono::seconds(5);
constexpr std::uint32_t kProbeAttemptsMax = 6;

std::size_t size_of(const Message& message) {
    if (const auto* gossip = std::get_if<GossipMessage>(&message))
        return kOverheadBytes + wire::encode(gossip->message).size();
    if (const auto* turn = std::get_if<ExchangeTurn>(&message)) return kOverheadBytes + wire::payload_size(turn->turn);
    const bool handshake = std::holds_alternative<Dial>(message) || std::holds_alternative<DialAccepted>(message);
    return handshake ? kHandshakeBytes : kOverheadBytes;
}

}  // namespace

MessageWorld::Link* MessageWorld::find_link(std::size_t node, std::size_t peer) {
    auto& links = processes_[node].links;
    const auto it = links.find(peer);
    return it == links.end() ? nullptr : &it->second;
}

MessageWorld::Link* MessageWorld::find_link(std::size_t node, std::size_t peer, LinkId link) {
    Link* found = find_link(node, peer);
    return found != nullptr && found->id == link ? found : nullptr;
}

// A probe timeout (RFC 9002 section 6.2.1), doubling.
base::Duration MessageWorld::retransmission(std::size_t a, std::size_t b, std::uint32_t attempt) const {
    const base::Duration first = network().latency(a, b) * 3 + std::chrono::milliseconds(25);
    return std::min<base::Duration>(first * (1U << std::min(attempt, 10U)), kRetransmissionMax);
}

void MessageWorld::post(std::size_t from, std::size_t to, MessageBody body, std::size_t bytes) {
    machine(from).counters.bytes_sent += bytes - std::min(bytes, kPacketBytes);
    (void)transmit({from, to, 0, std::move(body)}, std::min(bytes, kPacketBytes));
}

void MessageWorld::post_reliably(std::size_t from, std::size_t to, MessageBody body, base::TimePoint first_sent,
                                 std::uint32_t attempt, base::Duration extra) {
    if (extra > base::Duration::zero()) {
        schedule(now() + extra, {from, to, 0, MessageRetry{std::move(body), first_sent, attempt}});
        return;
    }
    const std::size_t bytes = size_of(body.message);
    machine(from).counters.bytes_sent += bytes - std::min(bytes, kPacketBytes);
    if (transmit({from, to, 0, body}, std::min(bytes, kPacketBytes))) return;
    schedule(now() + retransmission(from, to, attempt),
             {from, to, 0, MessageRetry{std::move(body), first_sent, attempt + 1}});
}

void MessageWorld::on_retry(std::size_t node, std::size_t peer, MessageRetry& retry) {
    const bool link_lives = retry.body.link == 0 || find_link(node, peer, retry.body.link) != nullptr;
    if (now() - retry.sent > (link_lives ? kIdleTimeout : kDrainMax)) return;
    post_reliably(node, peer, std::move(retry.body), retry.sent, retry.attempt, {});
}

void MessageWorld::send_gossip(std::size_t from, node::SendMessage& send) {
    const auto to = find(send.to);
    if (!to) return fault("node " + std::to_string(from) + " sends to nobody");
    Link* link = find_link(from, *to);
    if (link == nullptr) link = &dial(from, *to);
    GossipMessage message{send.topic, std::move(send.message), 0};
    if (link->state == LinkState::up) return send_now(from, *to, *link, std::move(message));
    if (link->waiting.size() < kWaitingMax) link->waiting.push_back(std::move(message));
}

void MessageWorld::send_now(std::size_t from, std::size_t to, Link& link, GossipMessage message) {
    message.sequence = link.next_out++;
    post_reliably(from, to, {link.id, std::move(message)}, now(), 0, {});
}

MessageWorld::Link& MessageWorld::dial(std::size_t from, std::size_t to) {
    Link& link = processes_[from].links[to];
    link.id = next_link_++;
    link.made = now();
    link.heard = now();
    const auto candidates = processes_[from].node->candidates(id(to), now());
    const bool reaches = std::any_of(candidates.begin(), candidates.end(),
                                     [&](const base::SocketAddr& addr) { return at_address(addr) == to; });
    if (candidates.empty())
        schedule(now(), {from, to, 0, LinkFailed{link.id}});
    else if (reaches)
        send_dial(from, to, link.id, 0);
    else
        schedule(now() + kDialTimeout, {from, to, 0, LinkFailed{link.id}});
    return link;
}

void MessageWorld::send_dial(std::size_t from, std::size_t to, LinkId link, std::uint32_t attempt) {
    post(from, to, {link, Dial{}}, kHandshakeBytes);
    schedule(now() + retransmission(from, to, attempt), {from, to, 0, DialRetry{link, attempt + 1}});
}

void MessageWorld::on_dial_retry(std::size_t node, std::size_t peer, const DialRetry& retry) {
    const Link* link = find_link(node, peer, retry.link);
    if (link == nullptr || link->state == LinkState::up) return;
    if (now() - link->made >= kDialTimeout) {
        lose(node, peer, retry.link, node::LinkEnd::dial_failed, "handshake timeout");
        return;
    }
    send_dial(node, peer, retry.link, retry.attempt);
}

void MessageWorld::on_dial(std::size_t node, std::size_t peer, LinkId link) {
    Process& process = processes_[node];
    if (process.closed.contains(link)) return post(node, peer, {link, CloseMessage{}}, kOverheadBytes);
    Link* mine = find_link(node, peer);
    const bool ours_wins =
        mine != nullptr && mine->id != link && mine->state == LinkState::dialling && id(node) < id(peer);
    if (ours_wins) return;
    if (mine == nullptr || mine->id != link) {
        Link fresh;
        if (mine != nullptr) fresh.waiting = std::move(mine->waiting);
        fresh.id = link;
        fresh.made = now();
        process.links[peer] = std::move(fresh);
    }
    post(node, peer, {link, DialAccepted{}}, kHandshakeBytes);
    link_up(node, peer, Role::listener);
}

void MessageWorld::on_accepted(std::size_t node, std::size_t peer, LinkId link) {
    if (find_link(node, peer, link) != nullptr) return link_up(node, peer, Role::dialler);
    answer_stranger(node, peer, link);
}

void MessageWorld::link_up(std::size_t node, std::size_t peer, Role role) {
    Link& link = processes_[node].links.at(peer);
    link.heard = now();
    if (link.state == LinkState::up) return;
    link.state = LinkState::up;
    schedule(now() + kIdleTimeout, {node, peer, 0, IdleCheck{link.id}});
    auto waiting = std::exchange(link.waiting, {});
    for (auto& message : waiting)
        send_now(node, peer, link, std::move(message));
    const auto remote = role == Role::dialler ? std::optional(machine(peer).addr) : std::nullopt;
    processes_[node].node->on_link_up(id(peer), remote, now());
}

void MessageWorld::on_gossip(std::size_t node, std::size_t peer, LinkId id_of_link, GossipMessage& message) {
    Link* link = find_link(node, peer, id_of_link);
    if (link == nullptr) return answer_stranger(node, peer, id_of_link);
    // The peer's words prove that it accepted, should its answer have been lost or late.
    if (link->state == LinkState::dialling) link_up(node, peer, Role::dialler);
    link->heard = now();
    if (message.sequence < link->next_in) return;
    link->early.try_emplace(message.sequence, std::move(message));
    deliver_in_order(node, peer, id_of_link);
}

void MessageWorld::deliver_in_order(std::size_t node, std::size_t peer, LinkId id_of_link) {
    while (Link* link = find_link(node, peer, id_of_link)) {
        if (link->closes_at && *link->closes_at == link->next_in) {
            lose(node, peer, id_of_link, node::LinkEnd::closed, "closed by the peer");
            return;
        }
        const auto next = link->early.find(link->next_in);
        if (next == link->early.end()) return;
        GossipMessage message = std::move(next->second);
        link->early.erase(next);
        ++link->next_in;
        drive(node, [&](node::Node& n, node::Effects& out) {
            n.on_gossip(id(peer), message.topic, std::move(message.message), now(), out);
        });
    }
}

// A process that knows nothing of the link says so; one that closed it repeats that.
void MessageWorld::answer_stranger(std::size_t node, std::size_t peer, LinkId link) {
    if (processes_[node].closed.contains(link)) return;
    if (find_link(node, peer) != nullptr) return;  // Of a link that was superseded.
    post(node, peer, {link, ResetMessage{}}, kOverheadBytes);
}

void MessageWorld::close(std::size_t from, const base::EndpointId& peer) {
    if (const auto to = find(peer)) close_link(from, *to);
}

void MessageWorld::close_link(std::size_t from, std::size_t to) {
    const Link* link = find_link(from, to);
    if (link == nullptr) return;
    if (link->state == LinkState::up) post_reliably(from, to, {link->id, CloseMessage{link->next_out}}, now(), 0, {});
    processes_[from].closed.insert(link->id);
    processes_[from].links.erase(to);
}

void MessageWorld::on_close(std::size_t node, std::size_t peer, LinkId id_of_link, std::uint64_t sequence) {
    Link* link = find_link(node, peer, id_of_link);
    if (link == nullptr) return;
    // Of a link that the peer closed before our dial reached it: nothing comes first.
    link->closes_at = link->state == LinkState::up ? std::max(sequence, link->next_in) : link->next_in;
    deliver_in_order(node, peer, id_of_link);
}

void MessageWorld::lose(std::size_t node, std::size_t peer, LinkId link, node::LinkEnd end, std::string_view reason) {
    if (find_link(node, peer, link) == nullptr) return;
    processes_[node].links.erase(peer);
    drive(node, [&](node::Node& n, node::Effects& out) { n.on_link_lost(id(peer), end, reason, now(), out); });
}

void MessageWorld::probe(std::size_t from, const base::EndpointId& peer) {
    const auto to = find(peer);
    const Link* link = to ? find_link(from, *to) : nullptr;
    if (link != nullptr && link->state == LinkState::up) send_probe(from, *to, link->id, now(), 0);
}

void MessageWorld::send_probe(std::size_t from, std::size_t to, LinkId link, base::TimePoint sent,
                              std::uint32_t attempt) {
    post(from, to, {link, ProbeMessage{}}, kOverheadBytes);
    schedule(now() + retransmission(from, to, attempt), {from, to, 0, ProbeRetry{link, sent, attempt + 1}});
}

void MessageWorld::on_probe(std::size_t node, std::size_t peer, LinkId id_of_link) {
    Link* link = find_link(node, peer, id_of_link);
    if (link == nullptr) return answer_stranger(node, peer, id_of_link);
    link->heard = now();
    post(node, peer, {id_of_link, ProbeAnswer{}}, kOverheadBytes);
}

void MessageWorld::on_probe_retry(std::size_t node, std::size_t peer, const ProbeRetry& retry) {
    const Link* link = find_link(node, peer, retry.link);
    if (link == nullptr || link->heard > retry.sent || retry.attempt >= kProbeAttemptsMax) return;
    send_probe(node, peer, retry.link, retry.sent, retry.attempt);
}

void MessageWorld::check_idle(std::size_t node, std::size_t peer, LinkId id_of_link) {
    Link* link = find_link(node, peer, id_of_link);
    if (link == nullptr) return;
    const bool hears = power(peer) == Power::running && network().is_open(peer, node) &&
                       network().is_open(node, peer) && find_link(peer, node, id_of_link) != nullptr;
    if (hears) link->heard = now();  // By the keep-alive.
    if (now() - link->heard >= kIdleTimeout) return lose(node, peer, id_of_link, node::LinkEnd::lost, "idle timeout");
    schedule(link->heard + kIdleTimeout, {node, peer, 0, IdleCheck{id_of_link}});
}

void MessageWorld::nobody_there(const Packet& packet) {
    const auto& body = std::get<MessageBody>(packet.body);
    if (body.link == 0 || !network().is_open(packet.to, packet.from)) return;
    if (power(packet.from) == Power::off) return;
    schedule(now() + network().latency(packet.from, packet.to),
             {packet.from, packet.to, 0, NobodyThere{body.link, machine(packet.to).addr}});
}

void MessageWorld::on_nobody_there(std::size_t node, std::size_t peer, const NobodyThere& answer) {
    const Link* link = find_link(node, peer, answer.link);
    if (link == nullptr) return;
    if (link->state == LinkState::dialling) {
        lose(node, peer, answer.link, node::LinkEnd::dial_failed, "unreachable");
        return;
    }
    drive(node, [&](node::Node& n, node::Effects& out) { n.on_unreachable(id(peer), now(), out); });
}

}  // namespace grapevine::sim
