#pragma once

// Answers about other meshes, for a while: those with candidates for `positive`, the others for `negative`. What says
// nothing about the name (refused, busy) is not kept. Bound: cache_max names; the one used longest ago gives way.

#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "fabric/lru.hpp"
#include "fabric/question.hpp"

namespace grapevine::fabric {

class AnswerCache {
public:
    explicit AnswerCache(const ResolverConfig& config) : config_(config), answers_(config.cache_max) {}

    void put(const std::string& name, const Outcome& outcome, base::TimePoint now);
    // With ages as of now. A use.
    std::optional<Outcome> find(const std::string& name, base::TimePoint now);
    // Drops every answer that names this node.
    std::size_t forget(const base::EndpointId& id);
    [[nodiscard]] std::vector<CacheRow> rows(base::TimePoint now) const;
    [[nodiscard]] std::size_t size() const { return answers_.size(); }
    [[nodiscard]] std::uint64_t displaced() const { return answers_.displaced(); }

private:
    struct Kept {
        Outcome outcome;
        base::TimePoint at;
        base::TimePoint until;
    };
    const ResolverConfig& config_;
    Lru<std::string, Kept> answers_;
};

}  // namespace grapevine::fabric
