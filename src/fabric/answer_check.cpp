#include "fabric/answer_check.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace grapevine::fabric {

namespace {

tl::unexpected<Lie> lie(Lie what) {
    return tl::unexpected<Lie>(what);
}

}  // namespace

tl::expected<std::vector<Candidate>, Lie> AnswerCheck::check(const wire::Resolved& resolved,
                                                             const wire::NameParts& name,
                                                             const std::optional<base::EndpointId>& authority,
                                                             const base::EndpointId& via, base::TimePoint now) {
    std::vector<Candidate> candidates;
    const bool found = resolved.code == wire::ResolveCode::found;
    if (!found && resolved.code != wire::ResolveCode::ambiguous) return candidates;
    if (found && resolved.digests.empty()) return lie(Lie::nothing_found);
    for (const auto& aged : resolved.digests) {
        auto one = candidate(aged, name, authority, now);
        if (!one) return lie(one.error());
        one->via = via;
        const auto same = std::find_if(candidates.begin(), candidates.end(),
                                       [&](const Candidate& other) { return other.id == one->id; });
        if (same == candidates.end()) candidates.push_back(*std::move(one));
    }
    for (const Candidate& one : candidates)
        known_.put(one.id, {one.digest.sequence, now});
    return candidates;
}

tl::expected<Candidate, Lie> AnswerCheck::candidate(const wire::AgedDigest& aged, const wire::NameParts& name,
                                                    const std::optional<base::EndpointId>& authority,
                                                    base::TimePoint now) const {
    const base::Duration age = std::chrono::milliseconds(aged.age_ms);
    if (age > config_.digest_age_max) return lie(Lie::too_old);
    auto statement = wire::open_statement(aged.envelope, config_.verified);
    if (!statement) {
        const bool unsigned_one = statement.error().fault == wire::StatementFault::bad_signature;
        return lie(unsigned_one ? Lie::bad_signature : Lie::bad_statement);
    }
    auto* digest = std::get_if<wire::Digest>(&statement->claim);
    if (digest == nullptr) return lie(Lie::bad_statement);
    if (digest->mesh != name.mesh) return lie(Lie::other_mesh);
    if (digest->type != name.type) return lie(Lie::other_type);
    if (!wire::begins_with(statement->signer, name.digits)) return lie(Lie::other_digits);
    if (digest->presence != wire::Presence::present) return lie(Lie::left);
    const Known* known = known_.peek(statement->signer);
    const bool remembered = known != nullptr && now - known->at < config_.known_for;
    if (remembered && digest->sequence < known->sequence) return lie(Lie::replayed);
    if (authority) {
        const bool admitted =
            config_.admits != nullptr && config_.admits->member(*statement, *authority) == Admission::admitted;
        if (!admitted) return lie(Lie::not_admitted);
    }
    return Candidate{statement->signer, std::move(*digest), std::move(statement->envelope), age, {}};
}

}  // namespace grapevine::fabric
