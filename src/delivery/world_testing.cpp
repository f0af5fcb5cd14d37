#include "delivery/world_testing.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/overloaded.hpp"

namespace grapevine::delivery::testing {

namespace {

constexpr std::array<std::string_view, 6> kManners{"quick", "quick", "normal", "slow", "silent", "moody"};
constexpr std::size_t kReceiverIds = 100;
constexpr Service kService{2, 2, 4096, 1000};

std::size_t number_of(const EndpointId& id) {
    return id.bytes[0] >= kReceiverIds ? id.bytes[0] - kReceiverIds : id.bytes[0];
}
base::TraceContext context_of(std::size_t number) {
    base::TraceContext context;
    context.trace.bytes[0] = context.span.bytes[7] = 1;
    for (unsigned i = 0; i < 4; ++i)
        context.span.bytes[i] = static_cast<std::uint8_t>(number >> (8U * i));
    return context;
}
std::size_t number_of(const base::TraceContext& context) {
    std::size_t number = 0;
    for (unsigned i = 0; i < 4; ++i)
        number |= std::size_t{context.span.bytes[i]} << (8U * i);
    return number;
}
OutboxConfig narrow_outbox() {
    OutboxConfig config;
    config.messages_max = 40;
    config.name_messages_max = 30;
    config.peer_messages_max = 20;
    config.bytes_max = config.name_bytes_max = config.peer_bytes_max = 100'000;
    config.burst_bytes = 2000;
    config.large_above = 800;
    config.name_quantum = 300;
    return config;
}

InboxConfig narrow_inbox(std::uint64_t seed) {
    InboxConfig config;
    config.sessions_max = seed % 5 == 0 ? 1 : 3;
    config.idle_messages = 2;
    config.open_messages_max = 12;
    config.open_bytes_max = 4 * 65536;
    config.sender_messages_max = 8;
    config.sender_bytes_max = 2 * 65536;
    config.idle_after = 500ms;
    config.ids_max = seed % 2 == 0 ? 16 : 60;
    config.sender_ids_max = seed % 2 == 0 ? 12 : 50;
    config.reply_bytes_max = 6000;
    config.sender_reply_bytes_max = 4000;
    config.large_bytes_max = 8000;
    config.sender_large_bytes_max = 6000;
    config.senders_max = 20;
    return config;
}

}  // namespace

EndpointId id_of(std::uint8_t number) {
    EndpointId id;
    id.bytes.fill(number);
    return id;
}

EndpointId sender_id(std::size_t sender) {
    return id_of(static_cast<std::uint8_t>(sender));
}
EndpointId receiver_id(std::size_t receiver) {
    return id_of(static_cast<std::uint8_t>(kReceiverIds + receiver));
}

World::World(const Scenario& scenario)
    : scenario_(scenario),
      rng_(scenario.seed),
      outbox_rng_(scenario.seed + 1'000'000),
      quiet_at_(now_ + 6s),
      senders_(scenario.senders),
      receivers_(scenario.receivers),
      outbox_config_(narrow_outbox()),
      inbox_config_(narrow_inbox(scenario.seed)) {}

Verdicts World::run() {
    for (std::size_t i = 0; i < receivers_.size(); ++i)
        start_receiver(i);
    for (std::size_t i = 0; i < senders_.size(); ++i) {
        start_sender(i);
        submit_later(i);
    }
    fault_later();
    const TimePoint end = now_ + 30s;
    while (now_ < end)
        step();
    judge();
    return std::move(verdicts_);
}

void World::at(TimePoint when, std::function<void()> what) {
    agenda_.emplace(std::pair(when, ++events_), std::move(what));
}

// The next event, or the next deadline of anybody.
void World::step() {
    TimePoint next = now_ + 1s;
    if (!agenda_.empty()) next = std::min(next, agenda_.begin()->first.first);
    for (const auto& sender : senders_)
        next = std::min(next, sender.outbox->next_deadline().value_or(next));
    for (const auto& receiver : receivers_) {
        if (receiver.inbox) next = std::min(next, receiver.inbox->next_deadline().value_or(next));
    }
    now_ = std::max(now_, next);
    for (std::size_t i = 0; i < senders_.size(); ++i) {
        if (senders_[i].outbox->next_deadline() <= std::optional(now_) && senders_[i].outbox->next_deadline())
            tell_sender(i, senders_[i].life, [&](Outbox& o, OutboxEffects& out) { o.on_deadline(now_, out); });
        if (senders_[i].outbox->next_deadline().value_or(TimePoint::max()) <= now_) complain("an outbox spins");
    }
    for (std::size_t i = 0; i < receivers_.size(); ++i) {
        Inbox* inbox = receivers_[i].inbox.get();
        if (inbox == nullptr || inbox->next_deadline().value_or(TimePoint::max()) > now_) continue;
        tell_receiver(i, receivers_[i].life, [&](Inbox& b, InboxEffects& out) { b.on_deadline(now_, out); });
        if (inbox->next_deadline().value_or(TimePoint::max()) <= now_) complain("an inbox spins");
    }
    while (!agenda_.empty() && agenda_.begin()->first.first <= now_) {
        const auto what = std::move(agenda_.begin()->second);
        agenda_.erase(agenda_.begin());
        what();
        check_bounds();
    }
}

template <typename Input>
void World::tell_sender(std::size_t sender, std::uint64_t life, Input input) {
    if (senders_[sender].life != life) return;
    OutboxEffects out;
    input(*senders_[sender].outbox, out);
    carry(sender, std::move(out));
}

template <typename Input>
void World::tell_receiver(std::size_t receiver, std::uint64_t life, Input input) {
    if (receivers_[receiver].life != life || !receivers_[receiver].inbox) return;
    InboxEffects out;
    input(*receivers_[receiver].inbox, out);
    carry(receiver, std::move(out));
}

void World::start_sender(std::size_t sender) {
    if (senders_[sender].outbox) add(senders_[sender].outbox->counters());
    senders_[sender].life = ++lives_;
    senders_[sender].outbox = std::make_unique<Outbox>(outbox_config_, Incarnation{lives_}, outbox_rng_);
}

void World::start_receiver(std::size_t receiver) {
    receivers_[receiver].life = ++lives_;
    receivers_[receiver].inbox = std::make_unique<Inbox>(inbox_config_);
    tell_receiver(receiver, lives_, [&](Inbox& b, InboxEffects& out) {
        for (const std::string_view manner : kManners) {
            for (const std::string& owner : {std::string("any"), std::to_string(receiver)})
                static_cast<void>(b.serve(owner + "." + std::string(manner), kService, now_, out));
        }
    });
}

void World::submit_later(std::size_t sender) {
    if (senders_[sender].submitted >= scenario_.messages) return;
    ++senders_[sender].submitted;
    after(rng_.chance(0.7) ? rng_.between(0ms, 20ms) : rng_.between(0ms, 400ms), [this, sender] {
        submit(sender);
        submit_later(sender);
    });
}

// The context holds the message's number, so that the judge knows it at the other end.
void World::submit(std::size_t sender) {
    Message message;
    message.sender = sender;
    message.sender_life = senders_[sender].life;
    const std::string owner = rng_.chance(0.5) ? "any" : std::to_string(rng_.index(receivers_.size() + 1));
    message.name = owner + "." + std::string(kManners[rng_.index(kManners.size())]);
    message.options.deadline = rng_.between(200ms, 8s);
    if (rng_.chance(0.4)) message.options.repetition = Repetition::idempotent;
    if (rng_.chance(0.4)) message.options.ordering = Ordering::lane;
    message.deadline = now_ + message.options.deadline;
    Submission submission{{message.name}, rng_.chance(0.5) ? MessageKind::send : MessageKind::request, {}, {}, {}};
    submission.options = message.options;
    if (scenario_.sabotage == Sabotage::reckless_sender) submission.options.repetition = Repetition::idempotent;
    if (scenario_.sabotage == Sabotage::loose_lanes) submission.options.ordering = Ordering::none;
    submission.payload.resize(rng_.index(rng_.chance(0.1) ? 5000 : 300));
    if (rng_.chance(0.1)) {
        submission.kind = MessageKind::stream;
        submission.payload.clear();
        submission.options.ordering = message.options.ordering = Ordering::none;
    }
    submission.context = context_of(messages_.size());
    const bool cancels = rng_.chance(0.05);
    const std::size_t number = messages_.size();
    messages_.push_back(std::move(message));
    tell_sender(sender, senders_[sender].life, [&](Outbox& o, OutboxEffects& out) {
        const auto id = o.submit(std::move(submission), now_, out);
        if (!id) {
            messages_.pop_back();
            return;
        }
        by_id_[{senders_[sender].life, id->sequence}] = number;
        if (!cancels) return;
        after(rng_.between(0ms, 300ms), [this, sender, life = senders_[sender].life, sequence = id->sequence] {
            tell_sender(sender, life, [&](Outbox& box, OutboxEffects& o2) { box.cancel(sequence, now_, o2); });
        });
    });
}

void World::fault_later() {
    if (scenario_.faults <= 0) return;
    const auto mean = static_cast<base::Duration::rep>(400e6 / scenario_.faults);
    after(rng_.between(base::Duration(0), base::Duration(2 * mean)), [this] {
        if (now_ > quiet_at_) return;
        fault();
        fault_later();
    });
}

void World::fault() {
    const std::size_t sender = rng_.index(senders_.size());
    const std::size_t receiver = rng_.index(receivers_.size());
    const std::uint64_t kind = rng_.below(10);
    if (kind < 5) {
        break_session(sender, receiver);
    } else if (kind < 7) {
        link(sender, receiver).cut = true;
        after(rng_.between(50ms, 500ms), [this, sender, receiver] { break_session(sender, receiver); });
        after(rng_.between(500ms, 3s), [this, sender, receiver] { link(sender, receiver).cut = false; });
    } else if (kind < 8) {
        crash_receiver(receiver);
    } else if (kind < 9) {
        leave_receiver(receiver);
    } else if (rng_.chance(0.3)) {
        rng_.chance(0.5) ? crash_sender(sender) : leave_sender(sender);
    } else {
        stop_a_service(receiver);
    }
}

void World::stop_a_service(std::size_t receiver) {
    const std::string name = (rng_.chance(0.5) ? "any." : std::to_string(receiver) + ".") +
                             std::string(kManners[rng_.index(kManners.size())]);
    const std::uint64_t life = receivers_[receiver].life;
    tell_receiver(receiver, life, [&](Inbox& b, InboxEffects& out) { b.stop(name, now_, out); });
    after(rng_.between(100ms, 2s), [this, receiver, life, name] {
        tell_receiver(receiver, life,
                      [&](Inbox& b, InboxEffects& out) { static_cast<void>(b.serve(name, kService, now_, out)); });
    });
}

void World::crash_receiver(std::size_t receiver) {
    if (!receivers_[receiver].inbox) return;
    add(receivers_[receiver].inbox->counters());
    receivers_[receiver].inbox.reset();
    for (std::size_t sender = 0; sender < senders_.size(); ++sender)
        break_session(sender, receiver);
    after(rng_.between(100ms, 2s), [this, receiver] { start_receiver(receiver); });
    if (rng_.chance(0.5)) return;
    after(rng_.between(50ms, 500ms), [this, receiver] {
        for (std::size_t sender = 0; sender < senders_.size(); ++sender) {
            if (link(sender, receiver).session == 0) tell_down(sender, receiver, SessionEnd::gone);
        }
    });
}

void World::leave_receiver(std::size_t receiver) {
    const std::uint64_t life = receivers_[receiver].life;
    tell_receiver(receiver, life, [&](Inbox& b, InboxEffects& out) { b.leave(now_, out); });
    after(rng_.between(0ms, 1s), [this, receiver, life] {
        if (receivers_[receiver].life == life) crash_receiver(receiver);
    });
}

void World::leave_sender(std::size_t sender) {
    const std::uint64_t life = senders_[sender].life;
    tell_sender(sender, life, [&](Outbox& o, OutboxEffects& out) { o.leave(now_, out); });
    after(rng_.between(0ms, 1s), [this, sender, life] {
        if (senders_[sender].life != life) return;
        tell_sender(sender, life, [&](Outbox& o, OutboxEffects& out) { o.abandon(now_, out); });
        if (senders_[sender].outbox->size() != 0) complain("a sender leaves something behind");
        crash_sender(sender);
    });
}

void World::crash_sender(std::size_t sender) {
    for (std::size_t receiver = 0; receiver < receivers_.size(); ++receiver) {
        break_session(sender, receiver);
        link(sender, receiver).dialling = false;
    }
    start_sender(sender);
}

void World::tell_down(std::size_t sender, std::size_t receiver, SessionEnd reason) {
    tell_sender(sender, senders_[sender].life,
                [&](Outbox& o, OutboxEffects& out) { o.on_session_down(receiver_id(receiver), reason, now_, out); });
}

// What is on its way is lost at once; the ends learn of it later, if no other session is up by then.
void World::break_session(std::size_t sender, std::size_t receiver) {
    Link& l = link(sender, receiver);
    if (std::exchange(l.session, 0) == 0) return;
    after(rng_.between(0ms, 100ms), [this, sender, receiver, life = senders_[sender].life] {
        const Link& link_now = link(sender, receiver);
        if (senders_[sender].life == life && link_now.session == 0 && !link_now.dialling)
            tell_down(sender, receiver, SessionEnd::lost);
    });
    after(rng_.between(0ms, 100ms), [this, sender, receiver, life = receivers_[receiver].life] {
        if (link(sender, receiver).session != 0) return;
        tell_receiver(receiver, life,
                      [&](Inbox& b, InboxEffects& out) { b.on_session_down(sender_id(sender), now_, out); });
    });
    if (scenario_.sabotage != Sabotage::forgetful_inbox || !receivers_[receiver].inbox) return;
    const std::uint64_t life = receivers_[receiver].life;
    add(receivers_[receiver].inbox->counters());
    start_receiver(receiver);
    receivers_[receiver].life = life;
    for (std::size_t other = 0; other < senders_.size(); ++other)
        link(other, receiver).session = 0;
}

void World::dial(std::size_t sender, std::size_t receiver) {
    Link& l = link(sender, receiver);
    if (l.dialling || l.session != 0) return;
    l.dialling = true;
    after(2 * delay(), [this, sender, receiver, life = senders_[sender].life] {
        if (senders_[sender].life != life) return;
        const Link& link_now = link(sender, receiver);
        if (receivers_[receiver].inbox && !link_now.cut) {
            connect(sender, receiver);
            return;
        }
        after(rng_.between(50ms, 300ms), [this, sender, receiver, life] {
            if (senders_[sender].life != life) return;
            link(sender, receiver).dialling = false;
            tell_down(sender, receiver, SessionEnd::unreachable);
        });
    });
}

void World::connect(std::size_t sender, std::size_t receiver) {
    Link& l = link(sender, receiver);
    l.dialling = false;
    l.session = ++sessions_;
    l.last_arrival_there = l.last_arrival_back = now_;
    const Incarnation from{senders_[sender].life};
    tell_sender(sender, senders_[sender].life, [&](Outbox& o, OutboxEffects& out) {
        o.on_session_up(receiver_id(receiver), Incarnation{receivers_[receiver].life}, now_, out);
    });
    tell_receiver(receiver, receivers_[receiver].life,
                  [&](Inbox& b, InboxEffects& out) { b.on_session_up(sender_id(sender), from, now_, out); });
}

void World::carry(std::size_t sender, OutboxEffects effects) {
    std::set<std::size_t> written;
    for (auto& effect : effects) {
        std::visit(base::Overloaded{[&](Resolve& e) { resolve(sender, e); },
                                    [&](WantSession& e) { dial(sender, number_of(e.peer)); },
                                    [&](ReleaseSession& e) {
                                        const std::size_t receiver = number_of(e.peer);
                                        if (rng_.chance(0.02)) break_session(sender, receiver);
                                    },
                                    [&](SendDeliver& e) {
                                        written.insert(number_of(e.peer));
                                        transmit(sender, number_of(e.peer), std::move(e.frame));
                                    },
                                    [&](SendLarge& e) {
                                        written.insert(number_of(e.peer));
                                        announce(sender, number_of(e.peer), e.frame);
                                    },
                                    [&](SendOpenStream& e) { open(sender, number_of(e.peer), e.frame); },
                                    [&](Finished& e) { finish(sender, e); }, [](RoomAgain&) {}},
                   effect);
    }
    for (const std::size_t receiver : written) {
        after(rng_.between(0ms, 3ms), [this, sender, receiver, life = senders_[sender].life] {
            tell_sender(sender, life,
                        [&](Outbox& o, OutboxEffects& out) { o.on_writable(receiver_id(receiver), now_, out); });
        });
    }
}

void World::transmit(std::size_t sender, std::size_t receiver, wire::Deliver frame) {
    Link& l = link(sender, receiver);
    if (l.session == 0 || l.cut) return;
    l.last_arrival_there = std::max(l.last_arrival_there, now_ + delay());
    at(l.last_arrival_there, [this, sender, receiver, session = l.session, frame = std::move(frame)] {
        if (link(sender, receiver).session != session) return;
        tell_receiver(receiver, receivers_[receiver].life,
                      [&](Inbox& b, InboxEffects& out) { b.on_deliver(sender_id(sender), frame, now_, out); });
    });
}

// A stream of its own keeps no order with others.
void World::announce(std::size_t sender, std::size_t receiver, const wire::DeliverLarge& frame) {
    const Link& l = link(sender, receiver);
    if (l.session == 0 || l.cut) return;
    after(delay(), [this, sender, receiver, session = l.session, frame] {
        if (link(sender, receiver).session != session) return;
        tell_receiver(receiver, receivers_[receiver].life,
                      [&](Inbox& b, InboxEffects& out) { b.on_deliver_large(sender_id(sender), frame, now_, out); });
    });
}

// It comes slowly, and only while its message has no outcome and the session lasts.
void World::send_payload(std::size_t receiver, const TakePayload& wanted) {
    const std::size_t sender = number_of(wanted.peer);
    const std::uint64_t session = link(sender, receiver).session;
    if (session == 0) return;
    after(5 * delay(), [this, sender, receiver, session, wanted] {
        if (link(sender, receiver).session != session || link(sender, receiver).cut) return;
        const base::ByteView payload = senders_[sender].outbox->payload(wanted.message);
        if (payload.size() != wanted.size) return;
        tell_receiver(receiver, receivers_[receiver].life, [&](Inbox& b, InboxEffects& out) {
            b.on_payload(wanted.peer, wanted.message, {payload.begin(), payload.end()}, now_, out);
        });
    });
}

void World::open(std::size_t sender, std::size_t receiver, const wire::OpenStream& frame) {
    const Link& l = link(sender, receiver);
    if (l.session == 0 || l.cut) return;
    after(delay(), [this, sender, receiver, session = l.session, frame] {
        if (link(sender, receiver).session != session) return;
        tell_receiver(receiver, receivers_[receiver].life,
                      [&](Inbox& b, InboxEffects& out) { b.on_open_stream(sender_id(sender), frame, now_, out); });
    });
}

void World::carry(std::size_t receiver, InboxEffects effects) {
    const auto back = [&](const EndpointId& peer, auto tell) {
        const std::size_t sender = number_of(peer);
        Link& l = link(sender, receiver);
        if (l.session == 0 || l.cut) return;
        l.last_arrival_back = std::max(l.last_arrival_back, now_ + delay());
        at(l.last_arrival_back, [this, sender, receiver, session = l.session, tell = std::move(tell)] {
            if (link(sender, receiver).session == session) tell_sender(sender, senders_[sender].life, tell);
        });
    };
    for (auto& effect : effects) {
        if (const auto* outcome = std::get_if<SendOutcome>(&effect)) {
            back(outcome->peer, [this, receiver, frame = outcome->frame](Outbox& o, OutboxEffects& out) {
                o.on_outcome(receiver_id(receiver), frame, now_, out);
            });
        } else if (const auto* window = std::get_if<SendWindow>(&effect)) {
            back(window->peer, [this, receiver, frame = window->frame](Outbox& o, OutboxEffects& out) {
                o.on_window(receiver_id(receiver), frame, now_, out);
            });
        } else if (const auto* wanted = std::get_if<TakePayload>(&effect)) {
            send_payload(receiver, *wanted);
        } else if (const auto* message = std::get_if<Handle>(&effect)) {
            handle(receiver, *message);
        }
    }
}

void World::resolve(std::size_t sender, const Resolve& question) {
    const std::string owner = question.name.substr(0, question.name.find('.'));
    Resolution resolution = tl::unexpected(ResolveFailure::no_such_node);
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < receivers_.size(); ++i) {
        if (owner == "any" || owner == std::to_string(i))
            candidates.push_back({receiver_id(i), rng_.chance(0.2) ? Standing::suspected : Standing::good});
    }
    if (!candidates.empty()) resolution = candidates;
    if (rng_.chance(0.05)) resolution = tl::unexpected(ResolveFailure::busy);
    after(rng_.chance(0.7) ? base::Duration(0) : delay(), [this, sender, life = senders_[sender].life,
                                                           id = question.question, resolution] {
        tell_sender(sender, life, [&](Outbox& o, OutboxEffects& out) { o.on_resolved(id, resolution, now_, out); });
    });
}

void World::handle(std::size_t receiver, const Handle& handed) {
    const std::size_t number = number_of(handed.context);
    Message& message = messages_[number];
    ++verdicts_.handled;
    const std::uint64_t life = receivers_[receiver].life;
    const std::string who = "message " + std::to_string(number) + " to " + message.name;
    if (++message.handled[{receiver, life}] > 1) complain(who + " was handled twice by one life");
    std::size_t others = 0;
    for (const auto& [by, times] : message.handled)
        others += static_cast<std::size_t>(times);
    if (message.options.repetition == Repetition::unsafe && others > 1) complain(who + " was handled again");
    if (message.finished && message.finished->handled == Handled::no) complain(who + " was handled after all");
    if (message.options.ordering == Ordering::lane) {
        auto& latest = lanes_[{message.sender, message.sender_life, message.name, receiver, life}];
        if (latest > number) complain(who + " was handled after " + std::to_string(latest));
        latest = std::max(latest, number);
    }
    const std::string manner = message.name.substr(message.name.find('.') + 1);
    if (manner == "silent") return;
    base::Duration takes{};
    if (manner == "normal" || manner == "moody") takes = rng_.between(1ms, 50ms);
    if (manner == "slow") takes = rng_.between(200ms, 3s);
    after(takes, [this, receiver, life, handle = handed.handle, manner] {
        if (receivers_[receiver].life == life && receivers_[receiver].inbox) answer(receiver, handle, manner);
    });
}

void World::answer(std::size_t receiver, HandleId handle, const std::string& manner) {
    Answer answer;
    answer.payload.resize(rng_.index(1020));
    if (manner == "moody" && rng_.chance(0.3)) answer.verdict = Verdict::failed;
    tell_receiver(receiver, receivers_[receiver].life,
                  [&](Inbox& b, InboxEffects& out) { b.answer(handle, std::move(answer), now_, out); });
}

void World::finish(std::size_t sender, const Finished& finished) {
    const auto found = by_id_.find({senders_[sender].life, finished.message});
    // A message can end within its submission, before its number is known: the judge would miss it.
    if (found == by_id_.end()) return complain("a message ended that nobody submitted");
    Message& message = messages_[found->second];
    const std::string who = "message " + std::to_string(found->second) + " to " + message.name;
    if (message.finished) complain(who + " ended twice");
    if (now_ > message.deadline) complain(who + " ended late");
    const bool handled = !message.handled.empty();
    if (finished.ending == Ending::acknowledged && !handled) complain(who + " was acknowledged unhandled");
    if (finished.handled == Handled::no && handled) complain(who + " was handled, whatever its sender is told");
    message.finished = finished;
}

}  // namespace grapevine::delivery::testing
