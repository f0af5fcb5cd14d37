#include "delivery/outbox.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace grapevine::delivery {

namespace {

constexpr std::size_t kLargestCost = wire::kDeliverOverhead + wire::kTargetNameMax + wire::kDeliverPayloadMax;
constexpr std::uint32_t kDoublingsMax = 20;  // Far past any backoff_max.

bool contains(const std::vector<EndpointId>& ids, const EndpointId& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
}

Ending ending_of(ResolveFailure failure) {
    switch (failure) {
        case ResolveFailure::unknown_mesh: return Ending::unknown_mesh;
        case ResolveFailure::no_such_node: return Ending::no_such_node;
        case ResolveFailure::ambiguous: return Ending::ambiguous;
        case ResolveFailure::refused: return Ending::refused;
        case ResolveFailure::busy: return Ending::peer_busy;
        case ResolveFailure::unreachable: break;
    }
    return Ending::unreachable;
}

// Three quarters: so that who waits for room does not come back for one place.
bool is_relaxed(std::size_t used, std::size_t limit) {
    return used <= limit - limit / 4;
}

}  // namespace

Outbox::Outbox(const OutboxConfig& config, Incarnation incarnation, base::Rng& rng)
    : config_(config), incarnation_(incarnation), rng_(rng) {
    GRAPEVINE_ASSERT(config.large_above <= wire::kDeliverPayloadMax && config.bytes_max >= kLargestCost &&
                         config.name_bytes_max >= kLargestCost && config.peer_bytes_max >= kLargestCost &&
                         config.peer_quantum >= kLargestCost,
                     "the largest message fits");
    GRAPEVINE_ASSERT(config.backoff_first > base::Duration::zero(), "a pause takes time");
}

tl::expected<MessageId, SubmitRefusal> Outbox::submit(Submission submission, base::TimePoint now, OutboxEffects& out) {
    expire(now, out);
    if (leaving_) {
        ++counters_.refused_leaving;
        settle(now, out);
        return tl::unexpected(SubmitRefusal::leaving);
    }
    if (const auto refusal = check(submission)) {
        ++counters_.refused_invalid;
        settle(now, out);
        return tl::unexpected(*refusal);
    }
    const std::size_t cost = wire::window_cost(submission.target.name.size(), submission.payload.size());
    const std::size_t memory = wire::window_cost(submission.target.name.size(), 0) + submission.payload.size();
    if (const auto refusal = check_room(submission, memory)) {
        settle(now, out);
        return tl::unexpected(*refusal);
    }
    ++counters_.submitted;
    const MessageSequence sequence{++sequences_};
    Name& name = name_of(submission.target.name);
    Message& message = messages_[sequence];
    message.name = &name;
    message.kind = submission.kind;
    message.options = submission.options;
    message.payload = std::move(submission.payload);
    message.deadline = now + submission.options.deadline;
    message.context = submission.context;
    message.cost = cost;
    message.memory = memory;
    ++name.messages;
    name.bytes += memory;
    bytes_ += memory;
    deadlines_.emplace(message.deadline, sequence);
    if (message.options.ordering == Ordering::lane) {
        name.lane.insert(sequence);
        name.held.insert(sequence);
        advance_lane(name, now, out);
    } else {
        resolve(sequence, message, out);
    }
    settle(now, out);
    return MessageId{incarnation_, sequence};
}

void Outbox::cancel(MessageSequence sequence, base::TimePoint now, OutboxEffects& out) {
    expire(now, out);
    if (Message* message = find(sequence)) finish(sequence, *message, Ending::cancelled, {}, now, out);
    settle(now, out);
}

std::optional<SubmitRefusal> Outbox::check(const Submission& submission) const {
    if (!wire::is_target_name(submission.target.name)) return SubmitRefusal::bad_name;
    if (submission.payload.size() > wire::kLargePayloadMax) return SubmitRefusal::too_large;
    const base::Duration deadline = submission.options.deadline;
    if (deadline <= base::Duration::zero() || deadline > kDeadlineMax) return SubmitRefusal::bad_deadline;
    const bool bare = submission.payload.empty() && submission.options.ordering == Ordering::none;
    if (submission.kind == MessageKind::stream && !bare) return SubmitRefusal::bad_options;
    return std::nullopt;
}

std::optional<SubmitRefusal> Outbox::check_room(const Submission& submission, std::size_t memory) {
    if (messages_.size() >= config_.messages_max || bytes_ + memory > config_.bytes_max) {
        ++counters_.refused_full;
        told_full_ = true;
        return SubmitRefusal::full;
    }
    const auto known = names_.find(submission.target.name);
    if (known == names_.end()) return std::nullopt;
    Name& name = known->second;
    if (name.messages < config_.name_messages_max && name.bytes + memory <= config_.name_bytes_max) return std::nullopt;
    ++counters_.refused_name_full;
    name.told_full = true;
    return SubmitRefusal::name_full;
}

Outbox::Name& Outbox::name_of(const std::string& text) {
    const auto [entry, fresh] = names_.try_emplace(text);
    if (fresh) {
        entry->second.text = text;
        entry->second.flow = FairQueue::Flow{++flows_};
    }
    return entry->second;
}

base::ByteView Outbox::payload(MessageSequence message) const {
    const auto found = messages_.find(message);
    return found == messages_.end() ? base::ByteView() : base::ByteView(found->second.payload);
}

Outbox::Message* Outbox::find(MessageSequence sequence) {
    const auto found = messages_.find(sequence);
    return found == messages_.end() ? nullptr : &found->second;
}

void Outbox::resolve(MessageSequence sequence, Message& message, OutboxEffects& out) {
    Name& name = *message.name;
    message.stage = Stage::resolving;
    name.asking.push_back(sequence);
    if (name.question) return;
    name.question = QuestionId{++questions_};
    asked_.emplace(*name.question, &name);
    out.emplace_back(Resolve{*name.question, name.text});
}

void Outbox::on_resolved(QuestionId question, const Resolution& resolution, base::TimePoint now, OutboxEffects& out) {
    expire(now, out);
    if (const auto asked = asked_.find(question); asked != asked_.end()) {
        Name& name = *asked->second;
        asked_.erase(asked);
        name.question.reset();
        for (const MessageSequence sequence : std::exchange(name.asking, {})) {
            Message* message = find(sequence);
            if (message != nullptr && message->stage == Stage::resolving)
                judge(sequence, *message, resolution, now, out);
        }
    }
    settle(now, out);
}

void Outbox::judge(MessageSequence sequence, Message& message, const Resolution& resolution, base::TimePoint now,
                   OutboxEffects& out) {
    Choice choice;
    if (resolution) {
        choice = choose(message, *resolution, now);
    } else {
        const Ending ending = ending_of(resolution.error());
        const bool passes = ending == Ending::peer_busy || ending == Ending::unreachable;
        if (passes) message.cause = ending;
        if (!passes) choice.ending = ending;
    }
    if (choice.ending) {
        finish(sequence, message, *choice.ending, {}, now, out);
    } else if (!choice.peer) {
        back_off(sequence, message, now);
    } else {
        enqueue(sequence, message, *choice.peer, now, out);
        if (message.options.ordering == Ordering::lane) advance_lane(*message.name, now, out);
    }
}

Outbox::Choice Outbox::choose(Message& message, const std::vector<Candidate>& candidates, base::TimePoint now) {
    if (candidates.empty()) return {{}, Ending::no_such_node};
    std::vector<Candidate> fresh;
    bool any = false;
    for (std::size_t i = 0; i < std::min(candidates.size(), config_.candidates_max); ++i) {
        if (contains(message.refused_by, candidates[i].id)) continue;
        any = true;
        if (!contains(message.avoid, candidates[i].id)) fresh.push_back(candidates[i]);
    }
    if (!any) return {{}, Ending::refused};
    if (fresh.empty() || message.avoid.size() >= config_.elsewhere_max) {
        message.avoid.clear();
        return {};
    }
    std::erase_if(fresh, [&](const Candidate& c) { return !has_room_at(c.id, message); });
    if (fresh.empty()) {
        ++counters_.peer_queue_full;
        message.cause = Ending::peer_busy;
        return {};
    }
    return {draw(fresh, now), {}};
}

// Rule 5. An instance whose last session failed is as little preferred as one that is suspected, while it may not be
// dialled.
EndpointId Outbox::draw(const std::vector<Candidate>& candidates, base::TimePoint now) {
    const auto tier = [&](const Candidate& candidate) {
        const Peer* peer = find_peer(candidate.id);
        const bool failed = peer != nullptr && peer->dial_at && *peer->dial_at > now;
        return failed || candidate.standing != Standing::good ? 1 : 0;
    };
    std::vector<EndpointId> best;
    int best_tier = 1;
    for (const auto& candidate : candidates) {
        if (tier(candidate) < best_tier) {
            best_tier = tier(candidate);
            best.clear();
        }
        if (tier(candidate) == best_tier) best.push_back(candidate.id);
    }
    if (best.size() == 1) return best.front();
    const std::size_t first = rng_.index(best.size());
    std::size_t second = rng_.index(best.size() - 1);
    if (second >= first) ++second;
    return size_at(best[second]) < size_at(best[first]) ? best[second] : best[first];
}

// As rule 7 has it for windows: a name leaves as much free as it uses.
bool Outbox::has_room_at(const EndpointId& id, const Message& message) const {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return true;
    const Peer& peer = found->second;
    const FairQueue::Load own = peer.queue.load_of(message.name->flow);
    return own.messages + peer.size() < config_.peer_messages_max &&
           own.bytes + peer.bytes() + message.cost <= config_.peer_bytes_max;
}

void Outbox::back_off(MessageSequence sequence, Message& message, base::TimePoint now) {
    message.stage = Stage::waiting;
    message.retry_at = now + backoff(message.backoff_step);
    message.backoff_step = std::min(message.backoff_step + 1, kDoublingsMax);
    retries_.emplace(message.retry_at, sequence);
}

base::Duration Outbox::backoff(std::uint32_t step) {
    base::Duration nominal = std::min(config_.backoff_first, config_.backoff_max);
    for (std::uint32_t i = 0; i < step && nominal < config_.backoff_max; ++i)
        nominal = std::min(nominal * 2, config_.backoff_max);
    return rng_.between(nominal / 2, nominal + base::Duration(1)) + base::Duration(1);
}

Handled Outbox::handled_at(const Message& message, Ending ending) {
    if (ending == Ending::acknowledged || ending == Ending::handler_failed) return Handled::yes;
    const bool is_open = message.stage == Stage::written || message.stage == Stage::stranded;
    const bool is_decided = ending == Ending::too_large;
    return (is_open && !is_decided) || !message.maybe_at.empty() ? Handled::maybe : Handled::no;
}

// The name lives until the end of this input; the message does not outlive the call.
void Outbox::finish(MessageSequence sequence, Message& message, Ending ending, base::Bytes payload, base::TimePoint now,
                    OutboxEffects& out) {
    const Handled handled = handled_at(message, ending);
    ++counters_.ended[static_cast<std::size_t>(ending)];
    detach(sequence, message);
    Name& name = *message.name;
    --name.messages;
    name.bytes -= message.memory;
    bytes_ -= message.memory;
    deadlines_.erase({message.deadline, sequence});
    if (!std::exchange(name.touched, true)) touched_names_.push_back(&name);
    out.emplace_back(Finished{sequence, ending, handled, message.written_to, message.attempts, std::move(payload),
                              ending == Ending::acknowledged ? std::string() : name.text});
    const bool ordered = message.options.ordering == Ordering::lane;
    messages_.erase(sequence);
    if (!ordered) return;
    name.lane.erase(sequence);
    advance_lane(name, now, out);
}

// Takes the message out of the list of its stage. One that is written stays in its peer's window (rule 7).
void Outbox::detach(MessageSequence sequence, Message& message) {
    Name& name = *message.name;
    const bool ordered = message.options.ordering == Ordering::lane;
    if (ordered) name.held.erase(sequence);
    if (message.stage == Stage::waiting) retries_.erase({message.retry_at, sequence});
    const bool at_peer =
        message.stage == Stage::queued || message.stage == Stage::written || message.stage == Stage::stranded;
    if (!at_peer) return;
    if (ordered) --name.at_instance;
    if (ordered && message.stage == Stage::queued) --name.queued;
    Peer& peer = peer_of(message.peer);
    touched_peers_.push_back(message.peer);
    if (message.stage == Stage::queued) peer.queue.erase(name.flow, sequence);
    if (message.stage == Stage::stranded && peer.stranded.erase(sequence) > 0) peer.stranded_bytes -= message.cost;
}

void Outbox::expire(base::TimePoint now, OutboxEffects& out) {
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        const MessageSequence sequence = deadlines_.begin()->second;
        Message& message = messages_.at(sequence);
        const bool is_open = message.stage == Stage::written || message.stage == Stage::stranded;
        finish(sequence, message, is_open ? Ending::deadline : message.cause, {}, now, out);
    }
}

void Outbox::on_deadline(base::TimePoint now, OutboxEffects& out) {
    expire(now, out);
    while (!retries_.empty() && retries_.begin()->first <= now) {
        const MessageSequence sequence = retries_.begin()->second;
        retries_.erase(retries_.begin());
        Message& message = messages_.at(sequence);
        message.stage = Stage::held;
        if (message.options.ordering == Ordering::lane) {
            advance_lane(*message.name, now, out);
        } else {
            resolve(sequence, message, out);
        }
    }
    while (!dials_.empty() && dials_.begin()->first <= now) {
        const EndpointId id = dials_.begin()->second;
        dials_.erase(dials_.begin());
        Peer& peer = peers_.at(id);
        peer.dial_at.reset();
        if (peer.size() > 0) request(id, peer, now, out);
        touched_peers_.push_back(id);
    }
    settle(now, out);
}

std::optional<base::TimePoint> Outbox::next_deadline() const {
    std::optional<base::TimePoint> next;
    if (!deadlines_.empty()) next = deadlines_.begin()->first;
    if (!retries_.empty()) next = base::earliest(next, retries_.begin()->first);
    if (!dials_.empty()) next = base::earliest(next, dials_.begin()->first);
    return next;
}

void Outbox::settle(base::TimePoint now, OutboxEffects& out) {
    pump(now, out);
    tidy_peers(out);
    tidy_names(out);
    const bool relaxed = is_relaxed(messages_.size(), config_.messages_max) && is_relaxed(bytes_, config_.bytes_max);
    if (!told_full_ || !relaxed) return;
    told_full_ = false;
    out.emplace_back(RoomAgain{});
}

void Outbox::tidy_peers(OutboxEffects& out) {
    for (const EndpointId& id : std::exchange(touched_peers_, {})) {
        const auto found = peers_.find(id);
        if (found == peers_.end() || found->second.size() > 0) continue;
        Peer& peer = found->second;
        if (std::exchange(peer.needed, false)) out.emplace_back(ReleaseSession{id});
        if (peer.session != Session::none || peer.dial_at) continue;
        if (peer.ready) std::erase(ready_, id);
        peers_.erase(found);
    }
}

void Outbox::tidy_names(OutboxEffects& out) {
    for (Name* touched : std::exchange(touched_names_, {})) {
        Name& name = *touched;
        name.touched = false;
        if (name.told_full && is_relaxed(name.messages, config_.name_messages_max) &&
            is_relaxed(name.bytes, config_.name_bytes_max)) {
            name.told_full = false;
            out.emplace_back(RoomAgain{name.text});
        }
        if (name.messages > 0) continue;
        if (name.question) asked_.erase(*name.question);
        names_.erase(names_.find(name.text));
    }
}

}  // namespace grapevine::delivery
