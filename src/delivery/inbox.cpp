#include "delivery/inbox.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/assert.hpp"

namespace grapevine::delivery {

namespace {

constexpr std::size_t kLargestCost = wire::kDeliverOverhead + wire::kTargetNameMax + wire::kDeliverPayloadMax;
constexpr std::size_t kTurnBytes = 4096;  // What a sender may have handed over in its turn.

base::Bytes printable_text(base::ByteView text) {
    base::Bytes out(text.begin(),
                    text.begin() + static_cast<std::ptrdiff_t>(std::min(text.size(), wire::kOutcomeTextMax)));
    for (auto& byte : out) {
        if (byte < 0x20 || byte >= 0x7f) byte = '?';
    }
    return out;
}

std::size_t reply_room(MessageKind kind, const Service& service) {
    return kind == MessageKind::request ? std::max(service.reply_max, wire::kOutcomeTextMax) : wire::kOutcomeTextMax;
}

}  // namespace

Inbox::Inbox(const InboxConfig& config) : config_(config) {
    GRAPEVINE_ASSERT(config.idle_messages > 0 && config.idle_bytes >= kLargestCost,
                     "the largest message fits a window");
    GRAPEVINE_ASSERT(config.sessions_max * config.idle_messages <= config.open_messages_max &&
                         config.sessions_max * config.idle_bytes <= config.open_bytes_max,
                     "each session can be granted something");
    GRAPEVINE_ASSERT(config.sender_messages_max >= config.idle_messages && config.sender_bytes_max >= config.idle_bytes,
                     "a sender may have what each is granted");
}

base::Admitted Inbox::serve(const std::string& name, const Service& service, base::TimePoint now, InboxEffects& out) {
    GRAPEVINE_ASSERT(service.concurrency > 0 && service.reply_max <= wire::kDeliverPayloadMax, "a handler can work");
    expire(now, out);
    auto found = services_.find(name);
    if (found == services_.end()) {
        if (services_.size() >= config_.services_max) return base::Admitted::no;
        found = services_.try_emplace(name, kTurnBytes).first;
        found->second.id = ServiceId{++service_ids_};
        services_by_id_.emplace(found->second.id, &found->second);
    }
    found->second.limits = service;
    freed_.insert(found->second.id);
    settle(now, out);
    return base::Admitted::yes;
}

void Inbox::stop(const std::string& name, base::TimePoint now, InboxEffects& out) {
    expire(now, out);
    const auto found = services_.find(name);
    if (found == services_.end()) return settle(now, out);
    const ServiceId id = found->second.id;
    const wire::Outcome refusal{{}, wire::OutcomeCode::refused, base::to_bytes("no handler")};
    for (auto& [number, sender] : senders_)
        counters_.no_handler += give_back(sender, id, refusal, out);
    services_by_id_.erase(id);
    freed_.erase(id);
    services_.erase(found);
    settle(now, out);
}

void Inbox::leave(base::TimePoint now, InboxEffects& out) {
    expire(now, out);
    leaving_ = true;
    const wire::Outcome busy{{}, wire::OutcomeCode::busy, base::to_bytes(name(BusyCause::leaving))};
    auto& count = counters_.busy[static_cast<std::size_t>(BusyCause::leaving)];
    for (auto& [number, sender] : senders_)
        count += give_back(sender, {}, busy, out);
    settle(now, out);
}

std::size_t Inbox::give_back(Sender& sender, std::optional<ServiceId> service, const wire::Outcome& answer,
                             InboxEffects& out) {
    std::size_t count = 0;
    for (auto it = sender.entries.begin(); it != sender.entries.end();) {
        const auto entry = it++;
        const bool unhandled = entry->second.stage == Stage::waiting || entry->second.stage == Stage::receiving;
        if (!unhandled || (service && entry->second.service != *service)) continue;
        ++count;
        close(sender, entry->first, entry->second);
        wire::Outcome said = answer;
        said.sequence = entry->first;
        if (has_session(sender)) say(sender.id, std::move(said), out);
        erase(sender, entry);
    }
    return count;
}

void Inbox::on_deliver(const EndpointId& peer, wire::Deliver frame, base::TimePoint now, InboxEffects& out) {
    const std::size_t size = frame.payload.size();
    arrive(peer, {std::move(frame), size}, now, out);
}

void Inbox::on_deliver_large(const EndpointId& peer, wire::DeliverLarge frame, base::TimePoint now, InboxEffects& out) {
    arrive(peer, {std::move(frame.message), frame.size}, now, out);
}

void Inbox::on_payload(const EndpointId& peer, MessageSequence message, base::Bytes payload, base::TimePoint now,
                       InboxEffects& out) {
    expire(now, out);
    const auto session = sessions_.find(peer);
    Sender* sender = session == sessions_.end() ? nullptr : find_sender(peer, session->second.incarnation);
    if (sender != nullptr) {
        const auto found = sender->entries.find(message);
        const bool awaited = found != sender->entries.end() && found->second.stage == Stage::receiving &&
                             found->second.large == payload.size();
        if (awaited) {
            found->second.stage = Stage::waiting;
            found->second.bytes = std::move(payload);
            push_if_ready(*sender, message, found->second);
        }
    }
    settle(now, out);
}

void Inbox::arrive(const EndpointId& peer, Arrival arrival, base::TimePoint now, InboxEffects& out) {
    expire(now, out);
    const auto session = sessions_.find(peer);
    if (session == sessions_.end()) {
        ++counters_.busy[static_cast<std::size_t>(BusyCause::no_session)];
    } else if (session->second.admitted) {
        note_message(session->second, now, out);
        receive(peer, make_sender(peer, session->second.incarnation, now), BusyCause::senders, std::move(arrival), now,
                out);
    } else {
        receive(peer, find_sender(peer, session->second.incarnation), BusyCause::no_session, std::move(arrival), now,
                out);
    }
    settle(now, out);
}

void Inbox::on_open_stream(const EndpointId& peer, wire::OpenStream frame, base::TimePoint now, InboxEffects& out) {
    wire::Deliver message;
    message.sequence = frame.sequence;
    message.kind = MessageKind::stream;
    message.time_left_ms = frame.time_left_ms;
    message.name = std::move(frame.name);
    message.context = frame.context;
    on_deliver(peer, std::move(message), now, out);
}

// `busy` means "not handled": it is said only after what is remembered was looked at.
void Inbox::receive(const EndpointId& peer, Sender* sender, BusyCause otherwise, Arrival arrival, base::TimePoint now,
                    InboxEffects& out) {
    if (sender != nullptr && recall(*sender, arrival.frame, out)) return;
    if (sender == nullptr || otherwise == BusyCause::no_session) {
        say_busy(peer, arrival.frame.sequence, otherwise, out);
    } else {
        judge(*sender, std::move(arrival), now, out);
    }
}

bool Inbox::recall(Sender& sender, const wire::Deliver& frame, InboxEffects& out) {
    forget_settled(sender, frame.settled);
    if (frame.sequence <= sender.settled) {
        ++counters_.repeated_settled;
        return true;
    }
    if (const auto known = sender.entries.find(frame.sequence); known != sender.entries.end()) {
        repeat(sender, known->first, known->second, out);
        return true;
    }
    if (frame.copy == wire::MessageCopy::first || frame.sequence > sender.forgotten) return false;
    ++counters_.unsure;
    say(sender.id,
        {frame.sequence, wire::OutcomeCode::in_doubt, base::to_bytes("what became of the first copy is not known")},
        out);
    return true;
}

void Inbox::repeat(const Sender& sender, MessageSequence sequence, const Entry& entry, InboxEffects& out) {
    if (entry.stage != Stage::answered) {
        ++counters_.repeated_open;
        if (entry.stage == Stage::receiving)
            out.emplace_back(TakePayload{sender.id, sequence, static_cast<std::uint32_t>(entry.large)});
        return;
    }
    ++counters_.repeated_answered;
    say(sender.id, outcome_of(sequence, entry), out);
}

void Inbox::judge(Sender& sender, Arrival arrival, base::TimePoint now, InboxEffects& out) {
    const wire::Deliver& frame = arrival.frame;
    const auto refuse = [&](wire::OutcomeCode code, std::string_view text) {
        say(sender.id, {frame.sequence, code, base::to_bytes(text)}, out);
    };
    if (frame.time_left_ms == 0) {
        ++counters_.late_waiting;
        return refuse(wire::OutcomeCode::deadline, "no time left");
    }
    Served* service = service_for(frame.name);
    if (service == nullptr) {
        ++counters_.no_handler;
        return refuse(wire::OutcomeCode::refused, "no handler");
    }
    if (arrival.size > service->limits.payload_max) {
        ++counters_.too_large;
        return refuse(wire::OutcomeCode::too_large, "the handler takes less");
    }
    if (const auto lane = sender.lanes.find(frame.name);
        frame.after.value != 0 && lane != sender.lanes.end() && frame.sequence < lane->second.last) {
        ++counters_.out_of_order;
        return refuse(wire::OutcomeCode::deadline, "its lane has gone on");
    }
    if (const auto cause = find_busy(sender, *service, arrival))
        return say_busy(sender.id, frame.sequence, *cause, out);
    take(sender, *service, std::move(arrival), now, out);
}

std::optional<BusyCause> Inbox::find_busy(const Sender& sender, const Served& service, const Arrival& arrival) const {
    const wire::Deliver& frame = arrival.frame;
    const std::size_t cost = wire::window_cost(frame.name.size(), arrival.size);
    const std::size_t reply = reply_room(frame.kind, service.limits);
    if (leaving_) return BusyCause::leaving;
    if (!is_next(sender, frame)) return BusyCause::order;
    if (ids_ >= config_.ids_max || sender.entries.size() >= config_.sender_ids_max) return BusyCause::ids;
    if (!may_open(sender, service, cost)) return BusyCause::open;
    if (service.waiting >= service.limits.queue_max) return BusyCause::queue;
    if (service.reserved + reply_bytes_ + reply > config_.reply_bytes_max ||
        sender.reply_bytes + reply > config_.sender_reply_bytes_max)
        return BusyCause::replies;
    if (arrival.follows() && (large_bytes_ + arrival.size > config_.large_bytes_max ||
                              sender.large_bytes + arrival.size > config_.sender_large_bytes_max))
        return BusyCause::payloads;
    return std::nullopt;
}

// Rule 5.
bool Inbox::may_open(const Sender& sender, const Served& service, std::size_t cost) const {
    return service.waiting + service.running + open_messages_ < config_.open_messages_max &&
           service.open_bytes + open_bytes_ + cost <= config_.open_bytes_max &&
           sender.open_messages < config_.sender_messages_max && sender.open_bytes + cost <= config_.sender_bytes_max;
}

// Rule 6.
bool Inbox::is_next(const Sender& sender, const wire::Deliver& frame) {
    return frame.after.value == 0 || frame.after == frame.sequence || sender.entries.contains(frame.after);
}

void Inbox::take(Sender& sender, Served& service, Arrival arrival, base::TimePoint now, InboxEffects& out) {
    wire::Deliver& frame = arrival.frame;
    ++counters_.accepted;
    const base::Duration left = std::min<base::Duration>(std::chrono::milliseconds(frame.time_left_ms), kDeadlineMax);
    Entry& entry = sender.entries[frame.sequence];
    entry.kind = frame.kind;
    entry.deadline = now + left;
    entry.service = service.id;
    entry.cost = wire::window_cost(frame.name.size(), arrival.size);
    entry.large = arrival.follows() ? arrival.size : 0;
    entry.stage = arrival.follows() ? Stage::receiving : Stage::waiting;
    entry.reserved = reply_room(frame.kind, service.limits);
    entry.bytes = std::move(frame.payload);
    entry.context = frame.context;
    due_.emplace(entry.deadline, sender.number, frame.sequence);
    ++ids_;
    ++open_messages_;
    open_bytes_ += entry.cost;
    ++sender.open_messages;
    sender.open_bytes += entry.cost;
    reply_bytes_ += entry.reserved;
    sender.reply_bytes += entry.reserved;
    ++service.waiting;
    service.open_bytes += entry.cost;
    service.reserved += entry.reserved;
    large_bytes_ += entry.large;
    sender.large_bytes += entry.large;
    if (frame.after.value != 0) {
        entry.lane = sender.lanes.try_emplace(frame.name).first;
        Lane& lane = (*entry.lane)->second;
        lane.line.push_back(frame.sequence);
        lane.last = frame.sequence;
        ++lane.remembered;
    }
    entry.name = std::move(frame.name);
    if (entry.large > 0)
        out.emplace_back(TakePayload{sender.id, frame.sequence, static_cast<std::uint32_t>(entry.large)});
    push_if_ready(sender, frame.sequence, entry);
}

void Inbox::push_if_ready(const Sender& sender, MessageSequence sequence, const Entry& entry) {
    const bool first = !entry.lane || (*entry.lane)->second.line.front() == sequence;
    if (first && entry.stage == Stage::waiting) push(sender, sequence, entry);
}

void Inbox::say_busy(const EndpointId& peer, MessageSequence sequence, BusyCause cause, InboxEffects& out) {
    ++counters_.busy[static_cast<std::size_t>(cause)];
    say(peer, {sequence, wire::OutcomeCode::busy, base::to_bytes(name(cause))}, out);
}

void Inbox::push(const Sender& sender, MessageSequence sequence, const Entry& entry) {
    Served* service = service_of(entry.service);
    GRAPEVINE_ASSERT(service != nullptr, "what waits for a service ends with it");
    service->queue.push({FairQueue::Flow{sender.number}, sequence, entry.cost});
    freed_.insert(entry.service);
}

void Inbox::hand_over(Served& service, base::TimePoint now, InboxEffects& out) {
    while (service.running < service.limits.concurrency) {
        const auto item = service.queue.front();
        if (!item) return;
        service.queue.pop();
        Sender& sender = senders_.at(item->flow.number);
        Entry& entry = sender.entries.at(item->message);
        --service.waiting;
        ++service.running;
        ++counters_.handed_over;
        entry.stage = Stage::running;
        entry.handle = HandleId{++handle_ids_};
        handles_.emplace(entry.handle, std::pair(sender.number, item->message));
        out.emplace_back(Handle{entry.handle, sender.id, entry.name, entry.kind, std::exchange(entry.bytes, {}),
                                entry.deadline - now, std::exchange(entry.context, {}),
                                MessageId{sender.incarnation, item->message}});
    }
}

Answered Inbox::answer(HandleId handle, Answer answer, base::TimePoint now, InboxEffects& out) {
    expire(now, out);
    const auto found = handles_.find(handle);
    if (found == handles_.end()) {
        ++counters_.late_answers;
        settle(now, out);
        return Answered::late;
    }
    Sender& sender = senders_.at(found->second.first);
    const MessageSequence sequence = found->second.second;
    Entry& entry = sender.entries.at(sequence);
    entry.context = answer.context;
    entry.times = answer.times;
    ++counters_.answered;
    if (answer.verdict != Verdict::done) {
        const bool failed = answer.verdict == Verdict::failed;
        conclude(sender, sequence, entry, failed ? wire::OutcomeCode::handler_failed : wire::OutcomeCode::refused,
                 printable_text(answer.payload), out);
    } else if (entry.kind != MessageKind::request) {
        conclude(sender, sequence, entry, wire::OutcomeCode::acknowledged, {}, out);
    } else if (answer.payload.size() <= entry.reserved) {
        conclude(sender, sequence, entry, wire::OutcomeCode::acknowledged, std::move(answer.payload), out);
    } else {
        ++counters_.oversized_replies;
        conclude(sender, sequence, entry, wire::OutcomeCode::handler_failed,
                 base::to_bytes("the reply is larger than its handler said"), out);
    }
    settle(now, out);
    return Answered::taken;
}

void Inbox::conclude(Sender& sender, MessageSequence sequence, Entry& entry, wire::OutcomeCode code,
                     base::Bytes payload, InboxEffects& out) {
    close(sender, sequence, entry);
    entry.stage = Stage::answered;
    entry.code = code;
    entry.bytes = std::move(payload);
    const std::size_t spared = entry.reserved - entry.bytes.size();
    entry.reserved -= spared;
    reply_bytes_ -= spared;
    sender.reply_bytes -= spared;
    if (has_session(sender)) say(sender.id, outcome_of(sequence, entry), out);
    if (sequence <= sender.settled) erase(sender, sender.entries.find(sequence));
}

void Inbox::close(Sender& sender, MessageSequence sequence, Entry& entry) {
    if (entry.stage == Stage::running) handles_.erase(entry.handle);
    if (Served* service = service_of(entry.service)) {
        --(entry.stage == Stage::running ? service->running : service->waiting);
        service->open_bytes -= entry.cost;
        service->reserved -= entry.reserved;
        if (entry.stage == Stage::waiting) service->queue.erase(FairQueue::Flow{sender.number}, sequence);
    }
    freed_.insert(entry.service);
    --open_messages_;
    open_bytes_ -= entry.cost;
    --sender.open_messages;
    sender.open_bytes -= entry.cost;
    large_bytes_ -= entry.large;
    sender.large_bytes -= std::exchange(entry.large, 0);
    entry.name = {};
    if (!entry.lane) return;
    auto& line = (*entry.lane)->second.line;
    const bool was_first = line.front() == sequence;
    line.erase(std::find(line.begin(), line.end(), sequence));
    if (was_first && !line.empty()) push_if_ready(sender, line.front(), sender.entries.at(line.front()));
}

void Inbox::erase(Sender& sender, Entries::iterator found) {
    const Entry& entry = found->second;
    due_.erase({entry.deadline, sender.number, found->first});
    reply_bytes_ -= entry.reserved;
    sender.reply_bytes -= entry.reserved;
    --ids_;
    if (entry.lane && --(*entry.lane)->second.remembered == 0) sender.lanes.erase(*entry.lane);
    sender.entries.erase(found);
    if (sender.entries.empty() && !has_session(sender)) set_check(sender, sender.last_used + config_.sender_retention);
}

void Inbox::forget_settled(Sender& sender, MessageSequence settled) {
    if (settled <= sender.settled) return;
    sender.settled = settled;
    const auto end = sender.entries.upper_bound(settled);
    for (auto it = sender.entries.begin(); it != end;) {
        const auto entry = it++;
        const bool half = entry->second.stage == Stage::receiving;  // Its payload will not come any more.
        if (half) close(sender, entry->first, entry->second);
        if (half || entry->second.stage == Stage::answered) erase(sender, entry);
    }
}

wire::Outcome Inbox::outcome_of(MessageSequence sequence, const Entry& entry) {
    return {sequence, entry.code, entry.bytes, entry.context, entry.times};
}

void Inbox::say(const EndpointId& peer, wire::Outcome outcome, InboxEffects& out) {
    out.emplace_back(SendOutcome{peer, std::move(outcome)});
}

}  // namespace grapevine::delivery
