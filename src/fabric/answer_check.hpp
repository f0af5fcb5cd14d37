#pragma once

// Whether an answer can be true. A gateway is believed in nothing: each digest must be signed by its author, be of the
// mesh, type and digits asked for, be present, be young enough, not be older than what is known of its author, and be
// of a member, where the mesh is closed. One bad digest condemns the answer. So a gateway can withhold, but not lie;
// what remains to it is to call an old digest young, unless a newer one of that author was seen here within known_for.
// (For ever would be wrong: who comes back with a clock behind may have a lower sequence, once its mesh forgot it.)

#include <vector>

#include <tl/expected.hpp>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "fabric/lru.hpp"
#include "fabric/question.hpp"

namespace grapevine::fabric {

class AnswerCheck {
public:
    explicit AnswerCheck(const ResolverConfig& config) : config_(config), known_(config.known_max) {}

    // The candidates of an answer from `via`; none unless it says found or ambiguous. Remembers their sequences.
    tl::expected<std::vector<Candidate>, Lie> check(const wire::Resolved& resolved, const wire::NameParts& name,
                                                    const std::optional<base::EndpointId>& authority,
                                                    const base::EndpointId& via, base::TimePoint now);

private:
    struct Known {
        wire::Sequence sequence;
        base::TimePoint at;
    };

    [[nodiscard]] tl::expected<Candidate, Lie> candidate(const wire::AgedDigest& aged, const wire::NameParts& name,
                                                         const std::optional<base::EndpointId>& authority,
                                                         base::TimePoint now) const;

    const ResolverConfig& config_;
    Lru<base::EndpointId, Known> known_;  // The newest of each author that an answer showed.
};

}  // namespace grapevine::fabric
