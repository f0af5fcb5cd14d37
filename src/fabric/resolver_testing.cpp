#include "fabric/resolver_testing.hpp"

#include <algorithm>

namespace grapevine::fabric::testing {

Lookup FakeMembers::lookup(const wire::NameParts& name, TimePoint /*now*/) {
    ++lookups;
    GRAPEVINE_ASSERT(name.mesh == mesh, "only names of the own mesh are looked up");
    Lookup result;
    const auto known = of_type.find(std::string(name.type));
    if (known == of_type.end()) return result;
    for (const std::uint32_t n : known->second) {
        if (!wire::begins_with(id(n), name.digits)) continue;
        const wire::Digest d = digest(mesh, known->first, sequence);
        result.candidates.push_back({id(n), d, wire::sign(key(n), d).envelope, age, {}});
    }
    if (!result.candidates.empty()) result.verdict = Verdict::found;
    return result;
}

std::vector<Side> FakeRoutes::route(std::string_view mesh, TimePoint /*now*/) {
    used.emplace_back(mesh);
    const auto known = meshes.find(mesh);
    return known == meshes.end() ? std::vector<Side>{} : known->second;
}

std::optional<EndpointId> FakeRoutes::authority(std::string_view mesh) const {
    const auto known = authorities.find(mesh);
    return known == authorities.end() ? std::nullopt : std::optional(known->second);
}

void Asker::run_until(TimePoint until) {
    out.clear();
    while (resolver.next_deadline() && *resolver.next_deadline() <= until) {
        const TimePoint now = *resolver.next_deadline();
        resolver.on_deadline(now, out);
        const auto next = resolver.next_deadline();
        GRAPEVINE_ASSERT(!next || *next > now, "deadlines make progress");
    }
}

SendQuestion Asker::only_sent() const {
    const auto all = sent();
    GRAPEVINE_ASSERT(all.size() == 1, "one gateway is asked");
    return all.front();
}

Outcome Asker::only_outcome() const {
    const auto all = done();
    GRAPEVINE_ASSERT(all.size() == 1, "one question ends");
    return all.front().outcome;
}

wire::Resolved found(const std::string& mesh, const std::string& type, const std::vector<std::uint32_t>& nodes,
                     std::uint64_t sequence, std::uint32_t age_ms) {
    wire::Resolved resolved;
    resolved.code = wire::ResolveCode::found;
    for (const std::uint32_t n : nodes)
        resolved.digests.push_back({age_ms, signed_digest(n, mesh, type, sequence)});
    return resolved;
}

std::vector<EndpointId> ids_of(const Outcome& outcome) {
    std::vector<EndpointId> ids;
    ids.reserve(outcome.candidates.size());
    for (const Candidate& candidate : outcome.candidates)
        ids.push_back(candidate.id);
    return ids;
}

std::vector<EndpointId> sorted_ids(const std::vector<std::uint32_t>& numbers) {
    std::vector<EndpointId> ids;
    ids.reserve(numbers.size());
    for (const std::uint32_t n : numbers)
        ids.push_back(id(n));
    std::sort(ids.begin(), ids.end());
    return ids;
}

}  // namespace grapevine::fabric::testing
