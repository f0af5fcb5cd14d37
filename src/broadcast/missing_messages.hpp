#pragma once

// The messages that peers announced (IHave) and that have not come yet: who announced each, in order, and when to ask
// for it (Plumtree, section 3.4: the missing history and its timers).
//
// Rules:
// - An entry lives until its message comes, its announcers are all asked in vain, or all of them are gone.
// - Bounded in ids, in announcers an id, and in ids that one peer may open, so that a peer that announces what does not
//   exist cannot crowd out the others. Full means refused.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "wire/gossip.hpp"

namespace grapevine::broadcast {

using base::EndpointId;
using base::MessageId;
using base::TimePoint;

inline constexpr std::size_t kMissingIdsMax = 4096;
inline constexpr std::size_t kMissingIdsPerPeerMax = 1024;
inline constexpr std::size_t kAnnouncersMax = 8;  // Announcers of one id; there are five neighbours by default.

struct Announcer {
    EndpointId peer;
    wire::Round round;
    friend bool operator==(const Announcer&, const Announcer&) = default;
};

struct MissingLimits {
    std::size_t ids_max = kMissingIdsMax;
    std::size_t ids_per_peer_max = kMissingIdsPerPeerMax;
    std::size_t announcers_max = kAnnouncersMax;
};

class MissingMessages {
public:
    explicit MissingMessages(const MissingLimits& limits) : limits_(limits) {}

    enum class Noted { noted, repeated, refused };
    // The first announcement of an id sets when it is due.
    Noted note(const MessageId& id, const Announcer& announcer, TimePoint due);
    // Ends the entry; all its announcers that are still there, in order of arrival.
    struct Taken {
        std::vector<Announcer> announcers;
        std::size_t asked = 0;  // The first so many were asked for the message.
    };
    Taken take(const MessageId& id);
    void forget_peer(const EndpointId& peer);

    // One id that is due, with the announcer to ask now; it is due again at `next_due`. Without an announcer left the
    // entry ends and is not returned. Call until empty.
    struct Due {
        MessageId id;
        Announcer announcer;
    };
    std::optional<Due> pop_due(TimePoint now, TimePoint next_due);
    [[nodiscard]] std::optional<TimePoint> next_deadline() const;

    [[nodiscard]] std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        Taken taken;
        EndpointId opened_by;
        TimePoint due;
        std::uint64_t sequence = 0;
    };
    using Entries = std::map<MessageId, Entry>;
    void schedule(const MessageId& id, Entry& entry, TimePoint due);
    Entries::iterator erase(Entries::iterator it);

    MissingLimits limits_;
    Entries entries_;
    std::set<std::tuple<TimePoint, std::uint64_t, MessageId>> timers_;  // Equal times fire in order of arming.
    std::map<EndpointId, std::size_t> opened_;
    std::uint64_t sequence_ = 0;
};

}  // namespace grapevine::broadcast
