// Accusing, judging, removing; and passing on what was learned by sync.

#include <algorithm>
#include <utility>

#include "directory/directory.hpp"

namespace grapevine::directory {

base::Bytes Directory::accusation(const base::EndpointId& accused, wire::Sequence sequence, wire::AccusationPhase phase,
                                  wire::AccusationReason reason, const base::TraceContext& context) const {
    return wire::sign(key_,
                      wire::Accusation{wire::kDigestVersion, config_.mesh, accused, sequence, phase, reason, context})
        .envelope;
}

void Directory::decide_held(base::TimePoint now, Effects& out) {
    for (const HeldAccusation& held : health_.decide(voice_.neighbors(), now, counters_.accusations_held)) {
        accuse(held, now, out);
    }
}

void Directory::accuse(const HeldAccusation& held, base::TimePoint now, Effects& out) {
    const Entry* entry = table_.find(held.accused);
    if (entry == nullptr || entry->digest.sequence > held.sequence) return;
    if (suspicions_.accused_by(held.accused, self_)) return;
    const Accuser accuser{self_, held.reason, wire::AccusationPhase::suspected};
    const Accepted accepted = suspicions_.accuse(held.accused, held.sequence, accuser, now);
    if (accepted == Accepted::full) {
        ++counters_.accusations_dropped;
        return;
    }
    if (accepted != Accepted::known) out.emplace_back(Suspected{held.accused, accuser});
    if (!voice_.speaks()) return;
    ++counters_.accusations_made;
    const base::TraceContext context = context_for(Cause::accusation, held.accused);
    base::Bytes envelope =
        accusation(held.accused, held.sequence, wire::AccusationPhase::suspected, held.reason, context);
    witness(held.accused, envelope, now);
    out.emplace_back(BroadcastStatement{std::move(envelope), Cause::accusation, context});
}

void Directory::pass_verdicts(base::TimePoint now, Effects& out) {
    for (const base::EndpointId& id : suspicions_.due(now)) {
        if (health_.in_doubt()) {
            ++counters_.verdicts_postponed;
            suspicions_.postpone(id, now + config_.suspicion_min);
        } else {
            die(id, now, out);
        }
    }
}

void Directory::die(const base::EndpointId& id, base::TimePoint now, Effects& out) {
    const Suspicion* suspicion = suspicions_.find(id);
    std::vector<Accuser> accusers = suspicion->accusers;
    const wire::Sequence sequence = suspicion->sequence;
    const auto own = std::find_if(accusers.begin(), accusers.end(), [&](const Accuser& a) { return a.id == self_; });
    if (own != accusers.end() && voice_.speaks()) {
        ++counters_.confirmations_made;
        const base::TraceContext context = context_for(Cause::confirmation, id);
        base::Bytes envelope = accusation(id, sequence, wire::AccusationPhase::confirmed, own->reason, context);
        witness(id, envelope, now);
        out.emplace_back(BroadcastStatement{std::move(envelope), Cause::confirmation, context});
    }
    remove(id, RemovalCause::died, std::move(accusers), now, out);
}

void Directory::expel(const base::EndpointId& id, base::TimePoint now, Effects& out) {
    if (id != self_) remove(id, RemovalCause::expelled, {}, now, out);
}

void Directory::remove(const base::EndpointId& id, RemovalCause cause, std::vector<Accuser> accusers,
                       base::TimePoint now, Effects& out) {
    std::string name = name_of(id);
    auto entry = table_.remove(id, cause, now);
    if (!entry) return;
    suspicions_.erase(id);
    health_.forget(id);
    counters_.tombstones_displaced = table_.tombstones_displaced();
    switch (cause) {
        case RemovalCause::left: ++counters_.left; break;
        case RemovalCause::died: ++counters_.died; break;
        case RemovalCause::stale: ++counters_.stale; break;
        case RemovalCause::displaced: ++counters_.displaced; break;
        case RemovalCause::expelled: ++counters_.expelled; break;
        case RemovalCause::unlisted: ++counters_.unlisted; break;
    }
    if (cause != RemovalCause::left) {
        if (deaths_.size() >= config_.deaths_max && !deaths_.empty()) deaths_.pop_front();
        if (config_.deaths_max > 0) deaths_.push_back(Death{id, std::move(name), cause, now, accusers});
    }
    out.emplace_back(EntryRemoved{id, cause, std::move(accusers), std::move(entry->digest.addrs)});
}

void Directory::queue_forward(const wire::Statement& statement, Source source, base::TimePoint now) {
    if (source != Source::sync) return;
    if (forwards_.empty()) forward_at_ = std::max(forward_at_, now);
    Forward forward{statement.signer, std::nullopt, statement.envelope};
    if (const auto* digest = std::get_if<wire::Digest>(&statement.claim)) forward.sequence = digest->sequence;
    if (forwards_.push(std::move(forward)) == base::Admitted::no) ++counters_.forwards_dropped;
}

void Directory::forward_batch(base::TimePoint now, Effects& out) {
    if (forwards_.empty() || forward_at_ > now) return;
    std::size_t sent = 0;
    while (sent < config_.forwards_per_batch) {
        auto forward = forwards_.pop();
        if (!forward) break;
        if (!still_worth(*forward)) {
            ++counters_.forwards_spared;
            continue;
        }
        ++sent;
        ++counters_.forwarded;
        out.emplace_back(BroadcastStatement{std::move(forward->envelope)});
    }
    forward_at_ = now + config_.forward_interval;
}

// Not when something newer is known, nor when the mesh said the same meanwhile.
bool Directory::still_worth(const Forward& forward) const {
    if (!forward.sequence) return true;
    const Entry* entry = table_.find(forward.signer);
    if (entry != nullptr) return entry->digest.sequence == *forward.sequence && entry->source != Source::gossip;
    const Tombstone* grave = table_.tombstone(forward.signer);
    return grave != nullptr && grave->sequence == *forward.sequence && grave->cause == RemovalCause::left;
}

}  // namespace grapevine::directory
