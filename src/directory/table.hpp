#pragma once

// The entries and the tombstones. An entry is a member's newest digest with its bytes as signed; a tombstone keeps the
// sequence with which an entry was removed, so that late copies of old digests do not resurrect it, while a newer one
// does. Bounds: entries_max and tombstones_max. A full table displaces the entry heard longest ago if that missed two
// refreshes, and refuses the newcomer otherwise; a full set of tombstones displaces the one that ends first.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/token_bucket.hpp"
#include "directory/fingerprint.hpp"
#include "directory/names.hpp"
#include "directory/types.hpp"
#include "telemetry/ledger.hpp"
#include "wire/digest.hpp"

namespace grapevine::directory {

struct Entry {
    wire::Digest digest;
    base::Bytes envelope;
    FingerprintSum hash;
    Source source = Source::gossip;
    base::TimePoint heard_at;
    std::optional<base::TimePoint> stale_at;  // Never for this node itself.
    base::TokenBucket digests;                // What the member may still say about itself,
    base::TokenBucket accusations;            // and about others.
    telemetry::Life life;
};

struct Tombstone {
    wire::Sequence sequence;
    RemovalCause cause = RemovalCause::stale;
    std::string type;
    base::Bytes proof;  // The leaving statement, at most kProofBytesMax, else empty.
    base::TimePoint until;
    base::TokenBucket digests;  // Removal does not refill them.
    base::TokenBucket accusations;
    telemetry::Life life{};
};

class Table {
public:
    Table(const Config& config, telemetry::Ledger& ledger) : config_(config), ledger_(ledger) {}

    // Makes or replaces the entry. Room must have been made.
    Entry& put(const wire::Statement& statement, Source source, base::TimePoint now);
    // It was heard of at that earlier time.
    void backdate(const base::EndpointId& id, base::TimePoint heard_at);
    // A tombstone takes the entry's place, unless it is unlisted; the entry is returned.
    std::optional<Entry> remove(const base::EndpointId& id, RemovalCause cause, base::TimePoint now);
    // For a member that left before it was known, too.
    void bury(const base::EndpointId& id, Tombstone tombstone);

    [[nodiscard]] bool full() const { return entries_.size() >= config_.entries_max; }
    // The entry that may be displaced by a newcomer.
    [[nodiscard]] std::optional<base::EndpointId> displaceable(base::TimePoint now) const;
    [[nodiscard]] std::optional<base::EndpointId> next_stale(base::TimePoint now) const;
    void drop_old_tombstones(base::TimePoint now);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    [[nodiscard]] Entry* find(const base::EndpointId& id);
    [[nodiscard]] const Entry* find(const base::EndpointId& id) const;
    [[nodiscard]] Tombstone* tombstone(const base::EndpointId& id);
    [[nodiscard]] const Tombstone* tombstone(const base::EndpointId& id) const;
    [[nodiscard]] bool recently_removed(std::string_view type, std::string_view digits) const;

    [[nodiscard]] const std::map<base::EndpointId, Entry>& entries() const { return entries_; }
    [[nodiscard]] const Names& names() const { return names_; }
    [[nodiscard]] std::size_t tombstones() const { return tombstones_.size(); }
    [[nodiscard]] std::uint64_t tombstones_displaced() const { return tombstones_displaced_; }

private:
    using Expiry = std::set<std::pair<base::TimePoint, base::EndpointId>>;

    void schedule(const base::EndpointId& id, Entry& entry, base::TimePoint now);
    void unbury(const base::EndpointId& id);

    const Config& config_;
    telemetry::Ledger& ledger_;
    std::map<base::EndpointId, Entry> entries_;
    std::map<base::EndpointId, Tombstone> tombstones_;
    Expiry stale_;
    Expiry burial_;
    Names names_;
    std::uint64_t tombstones_displaced_ = 0;
};

}  // namespace grapevine::directory
