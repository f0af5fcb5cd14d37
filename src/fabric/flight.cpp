#include "fabric/flight.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace grapevine::fabric {

namespace {

// How much a verdict without candidates tells: no_such_node comes from a directory, unknown_mesh from a table of the
// backbone, busy and refused from somebody who did not look.
std::size_t weight(Verdict verdict) {
    constexpr std::array<std::size_t, 8> kWeights{0, 4, 5, 6, 2, 3, 1, 0};
    return kWeights[static_cast<std::size_t>(verdict)];
}

}  // namespace

bool Walk::may_ask(base::TimePoint now) const {
    if (answered || left.empty()) return false;
    return std::all_of(open.begin(), open.end(), [&](const Try& one) { return one.next_at <= now; });
}

std::optional<base::TimePoint> Walk::next_deadline() const {
    std::optional<base::TimePoint> next;
    if (answered) return next;
    for (const Try& one : open) {
        next = base::earliest(next, one.given_up);
        // Only the last one asked can still be in time for the next one to wait.
        if (!left.empty() && &one == &open.back()) next = base::earliest(next, one.next_at);
    }
    return next;
}

void Flight::note(Verdict verdict, const std::string& why) {
    if (weight(verdict) < weight(worst_case)) return;
    worst_case = verdict;
    text = why;
}

void Flight::take(std::vector<Candidate> candidates, base::TimePoint now) {
    for (Candidate& one : candidates) {
        const auto known = found.find(one.id);
        if (known != found.end() && known->second.digest.sequence >= one.digest.sequence) continue;
        if (known == found.end() && found.size() >= wire::kResolvedDigestsMax) continue;
        heard_at[one.id] = now;
        found.insert_or_assign(one.id, std::move(one));
    }
}

void Flight::begin_step(const base::EndpointId& gateway, std::uint8_t hops, base::TimePoint now) {
    steps.push_back({gateway, hops, now - began, {}, StepEnd::passed_over, Verdict::deadline});
}

void Flight::end_step(const base::EndpointId& gateway, StepEnd end, Verdict verdict, base::TimePoint now) {
    for (Step& step : steps) {
        if (step.gateway != gateway) continue;
        step.ended = now - began;
        step.end = end;
        step.verdict = verdict;
    }
}

bool Flight::is_over(base::TimePoint now) const {
    if (gathered_at && *gathered_at <= now) return true;
    return std::all_of(walks.begin(), walks.end(), [](const Walk& walk) { return walk.is_over(); });
}

Outcome Flight::outcome(const wire::NameParts& name, base::TimePoint now) const {
    Outcome outcome;
    outcome.origin = Origin::asked;
    outcome.verdict = worst_case;
    outcome.text = text;
    outcome.steps = steps;
    for (Step& step : outcome.steps)
        if (step.end == StepEnd::passed_over) step.ended = now - began;
    if (found.empty()) {
        if (ambiguous) outcome.verdict = Verdict::ambiguous;
        return outcome;
    }
    // A name with digits means one node; two that fit are not told apart here.
    const bool unclear = ambiguous || (!name.digits.empty() && found.size() > 1);
    outcome.verdict = unclear ? Verdict::ambiguous : Verdict::found;
    outcome.text.clear();
    for (const auto& [id, candidate] : found) {
        outcome.candidates.push_back(candidate);
        outcome.candidates.back().age += now - heard_at.at(id);
    }
    return outcome;
}

base::TimePoint Flight::next_deadline() const {
    base::TimePoint next = base::TimePoint::max();
    for (const Waiter& waiter : waiters)
        next = std::min(next, waiter.deadline);
    for (const Walk& walk : walks) {
        if (const auto at = walk.next_deadline()) next = std::min(next, *at);
    }
    return gathered_at ? std::min(next, *gathered_at) : next;
}

}  // namespace grapevine::fabric
