#pragma once

// Seeds: the endpoints through which a node enters its mesh.
//
// Rules, with their reasons:
//  1. Every seed is tried at once at the start, and for ever: giving up is never final. A failed attempt is followed by
//     another after a jittered exponential backoff (1 s doubling to 30 s; Brooker, "Exponential Backoff And Jitter",
//     2015, the "equal jitter" form, so that a thousand nodes that lost one seed do not come back in step).
//  2. A lost seed is tried again, beginning at the first step of the backoff.
//  3. Without any neighbour the node is useless, so the first steps are short: 200 ms doubling to the same 30 s.
//     Becoming isolated makes all seeds due at once that are not being dialled, but never sooner than 200 ms after
//     their last attempt.
//  4. Never silent: each wait is announced by SeedRetry with its cause.
//  5. A seed that is this node itself is skipped. A seed named twice is one seed, with the newer addresses.
//
// A seed is "live" when the node shares a mesh with it: it is a neighbour, or its entry in the directory is fresh. A
// live seed is not dialled; otherwise a thousand nodes would fight for the few places in the active view of one seed.
// An attempt that nobody reports on for attempt_timeout counts as failed. For a node without neighbours it is the
// shorter isolated_timeout: a Join may be lost with the link of a former life, and to join once more costs one message.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bounded.hpp"
#include "base/ids.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "wire/addr.hpp"

namespace grapevine::paths {

struct SeedConfig {
    base::Duration backoff_first = std::chrono::seconds(1);
    base::Duration backoff_max = std::chrono::seconds(30);
    base::Duration isolated_first = std::chrono::milliseconds(200);
    base::Duration attempt_timeout = std::chrono::seconds(10);
    base::Duration isolated_timeout = std::chrono::seconds(1);  // Of an attempt made without neighbours.
    std::size_t seeds_max = 64;
};

// Dial the seed and join the mesh through it.
struct JoinVia {
    wire::EndpointAddr seed;
    friend bool operator==(const JoinVia&, const JoinVia&) = default;
};

// Attempt number `attempt` follows after `delay`, because of `reason`. Attempts count from 1 since the seed was last
// live.
struct SeedRetry {
    base::EndpointId id;
    std::uint32_t attempt = 0;
    base::Duration delay{};
    std::string reason;
    friend bool operator==(const SeedRetry&, const SeedRetry&) = default;
};

using SeedEffect = std::variant<JoinVia, SeedRetry>;
using SeedEffects = std::vector<SeedEffect>;

struct SeedCounters {
    std::uint64_t attempts = 0;
    std::uint64_t failures = 0;
    std::uint64_t losses = 0;
    std::uint64_t skipped_self = 0;
    std::uint64_t refused_full = 0;
    friend bool operator==(const SeedCounters&, const SeedCounters&) = default;
};

enum class Connectivity : std::uint8_t { isolated, connected };

class SeedDialer {
public:
    SeedDialer(const base::EndpointId& self, const SeedConfig& config, base::Rng& rng);

    // `no` when the seed is this node itself or seeds_max is reached; both are counted.
    base::Admitted add_seed(const wire::EndpointAddr& seed, base::TimePoint now, SeedEffects& out);

    void on_seed_live(const base::EndpointId& id);
    void on_seed_lost(const base::EndpointId& id, std::string reason, base::TimePoint now, SeedEffects& out);
    void on_attempt_failed(const base::EndpointId& id, std::string reason, base::TimePoint now, SeedEffects& out);
    void set_connectivity(Connectivity connectivity, base::TimePoint now, SeedEffects& out);

    void on_deadline(base::TimePoint now, SeedEffects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    [[nodiscard]] bool is_seed(const base::EndpointId& id) const { return seeds_.find(id) != nullptr; }
    [[nodiscard]] std::size_t size() const { return seeds_.size(); }
    [[nodiscard]] const SeedCounters& counters() const { return counters_; }

private:
    enum class Phase : std::uint8_t { waiting, dialing, live };
    struct Seed {
        wire::EndpointAddr addr;
        Phase phase = Phase::waiting;
        std::uint32_t attempts = 0;
        std::uint32_t backoff_step = 0;
        base::TimePoint due;  // Waiting: the next attempt. Dialing: when the attempt counts as failed.
        base::TimePoint last_attempt;
    };

    void dial(Seed& seed, base::TimePoint now, SeedEffects& out);
    void wait(Seed& seed, std::string reason, base::TimePoint now, SeedEffects& out);
    [[nodiscard]] base::Duration backoff(std::uint32_t step);

    base::EndpointId self_;
    SeedConfig config_;
    base::Rng& rng_;
    Connectivity connectivity_ = Connectivity::isolated;
    base::BoundedMap<base::EndpointId, Seed> seeds_;
    SeedCounters counters_;
};

}  // namespace grapevine::paths
