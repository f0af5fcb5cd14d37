#pragma once

// What this node says about itself, and when. Emission is event-driven: a change is said at once when the node has been
// quiet for gossip_interval, else when that has passed (so changes coalesce); an unchanged digest is said again before
// it goes stale elsewhere. Urgent words (a refutation; the first neighbour after none, before which nobody could hear)
// do not wait for gossip_interval, only for urgent_interval since the last urgent ones, so that nobody can make this
// node shout.

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ed25519.hpp"
#include "base/ids.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "directory/types.hpp"
#include "wire/digest.hpp"

namespace grapevine::directory {

enum class Occasion : std::uint8_t { first, change, refresh, urgent, leaving };

class Voice {
public:
    Voice(const Config& config, const base::SecretKey& key, base::Rng& rng);

    void start(base::TimePoint now);
    // Own facts. Addresses and neighbours count when they differ from what is known; the load when it moved by
    // load_change of the budget since it was last said; counters never.
    void set_addrs(std::vector<wire::TransportAddr> addrs);
    void set_neighbors(std::vector<base::EndpointId> neighbors);
    void set_load(const wire::Load& load);
    void set_counters(std::uint64_t messages_sent, std::uint64_t messages_received);
    // Urgent: without the new one this node may be put out.
    void set_ticket(base::Bytes ticket);

    void want_urgent() { urgent_ = true; }
    // The next sequence will be above `heard`. False when that is impossible.
    bool jump_above(wire::Sequence heard);

    // Why to speak now, if there is a reason.
    [[nodiscard]] std::optional<Occasion> due(base::TimePoint now) const;
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;
    // Signs the digest with a new sequence. After Occasion::leaving the voice is silent for ever.
    wire::Statement speak(Occasion occasion, const base::TraceContext& context, base::TimePoint now);

    [[nodiscard]] wire::Sequence sequence() const { return wire::Sequence{next_sequence_ - 1}; }
    [[nodiscard]] const std::vector<base::EndpointId>& neighbors() const { return digest_.neighbors; }
    [[nodiscard]] const wire::Digest& digest() const { return digest_; }
    [[nodiscard]] bool speaks() const { return phase_ == Phase::speaking; }

private:
    enum class Phase : std::uint8_t { before, speaking, left };

    [[nodiscard]] bool load_moved(const wire::Load& load) const;
    [[nodiscard]] base::Duration refresh_interval();

    const Config& config_;
    const base::SecretKey& key_;
    base::Rng& rng_;
    Phase phase_ = Phase::before;
    wire::Digest digest_;
    wire::Load said_load_;
    std::uint64_t next_sequence_;
    bool first_ = true;
    bool changed_ = false;
    bool urgent_ = false;
    base::TimePoint started_;
    base::TimePoint change_after_;
    base::TimePoint urgent_after_;
    base::TimePoint refresh_at_;
};

}  // namespace grapevine::directory
