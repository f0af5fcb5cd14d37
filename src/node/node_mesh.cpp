// The mesh's part of a node: directory, seeds, remembered peers, directory exchanges.

#include <algorithm>
#include <string>
#include <utility>

#include "base/blake3.hpp"
#include "base/overloaded.hpp"
#include "node/node_impl.hpp"

namespace grapevine::node {

using base::Overloaded;

namespace {

directory::Config directory_config(const MeshConfig& mesh, directory::Contexts* contexts,
                                   directory::Admission* admission, directory::Witness* witness) {
    directory::Config config;
    config.mesh = mesh.mesh;
    config.type = mesh.type;
    config.started = base::WallTime{mesh.started_unix_ms};
    config.gossip_interval = mesh.gossip_interval;
    config.staleness = mesh.staleness;
    config.verified = mesh.verified;
    config.contexts = contexts;
    config.admission = admission;
    config.witness = witness;
    return config;
}

// Who is in the mesh, and where.
bool changes_members(const directory::Effect& effect) {
    if (const auto* updated = std::get_if<directory::EntryUpdated>(&effect))
        return updated->change != directory::Change::refreshed;
    return std::holds_alternative<directory::EntryAdded>(effect) ||
           std::holds_alternative<directory::EntryRemoved>(effect);
}

EntryChange entry_change(directory::RemovalCause cause) {
    switch (cause) {
        case directory::RemovalCause::left: return EntryChange::left;
        case directory::RemovalCause::died: return EntryChange::died;
        case directory::RemovalCause::stale:
        case directory::RemovalCause::displaced:
        case directory::RemovalCause::unlisted: return EntryChange::stale;
        case directory::RemovalCause::expelled: return EntryChange::expelled;
    }
    return EntryChange::stale;
}

}  // namespace

base::TopicId Node::topic_of_mesh(std::string_view mesh) {
    return base::TopicId{base::blake3(base::as_bytes(mesh))};
}

Node::Impl::MeshPart::MeshPart(const MeshConfig& mesh, delivery::Incarnation incarnation, const base::SecretKey& secret,
                               base::Rng& rng, telemetry::Ledger& ledger, directory::Contexts* contexts,
                               DeliverySpans& spans, MeshDelivery::AskElsewhere ask_elsewhere,
                               MeshDelivery::IsOwn is_own)
    : config(mesh),
      key(secret),
      topic(topic_of_mesh(mesh.mesh)),
      admission(secret.id(), mesh),
      teller(config, directory, admission),
      directory(directory_config(mesh, contexts, &admission, &teller), key, rng, ledger),
      delivery(directory, incarnation, rng, spans, std::move(ask_elsewhere), std::move(is_own)),
      fabric(config, directory, admission, key, rng, ledger),
      publications(config, key, directory, admission, rng),
      watches(
          mesh.mesh, admission, [this](std::string_view name) { return authority_of(name); }, mesh.verified, rng,
          ledger),
      seeds(secret.id(), paths::SeedConfig{}, rng),
      remembered(paths::RememberedConfig{}, rng, ledger) {}

void Node::Impl::start(base::TimePoint now, Effects& out) {
    if (!mesh_) return;
    {
        const auto step = narrator_.subscribing(mesh_->topic, mesh_->config.mesh);
        subscribe(mesh_->topic, nullptr, now, out);
    }
    admission::Effects known;
    mesh_->admission.start(now, known);
    route(known, now, out);
    directory::Effects first;
    mesh_->directory.set_ticket(mesh_->admission.own_ticket(), now, first);
    mesh_->directory.start(now, first);
    route(first, now, out);
    paths::SeedEffects joins;
    for (const auto& seed : mesh_->config.seeds)
        (void)mesh_->seeds.add_seed(seed, now, joins);
    route(mesh_->topic, joins, now, out);
}

Narrator::Label Node::Impl::label_of(const base::EndpointId& id) const {
    if (!mesh_) return {};
    if (const auto* entry = mesh_->directory.find(id)) return {mesh_->directory.name_of(id), entry->digest.type};
    const auto& deaths = mesh_->directory.deaths();
    const auto death = std::find_if(deaths.rbegin(), deaths.rend(), [&](const auto& d) { return d.id == id; });
    return death == deaths.rend() ? Narrator::Label{} : Narrator::Label{death->name, {}};
}

void Node::Impl::on_statement(const broadcast::Deliver& delivery, base::TimePoint now, Effects& out) {
    if (!delivery.content.empty() && delivery.content.front() == wire::kRevocationListKind)
        return on_revocations(ListSource::topic, delivery.content, now, out);
    if (!delivery.content.empty() && delivery.content.front() == wire::kNoticeKind)
        return on_announcement(delivery, now, out);
    delivery_hops_.record(delivery.scope.round.value);
    const Narrator::Moment moment(narrator_);
    narrator_.statement_came(delivery.from, delivery.content, delivery.scope.round.value, now);
    directory::Effects effects;
    const std::uint64_t before = mesh_->directory.counters().accepted;
    mesh_->told_by = delivery.from;
    mesh_->directory.on_statement(delivery.from, delivery.content, directory::Source::gossip, now, effects);
    if (mesh_->directory.counters().accepted == before) {
        narrator_.statement_refused();
        return route(effects, now, out);
    }
    const auto step = narrator_.statement_accepted(effects);
    route(effects, now, out);
}

void Node::Impl::route(const directory::Effects& effects, base::TimePoint now, Effects& out) {
    std::vector<const directory::EntryRemoved*> stale;
    for (const auto& effect : effects)
        if (const auto* removed = std::get_if<directory::EntryRemoved>(&effect))
            if (entry_change(removed->cause) == EntryChange::stale) stale.push_back(removed);
    const auto step = stale.empty() ? Narrator::Step() : narrator_.pruned(stale, mesh_->config.staleness);
    for (const auto& effect : effects)
        on_directory_effect(effect, now, out);
    if (std::any_of(effects.begin(), effects.end(), changes_members)) refresh_fabric(now, out);
    mesh_->teller.pump(now, out);
}

void Node::Impl::on_directory_effect(const directory::Effect& effect, base::TimePoint now, Effects& out) {
    std::visit(
        Overloaded{
            [&](const directory::BroadcastStatement& e) {
                GossipEffects gossip;
                (void)gossip_.broadcast(mesh_->topic, e.envelope, wire::ScopeKind::swarm, now, gossip);
                route(gossip, now, out);
                narrator_.broadcast_done(e);
            },
            [&](const directory::EntryAdded& e) {
                const auto step = narrator_.discovered(e.id, e.source);
                on_known(e.id, now);
                out.push_back(joined(e));
            },
            [&](const directory::EntryUpdated& e) {
                if (e.change == directory::Change::refreshed) return;
                on_known(e.id, now);
                out.push_back(DirectoryChanged{EntryChange::updated, e.id, mesh_->directory.name_of(e.id), {}, {}, {}});
            },
            [&](const directory::EntryRemoved& e) { on_removed(e, now, out); },
            [&](const directory::Suspected& e) {
                const auto step = narrator_.suspected(e.accused, e.accuser);
                on_seed_doubted(e.accused, now, out);
                out.push_back(SuspicionChanged{SuspicionStep::suspected, e.accused, mesh_->directory.name_of(e.accused),
                                               e.accuser.id, e.accuser.reason});
            },
            [&](const directory::Refuted& e) {
                const auto step = narrator_.refuted(e.accused, e.by);
                on_known(e.accused, now);
                out.push_back(SuspicionChanged{
                    SuspicionStep::refuted, e.accused, mesh_->directory.name_of(e.accused), e.accused, {}});
            },
            [&](const directory::SelfAccused& e) {
                const auto step = narrator_.suspected(self_, e.accuser);
                out.push_back(SuspicionChanged{SuspicionStep::suspected, self_, mesh_->directory.name_of(self_),
                                               e.accuser.id, e.accuser.reason});
            },
            [](const directory::Refused&) {},
        },
        effect);
}

DirectoryChanged Node::Impl::joined(const directory::EntryAdded& added) const {
    DirectoryChanged changed;
    changed.id = added.id;
    changed.name = mesh_->directory.name_of(added.id);
    changed.known_via = text_of(added.source);
    if (added.source != directory::Source::self) changed.told_by = mesh_->told_by;
    return changed;
}

// A member is known, or says something new of itself: its addresses are candidates, and a seed among them is live; but
// not to a node without neighbours, which shares a mesh with nobody, whatever an exchange has told it.
void Node::Impl::on_known(const base::EndpointId& id, base::TimePoint now) {
    const directory::Entry* entry = mesh_->directory.find(id);
    if (entry == nullptr || id == self_) return;
    book_.learn(id, entry->digest.addrs, paths::AddressSource::directory, now);
    if (!mesh_neighbors().empty()) {
        mesh_->seeds.on_seed_live(id);
        narrator_.seed_live(id);
    }
    mesh_->remembered.forget(id);
}

void Node::Impl::on_removed(const directory::EntryRemoved& removed, base::TimePoint now, Effects& out) {
    const bool left = removed.cause == directory::RemovalCause::left;
    const bool died = removed.cause == directory::RemovalCause::died;
    const auto step = left   ? narrator_.left(removed.id)
                      : died ? narrator_.died(removed.id, removed.accusers)
                             : Narrator::Step();
    mesh_->teller.on_removed(removed.id, removed.cause, now);
    DirectoryChanged changed;
    changed.change = entry_change(removed.cause);
    changed.id = removed.id;
    changed.name = mesh_->directory.name_of(removed.id);
    for (const auto& accuser : removed.accusers)
        changed.accusers.push_back(accuser.id);
    out.push_back(std::move(changed));
    const bool expelled = removed.cause == directory::RemovalCause::expelled;
    if (left || expelled)
        mesh_->remembered.forget(removed.id);
    else
        mesh_->remembered.remember({removed.id, removed.addrs}, now);
    if (died) abandon(removed.id, now, out);
    mesh_->admission.release_unused(removed.id, MeshAdmission::Entry::absent);
    if (died || expelled) mesh_->delivery.on_gone(removed.id, now, out);
    if (left) mesh_->delivery.on_left(removed.id, now);
    paths::SeedEffects effects;
    mesh_->seeds.on_seed_lost(removed.id, std::string(directory::name(removed.cause)), now, effects);
    route(mesh_->topic, effects, now, out);
}

// Rule 6.
void Node::Impl::replace_neighbor(const base::EndpointId& lost, base::TimePoint now, Effects& out) {
    auto neighbors = mesh_neighbors();
    std::erase(neighbors, lost);
    if (left_ || neighbors.size() >= kNeighborsWanted) return;
    std::vector<const directory::Entry*> candidates;
    std::vector<base::EndpointId> ids;
    for (const auto& [id, entry] : mesh_->directory.entries()) {
        const bool taken = std::find(neighbors.begin(), neighbors.end(), id) != neighbors.end();
        if (taken || id == self_ || id == lost || entry.digest.addrs.empty()) continue;
        candidates.push_back(&entry);
        ids.push_back(id);
    }
    if (ids.empty()) return;
    const std::size_t chosen = rng_.index(ids.size());
    const wire::EndpointAddr via{ids[chosen], candidates[chosen]->digest.addrs};
    subscribe(mesh_->topic, &via, now, out);
}

// With the first neighbour, the seeds in the directory are live.
void Node::Impl::note_live_seeds() {
    for (const auto& seed : mesh_->config.seeds)
        if (mesh_->directory.find(seed.id) != nullptr) mesh_->seeds.on_seed_live(seed.id);
}

// A suspected seed is dialled after the first backoff already, and not only once it is buried: a seed that restarted
// knows nobody and can only wait. A refutation that comes in time calls the dial off.
void Node::Impl::on_seed_doubted(const base::EndpointId& id, base::TimePoint now, Effects& out) {
    paths::SeedEffects effects;
    mesh_->seeds.on_seed_lost(id, "suspected", now, effects);
    route(mesh_->topic, effects, now, out);
}

void Node::Impl::accuse(const base::EndpointId& peer, wire::AccusationReason reason, base::TimePoint now,
                        Effects& out) {
    if (!mesh_) return;
    const Narrator::Moment moment(narrator_);
    mesh_->directory.on_neighbor_silent(peer, reason, now);
    directory::Effects effects;
    mesh_->directory.on_deadline(now, effects);
    route(effects, now, out);
}

std::vector<base::EndpointId> Node::Impl::mesh_neighbors() const {
    const Topic* topic = mesh_ ? gossip_.find(mesh_->topic) : nullptr;
    return topic == nullptr ? std::vector<base::EndpointId>{} : topic->membership().active();
}

void Node::Impl::update_neighbors(base::TimePoint now, Effects& out) {
    if (left_) return;
    auto neighbors = mesh_neighbors();
    if (neighbors.size() > wire::kDigestNeighborsMax) neighbors.resize(wire::kDigestNeighborsMax);
    directory::Effects effects;
    mesh_->directory.set_neighbors(std::move(neighbors), now, effects);
    route(effects, now, out);
}

// Rule 2.
void Node::Impl::open_sync(const base::EndpointId& peer, std::uint32_t attempt, Effects& out) {
    if (mesh_->syncs.size() >= kSyncsMax) {
        ++mesh_->syncs_refused;
        return;
    }
    const SyncRef ref{mesh_->next_sync};
    mesh_->next_sync += 2;
    ++mesh_->syncs_opened;
    auto& sync =
        mesh_->syncs.try_emplace(ref, Sync{peer, attempt, directory::SyncSession(mesh_->directory, peer, ledger_)})
            .first->second;
    wire::SyncTurn turn = sync.session.start();
    turn.context = narrator_.sync_opened(ref, peer, attempt);
    out.push_back(OpenSync{ref, peer, std::move(turn)});
}

void Node::Impl::on_sync_opened(SyncRef ref, const base::EndpointId& peer, base::TimePoint, Effects& out) {
    if (!mesh_ || left_ || mesh_->syncs.size() >= kSyncsMax) {
        if (mesh_) ++mesh_->syncs_refused;
        out.push_back(AbortSync{ref});
        return;
    }
    mesh_->syncs.try_emplace(ref, Sync{peer, 0, directory::SyncSession(mesh_->directory, peer, ledger_)});
}

void Node::Impl::on_sync_received(SyncRef ref, const wire::SyncTurn& turn, base::TimePoint now, Effects& out) {
    const auto it = mesh_ ? mesh_->syncs.find(ref) : decltype(mesh_->syncs.end()){};
    if (!mesh_ || left_ || it == mesh_->syncs.end()) return;
    const Narrator::Moment moment(narrator_);
    if (it->second.attempt == 0 && it->second.session.tally().turns == 0)
        narrator_.sync_served(ref, it->second.peer, turn, now);
    auto told = std::make_optional(narrator_.sync_turn(ref));
    directory::Effects effects;
    auto step = it->second.session.on_turn(turn, now, effects);
    const directory::SyncTally tally = it->second.session.tally();
    const directory::Source source = it->second.session.source();
    const bool over = !step || step->done;
    mesh_->told_by = it->second.peer;
    if (over) mesh_->syncs.erase(it);
    if (!step) {
        ++mesh_->syncs_failed;
        out.push_back(AbortSync{ref});
    } else if (step->reply) {
        out.push_back(SendSync{ref, std::move(*step->reply), step->done ? Last::yes : Last::no});
    }
    route(effects, now, out);
    told.reset();
    if (over) narrator_.sync_over(ref, tally, source, step ? std::string_view() : step.error().message);
}

// One that we opened and that failed is tried again while the peer is a neighbour: after a restart of the peer, the
// first attempt may have gone to the connection of its former life.
void Node::Impl::on_sync_ended(SyncRef ref, std::string_view error, base::TimePoint, Effects& out) {
    const auto it = mesh_ ? mesh_->syncs.find(ref) : decltype(mesh_->syncs.end()){};
    if (!mesh_ || it == mesh_->syncs.end()) return;
    const base::EndpointId peer = it->second.peer;
    const std::uint32_t attempt = it->second.attempt;
    narrator_.sync_over(ref, it->second.session.tally(), it->second.session.source(), error);
    mesh_->syncs.erase(it);
    if (error.empty()) return;
    ++mesh_->syncs_failed;
    const auto neighbors = mesh_neighbors();
    const bool is_neighbor = std::find(neighbors.begin(), neighbors.end(), peer) != neighbors.end();
    if (!left_ && is_neighbor && attempt > 0 && attempt < kSyncAttemptsMax) open_sync(peer, attempt + 1, out);
}

// Last words go whole to every neighbour: nobody is left to answer a graft after an announcement.
void Node::Impl::say_to_lazy(const directory::Effects& effects, Effects& out) {
    const Topic* topic = gossip_.find(mesh_->topic);
    if (topic == nullptr) return;
    for (const auto& effect : effects) {
        const auto* statement = std::get_if<directory::BroadcastStatement>(&effect);
        if (statement == nullptr) continue;
        const wire::Gossip message{base::MessageId{base::blake3(statement->envelope)}, statement->envelope,
                                   wire::Scope{wire::ScopeKind::swarm, wire::Round{0}}};
        for (const auto& peer : topic->broadcast().peers(broadcast::LinkState::lazy))
            say(peer, mesh_->topic, wire::BroadcastMessage{message}, out);
    }
}

void Node::Impl::mesh_deadline(base::TimePoint now, Effects& out) {
    admission::Effects ended;
    mesh_->admission.on_deadline(now, ended);
    route(ended, now, out);
    mesh_->delivery.on_deadline(now, out);
    if (!mesh_->publications.leaving())
        publications(now, out, [&](auto& core, auto& effects) { core.on_deadline(now, effects); });
    fabric_deadline(now, out);
    watch_deadline(now, out);
    directory::Effects effects;
    const Topic* topic = gossip_.find(mesh_->topic);
    if (topic != nullptr) {
        const auto& quality = topic->broadcast().quality();
        mesh_->directory.set_counters(topic->broadcast().counters().payload_sent, quality.payload_received);
    }
    mesh_->directory.on_deadline(now, effects);
    route(effects, now, out);
    paths::SeedEffects joins;
    mesh_->seeds.on_deadline(now, joins);
    route(mesh_->topic, joins, now, out);
    std::vector<paths::TryRemembered> tries;
    mesh_->remembered.on_deadline(now, tries);
    for (const auto& attempt : tries)
        subscribe(mesh_->topic, &attempt.peer, now, out);
}

}  // namespace grapevine::node
