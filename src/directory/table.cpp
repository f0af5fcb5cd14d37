#include "directory/table.hpp"

#include "base/assert.hpp"
#include "wire/names.hpp"

namespace grapevine::directory {

Entry& Table::put(const wire::Statement& statement, Source source, base::TimePoint now) {
    const auto& digest = std::get<wire::Digest>(statement.claim);
    auto found = entries_.find(statement.signer);
    if (found == entries_.end()) {
        GRAPEVINE_ASSERT(!full(), "room is made before an entry is added");
        Entry fresh;
        fresh.life = telemetry::Life(ledger_, telemetry::Kind::directory_entry);
        if (const Tombstone* grave = tombstone(statement.signer)) {
            fresh.digests = grave->digests;
            fresh.accusations = grave->accusations;
            unbury(statement.signer);
        }
        found = entries_.emplace(statement.signer, std::move(fresh)).first;
    } else {
        names_.erase(found->second.digest.type, statement.signer);
    }
    Entry& entry = found->second;
    entry.digest = digest;
    entry.envelope = statement.envelope;
    entry.hash = FingerprintSum::of(statement.signer, digest.sequence);
    entry.source = source;
    entry.heard_at = now;
    names_.insert(digest.type, statement.signer);
    schedule(statement.signer, entry, now);
    return entry;
}

void Table::backdate(const base::EndpointId& id, base::TimePoint heard_at) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    found->second.heard_at = heard_at;
    schedule(id, found->second, heard_at);
}

// What came by sync may be nearly stale where it came from, so it has only two thirds of the window to be refreshed.
void Table::schedule(const base::EndpointId& id, Entry& entry, base::TimePoint now) {
    if (entry.stale_at) stale_.erase({*entry.stale_at, id});
    entry.stale_at.reset();
    if (entry.source == Source::self) return;
    entry.stale_at = now + (entry.source == Source::gossip ? config_.staleness : config_.staleness * 2 / 3);
    stale_.insert({*entry.stale_at, id});
}

std::optional<Entry> Table::remove(const base::EndpointId& id, RemovalCause cause, base::TimePoint now) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return std::nullopt;
    Entry entry = std::move(found->second);
    entries_.erase(found);
    if (entry.stale_at) stale_.erase({*entry.stale_at, id});
    names_.erase(entry.digest.type, id);
    if (cause == RemovalCause::unlisted) return entry;
    bury(id, Tombstone{entry.digest.sequence,
                       cause,
                       entry.digest.type,
                       {},
                       now + config_.staleness * 2,
                       entry.digests,
                       entry.accusations});
    return entry;
}

void Table::bury(const base::EndpointId& id, Tombstone tombstone) {
    unbury(id);
    if (tombstones_.size() >= config_.tombstones_max && !burial_.empty()) {
        unbury(base::EndpointId(burial_.begin()->second));
        ++tombstones_displaced_;
    }
    if (tombstones_.size() >= config_.tombstones_max) return;
    burial_.insert({tombstone.until, id});
    tombstone.life = telemetry::Life(ledger_, telemetry::Kind::tombstone);
    tombstones_.emplace(id, std::move(tombstone));
}

void Table::unbury(const base::EndpointId& id) {
    const auto found = tombstones_.find(id);
    if (found == tombstones_.end()) return;
    burial_.erase({found->second.until, id});
    tombstones_.erase(found);
}

std::optional<base::EndpointId> Table::displaceable(base::TimePoint now) const {
    if (stale_.empty()) return std::nullopt;
    const base::EndpointId& id = stale_.begin()->second;
    const auto refresh = static_cast<double>(config_.staleness.count()) / config_.refreshes;
    const auto missed_two = base::Duration(static_cast<base::Duration::rep>(2.0 * refresh));
    if (now - entries_.at(id).heard_at <= missed_two) return std::nullopt;
    return id;
}

std::optional<base::EndpointId> Table::next_stale(base::TimePoint now) const {
    if (stale_.empty() || stale_.begin()->first > now) return std::nullopt;
    return stale_.begin()->second;
}

void Table::drop_old_tombstones(base::TimePoint now) {
    while (!burial_.empty() && burial_.begin()->first <= now)
        unbury(base::EndpointId(burial_.begin()->second));
}

// Tombstones end when anything else happens; nobody wakes for them.
std::optional<base::TimePoint> Table::next_deadline() const {
    if (stale_.empty()) return std::nullopt;
    return stale_.begin()->first;
}

Entry* Table::find(const base::EndpointId& id) {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second;
}

const Entry* Table::find(const base::EndpointId& id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second;
}

Tombstone* Table::tombstone(const base::EndpointId& id) {
    const auto found = tombstones_.find(id);
    return found == tombstones_.end() ? nullptr : &found->second;
}

const Tombstone* Table::tombstone(const base::EndpointId& id) const {
    const auto found = tombstones_.find(id);
    return found == tombstones_.end() ? nullptr : &found->second;
}

bool Table::recently_removed(std::string_view type, std::string_view digits) const {
    for (auto at = tombstones_.lower_bound(first_with(digits)); at != tombstones_.end(); ++at) {
        if (!wire::begins_with(at->first, digits)) return false;
        if (at->second.type == type) return true;
    }
    return false;
}

}  // namespace grapevine::directory
