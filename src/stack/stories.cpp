#include "stack/stories.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/encoding.hpp"
#include "base/overloaded.hpp"
#include "wire/gossip.hpp"
#include "wire/mesh.hpp"

namespace grapevine::stack {

namespace {

constexpr std::size_t kTextMax = 256;  // Bytes of one entry.

std::string purpose_of(std::string_view alpn) {
    if (alpn == wire::kGossipAlpn) return "gossip link";
    if (alpn == wire::kMeshAlpn) return "session";
    return "connection for '" + base::printable(alpn) + "'";
}

std::string_view text_of(wire::AccusationReason reason) {
    switch (reason) {
        case wire::AccusationReason::silent: return "silent";
        case wire::AccusationReason::unreachable: return "unreachable";
        case wire::AccusationReason::connection_lost: return "connection lost";
    }
    return "unknown reason";
}

std::string text_of(const quic::CloseReason& reason) {
    std::string text(quic::name(reason.cause));
    std::replace(text.begin(), text.end(), '_', ' ');
    if (!reason.text.empty()) text += ": " + base::printable(reason.text);
    return text;
}

std::string text_of(base::Duration duration) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    if (ms < 10'000) return std::to_string(ms) + " ms";
    return std::to_string(ms / 1000) + " s";
}

std::string text_of(const std::vector<base::SocketAddr>& addrs) {
    std::string text;
    for (const base::SocketAddr& addr : addrs)
        text += (text.empty() ? "" : ", ") + addr.text();
    return text;
}

StoryKind kind_of(EntryChange change) {
    switch (change) {
        case EntryChange::joined:
        case EntryChange::updated: return StoryKind::joined;
        case EntryChange::left: return StoryKind::left;
        case EntryChange::died: return StoryKind::died;
        case EntryChange::stale: return StoryKind::stale;
        case EntryChange::expelled: return StoryKind::expelled;
    }
    return StoryKind::stale;
}

std::string_view words_of(EntryChange change) {
    switch (change) {
        case EntryChange::joined: return "became a member";
        case EntryChange::updated: return "said something new";
        case EntryChange::left: return "said goodbye";
        case EntryChange::died: return "declared dead: suspected, and not refuted in time";
        case EntryChange::stale: return "forgotten: no word of it for too long";
        case EntryChange::expelled: return "put out: not admitted any more";
    }
    return "";
}

bool is_dial(const StoryConnection& seen) {
    return seen.origin == quic::Origin::outgoing && !seen.up;
}

}  // namespace

std::string_view name(StoryKind kind) {
    static constexpr std::array<std::string_view, 14> kNames{
        "joined",    "left",        "died",   "stale",      "expelled",     "suspected", "refuted",
        "connected", "dial_failed", "closed", "seed_retry", "not_admitted", "lied",      "send_failed"};
    const auto index = static_cast<std::size_t>(kind);
    return index < kNames.size() ? kNames[index] : "unknown";
}

std::string_view name(AddressFate fate) {
    static constexpr std::array<std::string_view, 6> kNames{"trying",    "answered",       "passed_over",
                                                            "no_answer", "nobody_listens", "wrong_peer"};
    const auto index = static_cast<std::size_t>(fate);
    return index < kNames.size() ? kNames[index] : "unknown";
}

Story& Stories::story_of(const base::EndpointId& peer) {
    counters_.subjects_forgotten += peers_.make_room(peer, config_.subjects_max) ? 1U : 0U;
    return peers_.touch(peer);
}

Story& Stories::story_of(const std::string& name) {
    counters_.subjects_forgotten += names_.make_room(name, config_.subjects_max) ? 1U : 0U;
    return names_.touch(name);
}

void Stories::tell(Story& story, StoryKind kind, std::string text, std::vector<base::EndpointId> who,
                   base::TimePoint now) {
    ++counters_.events;
    if (text.size() > kTextMax) text.resize(kTextMax);
    if (!story.events.empty()) {
        StoryEvent& last = story.events.back();
        if (last.kind == kind && last.text == text && last.who == who) {
            ++last.times;
            last.last = now;
            return;
        }
    }
    story.events.push_back({now, now, 1, kind, std::move(text), std::move(who)});
    if (story.events.size() <= config_.events_max) return;
    story.events.pop_front();
    ++story.forgotten;
    ++counters_.events_forgotten;
}

void Stories::on(const Event& event, base::TimePoint now) {
    if (const auto* lied = report_in<fabric::Lied, FabricReport>(event)) return on(*lied, now);
    std::visit(base::Overloaded{[&](const DirectoryChanged& e) { on(e, now); },
                                [&](const SuspicionChanged& e) { on(e, now); }, [&](const SeedRetry& e) { on(e, now); },
                                [&](const AdmissionNews& e) { on(e, now); }, [](const auto&) {}},
               event);
}

void Stories::on(const DirectoryChanged& changed, base::TimePoint now) {
    if (changed.change == EntryChange::updated) return;
    Story& story = story_of(changed.id);
    if (!changed.name.empty()) story.name = changed.name;
    story.known.reset();
    std::string text(words_of(changed.change));
    std::vector<base::EndpointId> who = changed.accusers;
    if (changed.change == EntryChange::joined) {
        story.known = KnownSince{now, changed.known_via, changed.told_by};
        text += ", known by " + (changed.known_via.empty() ? "itself" : changed.known_via);
        if (changed.told_by) who.push_back(*changed.told_by);
    }
    tell(story, kind_of(changed.change), std::move(text), std::move(who), now);
}

void Stories::on(const SuspicionChanged& changed, base::TimePoint now) {
    Story& story = story_of(changed.accused);
    if (!changed.name.empty()) story.name = changed.name;
    if (changed.step == SuspicionStep::suspected)
        return tell(story, StoryKind::suspected, std::string(text_of(changed.reason)), {changed.accuser}, now);
    tell(story, StoryKind::refuted, "the suspicion was refuted", {}, now);
}

void Stories::on(const SeedRetry& retry, base::TimePoint now) {
    tell(story_of(retry.seed), StoryKind::seed_retry,
         "a seed, to be tried again: " + base::printable(retry.reason, kTextMax), {}, now);
}

void Stories::on(const AdmissionNews& news, base::TimePoint now) {
    if (news.event == AdmissionEvent::own_ticket) return;
    tell(story_of(news.peer), StoryKind::not_admitted, base::printable(news.text, kTextMax), {}, now);
}

void Stories::on(const fabric::Lied& lied, base::TimePoint now) {
    tell(story_of(lied.gateway), StoryKind::lied,
         "its answer to a question cannot be true: " + std::string(fabric::name(lied.lie)), {}, now);
}

// The name has a story of its own where it is not the peer's: it may stand for others next time, or for nobody.
void Stories::on(const delivery::Finished& finished, base::TimePoint now) {
    if (finished.ending == delivery::Ending::acknowledged || finished.ending == delivery::Ending::cancelled) return;
    const std::string target = base::printable(finished.name);
    std::string ending(delivery::name(finished.ending));
    std::replace(ending.begin(), ending.end(), '_', ' ');
    std::string text = "a message to '" + target + "' ended: " + ending;
    if (finished.handled != delivery::Handled::no)
        text += finished.handled == delivery::Handled::yes ? ", handled" : ", perhaps handled";
    if (!finished.payload.empty()) text += ": " + base::printable(base::as_text(finished.payload));
    if (finished.peer) tell(story_of(*finished.peer), StoryKind::send_failed, text, {}, now);
    const Story* peer = finished.peer ? of(*finished.peer) : nullptr;
    if (peer != nullptr && (peer->name == finished.name || finished.peer->hex() == finished.name)) return;
    std::vector<base::EndpointId> who;
    if (finished.peer) who.push_back(*finished.peer);
    tell(story_of(target), StoryKind::send_failed, std::move(text), std::move(who), now);
}

TriedAddress& Stories::tried(Story& story, const base::SocketAddr& addr) {
    std::vector<TriedAddress>& all = story.tried;
    const auto known = std::find_if(all.begin(), all.end(), [&](const TriedAddress& one) { return one.addr == addr; });
    if (known != all.end()) return *known;
    if (all.size() >= config_.addresses_max) all.erase(all.begin());
    all.push_back({addr, {}, AddressFate::trying});
    return all.back();
}

void Stories::dialled(quic::ConnectionRef connection, const base::EndpointId& peer, std::string_view alpn,
                      const std::vector<base::SocketAddr>& addrs, base::TimePoint now) {
    if (watched_.size() >= config_.dials_max) {
        ++counters_.dials_unwatched;
        return;
    }
    watched_[connection] = {{connection, peer, std::string(alpn), quic::Origin::outgoing, now, false}, addrs};
    Story& story = story_of(peer);
    for (const base::SocketAddr& addr : addrs) {
        TriedAddress& one = tried(story, addr);
        one.at = now;
        one.fate = AddressFate::trying;
    }
}

void Stories::no_session(const base::EndpointId& peer, delivery::SessionEnd end, std::string_view why,
                         base::TimePoint now) {
    Story& story = story_of(peer);
    const bool told =
        !story.events.empty() && story.events.back().last == now &&
        (story.events.back().kind == StoryKind::dial_failed || story.events.back().kind == StoryKind::closed);
    if (told && end != delivery::SessionEnd::refused) return;
    const StoryKind kind = end == delivery::SessionEnd::refused       ? StoryKind::not_admitted
                           : end == delivery::SessionEnd::unreachable ? StoryKind::dial_failed
                                                                      : StoryKind::closed;
    tell(story, kind, "no session: " + base::printable(why, kTextMax), {}, now);
}

void Stories::settle(const Watched& dial, AddressFate answered, AddressFate others, const base::SocketAddr* winner) {
    Story& story = story_of(dial.seen.peer);
    for (const base::SocketAddr& addr : dial.addrs) {
        TriedAddress& one = tried(story, addr);
        if (winner != nullptr && addr == *winner)
            one.fate = answered;
        else if (one.fate == AddressFate::trying)
            one.fate = others;
    }
}

void Stories::on_connected(const quic::Connected& event, base::TimePoint now) {
    const auto it = watched_.find(event.connection);
    std::string text = purpose_of(event.alpn);
    if (it != watched_.end()) {
        settle(it->second, AddressFate::answered, AddressFate::passed_over, &event.remote);
        text += ": " + event.remote.text() + " answered after " + text_of(now - it->second.seen.since);
        it->second.seen.since = now;
        it->second.seen.up = true;
    } else if (event.origin == quic::Origin::outgoing || watched_.size() >= config_.dials_max) {
        ++counters_.dials_unwatched;
        return;
    } else {
        text += ": it dialled, from " + event.remote.text();
        watched_[event.connection] = {{event.connection, event.peer, event.alpn, event.origin, now, true}, {}};
    }
    tell(story_of(event.peer), StoryKind::connected, std::move(text), {}, now);
}

void Stories::on_closed(const quic::Closed& event, base::TimePoint now) {
    const auto it = watched_.find(event.connection);
    if (it == watched_.end()) return;
    const Watched ended = std::move(it->second);
    watched_.erase(it);
    const std::string purpose = purpose_of(ended.seen.alpn);
    if (is_dial(ended.seen)) {
        const bool wrong = event.reason.cause == quic::CloseCause::wrong_peer;
        settle(ended, {}, wrong ? AddressFate::wrong_peer : AddressFate::no_answer, nullptr);
        return tell(story_of(ended.seen.peer), StoryKind::dial_failed,
                    purpose + ": " + text_of(event.reason) + ", tried " + text_of(ended.addrs), {}, now);
    }
    tell(story_of(ended.seen.peer), StoryKind::closed,
         purpose + " after " + text_of(now - ended.seen.since) + ": " + text_of(event.reason), {}, now);
}

void Stories::on_unreachable(const base::SocketAddr& remote) {
    for (const auto& [connection, watched] : watched_) {
        const bool asked = std::find(watched.addrs.begin(), watched.addrs.end(), remote) != watched.addrs.end();
        if (asked && is_dial(watched.seen))
            tried(story_of(watched.seen.peer), remote).fate = AddressFate::nobody_listens;
    }
}

std::vector<base::EndpointId> Stories::called(std::string_view name) const {
    std::vector<base::EndpointId> out;
    for (const auto& [id, entry] : peers_.all())
        if (entry.first.name == name) out.push_back(id);
    return out;
}

std::vector<base::EndpointId> Stories::beginning_with(std::string_view digits) const {
    std::vector<base::EndpointId> out;
    for (const auto& [id, entry] : peers_.all())
        if (id.hex().starts_with(digits)) out.push_back(id);
    return out;
}

std::vector<StoryConnection> Stories::connections_with(const base::EndpointId& peer) const {
    std::vector<StoryConnection> out;
    for (const auto& [connection, watched] : watched_)
        if (watched.seen.peer == peer) out.push_back(watched.seen);
    return out;
}

}  // namespace grapevine::stack
