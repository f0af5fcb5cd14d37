#pragma once

// Accusations by or about somebody whose digest has not come yet. To a new link the last seconds of gossip are repeated
// in any order, and a message is delivered once: without these, a newcomer that hears of a death before it hears of the
// dead would take the dead for alive until its entry goes stale.
//
// Kept as received, their signatures not yet looked at; they are judged, once, when the missing digest arrives within
// kOrphanHold. Bound: kOrphansMax; the oldest gives way, and is counted.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "directory/types.hpp"

namespace grapevine::directory {

inline constexpr std::size_t kOrphansMax = 128;
inline constexpr base::Duration kOrphanHold = std::chrono::seconds(10);  // Twice the gossip that a new link repeats.

struct Orphan {
    base::EndpointId missing;  // Whose digest it waits for.
    base::EndpointId from;
    base::Bytes envelope;
    Source source = Source::gossip;
    base::TimePoint until;
};

class Orphans {
public:
    void keep(Orphan orphan) {
        if (kept_.size() >= kOrphansMax) {
            kept_.pop_front();
            ++displaced_;
        }
        kept_.push_back(std::move(orphan));
    }
    // Those that waited for `id`, oldest first, and still may be used.
    std::vector<Orphan> take(const base::EndpointId& id, base::TimePoint now) {
        std::vector<Orphan> taken;
        std::erase_if(kept_, [&](Orphan& orphan) {
            if (orphan.until <= now) return true;
            if (orphan.missing != id) return false;
            taken.push_back(std::move(orphan));
            return true;
        });
        return taken;
    }
    [[nodiscard]] std::uint64_t displaced() const { return displaced_; }

private:
    std::deque<Orphan> kept_;
    std::uint64_t displaced_ = 0;
};

}  // namespace grapevine::directory
