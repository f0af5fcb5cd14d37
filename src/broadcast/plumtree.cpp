#include "broadcast/plumtree.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "base/assert.hpp"
#include "base/blake3.hpp"

namespace grapevine::broadcast {

namespace {

// Of a body: the tags of topic message and kind, the id, and the tag of the scope.
constexpr std::size_t kGossipFixedBytes = 2 + base::kIdBytes + 1;
constexpr std::size_t kAnnouncementBytesMax = base::kIdBytes + 3;
constexpr std::size_t kIHaveFixedBytes = base::kIdBytes + 1 + 3;  // iroh also sets aside room for a topic id.
constexpr double kHopWeight = 1.0 / 16.0;

std::size_t varint_bytes(std::size_t value) {
    std::size_t bytes = 1;
    for (; value >= 0x80; value >>= 7U) {
        ++bytes;
    }
    return bytes;
}

std::size_t body_bytes(const wire::Gossip& message) {
    const std::size_t round =
        message.scope.kind == wire::ScopeKind::swarm ? varint_bytes(message.scope.round.value) : 0;
    return kGossipFixedBytes + varint_bytes(message.content.size()) + message.content.size() + round;
}

MessageId id_of(base::ByteView content) {
    return MessageId{base::blake3(content)};
}

wire::Round next_round(wire::Round round) {
    if (round.value < std::numeric_limits<std::uint16_t>::max()) {
        ++round.value;
    }
    return round;
}

}  // namespace

Plumtree::Plumtree(const EndpointId& self, const Config& config, telemetry::Ledger& ledger)
    : self_(self),
      config_(config),
      store_(config.id_retention, config.message_retention, config.store, ledger),
      missing_(config.missing) {
    GRAPEVINE_ASSERT(config.message_bytes_max >= wire::kGossipMessageMin, "the limit has a minimum (iroh-gossip)");
    GRAPEVINE_ASSERT(config.graft_timeout_2 > Duration::zero(), "asking again at once would spin");
}

std::size_t Plumtree::content_max() const {
    const std::size_t room = config_.message_bytes_max - 1 - kGossipFixedBytes - 1;
    std::size_t content = room - 1;
    while (varint_bytes(content) + content > room) {
        --content;
    }
    return content;
}

base::Result<Receipt> Plumtree::broadcast(base::Bytes content, wire::ScopeKind scope, TimePoint now, Effects& out) {
    if (content.size() > content_max()) {
        ++counters_.broadcasts_refused;
        return base::invalid("gossip content: " + std::to_string(content.size()) + " bytes, at most " +
                             std::to_string(content_max()) + " fit a message");
    }
    const MessageId id = id_of(content);
    wire::Gossip message{id, std::move(content), {scope, wire::Round{0}}};
    if (scope == wire::ScopeKind::neighbors) {
        push(message, {}, now, out);
        return Receipt{id, Novelty::fresh};
    }
    if (store_.seen(id, now)) {
        ++counters_.broadcasts_repeated;
        return Receipt{id, Novelty::duplicate};
    }
    missing_.take(id);
    push(message, {}, now, out);
    store_.insert(std::move(message), now);
    return Receipt{id, Novelty::fresh};
}

void Plumtree::on_message(const EndpointId& from, wire::BroadcastMessage message, TimePoint now, Effects& out) {
    if (std::holds_alternative<wire::Gossip>(message)) {
        ++quality_.payload_received;
    } else {
        ++quality_.control_received;
    }
    if (!is_neighbor(from)) {
        ++counters_.strangers;
    }
    std::visit([&](auto& m) { on(from, std::move(m), now, out); }, message);
}

void Plumtree::on(const EndpointId& from, wire::Gossip&& message, TimePoint now, Effects& out) {
    // The look-up comes before the hash: duplicates are common and cheap to know.
    if (store_.seen(message.id, now)) {
        on_duplicate(from, out);
        return;
    }
    if (id_of(message.content) != message.id) {
        ++counters_.spoofed;
        return;
    }
    if (message.scope.kind == wire::ScopeKind::neighbors) {
        ++quality_.neighbor_deliveries;
        deliver(from, message, message.scope, out);
        return;
    }
    accept(from, std::move(message), now, out);
}

// Answered even when the link is lazy already: then the sender does not know yet.
void Plumtree::on_duplicate(const EndpointId& from, Effects& out) {
    ++quality_.duplicates;
    set_link(from, LinkState::lazy, out);
    ++counters_.prunes_sent;
    send(from, wire::Prune{}, out);
}

void Plumtree::accept(const EndpointId& from, wire::Gossip message, TimePoint now, Effects& out) {
    const wire::Scope received = message.scope;
    message.scope.round = next_round(message.scope.round);
    const MissingMessages::Taken taken = missing_.take(message.id);
    std::vector<EndpointId> holders = {from};
    for (const Announcer& announcer : taken.announcers) {
        if (announcer.round <= received.round) {
            holders.push_back(announcer.peer);
        }
    }
    push(message, holders, now, out);
    if (quiet_before(now)) {
        optimize(from, message.scope.round, taken, out);
    }
    accepted_at_ = now;

    ++quality_.deliveries;
    quality_.delivery_hop = received.round.value;
    quality_.delivery_hop_max = std::max(quality_.delivery_hop_max, received.round.value);
    quality_.delivery_hop_moving += kHopWeight * (received.round.value - quality_.delivery_hop_moving);
    deliver(from, message, received, out);
    store_.insert(std::move(message), now);
}

bool Plumtree::quiet_before(TimePoint now) const {
    return !accepted_at_ || now - *accepted_at_ >= config_.optimization_quiet;
}

// Section 3.8: the best announcer is worth a place in the tree if it is nearer to the author by the threshold.
void Plumtree::optimize(const EndpointId& sender, wire::Round round, const MissingMessages::Taken& taken,
                        Effects& out) {
    const auto nearer = [](const Announcer& a, const Announcer& b) { return a.round < b.round; };
    const auto unasked = taken.announcers.begin() + static_cast<std::ptrdiff_t>(taken.asked);
    const auto best = std::min_element(unasked, taken.announcers.end(), nearer);
    if (best == taken.announcers.end() || best->round >= round ||
        round.value - best->round.value < config_.optimization_threshold.value) {
        return;
    }
    ++counters_.optimizations;
    if (link(best->peer) != LinkState::eager) {
        set_link(best->peer, LinkState::eager, out);
        ++counters_.grafts_sent;
        send(best->peer, wire::Graft{std::nullopt, best->round}, out);
    }
    set_link(sender, LinkState::lazy, out);
    ++counters_.prunes_sent;
    send(sender, wire::Prune{}, out);
}

void Plumtree::on(const EndpointId& from, wire::Prune&&, TimePoint, Effects& out) {
    ++counters_.prunes_received;
    set_link(from, LinkState::lazy, out);
}

void Plumtree::on(const EndpointId& from, wire::Graft&& message, TimePoint now, Effects& out) {
    ++counters_.grafts_received;
    set_link(from, LinkState::eager, out);
    if (!message.id) {
        return;
    }
    const wire::Gossip* cached = store_.find(*message.id, now);
    if (cached == nullptr || body_bytes(*cached) >= config_.message_bytes_max) {
        ++counters_.grafts_unanswered;
        return;
    }
    ++counters_.payload_sent;
    send(from, *cached, out);
}

void Plumtree::on(const EndpointId& from, wire::IHave&& message, TimePoint now, Effects&) {
    counters_.announcements_received += message.messages.size();
    if (!is_neighbor(from)) {
        return;
    }
    for (const wire::Announcement& announcement : message.messages) {
        if (store_.seen(announcement.id, now)) {
            continue;
        }
        const Announcer announcer{from, announcement.round};
        if (missing_.note(announcement.id, announcer, now + config_.graft_timeout_1) ==
            MissingMessages::Noted::refused) {
            ++counters_.announcements_refused;
        }
    }
}

// Whole to eager links, announced to lazy ones; not to peers that have it.
void Plumtree::push(const wire::Gossip& message, const std::vector<EndpointId>& holders, TimePoint now, Effects& out) {
    if (body_bytes(message) >= config_.message_bytes_max) {
        ++counters_.oversize_forwards;
        return;
    }
    for (Link& link : links_) {
        if (std::find(holders.begin(), holders.end(), link.peer) != holders.end()) {
            continue;
        }
        if (link.state == LinkState::eager) {
            ++counters_.payload_sent;
            send(link.peer, message, out);
        } else if (message.scope.kind == wire::ScopeKind::swarm) {
            announce(link, {message.id, message.scope.round}, now);
        }
    }
}

void Plumtree::announce(Link& link, const wire::Announcement& announcement, TimePoint now) {
    if (link.queue.size() >= config_.lazy_queue_max) {
        link.queue.erase(link.queue.begin());
        ++counters_.lazy_queue_dropped;
    }
    link.queue.push_back(announcement);
    if (!dispatch_at_) {
        dispatch_at_ = now + config_.dispatch_timeout;
    }
}

void Plumtree::dispatch(Effects& out) {
    const std::size_t chunk_max =
        std::min((config_.message_bytes_max - kIHaveFixedBytes) / kAnnouncementBytesMax, wire::kIHaveMax);
    for (Link& link : links_) {
        for (std::size_t begin = 0; begin < link.queue.size(); begin += chunk_max) {
            const std::size_t end = std::min(begin + chunk_max, link.queue.size());
            wire::IHave message;
            message.messages.assign(link.queue.begin() + static_cast<std::ptrdiff_t>(begin),
                                    link.queue.begin() + static_cast<std::ptrdiff_t>(end));
            counters_.announcements_sent += message.messages.size();
            send(link.peer, std::move(message), out);
        }
        link.queue.clear();
    }
    dispatch_at_.reset();
}

void Plumtree::deliver(const EndpointId& from, const wire::Gossip& message, wire::Scope scope, Effects& out) {
    out.emplace_back(Deliver{message.content, message.id, from, scope});
}

void Plumtree::send(const EndpointId& to, wire::BroadcastMessage message, Effects& out) {
    if (!std::holds_alternative<wire::Gossip>(message)) {
        ++quality_.control_sent;
    }
    out.emplace_back(std::in_place_type<SendBroadcast>, to, std::move(message));
}

// In a working tree one link of it is enough; before there is one, the first message chooses from the eager links.
bool Plumtree::has_enough_eager() const {
    const auto is_eager = [](const Link& link) { return link.state == LinkState::eager; };
    const auto eager = static_cast<std::size_t>(std::count_if(links_.begin(), links_.end(), is_eager));
    return eager >= (store_.seen_count() > 0 ? std::size_t{1} : config_.eager_enough);
}

void Plumtree::on_neighbor_up(const EndpointId& peer, NeighborRole role, TimePoint now, Effects& out) {
    if (peer == self_ || is_neighbor(peer)) {
        return;
    }
    const LinkState state = role == NeighborRole::spare && has_enough_eager() ? LinkState::lazy : LinkState::eager;
    links_.push_back({peer, state, {}});
    out.emplace_back(LinkStateChanged{peer, state});
    for (const wire::Announcement& recent : store_.recent(config_.catch_up_age, kCatchUpMax, now)) {
        announce(links_.back(), recent, now);
    }
}

// Section 3.7: the failed neighbour goes, and with it what it announced.
void Plumtree::on_neighbor_down(const EndpointId& peer) {
    std::erase_if(links_, [&](const Link& link) { return link.peer == peer; });
    missing_.forget_peer(peer);
    const auto waits = [](const Link& link) { return !link.queue.empty(); };
    if (std::none_of(links_.begin(), links_.end(), waits)) {
        dispatch_at_.reset();
    }
}

void Plumtree::on_deadline(TimePoint now, Effects& out) {
    store_.expire(now);
    if (dispatch_at_ && *dispatch_at_ <= now) {
        dispatch(out);
    }
    while (const auto due = missing_.pop_due(now, now + config_.graft_timeout_2)) {
        set_link(due->announcer.peer, LinkState::eager, out);
        ++counters_.grafts_sent;
        send(due->announcer.peer, wire::Graft{due->id, due->announcer.round}, out);
    }
}

std::optional<TimePoint> Plumtree::next_deadline() const {
    return base::earliest(base::earliest(dispatch_at_, missing_.next_deadline()), store_.next_deadline());
}

void Plumtree::set_link(const EndpointId& peer, LinkState state, Effects& out) {
    Link* link = find(peer);
    if (link == nullptr || link->state == state) {
        return;
    }
    link->state = state;
    out.emplace_back(LinkStateChanged{peer, state});
}

Plumtree::Link* Plumtree::find(const EndpointId& peer) {
    const auto it = std::find_if(links_.begin(), links_.end(), [&](const Link& link) { return link.peer == peer; });
    return it == links_.end() ? nullptr : &*it;
}

const Plumtree::Link* Plumtree::find(const EndpointId& peer) const {
    const auto it = std::find_if(links_.begin(), links_.end(), [&](const Link& link) { return link.peer == peer; });
    return it == links_.end() ? nullptr : &*it;
}

bool Plumtree::is_neighbor(const EndpointId& peer) const {
    return find(peer) != nullptr;
}

std::optional<LinkState> Plumtree::link(const EndpointId& peer) const {
    const Link* found = find(peer);
    return found == nullptr ? std::nullopt : std::optional(found->state);
}

std::vector<EndpointId> Plumtree::peers(LinkState state) const {
    std::vector<EndpointId> peers;
    for (const Link& link : links_) {
        if (link.state == state) {
            peers.push_back(link.peer);
        }
    }
    return peers;
}

}  // namespace grapevine::broadcast
