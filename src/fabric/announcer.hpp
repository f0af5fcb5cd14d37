#pragma once

// What a gateway on duty says of its mesh, and when. The gateways of a mesh take turns without a word about it:
//
//  1. A gateway that hears a fellow say what it would say itself counts that as said. So a mesh costs the backbone what
//     one speaker costs. Other counts are the same words: two directories of a large mesh rarely agree on them, and the
//     next refresh evens them out. Only those on duty are heard: a stranger cannot silence a mesh.
//  2. Each waits one `turn` for each fellow that comes before it in the order of duty, so that the first speaks and the
//     others need not.
//  3. A change is said when change_interval has passed since this node's last word, hence changes coalesce; one of
//     nothing but counts waits for the next refresh, unless a type's count moved by more than count_change of what was
//     said: then it is said when count_interval has passed since anybody's. In a large mesh some member always comes or
//     goes, and nobody acts on counts: if each were worth a word, a mesh's cost would grow with its members.
//  4. A gateway whose own last word, while others may still hold it, names other gateways than now, says so itself: no
//     fellow's word replaces it there.
//  5. A newcomer is greeted: introduction_spread later, at random, unless somebody of the mesh spoke meanwhile. The
//     rate of greetings is limited (introduction_interval and _burst), that of the whole mesh: a fellow's counts as
//     well.
//  6. Unchanged words are said again after 0.9 to 1.0 of `refresh` since anybody said them.

#include <cstddef>
#include <optional>
#include <vector>

#include "base/ed25519.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "fabric/types.hpp"
#include "wire/summary.hpp"

namespace grapevine::fabric {

class Announcer {
public:
    Announcer(const BackboneConfig& config, const base::SecretKey& key, base::Rng& rng);

    void set_facts(const OwnFacts& facts, base::TimePoint now);
    // Somebody on duty said `summary` of this mesh. True if it is what this node would say (rule 1).
    bool on_fellow(const wire::Summary& summary, base::TimePoint now);
    void want_introduction(base::TimePoint now);
    // The next sequence will be above `heard`. False when that is impossible.
    bool jump_above(wire::Sequence heard, base::TimePoint now);

    // Why to speak now, if there is a reason.
    [[nodiscard]] std::optional<Occasion> due(base::TimePoint now) const;
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;
    wire::SignedSummary speak(Occasion occasion, const base::TraceContext& context, base::TimePoint now);

    [[nodiscard]] bool on_duty() const { return rank_.has_value(); }
    [[nodiscard]] bool is_fellow(const base::EndpointId& id) const;
    [[nodiscard]] const wire::Summary& current() const { return current_; }
    [[nodiscard]] wire::Sequence sequence() const { return wire::Sequence{next_sequence_ - 1}; }

private:
    struct Plan {
        Occasion occasion = Occasion::refresh;
        base::TimePoint at;
    };

    [[nodiscard]] std::optional<Plan> plan() const;
    [[nodiscard]] bool changed(base::TimePoint now) const;
    [[nodiscard]] base::Duration wait_for_turn() const;
    [[nodiscard]] bool is_greeting(const wire::Summary& summary, base::TimePoint now) const;
    void count_greeting(base::TimePoint now);
    void settle(base::TimePoint now);
    void reconsider(base::TimePoint now);

    const BackboneConfig& config_;
    const base::SecretKey& key_;
    base::Rng& rng_;
    std::uint64_t next_sequence_;
    wire::Summary current_;                 // Normalized, without sequence and context.
    std::optional<std::size_t> rank_;       // In the order of duty; absent: not on duty.
    std::optional<wire::Summary> settled_;  // What was last said as it was right, by whom ever.
    std::optional<wire::Summary> said_;     // What this node said last.
    base::TimePoint settled_at_;
    base::TimePoint said_at_;
    std::optional<base::TimePoint> correct_at_;
    std::optional<base::TimePoint> change_at_;
    std::optional<base::TimePoint> counts_at_;
    std::optional<base::TimePoint> introduce_at_;
    base::TimePoint refresh_at_;
    base::TimePoint greetings_full_at_;  // When all greetings may be said again (the generic cell rate algorithm).
};

}  // namespace grapevine::fabric
