#include "fabric/answer_cache.hpp"

#include <algorithm>
#include <utility>

namespace grapevine::fabric {

namespace {

CacheRow row_of(const std::string& asked, const Outcome& outcome, const Candidate& candidate, base::Duration passed) {
    CacheRow row;
    row.asked = asked;
    row.verdict = outcome.verdict;
    row.mesh = candidate.digest.mesh;
    row.type = candidate.digest.type;
    row.member = row.mesh + "." + row.type + "." + candidate.id.short_hex(wire::kNameDigits);
    row.id = candidate.id;
    row.addrs = candidate.digest.addrs;
    row.age = candidate.age + passed;
    row.via = candidate.via;
    row.as_of = passed;
    return row;
}

}  // namespace

void AnswerCache::put(const std::string& name, const Outcome& outcome, base::TimePoint now) {
    if (outcome.verdict == Verdict::refused || outcome.verdict == Verdict::busy || outcome.verdict == Verdict::deadline)
        return;
    const bool positive = outcome.verdict == Verdict::found;
    Outcome kept = outcome;
    kept.steps.clear();
    answers_.put(name, Kept{std::move(kept), now, now + (positive ? config_.positive : config_.negative)});
}

std::optional<Outcome> AnswerCache::find(const std::string& name, base::TimePoint now) {
    const Kept* kept = answers_.find(name);
    if (kept == nullptr) return std::nullopt;
    if (kept->until <= now) {
        answers_.erase(name);
        return std::nullopt;
    }
    Outcome outcome = kept->outcome;
    outcome.origin = Origin::cache;
    outcome.as_of = now - kept->at;
    for (Candidate& candidate : outcome.candidates)
        candidate.age += outcome.as_of;
    return outcome;
}

std::size_t AnswerCache::forget(const base::EndpointId& id) {
    return answers_.erase_if([&](const Kept& kept) {
        return std::any_of(kept.outcome.candidates.begin(), kept.outcome.candidates.end(),
                           [&](const Candidate& candidate) { return candidate.id == id; });
    });
}

std::vector<CacheRow> AnswerCache::rows(base::TimePoint now) const {
    std::vector<CacheRow> rows;
    answers_.for_each([&](const std::string& asked, const Kept& kept) {
        if (kept.until <= now) return;
        const base::Duration passed = now - kept.at;
        for (const Candidate& candidate : kept.outcome.candidates)
            rows.push_back(row_of(asked, kept.outcome, candidate, passed));
        if (!kept.outcome.candidates.empty()) return;
        CacheRow row;
        row.asked = asked;
        row.verdict = kept.outcome.verdict;
        row.as_of = passed;
        rows.push_back(std::move(row));
    });
    return rows;
}

}  // namespace grapevine::fabric
