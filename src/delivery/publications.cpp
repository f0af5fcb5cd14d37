#include "delivery/publications.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace grapevine::delivery {

std::string_view name(PublishRefusal refusal) {
    switch (refusal) {
        case PublishRefusal::empty: return "empty";
        case PublishRefusal::too_large: return "too_large";
        case PublishRefusal::full: return "full";
        case PublishRefusal::no_mesh: break;
    }
    return "no_mesh";
}

std::string_view name(MissCause cause) {
    switch (cause) {
        case MissCause::late: return "late";
        case MissCause::lied: return "lied";
        case MissCause::busy: return "busy";
        case MissCause::count_: break;
    }
    return "unknown";
}

Publications::Publications(const PublicationsConfig& config, const base::EndpointId& self, base::Rng& rng)
    : config_(config), self_(self), rng_(rng), numbers_(config.numbers_after) {
    GRAPEVINE_ASSERT(config.fetches_at_once > 0 && config.wanted_max > 0 && config.memory_max > 0, "something fits");
    GRAPEVINE_ASSERT(config.pause_first > base::Duration::zero() && config.pause_max >= config.pause_first,
                     "a pause takes time");
}

tl::expected<Announcement, PublishRefusal> Publications::publish(base::Bytes content, base::TimePoint now,
                                                                 PublicationEffects& out) {
    expire(now, out);
    std::optional<PublishRefusal> refusal;
    if (content.empty()) refusal = PublishRefusal::empty;
    if (content.size() > kPublicationMax) refusal = PublishRefusal::too_large;
    const base::Blake3Hash hash = base::blake3(content);
    const auto known = stored_.find(hash);
    const bool kept = known != stored_.end() && known->second.own;
    if (!refusal && !kept && (own_bytes_ + content.size() > config_.own_bytes_max || !make_room(content.size())))
        refusal = PublishRefusal::full;
    if (refusal) {
        ++counters_.refused;
        return tl::unexpected(*refusal);
    }
    const Announcement what{self_, ++numbers_, hash, static_cast<std::uint32_t>(content.size())};
    store(hash, std::move(content), Owner::self, now);
    remember(what, now);
    ++counters_.published;
    out.emplace_back(Announce{what});
    return what;
}

void Publications::on_announcement(const base::EndpointId& teller, const Announcement& what, base::TimePoint now,
                                   PublicationEffects& out) {
    expire(now, out);
    if (what.size == 0 || what.size > kPublicationMax || what.author == self_) {
        ++counters_.refused_announcements;
        return;
    }
    if (!remember(what, now)) {
        ++counters_.repeated;
        if (const auto wanted = wanted_.find(what); wanted != wanted_.end()) add_provider(wanted->second, teller);
        return;
    }
    ++counters_.announced;
    const auto of_author = of_author_.find(what.author);
    const bool author_full = of_author != of_author_.end() && of_author->second >= config_.author_max;
    if (wanted_.size() >= config_.wanted_max || author_full) return miss(what, MissCause::busy, out);
    Wanted& wanted = wanted_[what];
    wanted.providers.push_back({what.author});
    add_provider(wanted, teller);
    wanted.deadline = now + config_.fetch_max;
    deadlines_.emplace(wanted.deadline, what);
    ++of_author_[what.author];
    waiting_.push_back(what);
    start_waiting(out);
}

void Publications::add_provider(Wanted& wanted, const base::EndpointId& teller) {
    const auto same = [&](const Provider& provider) { return provider.id == teller; };
    if (teller == self_ || std::any_of(wanted.providers.begin(), wanted.providers.end(), same)) return;
    if (wanted.providers.size() > config_.providers_max) return;
    // Before the author; who is being asked keeps its place.
    if (wanted.next == wanted.providers.size() - 1 && wanted.fetch) ++wanted.next;
    wanted.providers.insert(std::prev(wanted.providers.end()), {teller});
}

void Publications::start_waiting(PublicationEffects& out) {
    while (under_way_ < config_.fetches_at_once && !waiting_.empty()) {
        const Announcement what = waiting_.front();
        waiting_.pop_front();
        const auto found = wanted_.find(what);
        if (found == wanted_.end() || found->second.fetch || found->second.retry_at) continue;
        ++under_way_;
        idle_bytes_ -= found->second.content.size();
        found->second.next = *choose(found->second, 0);
        found->second.round = 1;
        ask_next(what, found->second, out);
    }
}

// Somebody who has not lied, from this one on; nothing if all have.
std::optional<std::size_t> Publications::choose(const Wanted& wanted, std::size_t from) {
    for (std::size_t i = 0; i < wanted.providers.size(); ++i) {
        const std::size_t at = (from + i) % wanted.providers.size();
        if (!wanted.providers[at].lied) return at;
    }
    return std::nullopt;
}

void Publications::ask_next(const Announcement& what, Wanted& wanted, PublicationEffects& out) {
    if (wanted.fetch) asked_.erase(*wanted.fetch);
    wanted.fetch = FetchId{++fetches_};
    asked_.emplace(*wanted.fetch, what);
    const std::size_t left = what.size - wanted.content.size();
    out.emplace_back(AskChunk{*wanted.fetch, wanted.providers[wanted.next].id, what.hash,
                              static_cast<std::uint32_t>(wanted.content.size()),
                              static_cast<std::uint32_t>(std::min(left, kChunkMax))});
}

void Publications::on_chunk(FetchId fetch, base::ByteView chunk, base::TimePoint now, PublicationEffects& out) {
    expire(now, out);
    const auto asked = asked_.find(fetch);
    if (asked == asked_.end()) {
        ++counters_.late_answers;
        return;
    }
    const Announcement what = asked->second;
    Wanted& wanted = wanted_.at(what);
    const base::EndpointId giver = wanted.providers[wanted.next].id;
    const std::size_t expected = std::min(what.size - wanted.content.size(), kChunkMax);
    bool lied = chunk.size() != expected;
    if (!lied) {
        wanted.content.insert(wanted.content.end(), chunk.begin(), chunk.end());
        wanted.givers.insert(giver);
        wanted.failures = 0;
        if (wanted.content.size() < what.size) return ask_next(what, wanted, out);
        if (base::blake3(wanted.content) == what.hash) return finish(what, wanted, now, out);
        lied = wanted.givers.size() == 1;
        wanted.strict = true;
        discard(wanted);
    }
    ++counters_.lies;
    if (lied) wanted.providers[wanted.next].lied = true;
    next_provider(what, wanted, now, out);
}

void Publications::on_no_chunk(FetchId fetch, base::TimePoint now, PublicationEffects& out) {
    expire(now, out);
    const auto asked = asked_.find(fetch);
    if (asked == asked_.end()) {
        ++counters_.late_answers;
        return;
    }
    ++counters_.not_given;
    const Announcement what = asked->second;
    Wanted& wanted = wanted_.at(what);
    const bool begun = wanted.strict && !wanted.content.empty();
    if (begun && ++wanted.failures < kStrictTries) return ask_next(what, wanted, out);
    next_provider(what, wanted, now, out);
}

void Publications::discard(Wanted& wanted) {
    wanted.content = {};
    wanted.givers.clear();
    wanted.failures = 0;
}

// Rules 2 and 3.
void Publications::next_provider(const Announcement& what, Wanted& wanted, base::TimePoint now,
                                 PublicationEffects& out) {
    if (wanted.strict) discard(wanted);
    const auto next = choose(wanted, wanted.next + 1);
    if (!next) {
        miss(what, MissCause::lied, out);
        forget(what);
    } else if (wanted.round < wanted.providers.size()) {
        ++wanted.round;
        wanted.next = *next;
        return ask_next(what, wanted, out);
    } else {
        pause(what, wanted, now);
    }
    start_waiting(out);
}

void Publications::pause(const Announcement& what, Wanted& wanted, base::TimePoint now) {
    stop_fetch(wanted);
    if (idle_bytes_ + wanted.content.size() > config_.paused_bytes_max) discard(wanted);
    idle_bytes_ += wanted.content.size();
    base::Duration nominal = config_.pause_first;
    for (std::uint32_t i = 0; i < wanted.pauses && nominal < config_.pause_max; ++i)
        nominal = std::min(nominal * 2, config_.pause_max);
    ++wanted.pauses;
    wanted.retry_at = now + rng_.between(nominal / 2, nominal + base::Duration(1)) + base::Duration(1);
    retries_.emplace(*wanted.retry_at, what);
}

void Publications::end_pause(const Announcement& what, Wanted& wanted) {
    if (!wanted.retry_at) return;
    retries_.erase({*wanted.retry_at, what});
    wanted.retry_at.reset();
}

void Publications::stop_fetch(Wanted& wanted) {
    if (!wanted.fetch) return;
    asked_.erase(*wanted.fetch);
    wanted.fetch.reset();
    --under_way_;
}

void Publications::miss(const Announcement& what, MissCause cause, PublicationEffects& out) {
    ++counters_.missed[static_cast<std::size_t>(cause)];
    out.emplace_back(Missed{what, cause});
}

void Publications::finish(const Announcement& what, Wanted& wanted, base::TimePoint now, PublicationEffects& out) {
    ++counters_.fetched;
    base::Bytes content = std::move(wanted.content);
    if (make_room(content.size())) store(what.hash, content, Owner::others, now);
    out.emplace_back(Published{what, std::move(content)});
    forget(what);
    start_waiting(out);
}

void Publications::forget(const Announcement& what) {
    const auto found = wanted_.find(what);
    if (!found->second.fetch) idle_bytes_ -= found->second.content.size();
    stop_fetch(found->second);
    deadlines_.erase({found->second.deadline, what});
    end_pause(what, found->second);
    const auto of_author = of_author_.find(what.author);
    if (--of_author->second == 0) of_author_.erase(of_author);
    wanted_.erase(found);
}

bool Publications::remember(const Announcement& what, base::TimePoint now) {
    if (!seen_.emplace(what, now + config_.memory).second) return false;
    seen_until_.emplace(now + config_.memory, what);
    while (seen_.size() > config_.memory_max) {
        seen_.erase(seen_until_.begin()->second);
        seen_until_.erase(seen_until_.begin());
    }
    return true;
}

// Rule 4: others' content makes room, the oldest first.
bool Publications::make_room(std::size_t bytes) {
    if (own_bytes_ + bytes > config_.store_bytes_max) return false;
    for (auto it = stored_until_.begin(); stored_bytes_ + bytes > config_.store_bytes_max;) {
        const auto stored = stored_.find((it++)->second);
        if (stored->second.own) continue;
        ++counters_.evicted;
        drop(stored);
    }
    return true;
}

void Publications::store(const base::Blake3Hash& hash, base::Bytes content, Owner owner, base::TimePoint now) {
    const auto [it, fresh] = stored_.try_emplace(hash);
    Stored& stored = it->second;
    if (fresh) {
        stored_bytes_ += content.size();
        stored.content = std::move(content);
    } else {
        stored_until_.erase({stored.until, hash});
    }
    if (owner == Owner::self && !std::exchange(stored.own, true)) own_bytes_ += stored.content.size();
    stored.until = now + config_.kept;
    stored_until_.emplace(stored.until, hash);
}

void Publications::drop(std::map<base::Blake3Hash, Stored>::iterator found) {
    const Stored& stored = found->second;
    stored_bytes_ -= stored.content.size();
    if (stored.own) own_bytes_ -= stored.content.size();
    stored_until_.erase({stored.until, found->first});
    stored_.erase(found);
}

std::optional<base::ByteView> Publications::ask(const base::EndpointId& peer, const base::Blake3Hash& hash,
                                                std::uint32_t offset, std::uint32_t size) {
    const auto found = stored_.find(hash);
    if (found == stored_.end() || offset >= found->second.content.size() || size == 0) {
        ++counters_.chunks_denied;
        return std::nullopt;
    }
    Stored& stored = found->second;
    const std::size_t left = stored.content.size() - offset;
    const std::size_t given = std::min({left, std::size_t{size}, kChunkMax});
    ++counters_.chunks_given;
    if (given == left && stored.taken_by.size() < kTakersMax) stored.taken_by.insert(peer);
    return base::ByteView(stored.content).subspan(offset, given);
}

bool Publications::is_fetching(const base::Blake3Hash& hash) const {
    return std::any_of(asked_.begin(), asked_.end(), [&](const auto& item) { return item.second.hash == hash; });
}

std::size_t Publications::fetched_by(const base::Blake3Hash& hash) const {
    const auto found = stored_.find(hash);
    return found == stored_.end() ? 0 : found->second.taken_by.size();
}

void Publications::expire(base::TimePoint now, PublicationEffects& out) {
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        const Announcement what = deadlines_.begin()->second;
        miss(what, MissCause::late, out);
        forget(what);
        start_waiting(out);
    }
    while (!stored_until_.empty() && stored_until_.begin()->first <= now)
        drop(stored_.find(stored_until_.begin()->second));
    while (!seen_until_.empty() && seen_until_.begin()->first <= now) {
        seen_.erase(seen_until_.begin()->second);
        seen_until_.erase(seen_until_.begin());
    }
}

void Publications::on_deadline(base::TimePoint now, PublicationEffects& out) {
    expire(now, out);
    while (!retries_.empty() && retries_.begin()->first <= now) {
        const Announcement what = retries_.begin()->second;
        end_pause(what, wanted_.at(what));
        waiting_.push_back(what);
    }
    start_waiting(out);
}

std::optional<base::TimePoint> Publications::next_deadline() const {
    std::optional<base::TimePoint> next;
    if (!deadlines_.empty()) next = deadlines_.begin()->first;
    if (!retries_.empty()) next = base::earliest(next, retries_.begin()->first);
    if (!stored_until_.empty()) next = base::earliest(next, stored_until_.begin()->first);
    if (!seen_until_.empty()) next = base::earliest(next, seen_until_.begin()->first);
    return next;
}

}  // namespace grapevine::delivery
