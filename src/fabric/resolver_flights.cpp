// Questions in flight: whom to ask next, and when it is over.

#include <algorithm>
#include <utility>

#include "fabric/resolver.hpp"

namespace grapevine::fabric {

Resolver::Plan Resolver::plan_for(const Waiter& waiter, std::string_view mesh, base::TimePoint now) {
    Plan plan;
    // Off duty, what was heard of other meshes grows old; a fellow knows better.
    const bool local = std::holds_alternative<LocalAsker>(waiter.who);
    auto fellows = routes_.fellows();
    auto sides = routes_.on_duty() || fellows.empty() ? routes_.route(mesh, now) : std::vector<Side>{};
    if (sides.size() > config_.sides_max) sides.resize(config_.sides_max);
    for (Side& side : sides)
        plan.walks.push_back(walk_over(std::move(side.gateways), now));
    plan.hops = 1;
    if (plan.walks.empty() && local) {
        plan.walks.push_back(walk_over(std::move(fellows), now));
        plan.hops = kHopsMax;
    }
    std::erase_if(plan.walks, [](const Walk& walk) { return walk.left.empty(); });
    return plan;
}

// In random order, the doubted last; the next to be asked stands at the end.
Walk Resolver::walk_over(std::vector<wire::EndpointAddr> gateways, base::TimePoint now) {
    std::erase_if(gateways, [&](const auto& gateway) { return gateway.id == self_; });
    rng_.shuffle(gateways);
    std::stable_partition(gateways.begin(), gateways.end(),
                          [&](const auto& gateway) { return !is_doubted(gateway.id, now); });
    if (gateways.size() > config_.tries_per_side) gateways.resize(config_.tries_per_side);
    std::reverse(gateways.begin(), gateways.end());
    return Walk{std::move(gateways), {}, false};
}

bool Resolver::is_doubted(const base::EndpointId& gateway, base::TimePoint now) const {
    const base::TimePoint* until = doubted_.peek(gateway);
    return until != nullptr && now < *until;
}

void Resolver::doubt(const base::EndpointId& gateway, base::Duration duration, base::TimePoint now) {
    const base::TimePoint* until = doubted_.peek(gateway);
    doubted_.put(gateway, std::max(now + duration, until == nullptr ? now : *until));
}

void Resolver::join(const Waiter& waiter, std::string_view name, const wire::NameParts& parts, base::TimePoint now,
                    ResolverEffects& out) {
    FlightKey key{std::string(name), 1};
    auto found = flights_.find(key);
    if (found == flights_.end()) {
        Plan plan = plan_for(waiter, parts.mesh, now);
        key.hops = plan.hops;
        if (plan.walks.empty()) {
            const bool nobody = !routes_.on_duty() && routes_.fellows().empty();
            return tell(waiter, Verdict::unknown_mesh,
                        nobody ? "this mesh has no gateway" : "no gateway told of this mesh", out);
        }
        found = flights_.find(key);
        if (found == flights_.end()) {
            if (flights_.size() >= config_.flights_max) {
                ++counters_.busy_flights;
                return tell(waiter, Verdict::busy, "too many questions are in flight", out);
            }
            found = flights_.try_emplace(key).first;
            found->second.began = now;
            found->second.walks = std::move(plan.walks);
            found->second.waiters.push_back(waiter);
            due_.emplace(found->second.due, key);
            return step(key, now, out);
        }
    }
    if (found->second.waiters.size() >= config_.waiters_max) {
        ++counters_.busy_waiters;
        return tell(waiter, Verdict::busy, "too many wait for this answer", out);
    }
    ++counters_.joined;
    found->second.waiters.push_back(waiter);
    step(key, now, out);
}

// Does all that is due, and keeps the flight's place among the deadlines. The flight may be gone afterwards.
void Resolver::step(const FlightKey& key, base::TimePoint now, ResolverEffects& out) {
    const auto found = flights_.find(key);
    if (found == flights_.end()) return;
    Flight& flight = found->second;
    advance(key, flight, now, out);
    if (flight.is_over(now)) conclude(key, flight, now, out);
    expire_waiters(key, flight, now, out);
    if (flight.waiters.empty()) return remove(key, out);
    due_.erase({flight.due, key});
    flight.due = flight.next_deadline();
    due_.emplace(flight.due, key);
}

void Resolver::advance(const FlightKey& key, Flight& flight, base::TimePoint now, ResolverEffects& out) {
    for (Walk& walk : flight.walks) {
        end_overdue(flight, walk, now, out);
        if (!flight.waiters.empty() && walk.may_ask(now)) ask_next(key, flight, walk, now, out);
    }
}

void Resolver::ask_next(const FlightKey& key, Flight& flight, Walk& walk, base::TimePoint now, ResolverEffects& out) {
    for (const Try& silent : walk.open)
        doubt(silent.gateway, config_.doubt_of_silent, now);
    wire::EndpointAddr gateway = std::move(walk.left.back());
    walk.left.pop_back();
    const TryId id{++last_try_};
    const bool fellow = key.hops == kHopsMax;
    walk.open.push_back({id, gateway.id, now + (fellow ? config_.per_try_by_fellow : config_.per_try),
                         now + (fellow ? config_.patience_by_fellow : config_.patience)});
    tries_.emplace(id, key);
    flight.begin_step(gateway.id, key.hops, now);
    ++counters_.sent;
    out.emplace_back(SendQuestion{id, std::move(gateway), key.name, key.hops});
}

void Resolver::end_overdue(Flight& flight, Walk& walk, base::TimePoint now, ResolverEffects& out) {
    std::erase_if(walk.open, [&](const Try& one) {
        if (one.given_up > now) return false;
        ++counters_.overdue;
        flight.end_step(one.gateway, StepEnd::overdue, Verdict::deadline, now);
        doubt(one.gateway, config_.doubt_of_silent, now);
        tries_.erase(one.id);
        out.emplace_back(DropQuestion{one.id});
        return true;
    });
}

namespace {

// The walk and the open try of this id; it exists while the id is known.
std::pair<Walk*, base::EndpointId> take_try(Flight& flight, TryId id) {
    for (Walk& walk : flight.walks) {
        const auto is_it = [&](const Try& one) { return one.id == id; };
        const auto open = std::find_if(walk.open.begin(), walk.open.end(), is_it);
        if (open == walk.open.end()) continue;
        const base::EndpointId gateway = open->gateway;
        walk.open.erase(open);
        return {&walk, gateway};
    }
    return {nullptr, {}};
}

}  // namespace

void Resolver::on_answer(TryId id, const wire::Resolved& resolved, base::TimePoint now, ResolverEffects& out) {
    const auto known = tries_.find(id);
    if (known == tries_.end()) {
        ++counters_.late;
        return;
    }
    ++counters_.answers;
    const FlightKey key = known->second;
    tries_.erase(known);
    Flight& flight = flights_.at(key);
    const auto [walk, gateway] = take_try(flight, id);
    if (walk != nullptr) take_answer(key, flight, *walk, gateway, resolved, now, out);
    step(key, now, out);
}

void Resolver::on_failed(TryId id, base::TimePoint now, ResolverEffects& out) {
    const auto known = tries_.find(id);
    if (known == tries_.end()) return;
    ++counters_.failed;
    const FlightKey key = known->second;
    tries_.erase(known);
    Flight& flight = flights_.at(key);
    const auto [walk, gateway] = take_try(flight, id);
    flight.end_step(gateway, StepEnd::failed, Verdict::deadline, now);
    doubt(gateway, config_.doubt_of_silent, now);
    step(key, now, out);
}

void Resolver::take_answer(const FlightKey& key, Flight& flight, Walk& walk, const base::EndpointId& gateway,
                           const wire::Resolved& resolved, base::TimePoint now, ResolverEffects& out) {
    const auto parts = wire::split_name(key.name);
    auto candidates = check_.check(resolved, *parts, routes_.authority(parts->mesh), gateway, now);
    if (!candidates) {
        ++counters_.lies[static_cast<std::size_t>(candidates.error())];
        doubt(gateway, config_.doubt_of_liars, now);
        flight.end_step(gateway, StepEnd::lied, static_cast<Verdict>(resolved.code), now);
        out.emplace_back(Lied{gateway, candidates.error()});
        return;
    }
    const auto verdict = static_cast<Verdict>(resolved.code);
    flight.end_step(gateway, StepEnd::answered, verdict, now);
    if (verdict == Verdict::ambiguous) flight.ambiguous = true;
    if (verdict != Verdict::found && verdict != Verdict::ambiguous) return flight.note(verdict, resolved.text);
    doubted_.erase(gateway);
    walk.answered = true;
    flight.take(*std::move(candidates), now);
    drop_open(walk, out);
    if (!flight.gathered_at) flight.gathered_at = now + config_.gathering;
    // An id in full fits one node only; no other side can know of another.
    if (parts->digits.size() == 2 * base::kIdBytes) flight.gathered_at = now;
}

void Resolver::conclude(const FlightKey& key, Flight& flight, base::TimePoint now, ResolverEffects& out) {
    const Outcome outcome = flight.outcome(*wire::split_name(key.name), now);
    cache_.put(key.name, outcome, now);
    for (const Waiter& waiter : flight.waiters)
        tell(waiter, outcome, out);
    flight.waiters.clear();
}

void Resolver::expire_waiters(const FlightKey& key, Flight& flight, base::TimePoint now, ResolverEffects& out) {
    std::vector<Waiter> expired;
    std::erase_if(flight.waiters, [&](const Waiter& waiter) {
        if (waiter.deadline > now) return false;
        expired.push_back(waiter);
        return true;
    });
    if (expired.empty()) return;
    Outcome outcome = flight.outcome(*wire::split_name(key.name), now);
    if (outcome.verdict == Verdict::unreachable) {
        outcome.verdict = Verdict::deadline;
        outcome.text = "no answer in time";
    }
    for (const Waiter& waiter : expired)
        tell(waiter, outcome, out);
}

void Resolver::drop_open(Walk& walk, ResolverEffects& out) {
    for (const Try& one : walk.open) {
        tries_.erase(one.id);
        out.emplace_back(DropQuestion{one.id});
    }
    walk.open.clear();
}

void Resolver::remove(const FlightKey& key, ResolverEffects& out) {
    const auto found = flights_.find(key);
    for (Walk& walk : found->second.walks)
        drop_open(walk, out);
    due_.erase({found->second.due, key});
    flights_.erase(found);
}

}  // namespace grapevine::fabric
