// What was not taken, and what waits behind it: rules 2, 8 and 11 of outbox.hpp.

#include <algorithm>
#include <vector>

#include "delivery/outbox.hpp"

namespace grapevine::delivery {

void Outbox::blame(Message& message, const EndpointId& peer, Ending cause) {
    auto& list = cause == Ending::refused ? message.refused_by : message.avoid;
    if (std::find(list.begin(), list.end(), peer) == list.end()) list.push_back(peer);
    message.cause = cause;
}

void Outbox::try_again(MessageSequence sequence, Message& message, const EndpointId& peer, Ending cause,
                       base::TimePoint now, OutboxEffects& out) {
    blame(message, peer, cause);
    const bool ordered = message.options.ordering == Ordering::lane;
    if (leaving_) {
        if (ordered) put_back(sequence, message);
        message.stage = Stage::held;
        return finish(sequence, message, Ending::cancelled, {}, now, out);
    }
    if (!ordered) return resolve(sequence, message, out);
    put_back(sequence, message);
    Name& name = *message.name;
    // Those behind it follow it, so that one pause is enough for all.
    if (*name.held.begin() == sequence && name.at_instance > 0) back_off(sequence, message, now);
    advance_lane(name, now, out);
}

// An ordered message leaves its instance; so do those behind it that were not written yet.
void Outbox::put_back(MessageSequence sequence, Message& message) {
    Name& name = *message.name;
    message.stage = Stage::held;
    --name.at_instance;
    name.held.insert(sequence);
    hold_back_after(sequence, name);
}

void Outbox::hold_back_after(MessageSequence sequence, Name& name) {
    for (auto it = name.lane.upper_bound(sequence); name.queued > 0 && it != name.lane.end(); ++it) {
        Message& message = messages_.at(*it);
        if (message.stage != Stage::queued) continue;
        peer_of(message.peer).queue.erase(name.flow, *it);
        touched_peers_.push_back(message.peer);
        message.stage = Stage::held;
        --name.at_instance;
        --name.queued;
        name.held.insert(*it);
    }
}

// The first of those that are at no peer leads: it goes where the others are, or asks where to go.
void Outbox::advance_lane(Name& name, base::TimePoint now, OutboxEffects& out) {
    while (!leaving_ && !name.held.empty()) {
        const MessageSequence sequence = *name.held.begin();
        Message& message = messages_.at(sequence);
        if (message.stage != Stage::held) return;
        if (name.at_instance == 0) {
            resolve(sequence, message, out);
            return;
        }
        if (!has_room_at(name.instance, message)) {
            ++counters_.peer_queue_full;
            message.cause = Ending::peer_busy;
            back_off(sequence, message, now);
            return;
        }
        enqueue(sequence, message, name.instance, now, out);
    }
}

std::vector<MessageSequence> Outbox::sequences() const {
    std::vector<MessageSequence> all;
    all.reserve(messages_.size());
    for (const auto& [sequence, message] : messages_)
        all.push_back(sequence);
    return all;
}

void Outbox::leave(base::TimePoint now, OutboxEffects& out) {
    expire(now, out);
    leaving_ = true;
    for (const MessageSequence sequence : sequences()) {
        Message& message = messages_.at(sequence);
        const bool written = message.stage == Stage::written || message.stage == Stage::stranded;
        if (!written) finish(sequence, message, Ending::cancelled, {}, now, out);
    }
    settle(now, out);
}

void Outbox::abandon(base::TimePoint now, OutboxEffects& out) {
    leave(now, out);
    for (const MessageSequence sequence : sequences())
        finish(sequence, messages_.at(sequence), Ending::in_doubt, {}, now, out);
    settle(now, out);
}

}  // namespace grapevine::delivery
