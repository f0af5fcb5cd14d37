#include "membership/hyparview.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

// Inputs and messages. The moves between views and the timers are in hyparview_views.cpp.

namespace grapevine::membership {

HyParView::HyParView(const EndpointId& self, const Config& config, base::Rng& rng, telemetry::Ledger& ledger)
    : self_(self),
      config_(config),
      rng_(rng),
      views_(self, config.active_view_max, config.passive_view_capacity, rng, ledger),
      refill_backoff_(config.refill_interval_min) {
    GRAPEVINE_ASSERT(config.refill_interval_min > Duration::zero(), "a refill interval of zero would spin");
    GRAPEVINE_ASSERT(config.shuffle_interval > Duration::zero(), "a shuffle interval of zero would spin");
}

void HyParView::join(const std::vector<EndpointId>& peers, TimePoint now, Effects& out) {
    start_shuffle_timer(now);
    for (const EndpointId& peer : peers) {
        if (peer == self_) {
            ++counters_.refused_own_id;
            continue;
        }
        send(peer, wire::Join{own_data_}, out);
    }
}

void HyParView::on_message(const EndpointId& from, const wire::MembershipMessage& message, TimePoint now,
                           Effects& out) {
    if (from == self_) {
        ++counters_.refused_own_id;
        return;
    }
    start_shuffle_timer(now);
    std::erase_if(requests_, [now](const Request& r) { return r.kind == RequestKind::answer && r.until <= now; });
    ++counters_.received[message.index()];
    std::visit([&](const auto& m) { on(from, m, now, out); }, message);
    const bool let_go = !out.empty() && out.back() == Effect(DisconnectPeer{from});
    if (!std::holds_alternative<wire::Disconnect>(message) && !wants(from) && !let_go) {
        out.emplace_back(DisconnectPeer{from});
    }
    update_refill_timer(now);
}

void HyParView::on_peer_disconnected(const EndpointId& peer, TimePoint now, Effects& out) {
    const bool asked = take_request(peer).has_value();
    if (is_active(peer)) {
        lose_active(peer, DownReason::connection_closed, now, out);
    } else if (!closing_.erase(peer)) {
        views_.remove_passive(peer);
        if (asked) {
            refill(&peer, now, out);
        }
    }
    update_refill_timer(now);
}

void HyParView::on_stray_broadcast(const EndpointId& peer, TimePoint now, Effects& out) {
    if (peer == self_ || wants(peer) || parted_lately(peer, now)) {
        return;
    }
    ++counters_.strangers_told;
    send_disconnect(peer, Parting::alive, now, out);
}

void HyParView::quit(TimePoint now, Effects& out) {
    const std::vector<EndpointId> peers = active();
    for (const EndpointId& peer : peers) {
        views_.remove_active(peer);
        out.emplace_back(NeighborDown{peer, DownReason::quit});
        send_disconnect(peer, Parting::quitting, now, out);
    }
    views_.clear();
    requests_.clear();
    closing_.clear();
    parted_.clear();
    connected_ = false;
    shuffle_at_.reset();
    former_.clear();
    active_since_.clear();
    update_refill_timer(now);
}

bool HyParView::wants(const EndpointId& peer) const {
    const auto asked = [&peer](const Request& r) { return r.peer == peer && r.kind != RequestKind::answer; };
    return is_active(peer) || std::any_of(requests_.begin(), requests_.end(), asked);
}

// "A node that receives a join request will start by adding the new node to its active view, even if it has to drop a
// random node from it" (section 4.2); then it introduces the newcomer to its other neighbours.
// A Join comes from a node that knows nobody, so what was said to its former life (a restart, noticed by nobody yet) is
// void: it is answered anew.
void HyParView::on(const EndpointId& from, const wire::Join& message, TimePoint now, Effects& out) {
    take_request(from);
    add_active(from, message.data, wire::Priority::high, Reply::yes, now, out);
    const bool oversize = message.data && message.data->size() > kPeerDataBytesMax;
    const wire::PeerInfo newcomer{from, oversize ? std::nullopt : message.data};
    for (const EndpointId& peer : active()) {
        if (peer != from) {
            send(peer, wire::ForwardJoin{newcomer, config_.active_random_walk_length}, out);
        }
    }
}

void HyParView::on(const EndpointId& from, const wire::ForwardJoin& message, TimePoint now, Effects& out) {
    const EndpointId& newcomer = message.peer.id;
    if (newcomer == self_) {
        ++counters_.refused_own_id;
        return;
    }
    const wire::Ttl ttl = std::min(message.ttl, config_.active_random_walk_length);
    const std::optional<EndpointId> next = next_hop(from, newcomer);
    const bool roomy = of_standing(now) && active().size() < config_.active_view_max;
    if (roomy || is_active(newcomer) || ttl.value == 0 || active().size() <= 1 || !next) {
        learn(newcomer, message.peer.data, out);
        send_neighbor(newcomer, wire::Priority::high, RequestKind::ask, now, out);
        return;
    }
    if (ttl == config_.passive_random_walk_length) {
        count(views_.add_passive(newcomer));
        learn(newcomer, message.peer.data, out);
    }
    if (has_request(newcomer)) {
        return;
    }
    wire::ForwardJoin onward{message.peer, wire::Ttl{static_cast<std::uint16_t>(ttl.value - 1)}};
    if (onward.peer.data && onward.peer.data->size() > kPeerDataBytesMax) {
        onward.peer.data.reset();
    }
    send(*next, std::move(onward), out);
}

// Section 4.4: the walk ends where its time to live does, and there the contents are taken and answered in kind.
void HyParView::on(const EndpointId& from, const wire::Shuffle& message, TimePoint, Effects& out) {
    if (message.origin == self_) {
        ++counters_.refused_own_id;
        return;
    }
    const wire::Ttl ttl = std::min(message.ttl, config_.shuffle_random_walk_length);
    const std::optional<EndpointId> next = next_hop(from, message.origin);
    if (ttl.value == 0 || active().size() <= 1 || !next) {
        take_peers(message.nodes, out);
        send_shuffle_reply(message.origin, std::min(message.nodes.size(), kShuffleTakenMax), out);
        return;
    }
    wire::Shuffle onward{message.origin, message.nodes, wire::Ttl{static_cast<std::uint16_t>(ttl.value - 1)}};
    if (onward.nodes.size() > kShuffleTakenMax) {
        counters_.refused_list_excess += onward.nodes.size() - kShuffleTakenMax;
        onward.nodes.resize(kShuffleTakenMax);
    }
    send(*next, std::move(onward), out);
}

// Refusals bring a ShuffleReply: refilling from each of them would never come to rest, so only a node without
// neighbours and without a request under way asks at once.
void HyParView::on(const EndpointId&, const wire::ShuffleReply& message, TimePoint now, Effects& out) {
    take_peers(message.nodes, out);
    const auto asked = [](const Request& r) { return r.kind != RequestKind::answer; };
    if (active().empty() && std::none_of(requests_.begin(), requests_.end(), asked)) {
        refill(nullptr, now, out);
    }
}

void HyParView::on(const EndpointId& from, const wire::Neighbor& message, TimePoint now, Effects& out) {
    const std::optional<RequestKind> request = take_request(from);
    const Reply reply = request ? Reply::no : Reply::yes;
    const wire::Priority priority = parted_lately(from, now) ? wire::Priority::low : message.priority;
    if (add_active(from, message.data, priority, reply, now, out) == Taken::no) {
        ++counters_.refused_view_full;
        send_disconnect(from, Parting::alive, now, out);
    } else if (request && *request != RequestKind::answer) {
        // Low: should it have dropped us in the meantime, this takes nobody's place.
        send(from, wire::Neighbor{wire::Priority::low, own_data_}, out);
    }
}

void HyParView::on(const EndpointId& from, const wire::Disconnect& message, TimePoint now, Effects& out) {
    take_request(from);
    mark_parted(from, now);
    if (is_active(from)) {
        lose_active(from, message.alive ? DownReason::disconnected : DownReason::left, now, out);
    } else if (message.alive && views_.is_passive(from)) {
        mark_closing(from);
    } else if (!message.alive) {
        views_.remove_passive(from);
    }
}

void HyParView::send(const EndpointId& to, wire::MembershipMessage message, Effects& out) {
    ++counters_.sent[message.index()];
    out.emplace_back(SendMembership{to, std::move(message)});
}

void HyParView::send_neighbor(const EndpointId& to, wire::Priority priority, RequestKind kind, TimePoint now,
                              Effects& out) {
    if (has_request(to)) {
        return;
    }
    if (requests_.size() >= kRequestsMax) {
        ++counters_.refused_requests_full;
        return;
    }
    const Duration hold = kind == RequestKind::answer ? config_.answer_hold : config_.neighbor_request_timeout;
    requests_.push_back({to, now + hold, kind});
    send(to, wire::Neighbor{priority, own_data_}, out);
}

void HyParView::send_disconnect(const EndpointId& to, Parting parting, TimePoint now, Effects& out) {
    take_request(to);
    mark_parted(to, now);
    send_shuffle_reply(to, config_.shuffle_active_view_count + config_.shuffle_passive_view_count, out);
    send(to, wire::Disconnect{parting == Parting::alive, false}, out);
    out.emplace_back(DisconnectPeer{to});
}

// Passive peers first, topped up with active ones.
void HyParView::send_shuffle_reply(const EndpointId& to, std::size_t count, Effects& out) {
    wire::ShuffleReply reply;
    reply.nodes.reserve(count);
    const auto give = [&](const base::IndexedSet<EndpointId>& view) {
        for (const EndpointId& peer : view.sample(rng_, view.size())) {
            if (reply.nodes.size() < count && peer != to) {
                reply.nodes.push_back(views_.info(peer));
            }
        }
    };
    give(views_.passive());
    give(views_.active());
    send(to, std::move(reply), out);
}

void HyParView::take_peers(const std::vector<wire::PeerInfo>& peers, Effects& out) {
    const std::size_t taken = std::min(peers.size(), kShuffleTakenMax);
    counters_.refused_list_excess += peers.size() - taken;
    for (std::size_t i = 0; i < taken; ++i) {
        count(views_.add_passive(peers[i].id));
        learn(peers[i].id, peers[i].data, out);
    }
}

void HyParView::learn(const EndpointId& peer, const std::optional<wire::PeerData>& data, Effects& out) {
    switch (views_.learn(peer, data)) {
        case DataNews::none: break;
        case DataNews::oversize: ++counters_.refused_data_oversize; break;
        case DataNews::learned: out.emplace_back(PeerDataLearned{peer, *data}); break;
    }
}

void HyParView::count(PassiveAdd added) {
    if (added == PassiveAdd::replaced) {
        ++counters_.passive_replaced;
    }
}

}  // namespace grapevine::membership
