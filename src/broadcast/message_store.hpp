#pragma once

// What a topic remembers of the messages it has had: ids for a long time, to know duplicates, and whole messages for a
// shorter one, to answer grafts. Both end by age, by count and, for whole messages, by bytes; the oldest goes first.
//
// Expiry is lazy and coarse. Look-ups ignore what is too old at once; memory is given back at deadlines that fall on
// multiples of kEvictionGrid, so that an idle node wakes rarely, and an empty store has no deadline at all.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "telemetry/ledger.hpp"
#include "wire/gossip.hpp"

namespace grapevine::broadcast {

using base::Duration;
using base::MessageId;
using base::TimePoint;

inline constexpr std::size_t kSeenIdsMax = 16384;  // About 1.5 MB of memory when full.
inline constexpr std::size_t kCachedMessagesMax = 4096;
inline constexpr std::size_t kCachedBytesMax = 1024 * 1024;  // Sum of contents.
inline constexpr Duration kEvictionGrid = std::chrono::seconds(5);

struct StoreLimits {
    std::size_t seen_ids_max = kSeenIdsMax;
    std::size_t cached_messages_max = kCachedMessagesMax;
    std::size_t cached_bytes_max = kCachedBytesMax;
};

class MessageStore {
public:
    // Retentions are positive.
    MessageStore(Duration id_retention, Duration message_retention, const StoreLimits& limits,
                 telemetry::Ledger& ledger);
    ~MessageStore() = default;
    MessageStore(const MessageStore&) = delete;
    MessageStore& operator=(const MessageStore&) = delete;

    [[nodiscard]] bool seen(const MessageId& id, TimePoint now) const;
    // The message as it is to be forwarded; null when unknown or too old.
    [[nodiscard]] const wire::Gossip* find(const MessageId& id, TimePoint now) const;
    // Records an id and its message; the id is not `seen`. Returns the stored message, or null if it alone exceeds the
    // limit of bytes, in which case only the id is kept.
    const wire::Gossip* insert(wire::Gossip message, TimePoint now);

    // The latest messages that are not older than `age`, at most `count`, oldest first.
    [[nodiscard]] std::vector<wire::Announcement> recent(Duration age, std::size_t count, TimePoint now) const;

    void expire(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> next_deadline() const;

    [[nodiscard]] std::size_t seen_count() const { return seen_.size(); }
    [[nodiscard]] std::size_t cached_count() const { return cache_.size(); }
    [[nodiscard]] std::size_t cached_bytes() const { return cached_bytes_; }
    // Entries that went before their time because a limit was reached.
    [[nodiscard]] std::uint64_t seen_dropped() const { return seen_dropped_; }
    [[nodiscard]] std::uint64_t cached_dropped() const { return cached_dropped_; }

private:
    struct Cached {
        wire::Gossip message;
        TimePoint until;
        telemetry::Life life;
    };
    struct Expiry {
        TimePoint at;
        MessageId id;
    };
    void make_room(std::size_t bytes);
    void pop_seen();
    void pop_cached();

    Duration id_retention_;
    Duration message_retention_;
    StoreLimits limits_;
    telemetry::Ledger& ledger_;
    std::unordered_map<MessageId, TimePoint, base::IdHash> seen_;  // Look-up only, as cache_.
    std::unordered_map<MessageId, Cached, base::IdHash> cache_;
    // In order of insertion, which is the order of expiry since retention is constant.
    std::deque<Expiry> seen_order_;
    std::deque<Expiry> cache_order_;
    std::size_t cached_bytes_ = 0;
    std::uint64_t seen_dropped_ = 0;
    std::uint64_t cached_dropped_ = 0;
};

}  // namespace grapevine::broadcast
