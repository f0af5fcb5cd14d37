#include "fabric/mesh_table.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace grapevine::fabric {

namespace {

bool differs(const wire::Summary& a, const wire::Summary& b) {
    return a.gateways != b.gateways || a.members != b.members || a.authority != b.authority;
}

}  // namespace

bool names(const wire::Summary& summary, const base::EndpointId& gateway) {
    return std::any_of(summary.gateways.begin(), summary.gateways.end(),
                       [&](const auto& named) { return named.id == gateway; });
}

base::Duration MeshTable::staleness() const {
    const double window = static_cast<double>(config_.refresh.count()) * config_.refreshes;
    return base::Duration(static_cast<base::Duration::rep>(window));
}

std::optional<Refusal> MeshTable::screen(const base::EndpointId& signer, std::string_view mesh, wire::Sequence sequence,
                                         base::TimePoint now) const {
    const Speaker* known = find(signer);
    if (known != nullptr) {
        if (sequence == known->summary.sequence) return Refusal::duplicate;
        if (sequence < known->summary.sequence) return Refusal::not_newer;
        if (known->bucket.empty(config_.summaries_per_signer, now)) return Refusal::rate_limited;
    } else if (const auto grave = graves_.find(signer); grave != graves_.end() && grave->second.until > now) {
        if (sequence <= grave->second.sequence) return Refusal::after_removal;
        if (grave->second.bucket.empty(config_.summaries_per_signer, now)) return Refusal::rate_limited;
    }
    const auto found = meshes_.find(mesh);
    if (found == meshes_.end()) {
        if (known == nullptr && new_speakers_.empty(config_.new_speakers, now)) return Refusal::rate_limited;
        if (meshes_.size() >= config_.meshes_max && !displaceable(mesh, now)) return Refusal::table_full;
        return std::nullopt;
    }
    if (found->second.speakers.contains(signer)) return std::nullopt;
    if (new_speakers_.empty(config_.new_speakers, now)) return Refusal::rate_limited;
    if (found->second.speakers.size() >= config_.speakers_max && !displaceable_speaker(found->second, signer))
        return Refusal::speakers_full;
    return std::nullopt;
}

const std::optional<base::EndpointId>* MeshTable::authority_of(std::string_view mesh) const {
    const auto found = meshes_.find(mesh);
    return found == meshes_.end() ? nullptr : &found->second.authority;
}

Placed MeshTable::put(const base::EndpointId& signer, const wire::Summary& summary, base::TimePoint now) {
    Placed placed;
    make_room(signer, summary.mesh, now, placed);
    const auto [at, fresh] = meshes_.try_emplace(summary.mesh);
    Mesh& mesh = at->second;
    if (fresh) {
        mesh.appeared = now;
        mesh.authority = summary.authority;
        by_age_.emplace(now, summary.mesh);
        placed.kind = Placed::Kind::appeared;
    }
    placed.names_newcomer = std::any_of(summary.gateways.begin(), summary.gateways.end(), [&](const auto& gateway) {
        return std::none_of(mesh.speakers.begin(), mesh.speakers.end(),
                            [&](const auto& other) { return fabric::names(other.second.summary, gateway.id); });
    });
    const auto known = mesh.speakers.find(signer);
    const bool changed = known == mesh.speakers.end() || differs(known->second.summary, summary);
    if (!fresh && changed) placed.kind = Placed::Kind::changed;
    speaker(mesh, signer, summary, now);
    vouch(mesh);
    supersede(mesh, signer, now);
    return placed;
}

// Room for the mesh and for the speaker, and none for what the signer said of another mesh.
void MeshTable::make_room(const base::EndpointId& signer, const std::string& mesh, base::TimePoint now,
                          Placed& placed) {
    if (const auto former = mesh_of_.find(signer); former != mesh_of_.end() && former->second != mesh) {
        const std::string moved_from = former->second;
        if (remove_speaker(signer, now)) placed.gone.emplace_back(moved_from, GoneCause::moved);
    }
    const auto found = meshes_.find(mesh);
    if (found == meshes_.end()) {
        if (meshes_.size() < config_.meshes_max) return;
        const auto victim = displaceable(mesh, now);
        GRAPEVINE_ASSERT(victim, "a summary is screened before it is put");
        remove_mesh(*victim, now);
        placed.gone.emplace_back(*victim, GoneCause::displaced);
        return;
    }
    if (found->second.speakers.contains(signer) || found->second.speakers.size() < config_.speakers_max) return;
    const auto victim = displaceable_speaker(found->second, signer);
    GRAPEVINE_ASSERT(victim, "a summary is screened before it is put");
    ++counters_.speakers_displaced;
    remove_speaker(*victim, now);
}

Speaker& MeshTable::speaker(Mesh& mesh, const base::EndpointId& signer, const wire::Summary& summary,
                            base::TimePoint now) {
    const auto [at, fresh] = mesh.speakers.try_emplace(signer);
    Speaker& speaker = at->second;
    if (fresh) {
        speaker.first_heard = now;
        mesh_of_.emplace(signer, summary.mesh);
        new_speakers_.take(config_.new_speakers, now);
        if (const auto grave = graves_.find(signer); grave != graves_.end()) {
            speaker.bucket = grave->second.bucket;
            burials_.erase({grave->second.until, signer});
            graves_.erase(grave);
        }
    } else {
        stale_.erase({speaker.heard_at + staleness(), signer});
    }
    speaker.summary = summary;
    speaker.heard_at = now;
    speaker.bucket.take(config_.summaries_per_signer, now);
    stale_.emplace(now + staleness(), signer);
    return speaker;
}

// Rule 4. Whoever is vouched for stays so; if nobody is left, the one known longest is.
void MeshTable::vouch(Mesh& mesh) {
    const auto is_vouched = [](const auto& entry) { return entry.second.vouched; };
    if (std::none_of(mesh.speakers.begin(), mesh.speakers.end(), is_vouched)) {
        const auto first =
            std::min_element(mesh.speakers.begin(), mesh.speakers.end(),
                             [](const auto& a, const auto& b) { return a.second.first_heard < b.second.first_heard; });
        first->second.vouched = true;
    }
    const auto is_named = [&](const base::EndpointId& id) {
        return std::any_of(mesh.speakers.begin(), mesh.speakers.end(), [&](const auto& other) {
            return other.second.vouched && fabric::names(other.second.summary, id);
        });
    };
    for (bool more = true; more;) {
        more = false;
        for (auto& [id, speaker] : mesh.speakers) {
            if (speaker.vouched || !is_named(id)) continue;
            speaker.vouched = true;
            more = true;
        }
    }
}

// Rule 5.
void MeshTable::supersede(Mesh& mesh, const base::EndpointId& signer, base::TimePoint now) {
    const wire::Summary& summary = mesh.speakers.at(signer).summary;
    std::vector<base::EndpointId> superseded;
    for (const auto& [id, other] : mesh.speakers) {
        if (id != signer && fabric::names(other.summary, signer) && !fabric::names(summary, id))
            superseded.push_back(id);
    }
    for (const auto& id : superseded) {
        ++counters_.speakers_superseded;
        remove_speaker(id, now);
    }
}

Expired MeshTable::expire(base::TimePoint now) {
    Expired expired;
    while (!stale_.empty() && stale_.begin()->first <= now) {
        const base::EndpointId signer = stale_.begin()->second;
        std::string mesh = mesh_of_.at(signer);
        (remove_speaker(signer, now) ? expired.gone : expired.changed).push_back(std::move(mesh));
    }
    while (!burials_.empty() && burials_.begin()->first <= now) {
        graves_.erase(burials_.begin()->second);
        burials_.erase(burials_.begin());
    }
    return expired;
}

std::optional<base::TimePoint> MeshTable::next_deadline() const {
    const auto first = [](const auto& times) {
        return times.empty() ? std::nullopt : std::optional(times.begin()->first);
    };
    return base::earliest(first(stale_), first(burials_));
}

void MeshTable::note_used(std::string_view mesh, base::TimePoint now) {
    if (const auto found = meshes_.find(mesh); found != meshes_.end()) found->second.used = now;
}

bool MeshTable::names(const base::EndpointId& gateway) const {
    return std::any_of(meshes_.begin(), meshes_.end(), [&](const auto& mesh) {
        return std::any_of(mesh.second.speakers.begin(), mesh.second.speakers.end(),
                           [&](const auto& speaker) { return fabric::names(speaker.second.summary, gateway); });
    });
}

bool MeshTable::is_protected(std::string_view mesh) const {
    return mesh == config_.mesh ||
           std::any_of(config_.pins.begin(), config_.pins.end(), [&](const Pin& pin) { return pin.mesh == mesh; });
}

bool MeshTable::is_in_use(const Mesh& mesh, base::TimePoint now) const {
    return mesh.used && now - *mesh.used < config_.used_for;
}

// Rule 6.
std::optional<std::string> MeshTable::displaceable(std::string_view newcomer, base::TimePoint now) const {
    const bool any_age = is_protected(newcomer);
    for (auto at = by_age_.rbegin(); at != by_age_.rend(); ++at) {
        if (!any_age && now - at->first >= config_.probation) break;
        if (!is_protected(at->second) && !is_in_use(meshes_.at(at->second), now)) return at->second;
    }
    return std::nullopt;
}

// Rule 4.
std::optional<base::EndpointId> MeshTable::displaceable_speaker(const Mesh& mesh,
                                                                const base::EndpointId& newcomer) const {
    const bool vouched = std::any_of(mesh.speakers.begin(), mesh.speakers.end(), [&](const auto& speaker) {
        return speaker.second.vouched && fabric::names(speaker.second.summary, newcomer);
    });
    if (!vouched) return std::nullopt;
    std::optional<base::EndpointId> victim;
    for (const auto& [id, speaker] : mesh.speakers) {
        if (speaker.vouched) continue;
        if (!victim || speaker.first_heard > mesh.speakers.at(*victim).first_heard) victim = id;
    }
    return victim;
}

const Speaker* MeshTable::find(const base::EndpointId& signer) const {
    const auto mesh = mesh_of_.find(signer);
    return mesh == mesh_of_.end() ? nullptr : &meshes_.at(mesh->second).speakers.at(signer);
}

void MeshTable::remove_mesh(const std::string& mesh, base::TimePoint now) {
    std::vector<base::EndpointId> signers;
    for (const auto& [id, speaker] : meshes_.at(mesh).speakers)
        signers.push_back(id);
    for (const auto& id : signers)
        remove_speaker(id, now);
}

bool MeshTable::remove_speaker(const base::EndpointId& signer, base::TimePoint now) {
    const auto of = mesh_of_.find(signer);
    const auto mesh = meshes_.find(of->second);
    const auto speaker = mesh->second.speakers.find(signer);
    bury(signer, speaker->second, now);
    stale_.erase({speaker->second.heard_at + staleness(), signer});
    mesh->second.speakers.erase(speaker);
    mesh_of_.erase(of);
    if (!mesh->second.speakers.empty()) return false;
    by_age_.erase({mesh->second.appeared, mesh->first});
    meshes_.erase(mesh);
    return true;
}

void MeshTable::bury(const base::EndpointId& signer, const Speaker& speaker, base::TimePoint now) {
    if (config_.graves_max == 0) return;
    if (graves_.size() >= config_.graves_max) {
        ++counters_.graves_displaced;
        graves_.erase(burials_.begin()->second);
        burials_.erase(burials_.begin());
    }
    graves_.insert_or_assign(signer, Grave{speaker.summary.sequence, now + config_.grave_life, speaker.bucket});
    burials_.emplace(now + config_.grave_life, signer);
}

namespace {

struct Group {
    std::vector<const Speaker*> speakers;
    [[nodiscard]] bool meets(const Speaker& speaker) const {
        const auto shared = [&](const auto& gateway) {
            return std::any_of(speakers.begin(), speakers.end(),
                               [&](const Speaker* other) { return fabric::names(other->summary, gateway.id); });
        };
        return std::any_of(speaker.summary.gateways.begin(), speaker.summary.gateways.end(), shared);
    }
};

// What is vouched for comes first, then what was heard last.
bool comes_before(const Speaker* a, const Speaker* b) {
    if (a->vouched != b->vouched) return a->vouched;
    return a->heard_at > b->heard_at;
}

Side side_of(Group group) {
    std::stable_sort(group.speakers.begin(), group.speakers.end(), comes_before);
    Side side;
    for (const Speaker* speaker : group.speakers) {
        for (const auto& gateway : speaker->summary.gateways) {
            const auto same = [&](const auto& other) { return other.id == gateway.id; };
            if (std::none_of(side.gateways.begin(), side.gateways.end(), same)) side.gateways.push_back(gateway);
        }
    }
    return side;
}

}  // namespace

std::vector<Side> MeshTable::sides(std::string_view mesh) const {
    const auto found = meshes_.find(mesh);
    if (found == meshes_.end()) return {};
    std::vector<const Speaker*> speakers;
    for (const auto& [id, speaker] : found->second.speakers)
        speakers.push_back(&speaker);
    std::stable_sort(speakers.begin(), speakers.end(), comes_before);
    std::vector<Group> groups;
    for (const Speaker* speaker : speakers) {
        Group joined{{speaker}};
        // What the speaker has a gateway in common with becomes one group, in the place of the first of them.
        const auto first = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.meets(*speaker); });
        const auto place = first - groups.begin();
        std::erase_if(groups, [&](const Group& group) {
            if (!group.meets(*speaker)) return false;
            joined.speakers.insert(joined.speakers.end(), group.speakers.begin(), group.speakers.end());
            return true;
        });
        groups.insert(groups.begin() + place, std::move(joined));
    }
    std::vector<Side> sides;
    sides.reserve(groups.size());
    for (auto& group : groups)
        sides.push_back(side_of(std::move(group)));
    return sides;
}

}  // namespace grapevine::fabric
