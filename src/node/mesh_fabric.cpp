#include "node/mesh_fabric.hpp"

#include <string>
#include <utility>
#include <vector>

#include "base/overloaded.hpp"
#include "fabric/duty.hpp"
#include "node/mesh_delivery.hpp"

namespace grapevine::node {

namespace {

fabric::BackboneConfig backbone_config(const MeshConfig& mesh, fabric::Admits& admits) {
    fabric::BackboneConfig config;
    config.fabric = mesh.fabric;
    config.mesh = mesh.mesh;
    config.started = base::WallTime{mesh.started_unix_ms};
    config.seeds = mesh.fabric_seeds;
    config.verified = mesh.verified;
    config.admits = &admits;
    if (mesh.admission.authority) config.pins.push_back({mesh.mesh, *mesh.admission.authority});
    return config;
}

fabric::ResolverConfig resolver_config(const MeshConfig& mesh, fabric::Admits& admits) {
    fabric::ResolverConfig config;
    config.mesh = mesh.mesh;
    config.digest_age_max = mesh.staleness;
    config.verified = mesh.verified;
    config.admits = &admits;
    return config;
}

delivery::ResolveFailure failure_of(fabric::Verdict verdict) {
    switch (verdict) {
        case fabric::Verdict::unknown_mesh: return delivery::ResolveFailure::unknown_mesh;
        case fabric::Verdict::found:
        case fabric::Verdict::no_such_node: return delivery::ResolveFailure::no_such_node;
        case fabric::Verdict::ambiguous: return delivery::ResolveFailure::ambiguous;
        case fabric::Verdict::refused: return delivery::ResolveFailure::refused;
        case fabric::Verdict::busy: return delivery::ResolveFailure::busy;
        case fabric::Verdict::unreachable:
        case fabric::Verdict::deadline: return delivery::ResolveFailure::unreachable;
    }
    return delivery::ResolveFailure::unreachable;
}

}  // namespace

delivery::Resolution resolution_of(const fabric::Outcome& outcome) {
    if (outcome.verdict != fabric::Verdict::found || outcome.candidates.empty())
        return tl::unexpected<delivery::ResolveFailure>(failure_of(outcome.verdict));
    std::vector<delivery::Candidate> candidates;
    candidates.reserve(outcome.candidates.size());
    for (const auto& found : outcome.candidates)
        candidates.push_back(
            {found.id, is_over_budget(found.digest.load) ? delivery::Standing::over_budget : delivery::Standing::good});
    return candidates;
}

MeshFabric::MeshFabric(const MeshConfig& config, const directory::Directory& directory, MeshAdmission& admission,
                       const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger)
    : directory_(directory),
      admission_(admission),
      topic_(fabric::backbone_topic(config.fabric)),
      backbone_(backbone_config(config, admission), key, rng),
      resolver_(resolver_config(config, admission), key.id(), *this, backbone_, rng),
      remembered_(paths::RememberedConfig{}, rng, ledger) {}

void MeshFabric::refresh(base::TimePoint now, fabric::Effects& out) {
    backbone_.set_own(facts(), now, out);
}

// Rules 1 and 2. Whoever is not on duty tells nothing, so it counts nobody.
fabric::OwnFacts MeshFabric::facts() const {
    fabric::OwnFacts facts;
    bool on_duty = false;
    for (const auto& id : fabric::on_duty(backbone_.config().fabric, directory_.of_type(kGatewayType))) {
        const directory::Entry* entry = directory_.find(id);
        if (entry == nullptr) continue;
        on_duty = on_duty || id == directory_.self();
        facts.gateways.push_back({id, entry->digest.addrs});
    }
    if (!on_duty) return facts;
    if (admission_.closed()) {  // Rule 4.
        facts.authority = admission_.gatekeeper().policy().authority;
        facts.ticket = admission_.own_ticket();
        return facts;
    }
    std::map<std::string, std::uint32_t> counts;
    for (const auto& [id, entry] : directory_.entries())
        ++counts[entry.digest.type];
    for (auto& [type, count] : counts)
        facts.members.push_back({type, count});
    return facts;
}

// Rule 3.
void MeshFabric::remember_gateways(std::string_view mesh, base::TimePoint now) {
    for (const auto& side : backbone_.table().sides(mesh))
        for (const auto& gateway : side.gateways)
            remembered_.remember(gateway, now);
}

void MeshFabric::ask_for_delivery(delivery::QuestionId question, fabric::QuestionId id, std::string_view name,
                                  base::TimePoint now, fabric::ResolverEffects& out) {
    for_delivery_[id] = question;
    resolver_.ask(id, name, now + kDeliveryQuestionMax, now, out);
}

std::optional<delivery::QuestionId> MeshFabric::delivery_question(fabric::QuestionId question) {
    const auto it = for_delivery_.find(question);
    if (it == for_delivery_.end()) return std::nullopt;
    const delivery::QuestionId asked = it->second;
    for_delivery_.erase(it);
    return asked;
}

void MeshFabric::set_connectivity(paths::Connectivity connectivity, base::TimePoint now) {
    connectivity_ = connectivity;
    remembered_.set_connectivity(connectivity, now);
}

void MeshFabric::try_remembered(base::TimePoint now, std::vector<paths::TryRemembered>& out) {
    if (backbone_.on_duty() && connectivity_ == paths::Connectivity::isolated) remembered_.on_deadline(now, out);
}

std::optional<base::TimePoint> MeshFabric::next_deadline() const {
    const auto deadline = base::earliest(backbone_.next_deadline(), resolver_.next_deadline());
    const bool seeking = backbone_.on_duty() && connectivity_ == paths::Connectivity::isolated;
    return seeking ? base::earliest(deadline, remembered_.next_deadline()) : deadline;
}

fabric::Candidate MeshFabric::candidate(const base::EndpointId& id, base::TimePoint now) const {
    const directory::Entry& entry = *directory_.find(id);
    const base::Duration age = id == directory_.self() ? base::Duration{} : now - entry.heard_at;
    return {id, entry.digest, entry.envelope, age, directory_.self()};
}

fabric::Outcome MeshFabric::find(const base::EndpointId& id, base::TimePoint now) const {
    if (directory_.find(id) == nullptr)
        return {fabric::Verdict::no_such_node, {}, "an id is looked for in the own mesh only", {}, {}};
    return {fabric::Verdict::found, {candidate(id, now)}, {}, fabric::Origin::own_mesh, {}};
}

fabric::Lookup MeshFabric::lookup(const wire::NameParts& name, base::TimePoint now) {
    std::vector<base::EndpointId> ids;
    fabric::Lookup lookup;
    if (name.digits.empty()) {
        ids = directory_.of_type(name.type);
    } else {
        const std::string whole =
            std::string(name.mesh) + "." + std::string(name.type) + "." + std::string(name.digits);
        std::visit(base::Overloaded{[](const directory::NoSuchName&) {},
                                    [&](const base::EndpointId& id) { ids.push_back(id); },
                                    [&](const directory::AmbiguousName& e) {
                                        ids = e.fits;
                                        lookup.verdict = fabric::Verdict::ambiguous;
                                    }},
                   directory_.resolve(whole));
    }
    for (const auto& id : ids)
        if (directory_.find(id) != nullptr) lookup.candidates.push_back(candidate(id, now));
    if (!lookup.candidates.empty() && lookup.verdict != fabric::Verdict::ambiguous)
        lookup.verdict = fabric::Verdict::found;
    return lookup;
}

}  // namespace grapevine::node
