#pragma once

// Remembered peers: members that were known once and then died or went stale. Two halves of a split mesh see each other
// die; when the split ends, nothing in gossip leads from one half to the other. So each node now and then tries one of
// those it remembers, at random, and one success is enough: the directories reconcile over that link.
//
// Rules: one attempt about every 30 s while anybody is remembered, and about every 2 s while this node has no
// neighbour. After a loss it is every 2 s at first, then as long as half of the time since: a split of seconds heals
// within seconds, one of hours costs next to nothing. Nobody is older than 24 h; at most 256, the oldest goes first. A
// peer that left on purpose is not remembered.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/ids.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "paths/seeds.hpp"
#include "telemetry/ledger.hpp"
#include "wire/addr.hpp"

namespace grapevine::paths {

struct RememberedConfig {
    std::size_t peers_max = 256;
    base::Duration age_max = std::chrono::hours(24);
    base::Duration period = std::chrono::seconds(30);
    base::Duration period_isolated = std::chrono::seconds(2);
    double jitter = 0.25;        // Of the period, either way.
    double period_growth = 0.5;  // Of the time since the last loss, between the two periods.
};

// Dial this peer; if it answers, treat it as a seed that answered.
struct TryRemembered {
    wire::EndpointAddr peer;
    friend bool operator==(const TryRemembered&, const TryRemembered&) = default;
};

struct RememberedCounters {
    std::uint64_t tried = 0;
    std::uint64_t displaced = 0;  // Gone because peers_max was reached.
    std::uint64_t expired = 0;
    friend bool operator==(const RememberedCounters&, const RememberedCounters&) = default;
};

class RememberedPeers {
public:
    RememberedPeers(const RememberedConfig& config, base::Rng& rng, telemetry::Ledger& ledger);

    // Without addresses there is nothing to try, and the peer is not taken.
    void remember(const wire::EndpointAddr& peer, base::TimePoint now);
    // The peer is alive again, or it left on purpose.
    void forget(const base::EndpointId& id);
    void set_connectivity(Connectivity connectivity, base::TimePoint now);

    void on_deadline(base::TimePoint now, std::vector<TryRemembered>& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    [[nodiscard]] std::size_t size() const { return peers_.size(); }
    [[nodiscard]] bool contains(const base::EndpointId& id) const { return peers_.contains(id); }
    [[nodiscard]] const RememberedCounters& counters() const { return counters_; }

private:
    struct Peer {
        wire::EndpointAddr addr;
        base::TimePoint since;
        telemetry::Life life;
    };

    void expire(base::TimePoint now);
    void displace_oldest();
    [[nodiscard]] base::TimePoint next_try(base::TimePoint now);

    RememberedConfig config_;
    base::Rng& rng_;
    telemetry::Ledger& ledger_;
    Connectivity connectivity_ = Connectivity::isolated;
    std::map<base::EndpointId, Peer> peers_;
    base::TimePoint newest_at_;  // Of the last loss.
    base::TimePoint due_;
    RememberedCounters counters_;
};

}  // namespace grapevine::paths
