#include <algorithm>

#include "membership/hyparview.hpp"

// Moves between the views, refilling, and the timers.

namespace grapevine::membership {

// Section 4.3: "a node that receives a high priority request will always accept it, even if it has to drop a random
// member from its active view"; low priority needs a free slot.
HyParView::Taken HyParView::add_active(const EndpointId& peer, const std::optional<wire::PeerData>& data,
                                       wire::Priority priority, Reply reply, TimePoint now, Effects& out) {
    if (!is_active(peer)) {
        const bool invited = reply == Reply::no && (is_former(peer) || of_standing(now));
        const std::size_t room = invited ? config_.active_view_max : config_.active_view_capacity;
        if (priority == wire::Priority::low && active().size() >= room) {
            return Taken::no;
        }
        if (priority == wire::Priority::high && active().size() >= room) {
            evict_random(now, out);
        }
        views_.add_active(peer);
        active_since_[peer] = now;
        std::erase_if(former_, [&peer](const Former& f) { return f.peer == peer; });
        out.emplace_back(NeighborUp{peer, priority});
        if (!connected_) {
            connected_ = true;
            out.emplace_back(Rejoined{});
        }
    }
    learn(peer, data, out);
    if (reply == Reply::yes) {
        send_neighbor(peer, priority, RequestKind::answer, now, out);
    }
    return Taken::yes;
}

void HyParView::evict_random(TimePoint now, Effects& out) {
    const EndpointId victim = views_.active()[rng_.index(active().size())];
    ++counters_.evictions;
    out.emplace_back(NeighborDown{victim, DownReason::evicted});
    count(views_.demote(victim));
    send_disconnect(victim, Parting::alive, now, out);
    mark_closing(victim);
    remember_former(victim, config_.take_back_after, now);
    active_since_.erase(victim);
}

void HyParView::remember_former(const EndpointId& peer, Duration ask_after, TimePoint now) {
    if (now - active_since_.at(peer) < config_.settled_after) {
        return;
    }
    if (former_.size() >= kFormerMax) {
        former_.erase(former_.begin());
    }
    former_.push_back({peer, now + ask_after, 0});
}

bool HyParView::is_former(const EndpointId& peer) const {
    return std::any_of(former_.begin(), former_.end(), [&peer](const Former& f) { return f.peer == peer; });
}

// One that has found other neighbours in the meantime has no room and refuses.
void HyParView::take_back(TimePoint now, Effects& out) {
    std::erase_if(former_, [&](const Former& former) {
        return former.ask_at <= now && (former.tries >= config_.take_back_tries || !views_.is_passive(former.peer));
    });
    for (Former& former : former_) {
        if (former.ask_at > now) {
            continue;
        }
        ++former.tries;
        former.ask_at = now + config_.take_back_interval;
        if (active().size() < config_.active_view_max) {
            ++counters_.take_backs;
            send_neighbor(former.peer, wire::Priority::low, RequestKind::ask, now, out);
        }
    }
}

// A peer that closed its connection after an orderly goodbye is alive and stays known.
void HyParView::lose_active(const EndpointId& peer, DownReason reason, TimePoint now, Effects& out) {
    out.emplace_back(NeighborDown{peer, reason});
    out.emplace_back(DisconnectPeer{peer});
    if (reason == DownReason::disconnected) {
        remember_former(peer, config_.take_back_interval, now);
    }
    active_since_.erase(peer);
    const bool was_closing = closing_.erase(peer);
    if (reason == DownReason::disconnected || (reason == DownReason::connection_closed && was_closing)) {
        count(views_.demote(peer));
        if (reason == DownReason::disconnected) {
            mark_closing(peer);
        }
    } else {
        views_.remove_active(peer);
    }
    refill_backoff_ = config_.refill_interval_min;
    refill_at_.reset();
    const bool few = active().size() < config_.refill_at_once_below ||
                     views_.passive().size() < config_.refill_at_once_passive_below;
    if (reason != DownReason::disconnected || few) {
        refill(&peer, now, out);
    }
    report_if_isolated(out);
}

void HyParView::report_if_isolated(Effects& out) {
    if (connected_ && active().empty()) {
        connected_ = false;
        ++counters_.isolations;
        out.emplace_back(Isolated{});
    }
}

void HyParView::mark_closing(const EndpointId& peer) {
    if (closing_.size() >= config_.active_view_capacity + config_.passive_view_capacity) {
        closing_.erase(closing_[0]);
    }
    closing_.insert(peer);
}

void HyParView::mark_parted(const EndpointId& peer, TimePoint now) {
    std::erase_if(parted_, [&](const Parted& parted) { return parted.peer == peer || parted.until <= now; });
    if (parted_.size() >= kPartedMax) {
        parted_.erase(parted_.begin());
    }
    parted_.push_back({peer, now + config_.parting_hold});
}

bool HyParView::parted_lately(const EndpointId& peer, TimePoint now) const {
    const auto lately = [&](const Parted& parted) { return parted.peer == peer && parted.until > now; };
    return std::any_of(parted_.begin(), parted_.end(), lately);
}

bool HyParView::of_standing(TimePoint now) const {
    return started_at_ && now - *started_at_ >= config_.walk_end_after;
}

bool HyParView::below_capacity() const {
    const auto counts = [this](const Request& r) { return r.kind != RequestKind::answer && !is_active(r.peer); };
    const auto asked = static_cast<std::size_t>(std::count_if(requests_.begin(), requests_.end(), counts));
    return active().size() + asked < config_.active_view_capacity;
}

bool HyParView::has_request(const EndpointId& peer) const {
    return std::any_of(requests_.begin(), requests_.end(), [&peer](const Request& r) { return r.peer == peer; });
}

std::optional<HyParView::RequestKind> HyParView::take_request(const EndpointId& peer) {
    const auto names = [&peer](const Request& r) { return r.peer == peer; };
    const auto found = std::find_if(requests_.begin(), requests_.end(), names);
    if (found == requests_.end()) {
        return std::nullopt;
    }
    const RequestKind kind = found->kind;
    requests_.erase(found);
    return kind;
}

std::optional<EndpointId> HyParView::next_hop(const EndpointId& a, const EndpointId& b) {
    return views_.active().pick_if(rng_, [&](const EndpointId& peer) { return peer != a && peer != b; });
}

// Section 4.3: a random passive peer is asked; if it does not answer it is considered failed and another one is asked.
void HyParView::refill(const EndpointId* skip, TimePoint now, Effects& out) {
    if (!below_capacity()) {
        return;
    }
    const auto eligible = [&](const EndpointId& peer) {
        return (skip == nullptr || peer != *skip) && !has_request(peer);
    };
    const std::optional<EndpointId> candidate = views_.passive().pick_if(rng_, eligible);
    if (candidate) {
        const auto priority = active().empty() ? wire::Priority::high : wire::Priority::low;
        send_neighbor(*candidate, priority, RequestKind::refill, now, out);
    }
}

void HyParView::update_refill_timer(TimePoint now) {
    const bool useful = active().size() < config_.active_view_capacity && !views_.passive().empty();
    if (!useful) {
        refill_at_.reset();
        refill_backoff_ = config_.refill_interval_min;
    } else if (!refill_at_) {
        // By then a peer that dropped our last link takes a high-priority request for what it is.
        const Duration first = active().empty() ? config_.parting_hold : config_.refill_interval_min;
        refill_at_ = now + std::max(std::min(first, refill_backoff_), Duration(1));
    }
}

void HyParView::on_deadline(TimePoint now, Effects& out) {
    expire_requests(now, out);
    if (shuffle_at_ && *shuffle_at_ <= now) {
        shuffle(out);
        shuffle_at_ = now + rng_.jitter(config_.shuffle_interval, config_.shuffle_jitter);
    }
    take_back(now, out);
    if (refill_at_ && *refill_at_ <= now) {
        refill_backoff_ = std::min(refill_backoff_ * 2, config_.refill_interval_max);
        refill_at_ = now + refill_backoff_;
        refill(nullptr, now, out);
    }
    update_refill_timer(now);
}

// One that we asked on our own account and that did not answer leaves the passive view too.
void HyParView::expire_requests(TimePoint now, Effects& out) {
    bool any = false;
    for (std::size_t i = 0; i < requests_.size();) {
        if (requests_[i].until > now) {
            ++i;
            continue;
        }
        if (requests_[i].kind != RequestKind::answer) {
            any = true;
            ++counters_.request_timeouts;
        }
        if (requests_[i].kind == RequestKind::refill) {
            views_.remove_passive(requests_[i].peer);
        }
        requests_.erase(requests_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (any) {
        refill(nullptr, now, out);
    }
}

// Section 4.4: a sample of both views and this node itself, sent on a random walk.
void HyParView::shuffle(Effects& out) {
    const std::optional<EndpointId> first = views_.active().pick(rng_);
    if (!first) {
        return;
    }
    wire::Shuffle message{self_, {}, config_.shuffle_random_walk_length};
    const auto add = [&](const base::IndexedSet<EndpointId>& view, std::size_t count) {
        for (const EndpointId& peer : view.sample(rng_, view.size())) {
            if (count > 0 && peer != *first) {
                message.nodes.push_back(views_.info(peer));
                --count;
            }
        }
    };
    add(views_.active(), config_.shuffle_active_view_count);
    add(views_.passive(), config_.shuffle_passive_view_count);
    message.nodes.push_back({self_, own_data_});
    send(*first, std::move(message), out);
}

void HyParView::start_shuffle_timer(TimePoint now) {
    if (!shuffle_at_) {
        started_at_ = now;
        shuffle_at_ = now + rng_.jitter(config_.shuffle_interval, config_.shuffle_jitter);
    }
}

std::optional<TimePoint> HyParView::next_deadline() const {
    std::optional<TimePoint> deadline = base::earliest(shuffle_at_, refill_at_);
    for (const Former& former : former_) {
        deadline = base::earliest(deadline, former.ask_at);
    }
    for (const Request& request : requests_) {
        if (request.kind != RequestKind::answer) {
            deadline = base::earliest(deadline, request.until);
        }
    }
    return deadline;
}

}  // namespace grapevine::membership
