#include "node/mesh_watches.hpp"

#include <algorithm>

#include "base/overloaded.hpp"

namespace grapevine::node {

bool MeshWatches::Foreign::admits(const base::EndpointId& author, const wire::Digest& digest, base::TimePoint now) {
    const auto authority = authority_(mesh_);
    if (!authority) return true;
    admission_.at(now);
    return admission_.admits_foreign(author, digest, *authority) == fabric::Admission::admitted;
}

MeshWatches::MeshWatches(std::string own_mesh, MeshAdmission& admission, Authority authority,
                         base::VerificationMemo* verified, base::Rng& rng, telemetry::Ledger& ledger)
    : own_mesh_(std::move(own_mesh)),
      admission_(admission),
      authority_(std::move(authority)),
      verified_(verified),
      rng_(rng),
      ledger_(ledger) {}

base::Admitted MeshWatches::watch(const std::string& mesh, base::TimePoint now, WatchEffects& out) {
    return add({wire::WatchSubject::directory, mesh}, now, out);
}

base::Admitted MeshWatches::watch_meshes(base::TimePoint now, WatchEffects& out) {
    return add({wire::WatchSubject::meshes, own_mesh_}, now, out);
}

base::Admitted MeshWatches::add(const WatchKey& key, base::TimePoint now, WatchEffects& out) {
    if (watches_.contains(key)) return base::Admitted::yes;
    if (watches_.size() >= kWatchesMax) {
        ++counters_.refused_full;
        return base::Admitted::no;
    }
    Watch& watch = watches_[key];
    watch.source.mesh = key.mesh;
    watch.source.since = now;
    watch.source.text = "looking for a gateway";
    if (key.subject == wire::WatchSubject::directory) {
        watch.admission = std::make_unique<Foreign>(key.mesh, admission_, authority_);
        watch.directory = std::make_unique<WatchedDirectory>(key.mesh, watch.admission.get(), verified_, rng_, ledger_);
    }
    out.emplace_back(WatchSourceChanged{watch.source});
    seek(key, watch, now, out);
    return base::Admitted::yes;
}

void MeshWatches::unwatch(const std::string& mesh, WatchEffects& out) {
    remove({wire::WatchSubject::directory, mesh}, out);
}

void MeshWatches::unwatch_meshes(WatchEffects& out) {
    remove({wire::WatchSubject::meshes, own_mesh_}, out);
}

void MeshWatches::remove(const WatchKey& key, WatchEffects& out) {
    const auto it = watches_.find(key);
    if (it == watches_.end()) return;
    drop_stream(it->second, out);
    watches_.erase(it);
}

void MeshWatches::seek(const WatchKey& key, Watch& watch, base::TimePoint now, WatchEffects& out) {
    watch.phase = Phase::seeking;
    watch.due.reset();
    if (watch.source.state == WatchState::up) set_state(watch, WatchState::seeking, watch.source.text, now, out);
    out.emplace_back(SeekGateways{key});
}

// Rule 1.
void MeshWatches::on_gateways(const WatchKey& key, std::vector<base::EndpointId> gateways, std::string_view text,
                              base::TimePoint now, WatchEffects& out) {
    const auto it = watches_.find(key);
    if (it == watches_.end() || it->second.phase != Phase::seeking) return;
    Watch& watch = it->second;
    std::erase_if(watch.bans, [&](const auto& ban) { return ban.second <= now; });
    const std::size_t found = gateways.size();
    std::erase_if(gateways, [&](const base::EndpointId& id) {
        return std::any_of(watch.bans.begin(), watch.bans.end(), [&](const auto& ban) { return ban.first == id; });
    });
    std::sort(gateways.begin(), gateways.end());
    rng_.shuffle(gateways);
    if (gateways.size() > kWatchGatewaysMax) gateways.resize(kWatchGatewaysMax);
    if (watch.failed)
        std::stable_partition(gateways.begin(), gateways.end(), [&](const auto& id) { return id == *watch.failed; });
    watch.round = std::move(gateways);
    const bool only_liars = found > 0 && watch.round.empty();
    try_next(key, watch, only_liars ? "all its gateways have broken a rule lately" : text, now, out);
}

void MeshWatches::on_backbone(base::TimePoint now, WatchEffects& out) {
    const auto it = watches_.find({wire::WatchSubject::meshes, own_mesh_});
    if (it == watches_.end()) return;
    Watch& watch = it->second;
    drop_stream(watch, out);
    watch.phase = Phase::waiting;
    watch.due = now + kWatchRetryMax;
    watch.source.gateway.reset();
    set_state(watch, WatchState::up, "this node is on the backbone itself", now, out);
}

void MeshWatches::try_next(const WatchKey& key, Watch& watch, std::string_view text, base::TimePoint now,
                           WatchEffects& out) {
    if (watch.round.empty()) return fail_round(watch, text, now, out);
    watch.source.gateway = watch.round.back();
    watch.round.pop_back();
    watch.phase = Phase::opening;
    out.emplace_back(OpenWatch{key, *watch.source.gateway});
}

// Rule 3.
void MeshWatches::fail_round(Watch& watch, std::string_view text, base::TimePoint now, WatchEffects& out) {
    ++counters_.rounds_failed;
    watch.phase = Phase::waiting;
    watch.due = now + rng_.jitter(watch.backoff, 0.2);
    watch.backoff = std::min(watch.backoff * 2, kWatchRetryMax);
    set_state(watch, WatchState::down, text, now, out);
}

void MeshWatches::on_asked(const WatchKey& key, delivery::MessageSequence stream) {
    const auto it = watches_.find(key);
    if (it == watches_.end()) return;
    it->second.stream = stream;
    streams_[stream] = key;
}

void MeshWatches::on_not_asked(const WatchKey& key, std::string_view text, base::TimePoint now, WatchEffects& out) {
    const auto it = watches_.find(key);
    if (it == watches_.end()) return;
    ++counters_.not_opened;
    try_next(key, it->second, text, now, out);
}

MeshWatches::Watches::iterator MeshWatches::find(delivery::MessageSequence stream) {
    const auto key = streams_.find(stream);
    return key == streams_.end() ? watches_.end() : watches_.find(key->second);
}

bool MeshWatches::on_decided(delivery::MessageSequence stream, StreamFate fate, std::string_view text,
                             base::TimePoint now, WatchEffects& out) {
    const auto it = find(stream);
    if (it == watches_.end()) return false;
    auto& [key, watch] = *it;
    if (fate == StreamFate::failed) {
        ++counters_.not_opened;
        watch.failed = watch.source.gateway;
        streams_.erase(stream);
        watch.stream.reset();
        try_next(key, watch, text, now, out);
        return true;
    }
    ++counters_.opened;
    watch.phase = Phase::listening;
    watch.due = now + kWatchSilence;
    watch.reader = {};
    watch.begun = watch.whole = false;
    watch.listed.clear();
    if (watch.directory) watch.directory->begin(*watch.source.gateway);
    return true;
}

void MeshWatches::on_bytes(delivery::MessageSequence stream, base::ByteView data, base::TimePoint now,
                           WatchEffects& out) {
    const auto it = find(stream);
    if (it == watches_.end() || it->second.phase != Phase::listening) return;
    counters_.bytes += data.size();
    it->second.due = now + kWatchSilence;
    it->second.reader.feed(data);
    read(it->first, it->second, now, out);
}

void MeshWatches::read(const WatchKey& key, Watch& watch, base::TimePoint now, WatchEffects& out) {
    while (true) {
        const auto frame = watch.reader.next();
        if (!frame) return lied(key, watch, frame.error().message, now, out);
        if (!*frame) return;
        ++counters_.frames;
        if (const auto rule = on_frame(key, watch, **frame, now, out)) return lied(key, watch, *rule, now, out);
    }
}

std::optional<std::string> MeshWatches::on_frame(const WatchKey& key, Watch& watch, const wire::WatchFrame& frame,
                                                 base::TimePoint now, WatchEffects& out) {
    std::optional<std::string> rule;
    if (key.subject == wire::WatchSubject::meshes) {
        rule = on_list_frame(watch, frame, out);
    } else {
        std::vector<WatchedChanged> changes;
        rule = watch.directory->on_frame(frame, now, changes);
        append(changes, out);
        watch.whole = watch.directory->whole();
    }
    if (watch.whole && watch.source.state != WatchState::up) {
        watch.failed.reset();
        set_state(watch, WatchState::up, {}, now, out);
    }
    return rule;
}

std::optional<std::string> MeshWatches::on_list_frame(Watch& watch, const wire::WatchFrame& frame, WatchEffects& out) {
    if (const auto* begin = std::get_if<wire::WatchBegin>(&frame)) {
        if (std::exchange(watch.begun, true)) return "began twice";
        if (begin->mesh != own_mesh_) return "tells of mesh " + begin->mesh;
        return std::nullopt;
    }
    if (!watch.begun) return "did not begin with Begin";
    if (std::holds_alternative<wire::WatchWhole>(frame)) become_whole_list(watch, out);
    const auto* said = std::get_if<wire::WatchMesh>(&frame);
    if (said == nullptr) {
        const bool of_members =
            std::holds_alternative<wire::WatchTold>(frame) || std::holds_alternative<wire::WatchGone>(frame);
        return of_members ? std::optional<std::string>("tells of members where it was asked for meshes") : std::nullopt;
    }
    const bool appears = said->change == wire::WatchMeshChange::appeared;
    if (appears && watch.meshes.size() >= kWatchedMeshesMax && !watch.meshes.contains(said->mesh))
        return "tells of more than " + std::to_string(kWatchedMeshesMax) + " meshes";
    if (!watch.whole && appears) watch.listed.insert(said->mesh);
    const bool changed = appears ? watch.meshes.insert(said->mesh).second : watch.meshes.erase(said->mesh) > 0;
    if (changed) out.emplace_back(FabricMeshChanged{said->mesh, said->change});
    return std::nullopt;
}

void MeshWatches::become_whole_list(Watch& watch, WatchEffects& out) {
    if (std::exchange(watch.whole, true)) return;
    for (auto it = watch.meshes.begin(); it != watch.meshes.end();) {
        if (watch.listed.contains(*it)) {
            ++it;
            continue;
        }
        out.emplace_back(FabricMeshChanged{*it, wire::WatchMeshChange::gone});
        it = watch.meshes.erase(it);
    }
    watch.listed.clear();
}

void MeshWatches::lied(const WatchKey& key, Watch& watch, const std::string& rule, base::TimePoint now,
                       WatchEffects& out) {
    ++counters_.liars;
    const base::EndpointId gateway = *watch.source.gateway;
    if (watch.bans.size() >= kWatchBansMax) watch.bans.pop_front();
    watch.bans.emplace_back(gateway, now + kWatchBan);
    out.emplace_back(WatchLied{key.mesh, gateway, rule});
    lose(key, watch, "its gateway broke a rule: " + rule, now, out);
}

void MeshWatches::drop_stream(Watch& watch, WatchEffects& out) {
    if (!watch.stream) return;
    streams_.erase(*watch.stream);
    out.emplace_back(CloseWatch{*std::exchange(watch.stream, std::nullopt)});
}

// Rule 2.
void MeshWatches::lose(const WatchKey& key, Watch& watch, std::string_view text, base::TimePoint now,
                       WatchEffects& out) {
    ++counters_.ended;
    drop_stream(watch, out);
    watch.failed = watch.source.gateway;
    const bool settled = watch.source.state == WatchState::up && now - watch.source.since >= kWatchSettled;
    if (watch.directory) {
        std::vector<WatchedChanged> changes;
        watch.directory->end(changes);
        append(changes, out);
    }
    if (watch.source.state == WatchState::up) set_state(watch, WatchState::seeking, text, now, out);
    if (!settled) return try_next(key, watch, text, now, out);
    watch.backoff = kWatchRetryMin;
    seek(key, watch, now, out);
}

void MeshWatches::on_over(delivery::MessageSequence stream, std::string_view text, base::TimePoint now,
                          WatchEffects& out) {
    const auto it = find(stream);
    if (it == watches_.end()) return;
    streams_.erase(stream);
    it->second.stream.reset();
    lose(it->first, it->second, "its gateway's stream ended: " + std::string(text), now, out);
}

void MeshWatches::set_state(Watch& watch, WatchState state, std::string_view text, base::TimePoint now,
                            WatchEffects& out) {
    if (watch.source.state == state && watch.source.text == text) return;
    if (watch.source.state != state) watch.source.since = now;
    watch.source.state = state;
    watch.source.text = std::string(text);
    out.emplace_back(WatchSourceChanged{watch.source});
}

void MeshWatches::append(std::vector<WatchedChanged>& changes, WatchEffects& out) {
    for (auto& change : changes)
        out.emplace_back(std::move(change));
}

void MeshWatches::leave(WatchEffects& out) {
    for (auto& [key, watch] : watches_)
        drop_stream(watch, out);
    watches_.clear();
}

void MeshWatches::on_deadline(base::TimePoint now, WatchEffects& out) {
    for (auto& [key, watch] : watches_) {
        if (watch.directory) {
            std::vector<WatchedChanged> changes;
            watch.directory->on_deadline(now, changes);
            append(changes, out);
        }
        if (!watch.due || *watch.due > now) continue;
        watch.due.reset();
        if (watch.phase == Phase::waiting) {
            seek(key, watch, now, out);
        } else if (watch.phase == Phase::listening) {
            ++counters_.silent;
            lose(key, watch, "its gateway is silent", now, out);
        }
    }
}

std::optional<base::TimePoint> MeshWatches::next_deadline() const {
    std::optional<base::TimePoint> next;
    for (const auto& [key, watch] : watches_) {
        next = base::earliest(next, watch.due);
        if (watch.directory) next = base::earliest(next, watch.directory->next_deadline());
    }
    return next;
}

std::vector<directory::Row> MeshWatches::rows(std::string_view mesh, base::TimePoint now) const {
    const auto it = watches_.find({wire::WatchSubject::directory, std::string(mesh)});
    return it == watches_.end() ? std::vector<directory::Row>{} : it->second.directory->rows(now);
}

std::vector<WatchSource> MeshWatches::sources() const {
    std::vector<WatchSource> sources;
    for (const auto& [key, watch] : watches_)
        sources.push_back(watch.source);
    return sources;
}

std::set<std::string> MeshWatches::meshes() const {
    const auto it = watches_.find({wire::WatchSubject::meshes, own_mesh_});
    return it == watches_.end() ? std::set<std::string>{} : it->second.meshes;
}

std::size_t MeshWatches::entries() const {
    std::size_t entries = 0;
    for (const auto& [key, watch] : watches_)
        if (watch.directory) entries += watch.directory->size();
    return entries;
}

}  // namespace grapevine::node
