#include "fabric/resolver.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

#include "base/encoding.hpp"
#include "base/overloaded.hpp"

namespace grapevine::fabric {

namespace {

std::uint32_t milliseconds(base::Duration age) {
    const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(age).count();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(count, 0, std::numeric_limits<std::uint32_t>::max()));
}

wire::Resolved resolved_of(const Outcome& outcome) {
    wire::Resolved resolved;
    resolved.code = outcome.verdict == Verdict::deadline ? wire::ResolveCode::unreachable
                                                         : static_cast<wire::ResolveCode>(outcome.verdict);
    for (const Candidate& candidate : outcome.candidates) {
        if (resolved.digests.size() >= wire::kResolvedDigestsMax) break;
        resolved.digests.push_back({milliseconds(candidate.age), candidate.envelope});
    }
    resolved.text = base::printable(outcome.text, wire::kResolveTextMax);
    if (resolved.text.size() > wire::kResolveTextMax) resolved.text.resize(wire::kResolveTextMax);
    return resolved;
}

std::string quoted(std::string_view name) {
    return "'" + base::printable(name) + "'";
}

}  // namespace

Resolver::Resolver(ResolverConfig config, const base::EndpointId& self, Members& members, Routes& routes,
                   base::Rng& rng)
    : config_(std::move(config)),
      self_(self),
      members_(members),
      routes_(routes),
      rng_(rng),
      check_(config_),
      cache_(config_),
      doubted_(config_.doubted_max),
      askers_(config_.askers_max) {}

void Resolver::ask(QuestionId question, std::string_view name, base::TimePoint deadline, base::TimePoint now,
                   ResolverEffects& out) {
    ++counters_.asked;
    Waiter waiter{LocalAsker{question}, deadline};
    const auto parts = wire::split_name(name);
    if (!parts) {
        ++counters_.bad_names;
        return tell(waiter, Verdict::no_such_node, quoted(name) + " is no name", out);
    }
    if (parts->mesh == config_.mesh) return answer_locally(waiter, *parts, now, out);
    if (auto cached = cache_.find(std::string(name), now)) {
        ++counters_.cache_hits;
        return tell(waiter, *cached, out);
    }
    if (deadline <= now) return tell(waiter, Verdict::deadline, "no time was left", out);
    join(waiter, name, *parts, now, out);
}

void Resolver::on_question(const base::EndpointId& peer, AskRef ref, std::string_view name, std::uint8_t hops,
                           base::TimePoint now, ResolverEffects& out) {
    ++counters_.served;
    Waiter waiter{PeerAsker{peer, ref}, now + config_.serving_deadline};
    if (too_often(peer, now)) {
        ++counters_.busy_rate;
        return tell(waiter, Verdict::busy, "asked too often", out);
    }
    const auto parts = wire::split_name(name);
    if (!parts) {
        ++counters_.bad_names;
        return tell(waiter, Verdict::no_such_node, quoted(name) + " is no name", out);
    }
    if (parts->mesh == config_.mesh) return answer_locally(waiter, *parts, now, out);
    if (hops < kHopsMax) {
        ++counters_.refused_hops;
        return tell(waiter, Verdict::refused, "not of this mesh", out);
    }
    if (!routes_.on_duty()) {
        ++counters_.refused_off_duty;
        return tell(waiter, Verdict::refused, "not on duty as a gateway", out);
    }
    const auto fresh = [&](const Candidate& candidate) { return candidate.age <= config_.digest_age_max; };
    const auto cached = cache_.find(std::string(name), now);
    if (cached && std::all_of(cached->candidates.begin(), cached->candidates.end(), fresh)) {
        ++counters_.cache_hits;
        return tell(waiter, *cached, out);
    }
    join(waiter, name, *parts, now, out);
}

bool Resolver::too_often(const base::EndpointId& peer, base::TimePoint now) {
    const base::TokenBucket* known = askers_.find(peer);
    base::TokenBucket bucket = known == nullptr ? base::TokenBucket{} : *known;
    if (bucket.empty(config_.per_asker, now) || all_askers_.empty(config_.all_askers, now)) return true;
    bucket.take(config_.per_asker, now);
    all_askers_.take(config_.all_askers, now);
    askers_.put(peer, bucket);
    return false;
}

void Resolver::answer_locally(const Waiter& waiter, const wire::NameParts& name, base::TimePoint now,
                              ResolverEffects& out) {
    Lookup lookup = members_.lookup(name, now);
    Outcome outcome{lookup.verdict, std::move(lookup.candidates), {}, Origin::own_mesh, {}};
    if (outcome.candidates.size() > wire::kResolvedDigestsMax) outcome.candidates.resize(wire::kResolvedDigestsMax);
    for (Candidate& candidate : outcome.candidates)
        candidate.via = self_;
    tell(waiter, outcome, out);
}

void Resolver::tell(const Waiter& waiter, const Outcome& outcome, ResolverEffects& out) {
    std::visit(base::Overloaded{
                   [&](const LocalAsker& local) {
                       ++counters_.outcomes[static_cast<std::size_t>(outcome.verdict)];
                       out.emplace_back(Done{local.question, outcome});
                   },
                   [&](const PeerAsker& peer) { out.emplace_back(Answer{peer.peer, peer.ref, resolved_of(outcome)}); }},
               waiter.who);
}

void Resolver::tell(const Waiter& waiter, Verdict verdict, std::string text, ResolverEffects& out) {
    tell(waiter, Outcome{verdict, {}, std::move(text), Origin::nowhere, {}}, out);
}

template <typename Matches>
void Resolver::drop_waiters(Matches matches, base::TimePoint now, ResolverEffects& out) {
    std::vector<FlightKey> changed;
    for (auto& [key, flight] : flights_) {
        const auto of = [&](const Waiter& waiter) { return matches(waiter.who); };
        if (std::erase_if(flight.waiters, of) > 0) changed.push_back(key);
    }
    for (const FlightKey& key : changed)
        step(key, now, out);
}

void Resolver::cancel(QuestionId question, base::TimePoint now, ResolverEffects& out) {
    drop_waiters(
        [&](const auto& who) {
            const auto* local = std::get_if<LocalAsker>(&who);
            return local != nullptr && local->question == question;
        },
        now, out);
}

void Resolver::on_asker_gone(const base::EndpointId& peer, AskRef ref, base::TimePoint now, ResolverEffects& out) {
    drop_waiters(
        [&](const auto& who) {
            const auto* asker = std::get_if<PeerAsker>(&who);
            return asker != nullptr && asker->peer == peer && asker->ref == ref;
        },
        now, out);
}

void Resolver::on_deadline(base::TimePoint now, ResolverEffects& out) {
    while (!due_.empty() && due_.begin()->first <= now)
        step(FlightKey(due_.begin()->second), now, out);
}

std::optional<base::TimePoint> Resolver::next_deadline() const {
    if (due_.empty() || due_.begin()->first == base::TimePoint::max()) return std::nullopt;
    return due_.begin()->first;
}

ResolverCounters Resolver::counters() const {
    ResolverCounters counters = counters_;
    counters.cache_displaced = cache_.displaced();
    return counters;
}

}  // namespace grapevine::fabric
