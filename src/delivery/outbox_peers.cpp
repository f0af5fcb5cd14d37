// Peers: their sessions, what is queued for them, what they have not answered.

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>
#include <vector>

#include "delivery/outbox.hpp"

namespace grapevine::delivery {

namespace {

template <typename T>
bool contains(const std::vector<T>& items, const T& item) {
    return std::find(items.begin(), items.end(), item) != items.end();
}

// What is left is positive and at most kDeadlineMax.
std::uint32_t time_left_ms(base::Duration left) {
    return static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

}  // namespace

Outbox::Peer& Outbox::peer_of(const EndpointId& id) {
    return peers_.try_emplace(id, config_.name_quantum).first->second;
}

Outbox::Peer* Outbox::find_peer(const EndpointId& id) {
    const auto found = peers_.find(id);
    return found == peers_.end() ? nullptr : &found->second;
}

std::size_t Outbox::size_at(const EndpointId& id) const {
    const auto found = peers_.find(id);
    return found == peers_.end() ? 0 : found->second.size();
}

void Outbox::enqueue(MessageSequence sequence, Message& message, const EndpointId& id, base::TimePoint now,
                     OutboxEffects& out) {
    Peer& peer = peer_of(id);
    Name& name = *message.name;
    message.stage = Stage::queued;
    message.peer = id;
    peer.queue.push({name.flow, sequence, message.cost});
    if (message.options.ordering == Ordering::lane) {
        name.held.erase(sequence);
        name.instance = id;
        ++name.at_instance;
        ++name.queued;
    }
    request(id, peer, now, out);
    mark_ready(id, peer);
}

void Outbox::request(const EndpointId& id, Peer& peer, base::TimePoint now, OutboxEffects& out) {
    const bool pending = peer.dial_at && *peer.dial_at > now;
    if (peer.session == Session::none && pending) return;
    if (peer.needed && peer.session != Session::none) return;
    peer.needed = true;
    if (peer.session == Session::none) peer.session = Session::wanted;
    out.emplace_back(WantSession{id});
}

void Outbox::on_session_up(const EndpointId& id, Incarnation incarnation, base::TimePoint now, OutboxEffects& out) {
    expire(now, out);
    Peer& peer = peer_of(id);
    touched_peers_.push_back(id);
    if (peer.session == Session::up) lose_session(id, peer, SessionEnd::lost, now, out);
    peer.session = Session::up;
    peer.window = {};
    peer.credit = config_.burst_bytes;
    if (peer.dial_at) dials_.erase({*std::exchange(peer.dial_at, {}), id});
    const bool another_life = peer.incarnation != incarnation;
    peer.incarnation = incarnation;
    if (another_life) give_up_stranded(id, peer, now, out);
    if (peer.size() > 0) request(id, peer, now, out);
    settle(now, out);
}

void Outbox::on_session_down(const EndpointId& id, SessionEnd reason, base::TimePoint now, OutboxEffects& out) {
    expire(now, out);
    if (Peer* peer = find_peer(id)) {
        touched_peers_.push_back(id);
        lose_session(id, *peer, reason, now, out);
    }
    settle(now, out);
}

void Outbox::lose_session(const EndpointId& id, Peer& peer, SessionEnd reason, base::TimePoint now,
                          OutboxEffects& out) {
    peer.session = Session::none;
    peer.needed = false;
    peer.deficit = 0;
    // Before messages look for another place, so that they prefer one that may be dialled.
    if (peer.size() > 0) {
        if (peer.dial_at) dials_.erase({*peer.dial_at, id});
        peer.dial_at = now + backoff(peer.dial_step++);
        peer.dial_step = std::min<std::uint32_t>(peer.dial_step, 20);
        dials_.emplace(*peer.dial_at, id);
    }
    strand_written(id, peer, now, out);
    if (reason == SessionEnd::gone) give_up_stranded(id, peer, now, out);
    give_up_queued(id, peer, reason == SessionEnd::refused ? Ending::refused : Ending::unreachable, now, out);
}

// Rule 3. Ordered messages wait with the others of their lane even if they may be repeated.
void Outbox::strand_written(const EndpointId& id, Peer& peer, base::TimePoint now, OutboxEffects& out) {
    peer.in_flight_bytes = 0;
    peer.used_by.clear();
    for (const auto& [sequence, flight] : std::exchange(peer.in_flight, {})) {
        Message* message = find(sequence);
        if (message == nullptr || message->stage != Stage::written) continue;
        doubt(*message, Life{id, peer.incarnation});
        const bool unsafe = message->options.repetition == Repetition::unsafe;
        if (message->kind == MessageKind::stream) {
            finish(sequence, *message, Ending::in_doubt, {}, now, out);
        } else if (unsafe || message->options.ordering == Ordering::lane) {
            message->stage = Stage::stranded;
            peer.stranded.insert(sequence);
            peer.stranded_bytes += flight.cost;
        } else {
            ++counters_.retries_idempotent;
            try_again(sequence, *message, id, Ending::unreachable, now, out);
        }
    }
}

void Outbox::doubt(Message& message, const Life& life) {
    if (!contains(message.maybe_at, life)) message.maybe_at.push_back(life);
}

void Outbox::give_up_stranded(const EndpointId& id, Peer& peer, base::TimePoint now, OutboxEffects& out) {
    peer.stranded_bytes = 0;
    for (const MessageSequence sequence : std::exchange(peer.stranded, {})) {
        Message& message = messages_.at(sequence);
        if (message.options.repetition == Repetition::idempotent) {
            ++counters_.retries_idempotent;
            try_again(sequence, message, id, Ending::unreachable, now, out);
        } else {
            finish(sequence, message, Ending::in_doubt, {}, now, out);
        }
    }
}

void Outbox::give_up_queued(const EndpointId& id, Peer& peer, Ending cause, base::TimePoint now, OutboxEffects& out) {
    std::vector<FairQueue::Item> items = peer.queue.drain();
    std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.message < b.message; });
    // First all of them leave, so that a lane sees what is left of it there.
    for (const auto& item : items) {
        Message& message = messages_.at(item.message);
        ++(cause == Ending::refused ? counters_.retries_refused : counters_.retries_unreachable);
        blame(message, id, cause);
        message.stage = Stage::held;
        if (message.options.ordering == Ordering::none) continue;
        --message.name->at_instance;
        --message.name->queued;
        message.name->held.insert(item.message);
    }
    for (const auto& item : items) {
        Message& message = messages_.at(item.message);
        if (message.options.ordering == Ordering::lane) {
            advance_lane(*message.name, now, out);
        } else {
            resolve(item.message, message, out);
        }
    }
}

void Outbox::on_window(const EndpointId& id, const wire::Window& window, base::TimePoint now, OutboxEffects& out) {
    expire(now, out);
    if (Peer* peer = find_peer(id); peer != nullptr && peer->session == Session::up) {
        peer->window = window;
        peer->dial_step = 0;
        mark_ready(id, *peer);
    }
    settle(now, out);
}

void Outbox::on_writable(const EndpointId& id, base::TimePoint now, OutboxEffects& out) {
    expire(now, out);
    if (Peer* peer = find_peer(id); peer != nullptr && peer->session == Session::up) {
        peer->credit = config_.burst_bytes;
        mark_ready(id, *peer);
    }
    settle(now, out);
}

void Outbox::on_outcome(const EndpointId& id, const wire::Outcome& outcome, base::TimePoint now, OutboxEffects& out) {
    expire(now, out);
    if (Peer* peer = find_peer(id); peer != nullptr && leave_window(outcome.sequence, *peer)) {
        touched_peers_.push_back(id);
        mark_ready(id, *peer);
        Message* message = find(outcome.sequence);
        if (message != nullptr && message->stage == Stage::written) {
            take_outcome(outcome.sequence, *message, id, outcome, now, out);
        } else {
            ++counters_.late_outcomes;
        }
    } else {
        ++counters_.unexpected_outcomes;
    }
    settle(now, out);
}

bool Outbox::leave_window(MessageSequence sequence, Peer& peer) {
    const auto answered = peer.in_flight.find(sequence);
    if (answered == peer.in_flight.end()) return false;
    const Flight flight = answered->second;
    peer.in_flight.erase(answered);
    peer.in_flight_bytes -= flight.cost;
    const auto use = peer.used_by.find(flight.flow);
    use->second.bytes -= flight.cost;
    if (--use->second.messages == 0) peer.used_by.erase(use);
    return true;
}

void Outbox::take_outcome(MessageSequence sequence, Message& message, const EndpointId& id,
                          const wire::Outcome& outcome, base::TimePoint now, OutboxEffects& out) {
    const auto end = [&](Ending ending) { finish(sequence, message, ending, outcome.payload, now, out); };
    using wire::OutcomeCode;
    const OutcomeCode code = outcome.code;
    const Life life{id, peer_of(id).incarnation};
    if (code == OutcomeCode::in_doubt) doubt(message, life);
    // Who is sure that it did not handle this message has not handled an earlier copy either.
    if (code == OutcomeCode::too_large || code == OutcomeCode::refused || code == OutcomeCode::busy)
        std::erase(message.maybe_at, life);
    switch (code) {
        case OutcomeCode::acknowledged: return end(Ending::acknowledged);
        case OutcomeCode::handler_failed: return end(Ending::handler_failed);
        case OutcomeCode::too_large: return end(Ending::too_large);
        case OutcomeCode::deadline: return end(Ending::deadline);
        case OutcomeCode::in_doubt:
            if (message.options.repetition == Repetition::unsafe) return end(Ending::in_doubt);
            ++counters_.retries_idempotent;
            return try_again(sequence, message, id, Ending::in_doubt, now, out);
        case OutcomeCode::refused:
            ++counters_.retries_refused;
            return try_again(sequence, message, id, Ending::refused, now, out);
        case OutcomeCode::busy: break;
    }
    ++counters_.retries_busy;
    try_again(sequence, message, id, Ending::peer_busy, now, out);
}

void Outbox::mark_ready(const EndpointId& id, Peer& peer) {
    if (!std::exchange(peer.ready, true)) ready_.push_back(id);
}

std::optional<Outbox::Next> Outbox::next_of(Peer& peer) {
    const bool open = peer.session == Session::up && peer.credit > 0 && peer.in_flight.size() < peer.window.messages;
    if (!open) return std::nullopt;
    std::optional<Next> next;
    if (!peer.stranded.empty()) {
        next = Next{*peer.stranded.begin(), messages_.at(*peer.stranded.begin()).cost};
        if (peer.in_flight_bytes + next->cost > peer.window.bytes) return std::nullopt;
    } else if (const auto item = peer.queue.front([&](const FairQueue::Item& i) { return may_use(peer, i); })) {
        next = Next{item->message, item->cost};
    }
    return next;
}

// Rule 7.
bool Outbox::may_use(const Peer& peer, const FairQueue::Item& item) {
    const auto found = peer.used_by.find(item.flow);
    const Use use = found == peer.used_by.end() ? Use{} : found->second;
    return use.messages + peer.in_flight.size() < peer.window.messages &&
           use.bytes + peer.in_flight_bytes + item.cost <= peer.window.bytes;
}

// Rule 6.
void Outbox::pump(base::TimePoint now, OutboxEffects& out) {
    while (!ready_.empty()) {
        const EndpointId id = ready_.front();
        ready_.pop_front();
        Peer& peer = peers_.at(id);
        peer.deficit += config_.peer_quantum;
        auto next = next_of(peer);
        for (; next && next->cost <= peer.deficit; next = next_of(peer)) {
            peer.deficit -= next->cost;
            write(id, peer, *next, now, out);
        }
        if (next) {
            ready_.push_back(id);
        } else {
            peer.deficit = 0;
            peer.ready = false;
        }
    }
}

void Outbox::write(const EndpointId& id, Peer& peer, const Next& next, base::TimePoint now, OutboxEffects& out) {
    Message& message = messages_.at(next.message);
    ++counters_.written;
    if (message.stage == Stage::stranded) {
        ++counters_.written_again;
        peer.stranded.erase(next.message);
        peer.stranded_bytes -= next.cost;
    } else {
        peer.queue.pop();
        if (message.options.ordering == Ordering::lane) --message.name->queued;
    }
    message.stage = Stage::written;
    message.written_to = id;
    ++message.attempts;
    peer.in_flight.emplace(next.message, Flight{message.name->flow, next.cost});
    peer.in_flight_bytes += next.cost;
    Use& use = peer.used_by[message.name->flow];
    ++use.messages;
    use.bytes += next.cost;
    peer.credit -= std::min(peer.credit, next.cost);
    if (message.kind == MessageKind::stream) {
        out.emplace_back(SendOpenStream{
            id, {next.message, time_left_ms(message.deadline - now), message.name->text, message.context}});
        return;
    }
    wire::Deliver frame = frame_of(next.message, message, peer.incarnation, now);
    if (message.payload.size() > config_.large_above) {
        ++counters_.written_large;
        const auto size = static_cast<std::uint32_t>(message.payload.size());
        out.emplace_back(SendLarge{id, {std::move(frame), size}});
    } else {
        frame.payload = message.payload;
        out.emplace_back(SendDeliver{id, std::move(frame)});
    }
}

wire::Deliver Outbox::frame_of(MessageSequence sequence, const Message& message, Incarnation to,
                               base::TimePoint now) const {
    wire::Deliver frame;
    frame.sequence = sequence;
    frame.kind = message.kind;
    if (contains(message.maybe_at, Life{message.peer, to})) frame.copy = wire::MessageCopy::again;
    frame.settled = MessageSequence{messages_.begin()->first.value - 1};
    frame.time_left_ms = time_left_ms(message.deadline - now);
    frame.name = message.name->text;
    frame.context = message.context;
    if (message.options.ordering == Ordering::none) return frame;
    const auto own = message.name->lane.find(sequence);
    frame.after = own == message.name->lane.begin() ? sequence : *std::prev(own);
    return frame;
}

}  // namespace grapevine::delivery
