#include "node/watched_directory.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/overloaded.hpp"
#include "wire/glance.hpp"

namespace grapevine::node {

using base::Overloaded;

namespace {

base::SecretKey key_of_nobody(base::Rng& rng) {
    std::array<std::uint8_t, 32> seed{};
    rng.fill(seed);
    return *base::SecretKey::from_seed(seed);
}

base::Duration staleness_of(std::uint32_t said_ms) {
    return std::clamp<base::Duration>(std::chrono::milliseconds(said_ms), kWatchedStalenessMin, kWatchedStalenessMax);
}

WatchedChange change_of(directory::RemovalCause cause) {
    switch (cause) {
        case directory::RemovalCause::left: return WatchedChange::left;
        case directory::RemovalCause::died: return WatchedChange::died;
        case directory::RemovalCause::stale:
        case directory::RemovalCause::displaced: return WatchedChange::stale;
        case directory::RemovalCause::expelled:
        case directory::RemovalCause::unlisted: break;
    }
    return WatchedChange::unlisted;
}

}  // namespace

std::string_view name(WatchState state) {
    switch (state) {
        case WatchState::seeking: return "seeking";
        case WatchState::up: return "up";
        case WatchState::down: break;
    }
    return "down";
}

std::string_view name(WatchedChange change) {
    static constexpr std::array<std::string_view, 9> kNames{"joined",   "updated",   "left",    "died",     "stale",
                                                            "unlisted", "suspected", "refuted", "withdrawn"};
    return kNames.at(static_cast<std::size_t>(change));
}

WatchedDirectory::WatchedDirectory(std::string mesh, directory::Admission* admission, base::VerificationMemo* verified,
                                   base::Rng& rng, telemetry::Ledger& ledger)
    : mesh_(std::move(mesh)),
      admission_(admission),
      verified_(verified),
      rng_(rng),
      ledger_(ledger),
      nobody_(key_of_nobody(rng)) {}

void WatchedDirectory::begin(const base::EndpointId& gateway) {
    gateway_ = gateway;
    begun_ = false;
    whole_ = false;
    listed_.clear();
    rate_ = {};
}

// Rule 3.
void WatchedDirectory::end(Changes& out) {
    whole_ = false;
    begun_ = false;
    listed_.clear();
    if (!directory_) return;
    directory::Effects effects;
    directory_->withdraw_suspicions(effects);
    (void)apply(effects, out);
}

std::optional<std::string> WatchedDirectory::on_frame(const wire::WatchFrame& frame, base::TimePoint now,
                                                      Changes& out) {
    if (!rate_.take(kWatchedRate, now))
        return "says more than " + std::to_string(kWatchedRate.per_second) + " a second";
    if (!begun_ && !std::holds_alternative<wire::WatchBegin>(frame)) return "did not begin with Begin";
    heard_at_ = now;
    return std::visit(Overloaded{
                          [&](const wire::WatchBegin& e) { return on(e); },
                          [&](const wire::WatchTold& e) { return on(e, now, out); },
                          [&](const wire::WatchWhole&) -> Fault {
                              become_whole(now, out);
                              return std::nullopt;
                          },
                          [&](const wire::WatchGone& e) -> Fault {
                              on(e, now, out);
                              return std::nullopt;
                          },
                          [](const wire::WatchBeat&) -> Fault { return std::nullopt; },
                          [](const wire::WatchMesh&) -> Fault { return "tells of meshes where it was asked for one"; },
                      },
                      frame);
}

// Gateways of one mesh are configured alike: the first one's word for staleness counts.
WatchedDirectory::Fault WatchedDirectory::on(const wire::WatchBegin& begin) {
    if (std::exchange(begun_, true)) return "began twice";
    if (begin.mesh != mesh_) return "tells of mesh " + begin.mesh;
    if (directory_) return std::nullopt;
    directory::Config config;
    config.mesh = mesh_;
    config.type = "nobody";
    config.staleness = staleness_of(begin.staleness_ms);
    config.entries_max = kWatchedEntriesMax;
    config.verified = verified_;
    config.admission = admission_;
    directory_ = std::make_unique<directory::Directory>(std::move(config), nobody_, rng_, ledger_);
    return std::nullopt;
}

// Rules 1 and 2.
WatchedDirectory::Fault WatchedDirectory::on(const wire::WatchTold& told, base::TimePoint now, Changes& out) {
    const base::Duration age = std::chrono::milliseconds(told.age_ms);
    ++counters_.told;
    counters_.bytes += told.statement.size();
    if (age > directory_->config().staleness) {
        ++counters_.passed_over;
        return std::nullopt;
    }
    const auto seen = wire::glance(told.statement);
    const std::uint64_t before = directory_->counters().accepted;
    directory::Effects effects;
    directory_->on_statement(*gateway_, told.statement, directory::Source::gossip, now, effects);
    const bool accepted = directory_->counters().accepted != before;
    if (accepted) ++counters_.accepted;
    const bool digest = seen && !seen->accused;
    if (accepted && digest) directory_->backdate(seen->signer, now - age);
    if (digest && !whole_ && directory_->find(seen->signer) != nullptr) listed_.insert(seen->signer);
    return apply(effects, out);
}

// Rule 4.
void WatchedDirectory::on(const wire::WatchGone& gone, base::TimePoint now, Changes& out) {
    if (gone.cause == wire::WatchGoneCause::died && directory_->is_suspected(gone.id)) return;
    listed_.erase(gone.id);
    directory::Effects effects;
    directory_->unlist(gone.id, now, effects);
    (void)apply(effects, out);
}

void WatchedDirectory::become_whole(base::TimePoint now, Changes& out) {
    if (std::exchange(whole_, true)) return;
    std::vector<base::EndpointId> missing;
    for (const auto& [id, entry] : directory_->entries())
        if (!listed_.contains(id)) missing.push_back(id);
    listed_.clear();
    directory::Effects effects;
    for (const auto& id : missing)
        directory_->unlist(id, now, effects);
    (void)apply(effects, out);
}

// An orphan may be of the gateway before.
WatchedDirectory::Fault WatchedDirectory::on_refused(const directory::Refused& refused) {
    using directory::Refusal;
    switch (refused.refusal) {
        case Refusal::malformed:
        case Refusal::oversized:
        case Refusal::unknown_kind:
        case Refusal::bad_signature:
        case Refusal::bad_name:
        case Refusal::other_mesh:
            if (refused.from == gateway_) return "a statement is " + std::string(directory::name(refused.refusal));
            break;
        default: break;
    }
    ++counters_.passed_over;
    return std::nullopt;
}

void WatchedDirectory::tell(WatchedChange change, const base::EndpointId& id, std::vector<base::EndpointId> accusers,
                            Changes& out) {
    const auto named = names_.find(id);
    out.push_back({mesh_, change, id, named == names_.end() ? id.short_hex() : named->second, std::move(accusers)});
}

WatchedDirectory::Fault WatchedDirectory::apply(const directory::Effects& effects, Changes& out) {
    Fault fault;
    for (const auto& effect : effects)
        std::visit(
            Overloaded{
                [&](const directory::EntryAdded& e) {
                    names_[e.id] = directory_->name_of(e.id);
                    tell(WatchedChange::joined, e.id, {}, out);
                },
                [&](const directory::EntryUpdated& e) {
                    names_[e.id] = directory_->name_of(e.id);
                    if (e.change == directory::Change::changed) tell(WatchedChange::updated, e.id, {}, out);
                },
                [&](const directory::EntryRemoved& e) {
                    std::vector<base::EndpointId> accusers;
                    accusers.reserve(e.accusers.size());
                    for (const auto& accuser : e.accusers)
                        accusers.push_back(accuser.id);
                    tell(change_of(e.cause), e.id, std::move(accusers), out);
                    names_.erase(e.id);
                },
                [&](const directory::Suspected& e) { tell(WatchedChange::suspected, e.accused, {e.accuser.id}, out); },
                [&](const directory::Refuted& e) {
                    const bool withdrawn = e.by == directory::Refutation::withdrawn;
                    tell(withdrawn ? WatchedChange::withdrawn : WatchedChange::refuted, e.accused, {}, out);
                },
                [&](const directory::Refused& e) {
                    if (auto broken = on_refused(e); broken && !fault) fault = std::move(broken);
                },
                [](const auto&) {},
            },
            effect);
    return fault;
}

void WatchedDirectory::on_deadline(base::TimePoint now, Changes& out) {
    const auto due = next_deadline();
    if (!due || *due > now) return;
    directory::Effects effects;
    directory_->on_deadline(std::min(now, heard_at_ + kWatchedFresh), effects);  // A late wake-up judges no more.
    (void)apply(effects, out);
}

std::optional<base::TimePoint> WatchedDirectory::next_deadline() const {
    if (!whole_) return std::nullopt;
    const auto due = directory_->next_deadline();
    return due && *due - heard_at_ <= kWatchedFresh ? due : std::nullopt;
}

std::vector<directory::Row> WatchedDirectory::rows(base::TimePoint now) const {
    return directory_ ? directory_->snapshot(now) : std::vector<directory::Row>{};
}

}  // namespace grapevine::node
