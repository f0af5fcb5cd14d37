// What others say: which statements are refused, and what the accepted ones change.

#include <algorithm>
#include <utility>

#include "directory/directory.hpp"

namespace grapevine::directory {

namespace {

Refusal refusal_of(wire::StatementFault fault) {
    switch (fault) {
        case wire::StatementFault::oversized: return Refusal::oversized;
        case wire::StatementFault::unknown_version: return Refusal::unknown_version;
        case wire::StatementFault::unknown_kind: return Refusal::unknown_kind;
        case wire::StatementFault::bad_signature: return Refusal::bad_signature;
        case wire::StatementFault::bad_name: return Refusal::bad_name;
        case wire::StatementFault::malformed: break;
    }
    return Refusal::malformed;
}

// What is said for its own sake, and not only to be fresh.
bool differs(const wire::Digest& a, const wire::Digest& b) {
    return a.type != b.type || a.presence != b.presence || a.addrs != b.addrs || a.neighbors != b.neighbors ||
           a.started_unix_ms != b.started_unix_ms;
}

}  // namespace

void Directory::on_statement(const base::EndpointId& from, base::ByteView envelope, Source source, base::TimePoint now,
                             Effects& out) {
    on_neighbor_heard(from, now, out);
    judge(from, envelope, source, now, out);
}

void Directory::judge(const base::EndpointId& from, base::ByteView envelope, Source source, base::TimePoint now,
                      Effects& out) {
    if (envelope.size() > wire::kStatementMax) return refuse(from, Refusal::oversized, out);
    const auto seen = wire::glance(envelope);
    if (seen) {
        if (const auto refusal = screen(envelope, *seen, now)) {
            if (*refusal == Refusal::duplicate) note_known_by_mesh(seen->signer, source);
            if (*refusal == Refusal::unknown_accuser) keep_orphan(from, envelope, seen->signer, source, now);
            if (*refusal == Refusal::unknown_accused) keep_orphan(from, envelope, *seen->accused, source, now);
            return refuse(from, *refusal, out);
        }
    }
    const auto statement = wire::open_statement(envelope, config_.verified);
    if (!statement) return refuse(from, refusal_of(statement.error().fault), out);
    if (!seen) return refuse(from, Refusal::malformed, out);  // What was not screened is not accepted.
    if (!admits(*statement, now)) return refuse(from, Refusal::not_admitted, out);
    if (std::holds_alternative<wire::Accusation>(statement->claim)) {
        accept_accusation(from, *statement, source, now, out);
    } else if (statement->signer == self_) {
        accept_own(*statement, now, out);
    } else if (std::get<wire::Digest>(statement->claim).presence == wire::Presence::leaving) {
        accept_leaving(*statement, source, now, out);
    } else {
        accept_digest(*statement, source, now, out);
    }
}

// Rule 14.
bool Directory::admits(const wire::Statement& statement, base::TimePoint now) const {
    const auto* digest = std::get_if<wire::Digest>(&statement.claim);
    if (config_.admission == nullptr || digest == nullptr || statement.signer == self_) return true;
    return config_.admission->admits(statement.signer, *digest, now);
}

void Directory::refuse(const base::EndpointId& from, Refusal refusal, Effects& out) {
    ++counters_.refused[static_cast<std::size_t>(refusal)];
    out.emplace_back(Refused{from, refusal});
}

// Rule 13. Of the buried nothing is awaited: an old digest of theirs is refused, and a newer one refutes.
void Directory::keep_orphan(const base::EndpointId& from, base::ByteView envelope, const base::EndpointId& missing,
                            Source source, base::TimePoint now) {
    if (table_.tombstone(missing) != nullptr) return;
    orphans_.keep({missing, from, base::Bytes(envelope.begin(), envelope.end()), source, now + kOrphanHold});
    counters_.orphans_displaced = orphans_.displaced();
}

std::optional<Refusal> Directory::screen(base::ByteView envelope, const wire::Glance& glance,
                                         base::TimePoint now) const {
    if (glance.mesh != config_.mesh) return Refusal::other_mesh;
    if (glance.accused) return screen_accusation(glance, now);
    return glance.signer == self_ ? screen_own(envelope, glance) : screen_digest(envelope, glance, now);
}

std::optional<Refusal> Directory::screen_digest(base::ByteView envelope, const wire::Glance& glance,
                                                base::TimePoint now) const {
    if (const Entry* entry = table_.find(glance.signer)) {
        if (std::equal(envelope.begin(), envelope.end(), entry->envelope.begin(), entry->envelope.end()))
            return Refusal::duplicate;
        if (glance.sequence <= entry->digest.sequence) return Refusal::not_newer;
        if (entry->digests.empty(config_.digests_per_signer, now)) return Refusal::rate_limited;
        return std::nullopt;
    }
    if (const Tombstone* grave = table_.tombstone(glance.signer); grave != nullptr && grave->until > now) {
        if (glance.sequence <= grave->sequence) return Refusal::after_removal;
        if (grave->digests.empty(config_.digests_per_signer, now)) return Refusal::rate_limited;
    }
    if (table_.full() && !table_.displaceable(now)) return Refusal::directory_full;
    return std::nullopt;
}

std::optional<Refusal> Directory::screen_own(base::ByteView envelope, const wire::Glance& glance) const {
    if (glance.sequence < voice_.sequence()) return Refusal::own_echo;
    const Entry* own = table_.find(self_);
    const bool echo =
        own != nullptr && std::equal(envelope.begin(), envelope.end(), own->envelope.begin(), own->envelope.end());
    return echo ? std::optional(Refusal::own_echo) : std::nullopt;
}

std::optional<Refusal> Directory::screen_accusation(const wire::Glance& glance, base::TimePoint now) const {
    const base::EndpointId& accused = *glance.accused;
    if (glance.signer == accused) return Refusal::self_accusation;
    if (glance.signer == self_) return Refusal::own_echo;
    if (accused == self_) return screen_self_accusation(glance);
    const Entry* accuser = table_.find(glance.signer);
    if (accuser == nullptr) return Refusal::unknown_accuser;
    const Entry* entry = table_.find(accused);
    if (entry == nullptr) return Refusal::unknown_accused;
    if (glance.sequence < entry->digest.sequence) return Refusal::stale_accusation;
    if (accuser->accusations.empty(config_.accusations_per_signer, now)) return Refusal::rate_limited;
    return std::nullopt;
}

// Somebody who claims to know a sequence of ours far above what we use is lying; a restart with a clock behind explains
// years, no more.
std::optional<Refusal> Directory::screen_self_accusation(const wire::Glance& glance) const {
    const wire::Sequence own = voice_.sequence();
    if (glance.sequence < own) return Refusal::stale_accusation;
    if (glance.sequence.value - own.value > kSequenceLeadMax) return Refusal::implausible;
    return std::nullopt;
}

void Directory::note_known_by_mesh(const base::EndpointId& signer, Source source) {
    Entry* entry = table_.find(signer);
    if (entry != nullptr && source == Source::gossip && signer != self_) entry->source = Source::gossip;
}

void Directory::accept_own(const wire::Statement& statement, base::TimePoint now, Effects& out) {
    if (!voice_.jump_above(std::get<wire::Digest>(statement.claim).sequence)) {
        ++counters_.refused[static_cast<std::size_t>(Refusal::implausible)];
        return;
    }
    ++counters_.sequence_jumps;
    voice_.want_urgent();
    emit_due(now, out);
}

void Directory::accept_digest(const wire::Statement& statement, Source source, base::TimePoint now, Effects& out) {
    ++counters_.accepted;
    const auto& digest = std::get<wire::Digest>(statement.claim);
    const Entry* known = table_.find(statement.signer);
    const bool added = known == nullptr;
    const bool changed = !added && differs(known->digest, digest);
    if (added) {
        if (table_.tombstone(statement.signer) != nullptr) ++counters_.returned;
        if (table_.full()) remove(base::EndpointId(*table_.displaceable(now)), RemovalCause::displaced, {}, now, out);
        out.emplace_back(EntryAdded{statement.signer, source});
    } else {
        out.emplace_back(EntryUpdated{statement.signer, source, changed ? Change::changed : Change::refreshed});
    }
    table_.put(statement, source, now).digests.take(config_.digests_per_signer, now);
    witness(statement.signer, statement.envelope, now);
    health_.forget(statement.signer);
    const Suspicion* suspicion = suspicions_.find(statement.signer);
    if (suspicion != nullptr && digest.sequence > suspicion->sequence) {
        suspicions_.erase(statement.signer);
        out.emplace_back(Refuted{statement.signer, Refutation::newer_digest});
    }
    queue_forward(statement, source, now);
    if (!added) return;
    for (const Orphan& orphan : orphans_.take(statement.signer, now))
        judge(orphan.from, orphan.envelope, orphan.source, now, out);
}

void Directory::accept_leaving(const wire::Statement& statement, Source source, base::TimePoint now, Effects& out) {
    ++counters_.accepted;
    const auto& digest = std::get<wire::Digest>(statement.claim);
    if (table_.find(statement.signer) != nullptr) remove(statement.signer, RemovalCause::left, {}, now, out);
    witness(statement.signer, statement.envelope, now);
    Tombstone grave{digest.sequence, RemovalCause::left, digest.type, {}, now + config_.staleness * 2, {}, {}};
    if (const Tombstone* earlier = table_.tombstone(statement.signer)) {
        grave.digests = earlier->digests;
        grave.accusations = earlier->accusations;
    }
    grave.digests.take(config_.digests_per_signer, now);
    if (statement.envelope.size() <= kProofBytesMax) grave.proof = statement.envelope;
    table_.bury(statement.signer, std::move(grave));
    counters_.tombstones_displaced = table_.tombstones_displaced();
    queue_forward(statement, source, now);
}

void Directory::accept_accusation(const base::EndpointId& from, const wire::Statement& statement, Source source,
                                  base::TimePoint now, Effects& out) {
    const auto& claim = std::get<wire::Accusation>(statement.claim);
    if (claim.accused == self_) return refute(statement, now, out);
    table_.find(statement.signer)->accusations.take(config_.accusations_per_signer, now);
    const Accuser accuser{statement.signer, claim.reason, claim.phase};
    // The accuser may know a newer digest than we do, which then refutes nothing. What the accused would find
    // implausible itself, and hence not jump above, does not count.
    wire::Sequence sequence = table_.find(claim.accused)->digest.sequence;
    if (claim.sequence.value - sequence.value <= kSequenceLeadMax) sequence = claim.sequence;
    switch (suspicions_.accuse(claim.accused, sequence, accuser, now)) {
        case Accepted::full: return refuse(from, Refusal::suspicions_full, out);
        case Accepted::known: return refuse(from, Refusal::duplicate, out);
        case Accepted::begun:
        case Accepted::joined: break;
    }
    ++counters_.accepted;
    witness(claim.accused, statement.envelope, now);
    out.emplace_back(Suspected{claim.accused, accuser});
    queue_forward(statement, source, now);
}

void Directory::refute(const wire::Statement& statement, base::TimePoint now, Effects& out) {
    const auto& claim = std::get<wire::Accusation>(statement.claim);
    ++counters_.accepted;
    ++counters_.refutations;
    out.emplace_back(SelfAccused{Accuser{statement.signer, claim.reason, claim.phase}});
    voice_.jump_above(claim.sequence);
    voice_.want_urgent();
    emit_due(now, out);
}

}  // namespace grapevine::directory
