// Who sends: sessions and their windows, lives of peers, and what ends at its time.

#include <algorithm>
#include <bit>
#include <iterator>
#include <limits>
#include <utility>

#include "delivery/inbox.hpp"

namespace grapevine::delivery {

namespace {

// This many for each of `sharers`, as a power of two, within [least, most].
std::uint32_t share(std::size_t whole, std::size_t sharers, std::size_t least, std::size_t most) {
    const std::size_t part = std::clamp(whole / std::max<std::size_t>(sharers, 1), least, most);
    const std::size_t rounded = std::max(std::bit_floor(part), least);
    return static_cast<std::uint32_t>(std::min<std::size_t>(rounded, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

void Inbox::on_session_up(const EndpointId& peer, Incarnation incarnation, base::TimePoint now, InboxEffects& out) {
    expire(now, out);
    drop_session(peer, now);
    Session& session = sessions_[peer];
    session.incarnation = incarnation;
    session.last_message = now;
    if (admitted_ >= config_.sessions_max) ++counters_.sessions_refused;
    regrant(out);
    settle(now, out);
}

void Inbox::on_session_down(const EndpointId& peer, base::TimePoint now, InboxEffects& out) {
    expire(now, out);
    drop_session(peer, now);
    regrant(out);
    settle(now, out);
}

void Inbox::drop_session(const EndpointId& peer, base::TimePoint now) {
    const auto session = sessions_.find(peer);
    if (session == sessions_.end()) return;
    const auto number = numbers_.find({peer, session->second.incarnation});
    if (session->second.admitted) --admitted_;
    sessions_.erase(session);
    if (number == numbers_.end()) return;
    Sender& sender = senders_.at(number->second);
    sender.last_used = now;
    check_sender(sender, now);
}

wire::Window Inbox::granted(const EndpointId& peer) const {
    const auto found = sessions_.find(peer);
    return found == sessions_.end() ? wire::Window{} : found->second.granted;
}

void Inbox::note_message(Session& session, base::TimePoint now, InboxEffects& out) {
    session.last_message = now;
    if (std::exchange(session.active, true)) return;
    if (!idle_check_at_) idle_check_at_ = now + config_.idle_after;
    regrant(out);
}

void Inbox::check_idle(base::TimePoint now, InboxEffects& out) {
    idle_check_at_.reset();
    for (auto& [peer, session] : sessions_) {
        if (!session.active) continue;
        const base::TimePoint idle_at = session.last_message + config_.idle_after;
        if (idle_at <= now) {
            session.active = false;
        } else {
            idle_check_at_ = base::earliest(idle_check_at_, idle_at);
        }
    }
    regrant(out);
}

// Rule 7. A session that found no place gets one that became free.
void Inbox::regrant(InboxEffects& out) {
    std::size_t active = 0;
    for (auto& [peer, session] : sessions_) {
        if (!session.admitted && admitted_ < config_.sessions_max) {
            session.admitted = true;
            ++admitted_;
        }
        active += session.admitted && session.active ? 1U : 0U;
    }
    const std::size_t idle = admitted_ - active;
    const wire::Window least{static_cast<std::uint32_t>(config_.idle_messages),
                             static_cast<std::uint32_t>(config_.idle_bytes)};
    const wire::Window more{share(config_.open_messages_max - idle * config_.idle_messages, active,
                                  config_.idle_messages, config_.sender_messages_max),
                            share(config_.open_bytes_max - idle * config_.idle_bytes, active, config_.idle_bytes,
                                  config_.sender_bytes_max)};
    for (auto& [peer, session] : sessions_) {
        const wire::Window& window = session.active ? more : least;
        if (!session.admitted || session.granted == window) continue;
        session.granted = window;
        out.emplace_back(SendWindow{peer, window});
    }
}

Inbox::Sender* Inbox::find_sender(const EndpointId& peer, Incarnation incarnation) {
    const auto known = numbers_.find({peer, incarnation});
    return known == numbers_.end() ? nullptr : &senders_.at(known->second);
}

Inbox::Sender* Inbox::make_sender(const EndpointId& peer, Incarnation incarnation, base::TimePoint now) {
    if (Sender* known = find_sender(peer, incarnation)) {
        known->last_used = now;
        return known;
    }
    const auto first = numbers_.lower_bound({peer, Incarnation{}});
    const auto others =
        std::find_if(first, numbers_.end(), [&](const auto& known) { return known.first.first != peer; });
    const auto lives = static_cast<std::size_t>(std::distance(first, others));
    if (senders_.size() >= config_.senders_max || lives >= config_.lives_max) return nullptr;
    const std::uint64_t number = ++sender_numbers_;
    numbers_.emplace(std::pair(peer, incarnation), number);
    Sender& sender = senders_[number];
    sender.number = number;
    sender.id = peer;
    sender.incarnation = incarnation;
    sender.last_used = now;
    return &sender;
}

Inbox::Served* Inbox::service_for(std::string_view name) {
    auto found = services_.find(name);
    if (found == services_.end()) found = services_.find(std::string_view());
    return found == services_.end() ? nullptr : &found->second;
}

Inbox::Served* Inbox::service_of(ServiceId id) {
    const auto found = services_by_id_.find(id);
    return found == services_by_id_.end() ? nullptr : found->second;
}

bool Inbox::has_session(const Sender& sender) const {
    const auto session = sessions_.find(sender.id);
    return session != sessions_.end() && session->second.incarnation == sender.incarnation;
}

void Inbox::on_deadline(base::TimePoint now, InboxEffects& out) {
    expire(now, out);
    if (idle_check_at_ && *idle_check_at_ <= now) check_idle(now, out);
    settle(now, out);
}

std::optional<base::TimePoint> Inbox::next_deadline() const {
    if (due_.empty()) return idle_check_at_;
    return base::earliest(idle_check_at_, std::get<base::TimePoint>(*due_.begin()));
}

void Inbox::expire(base::TimePoint now, InboxEffects& out) {
    while (!due_.empty() && std::get<base::TimePoint>(*due_.begin()) <= now) {
        const auto [at, number, sequence] = *due_.begin();
        Sender& sender = senders_.at(number);
        if (sequence.value == 0) {
            check_sender(sender, now);
        } else {
            expire_entry(sender, sequence, out);
        }
    }
}

// Rules 2 and 4. Whoever was not handed over was not handled, so that its sequence says nothing about others.
void Inbox::expire_entry(Sender& sender, MessageSequence sequence, InboxEffects& out) {
    const auto found = sender.entries.find(sequence);
    Entry& entry = found->second;
    const bool unhandled = entry.stage == Stage::waiting || entry.stage == Stage::receiving;
    if (!unhandled) sender.forgotten = std::max(sender.forgotten, sequence);
    if (entry.stage == Stage::running) {
        ++counters_.late_running;
        out.emplace_back(HandlerLate{entry.handle, entry.name});
    }
    if (unhandled) ++counters_.late_waiting;
    if (entry.stage != Stage::answered) {
        close(sender, sequence, entry);
        if (has_session(sender)) say(sender.id, {sequence, wire::OutcomeCode::deadline, {}}, out);
    }
    erase(sender, found);
}

void Inbox::set_check(Sender& sender, std::optional<base::TimePoint> at) {
    if (sender.check_at) due_.erase({*sender.check_at, sender.number, MessageSequence{}});
    sender.check_at = at;
    if (at) due_.emplace(*at, sender.number, MessageSequence{});
}

// Rule 9. With a session or with ids it is looked at again when those go.
void Inbox::check_sender(Sender& sender, base::TimePoint now) {
    set_check(sender, {});
    if (has_session(sender) || !sender.entries.empty()) return;
    const base::TimePoint until = sender.last_used + config_.sender_retention;
    if (sender.forgotten.value != 0 && until > now) return set_check(sender, until);
    numbers_.erase({sender.id, sender.incarnation});
    senders_.erase(sender.number);
}

void Inbox::settle(base::TimePoint now, InboxEffects& out) {
    for (const ServiceId id : std::exchange(freed_, {})) {
        if (Served* service = service_of(id)) hand_over(*service, now, out);
    }
}

}  // namespace grapevine::delivery
