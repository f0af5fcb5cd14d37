#pragma once

// Open suspicions: who is accused, by whom, and when the verdict falls. The timeout shrinks with independent accusers,
// as in Lifeguard (Dadgar, Phillips, Currey 2018), section IV-B: with C accusers beyond the first and K =
// suspicion_accusers - 1,
//   timeout = max(min, max - (max - min) * log(C + 1) / log(K + 1)),
// counted from the first accusation. A confirmed accusation brings the verdict to at most suspicion_min from when it
// came, never to now: the accused can always answer, whoever lies.

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "directory/types.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::directory {

struct Suspicion {
    std::vector<Accuser> accusers;  // The first kAccusersMax.
    wire::Sequence sequence;        // Of the accused when the suspicion began.
    base::TimePoint since;
    base::TimePoint verdict_at;
    telemetry::Life life;
};

enum class Accepted : std::uint8_t { begun, joined, known, full };

class Suspicions {
public:
    Suspicions(const Config& config, telemetry::Ledger& ledger) : config_(config), ledger_(ledger) {}

    Accepted accuse(const base::EndpointId& accused, wire::Sequence sequence, const Accuser& accuser,
                    base::TimePoint now);
    bool erase(const base::EndpointId& accused);
    // The accused whose verdict is due, in order of ids.
    [[nodiscard]] std::vector<base::EndpointId> due(base::TimePoint now) const;
    void postpone(const base::EndpointId& accused, base::TimePoint verdict_at);

    [[nodiscard]] const Suspicion* find(const base::EndpointId& accused) const;
    [[nodiscard]] bool accused_by(const base::EndpointId& accused, const base::EndpointId& accuser) const;
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;
    [[nodiscard]] std::size_t size() const { return suspicions_.size(); }
    [[nodiscard]] base::Duration timeout(std::size_t accusers) const;

private:
    void refresh_next();

    const Config& config_;
    telemetry::Ledger& ledger_;
    std::map<base::EndpointId, Suspicion> suspicions_;
    std::optional<base::TimePoint> next_;
};

}  // namespace grapevine::directory
