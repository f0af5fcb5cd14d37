#include "node/directory_teller.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace grapevine::node {

namespace {

wire::OutcomeCode code_of(TellRefusal refusal) {
    switch (refusal) {
        case TellRefusal::too_often:
        case TellRefusal::second:
        case TellRefusal::full: return wire::OutcomeCode::busy;
        default: return wire::OutcomeCode::refused;
    }
}

std::string_view text_of(TellRefusal refusal) {
    switch (refusal) {
        case TellRefusal::bad_name: return "there is nothing of that name to watch";
        case TellRefusal::not_admitted: return "not admitted";
        case TellRefusal::not_gateway: return "only a gateway can be watched";
        case TellRefusal::off_duty: return "not on duty";
        case TellRefusal::too_often: return "watched too often";
        case TellRefusal::second: return "one watch a peer";
        case TellRefusal::full: return "too many watch";
        case TellRefusal::count_: break;
    }
    return "refused";
}

wire::WatchGoneCause gone_cause(directory::RemovalCause cause) {
    switch (cause) {
        case directory::RemovalCause::left: return wire::WatchGoneCause::left;
        case directory::RemovalCause::died: return wire::WatchGoneCause::died;
        case directory::RemovalCause::stale:
        case directory::RemovalCause::unlisted: return wire::WatchGoneCause::stale;
        case directory::RemovalCause::displaced: return wire::WatchGoneCause::displaced;
        case directory::RemovalCause::expelled: break;
    }
    return wire::WatchGoneCause::expelled;
}

std::uint32_t age_ms(base::Duration age) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(age).count();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(ms, 0, std::numeric_limits<std::uint32_t>::max()));
}

void append(base::Bytes& chunk, const wire::WatchFrame& frame) {
    const base::Bytes bytes = wire::encode(frame);
    chunk.insert(chunk.end(), bytes.begin(), bytes.end());
}

constexpr std::size_t kWordOverhead = 64;

std::size_t cost_of(const wire::WatchFrame& frame) {
    const auto* told = std::get_if<wire::WatchTold>(&frame);
    return kWordOverhead + (told != nullptr ? told->statement.size() : 0);
}

}  // namespace

std::string_view name(TellRefusal refusal) {
    static constexpr std::array<std::string_view, kTellRefusals> kNames{
        "bad_name", "not_admitted", "not_gateway", "off_duty", "too_often", "second", "full"};
    return refusal < TellRefusal::count_ ? kNames.at(static_cast<std::size_t>(refusal)) : "unknown";
}

// Rule 1. Admission comes first, so that an outsider learns nothing else.
std::optional<TellRefusal> DirectoryTeller::judge(const base::EndpointId& peer,
                                                  const std::optional<wire::WatchTarget>& target,
                                                  const fabric::Backbone& backbone) const {
    if (!admission_.is_guest(peer)) return TellRefusal::not_admitted;
    if (!target || target->gateway != directory_.self()) return TellRefusal::bad_name;
    if (config_.type != kGatewayType) return TellRefusal::not_gateway;
    if (target->subject == wire::WatchSubject::meshes) {
        if (!admission_.is_member(peer) || directory_.find(peer) == nullptr) return TellRefusal::not_admitted;
        if (!backbone.on_duty()) return TellRefusal::off_duty;
    }
    const bool second = std::any_of(watchers_.begin(), watchers_.end(), [&](const auto& entry) {
        return entry.second.peer == peer && entry.second.subject == target->subject;
    });
    if (second) return TellRefusal::second;
    if (watchers_.size() >= kWatchersMax) return TellRefusal::full;
    return std::nullopt;
}

void DirectoryTeller::refuse(const base::EndpointId& peer, const wire::OpenStream& asked, TellRefusal refusal,
                             Effects& out) {
    ++counters_.refused[static_cast<std::size_t>(refusal)];
    wire::Outcome outcome;
    outcome.sequence = asked.sequence;
    outcome.code = code_of(refusal);
    outcome.payload = base::to_bytes(text_of(refusal));
    out.push_back(delivery::SendOutcome{peer, std::move(outcome)});
}

void DirectoryTeller::on_open(const base::EndpointId& peer, const wire::OpenStream& asked,
                              const fabric::Backbone& backbone, base::TimePoint now, Effects& out) {
    const auto target = wire::parse_watch_target(asked.name);
    if (const auto refusal = judge(peer, target, backbone)) return refuse(peer, asked, *refusal, out);
    ++counters_.taken;
    const OwnStream stream{StreamOpener::them, next_++};
    Watcher& watcher = watchers_[stream];
    watcher.peer = peer;
    watcher.subject = target->subject;
    if (target->subject == wire::WatchSubject::meshes) {
        for (const auto& [mesh, known] : backbone.table().meshes())
            add_word(watcher, {now, wire::WatchMesh{mesh, wire::WatchMeshChange::appeared}});
        add_word(watcher, {now, wire::WatchWhole{}});
    }
    out.push_back(TakeStream{peer, asked.sequence, stream});
    pump(stream, watcher, now, out);
}

void DirectoryTeller::add_word(Watcher& watcher, Word word) {
    watcher.words_bytes += cost_of(word.frame);
    watcher.words.push_back(std::move(word));
    if (watcher.words_bytes <= kWatchBehindMax) return;
    watcher.dropped = true;
    watcher.words.clear();
    watcher.words_bytes = 0;
}

// Rule 2. Whose turn is still to come is told as it is then.
void DirectoryTeller::accepted(const base::EndpointId& about, base::ByteView envelope, base::TimePoint now) {
    for (auto& [stream, watcher] : watchers_) {
        if (watcher.subject != wire::WatchSubject::directory || watcher.dropped) continue;
        const bool told = watcher.stage == Stage::whole || (watcher.told && about <= *watcher.told);
        if (!told) continue;
        add_word(watcher, {now, wire::WatchTold{0, base::Bytes(envelope.begin(), envelope.end())}});
    }
}

void DirectoryTeller::on_removed(const base::EndpointId& id, directory::RemovalCause cause, base::TimePoint now) {
    for (auto& [stream, watcher] : watchers_) {
        if (watcher.subject != wire::WatchSubject::directory || watcher.dropped) continue;
        const bool told = watcher.stage == Stage::whole || (watcher.told && id <= *watcher.told);
        if (told) add_word(watcher, {now, wire::WatchGone{id, gone_cause(cause)}});
    }
}

void DirectoryTeller::on_mesh(std::string_view mesh, wire::WatchMeshChange change, base::TimePoint now) {
    for (auto& [stream, watcher] : watchers_)
        if (watcher.subject == wire::WatchSubject::meshes && !watcher.dropped)
            add_word(watcher, {now, wire::WatchMesh{std::string(mesh), change}});
}

void DirectoryTeller::on_off_duty(Effects& out) {
    for (auto it = watchers_.begin(); it != watchers_.end();) {
        const auto next = std::next(it);
        if (it->second.subject == wire::WatchSubject::meshes) drop(it, kWatchOffDuty, out);
        it = next;
    }
}

void DirectoryTeller::pump(base::TimePoint now, Effects& out) {
    for (auto it = watchers_.begin(); it != watchers_.end();) {
        const auto next = std::next(it);
        if (it->second.dropped) {
            ++counters_.slow;
            drop(it, kWatchSlow, out);
        } else {
            pump(it->first, it->second, now, out);
        }
        it = next;
    }
}

void DirectoryTeller::pump(const OwnStream& stream, Watcher& watcher, base::TimePoint now, Effects& out) {
    if (watcher.said || watcher.blocked_since) return;
    base::Bytes chunk = std::move(watcher.rest);
    watcher.rest.clear();
    fill(watcher, now, chunk);
    if (chunk.empty()) return;
    counters_.bytes += chunk.size();
    watcher.said = true;
    watcher.said_at = now;
    out.push_back(SayOnStream{stream, std::move(chunk)});
}

void DirectoryTeller::fill(Watcher& watcher, base::TimePoint now, base::Bytes& chunk) {
    if (watcher.stage == Stage::begin) {
        append(chunk, wire::WatchBegin{wire::kWatchVersion, config_.mesh, age_ms(config_.staleness)});
        const bool of_members = watcher.subject == wire::WatchSubject::directory;
        watcher.stage = of_members ? Stage::telling : Stage::whole;
    }
    if (watcher.stage == Stage::telling) tell_directory(watcher, now, chunk);
    while (watcher.stage == Stage::whole && !watcher.words.empty() && chunk.size() < kWatchChunk) {
        Word word = std::move(watcher.words.front());
        watcher.words.pop_front();
        watcher.words_bytes -= cost_of(word.frame);
        if (auto* told = std::get_if<wire::WatchTold>(&word.frame)) {
            told->age_ms = age_ms(now - word.heard);
            ++counters_.statements;
        }
        append(chunk, word.frame);
    }
    if (chunk.empty() && now - watcher.said_at >= kWatchBeat) append(chunk, wire::WatchBeat{});
}

void DirectoryTeller::tell_directory(Watcher& watcher, base::TimePoint now, base::Bytes& chunk) {
    const auto& entries = directory_.entries();
    auto it = watcher.told ? entries.upper_bound(*watcher.told) : entries.begin();
    for (; it != entries.end() && chunk.size() < kWatchChunk; ++it) {
        const directory::Entry& entry = it->second;
        const bool own = entry.source == directory::Source::self;
        append(chunk, wire::WatchTold{own ? 0 : age_ms(now - entry.heard_at), entry.envelope});
        ++counters_.statements;
        watcher.told = it->first;
    }
    if (it != entries.end()) return;
    append(chunk, wire::WatchWhole{});
    watcher.stage = Stage::whole;
}

void DirectoryTeller::drop(Watchers::iterator it, std::uint32_t code, Effects& out) {
    out.push_back(ResetStream{it->first, code});
    watchers_.erase(it);
}

void DirectoryTeller::on_taken(const OwnStream& stream, base::Bytes untaken, base::TimePoint now, Effects& out) {
    const auto it = watchers_.find(stream);
    if (it == watchers_.end()) return;
    Watcher& watcher = it->second;
    watcher.said = false;
    watcher.rest = std::move(untaken);
    if (!watcher.rest.empty()) watcher.blocked_since = now;
    pump(stream, watcher, now, out);
}

void DirectoryTeller::on_room(const OwnStream& stream, base::TimePoint now, Effects& out) {
    const auto it = watchers_.find(stream);
    if (it == watchers_.end()) return;
    it->second.blocked_since.reset();
    pump(stream, it->second, now, out);
}

void DirectoryTeller::on_bytes(const OwnStream& stream, Effects& out) {
    const auto it = watchers_.find(stream);
    if (it == watchers_.end()) return;
    ++counters_.rubbish;
    drop(it, kWatchRubbish, out);
}

void DirectoryTeller::on_over(const OwnStream& stream) {
    watchers_.erase(stream);
}

void DirectoryTeller::on_deadline(base::TimePoint now, Effects& out) {
    for (auto& [stream, watcher] : watchers_)
        if (watcher.blocked_since && now - *watcher.blocked_since >= kWatchStalled) watcher.dropped = true;
    pump(now, out);
}

std::optional<base::TimePoint> DirectoryTeller::next_deadline() const {
    std::optional<base::TimePoint> next;
    for (const auto& [stream, watcher] : watchers_) {
        const auto due = watcher.blocked_since ? *watcher.blocked_since + kWatchStalled : watcher.said_at + kWatchBeat;
        if (!watcher.said) next = base::earliest(next, due);
    }
    return next;
}

std::size_t DirectoryTeller::waiting_bytes() const {
    std::size_t bytes = 0;
    for (const auto& [stream, watcher] : watchers_)
        bytes += watcher.words_bytes + watcher.rest.size();
    return bytes;
}

}  // namespace grapevine::node
