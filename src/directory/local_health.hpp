#pragma once

// Local health: is it they who are silent, or is it us? When several neighbours, and more than half of them, fall
// silent within a short window, the more likely cause is this node's own connectivity (Lifeguard's local health,
// section IV-A). So verdicts of the failure detector are held here first:
//  - decided at the next deadline, so that verdicts of one turn are judged together;
//  - accused at once when there is no doubt;
//  - in doubt, accused as soon as anybody else is heard (it was a mass failure after all) or doubt_max has passed;
//  - dropped when the peer itself is heard.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "directory/types.hpp"

namespace grapevine::directory {

struct HeldAccusation {
    base::EndpointId accused;
    wire::AccusationReason reason = wire::AccusationReason::silent;
    wire::Sequence sequence;
    base::TimePoint since;
    base::TimePoint decide_at;
    bool doubted = false;
    friend bool operator==(const HeldAccusation&, const HeldAccusation&) = default;
};

class LocalHealth {
public:
    explicit LocalHealth(const Config& config) : config_(config) {}

    // False when kHeldAccusationsMax are held already.
    bool silent(const base::EndpointId& peer, wire::AccusationReason reason, wire::Sequence sequence,
                base::TimePoint now);
    // Anything from `peer`, at `at`.
    void heard(const base::EndpointId& peer, base::TimePoint at);
    void forget(const base::EndpointId& peer);

    // Takes out what may be said now. `newly_doubted` counts what was found doubtful in this call.
    std::vector<HeldAccusation> decide(std::span<const base::EndpointId> neighbors, base::TimePoint now,
                                       std::uint64_t& newly_doubted);
    [[nodiscard]] bool in_doubt() const;
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

private:
    struct Silence {
        base::EndpointId peer;
        base::TimePoint at;
    };
    [[nodiscard]] bool majority_silent(std::span<const base::EndpointId> neighbors) const;

    const Config& config_;
    std::vector<HeldAccusation> held_;
    std::vector<Silence> recent_;
};

}  // namespace grapevine::directory
