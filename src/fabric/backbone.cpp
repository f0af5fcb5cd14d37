#include "fabric/backbone.hpp"

#include <algorithm>
#include <utility>

#include "fabric/duty.hpp"

namespace grapevine::fabric {

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

}  // namespace

Backbone::Backbone(BackboneConfig config, const base::SecretKey& key, base::Rng& rng)
    : config_(std::move(config)),
      self_(key.id()),
      announcer_(config_, key, rng),
      table_(config_, counters_),
      topic_(backbone_topic(config_.fabric)) {}

void Backbone::set_own(const OwnFacts& facts, base::TimePoint now, Effects& out) {
    const bool was_on_duty = on_duty();
    announcer_.set_facts(facts, now);
    if (was_on_duty && !on_duty()) {
        out.emplace_back(LeaveBackbone{topic_});
        seeds_at_.reset();
    }
    if (!on_duty()) return;
    if (!was_on_duty && !config_.seeds.empty()) {
        seeds_wait_ = config_.seed_retry_min;
        seeds_at_ = now + seeds_wait_;
    }
    const auto others = fellows();
    std::vector<base::EndpointId> ids;
    ids.reserve(others.size());
    for (const auto& fellow : others)
        ids.push_back(fellow.id);
    std::sort(ids.begin(), ids.end());
    if (!was_on_duty || ids != joined_with_) out.emplace_back(JoinBackbone{topic_, bootstrap()});
    joined_with_ = std::move(ids);
    emit_due(now, out);
}

void Backbone::on_summary(const base::EndpointId& from, base::ByteView envelope, base::TimePoint now, Effects& out) {
    if (envelope.size() > wire::kSummaryMax) return refuse(from, Refusal::oversized, out);
    const auto seen = wire::glance_at_summary(envelope);
    if (seen) {
        if (const auto refusal = screen(envelope, *seen, now)) return refuse(from, *refusal, out);
    }
    const auto heard = wire::open_summary(envelope, config_.verified);
    if (!heard) return refuse(from, refusal_of(heard.error().fault), out);
    if (!seen) return refuse(from, Refusal::malformed, out);  // What was not screened is not accepted.
    if (heard->signer == self_) return accept_own(from, heard->summary, now, out);
    if (const auto refusal = judge(*heard)) return refuse(from, *refusal, out);
    accept(*heard, now, out);
}

void Backbone::on_neighbor_up(const base::EndpointId& peer, base::TimePoint now, Effects& out) {
    if (!announcer_.is_fellow(peer) && !table_.names(peer)) announcer_.want_introduction(now);
    emit_due(now, out);
}

void Backbone::on_deadline(base::TimePoint now, Effects& out) {
    const Expired expired = table_.expire(now);
    for (const std::string& mesh : expired.gone)
        tell_gone(mesh, GoneCause::stale, out);
    for (const std::string& mesh : expired.changed) {
        const bool still_there = mesh != config_.mesh && table_.meshes().contains(mesh);
        if (still_there) out.emplace_back(MeshChanged{mesh});
    }
    retry_seeds(now, out);
    emit_due(now, out);
}

// Rule 8.
void Backbone::retry_seeds(base::TimePoint now, Effects& out) {
    if (!seeds_at_ || *seeds_at_ > now) return;
    std::vector<wire::EndpointAddr> missing;
    for (const auto& seed : config_.seeds) {
        const bool is_there = seed.id == self_ || announcer_.is_fellow(seed.id) || table_.names(seed.id);
        if (!is_there && missing.size() < kBootstrapMax) missing.push_back(seed);
    }
    seeds_wait_ = missing.empty() ? config_.seed_retry_max : std::min(2 * seeds_wait_, config_.seed_retry_max);
    seeds_at_ = now + seeds_wait_;
    if (!missing.empty()) out.emplace_back(JoinBackbone{topic_, std::move(missing)});
}

std::optional<base::TimePoint> Backbone::next_deadline() const {
    return base::earliest(seeds_at_, base::earliest(announcer_.next_deadline(), table_.next_deadline()));
}

std::vector<wire::EndpointAddr> Backbone::fellows() const {
    std::vector<wire::EndpointAddr> others = announcer_.current().gateways;
    std::erase_if(others, [&](const auto& gateway) { return gateway.id == self_; });
    return others;
}

std::vector<Side> Backbone::route(std::string_view mesh, base::TimePoint now) {
    table_.note_used(mesh, now);
    return table_.sides(mesh);
}

std::optional<base::EndpointId> Backbone::authority(std::string_view mesh) const {
    for (const Pin& pin : config_.pins) {
        if (pin.mesh == mesh) return pin.authority;
    }
    const auto* known = table_.authority_of(mesh);
    return known == nullptr ? std::nullopt : *known;
}

std::vector<wire::EndpointAddr> Backbone::bootstrap() const {
    std::vector<wire::EndpointAddr> peers;
    const auto add = [&](const wire::EndpointAddr& peer) {
        const auto same = [&](const auto& other) { return other.id == peer.id; };
        if (peers.size() >= kBootstrapMax || peer.id == self_ || std::any_of(peers.begin(), peers.end(), same)) return;
        peers.push_back(peer);
    };
    std::for_each(config_.seeds.begin(), config_.seeds.end(), add);
    const auto others = fellows();
    std::for_each(others.begin(), others.end(), add);
    for (const auto& [name, mesh] : table_.meshes()) {
        for (const auto& [id, speaker] : mesh.speakers)
            std::for_each(speaker.summary.gateways.begin(), speaker.summary.gateways.end(), add);
    }
    return peers;
}

std::vector<MeshRow> Backbone::snapshot(base::TimePoint now) const {
    std::vector<MeshRow> rows;
    for (const auto& [name, mesh] : table_.meshes()) {
        if (name == config_.mesh) continue;
        MeshRow row{name, table_.sides(name), {}, mesh.authority, base::Duration::max()};
        for (const auto& [id, speaker] : mesh.speakers) {
            if (now - speaker.heard_at >= row.age) continue;
            row.age = now - speaker.heard_at;
            row.members = speaker.summary.members;
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

void Backbone::refuse(const base::EndpointId& from, Refusal refusal, Effects& out) {
    ++counters_.refused[static_cast<std::size_t>(refusal)];
    out.emplace_back(Refused{from, refusal});
}

void Backbone::emit_due(base::TimePoint now, Effects& out) {
    const auto occasion = announcer_.due(now);
    if (!occasion) return;
    ++counters_.said[static_cast<std::size_t>(*occasion)];
    const auto context = config_.contexts == nullptr ? base::TraceContext{} : config_.contexts->summary(*occasion);
    said_ = announcer_.speak(*occasion, context, now).envelope;
    out.emplace_back(Broadcast{said_, *occasion, context});
}

std::optional<Refusal> Backbone::screen(base::ByteView envelope, const wire::SummaryGlance& seen,
                                        base::TimePoint now) const {
    if (seen.fabric != config_.fabric) return Refusal::other_fabric;
    if (seen.signer != self_) return table_.screen(seen.signer, seen.mesh, seen.sequence, now);
    if (seen.sequence < announcer_.sequence()) return Refusal::own_echo;
    const bool echo = std::equal(envelope.begin(), envelope.end(), said_.begin(), said_.end());
    return echo ? std::optional(Refusal::own_echo) : std::nullopt;
}

std::optional<Refusal> Backbone::judge(const wire::SignedSummary& heard) const {
    const wire::Summary& summary = heard.summary;
    if (!names(summary, heard.signer)) return Refusal::not_a_gateway;
    if (summary.authority != expected_authority(summary)) return Refusal::other_authority;
    if (!summary.authority) return std::nullopt;
    const bool admitted =
        config_.admits != nullptr &&
        config_.admits->speaker(heard.signer, summary.mesh, *summary.authority, summary.ticket) == Admission::admitted;
    return admitted ? std::nullopt : std::optional(Refusal::not_admitted);
}

std::optional<base::EndpointId> Backbone::expected_authority(const wire::Summary& summary) const {
    if (summary.mesh == config_.mesh) return announcer_.current().authority;
    for (const Pin& pin : config_.pins) {
        if (pin.mesh == summary.mesh) return pin.authority;
    }
    const auto* known = table_.authority_of(summary.mesh);
    return known == nullptr ? summary.authority : *known;
}

void Backbone::accept_own(const base::EndpointId& from, const wire::Summary& summary, base::TimePoint now,
                          Effects& out) {
    if (!announcer_.jump_above(summary.sequence, now)) return refuse(from, Refusal::implausible, out);
    ++counters_.sequence_jumps;
    emit_due(now, out);
}

void Backbone::accept(const wire::SignedSummary& heard, base::TimePoint now, Effects& out) {
    ++counters_.accepted;
    const std::string& mesh = heard.summary.mesh;
    const Placed placed = table_.put(heard.signer, heard.summary, now);
    for (const auto& [gone, cause] : placed.gone)
        tell_gone(gone, cause, out);
    if (mesh == config_.mesh) return accept_fellow(heard, now, out);
    if (placed.kind == Placed::Kind::appeared) {
        ++counters_.appeared;
        out.emplace_back(MeshAppeared{mesh});
    } else if (placed.kind == Placed::Kind::changed) {
        out.emplace_back(MeshChanged{mesh});
    }
    if (placed.names_newcomer) announcer_.want_introduction(now);
    emit_due(now, out);
}

void Backbone::accept_fellow(const wire::SignedSummary& heard, base::TimePoint now, Effects& out) {
    if (!announcer_.is_fellow(heard.signer)) {
        std::vector<wire::EndpointAddr> others = heard.summary.gateways;
        std::erase_if(others, [&](const auto& gateway) { return announcer_.is_fellow(gateway.id); });
        out.emplace_back(OwnMeshElsewhere{std::move(others)});
    } else if (announcer_.on_fellow(heard.summary, now)) {
        ++counters_.fellows_heard;
    }
    emit_due(now, out);
}

void Backbone::tell_gone(const std::string& mesh, GoneCause cause, Effects& out) {
    switch (cause) {
        case GoneCause::stale: ++counters_.gone_stale; break;
        case GoneCause::displaced: ++counters_.gone_displaced; break;
        case GoneCause::moved: ++counters_.gone_moved; break;
    }
    if (mesh != config_.mesh) out.emplace_back(MeshGone{mesh, cause});
}

}  // namespace grapevine::fabric
