#include "broadcast/message_store.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace grapevine::broadcast {

namespace {

TimePoint on_grid(TimePoint at) {
    const auto steps = (at.time_since_epoch() + kEvictionGrid - Duration(1)) / kEvictionGrid;
    return TimePoint(steps * kEvictionGrid);
}

}  // namespace

MessageStore::MessageStore(Duration id_retention, Duration message_retention, const StoreLimits& limits,
                           telemetry::Ledger& ledger)
    : id_retention_(id_retention), message_retention_(message_retention), limits_(limits), ledger_(ledger) {
    GRAPEVINE_ASSERT(id_retention > Duration::zero() && message_retention > Duration::zero(), "retention is positive");
    GRAPEVINE_ASSERT(limits.seen_ids_max > 0 && limits.cached_messages_max > 0, "a store has room for one message");
}

bool MessageStore::seen(const MessageId& id, TimePoint now) const {
    const auto it = seen_.find(id);
    return it != seen_.end() && it->second > now;
}

const wire::Gossip* MessageStore::find(const MessageId& id, TimePoint now) const {
    const auto it = cache_.find(id);
    return it == cache_.end() || it->second.until <= now ? nullptr : &it->second.message;
}

const wire::Gossip* MessageStore::insert(wire::Gossip message, TimePoint now) {
    expire(now);
    const MessageId id = message.id;
    if (seen_.size() >= limits_.seen_ids_max) {
        pop_seen();
        ++seen_dropped_;
    }
    seen_.insert_or_assign(id, now + id_retention_);
    seen_order_.push_back({now + id_retention_, id});
    if (message.content.size() > limits_.cached_bytes_max) {
        ++cached_dropped_;
        return nullptr;
    }
    if (const auto old = cache_.find(id); old != cache_.end()) {
        return &old->second.message;  // The id had to go early while its message was still here.
    }
    make_room(message.content.size());
    cached_bytes_ += message.content.size();
    cache_order_.push_back({now + message_retention_, id});
    Cached cached{std::move(message), now + message_retention_, {ledger_, telemetry::Kind::gossip_message}};
    return &cache_.emplace(id, std::move(cached)).first->second.message;
}

std::vector<wire::Announcement> MessageStore::recent(Duration age, std::size_t count, TimePoint now) const {
    const auto young = [&](const Expiry& e) { return e.at > now && e.at - message_retention_ + age >= now; };
    std::vector<wire::Announcement> announcements;
    for (auto it = cache_order_.rbegin(); it != cache_order_.rend(); ++it) {
        if (announcements.size() >= count || !young(*it)) {
            break;
        }
        announcements.push_back({it->id, cache_.at(it->id).message.scope.round});
    }
    std::reverse(announcements.begin(), announcements.end());
    return announcements;
}

void MessageStore::make_room(std::size_t bytes) {
    while (!cache_order_.empty() &&
           (cache_.size() >= limits_.cached_messages_max || cached_bytes_ + bytes > limits_.cached_bytes_max)) {
        pop_cached();
        ++cached_dropped_;
    }
}

void MessageStore::pop_seen() {
    seen_.erase(seen_order_.front().id);
    seen_order_.pop_front();
}

void MessageStore::pop_cached() {
    const auto it = cache_.find(cache_order_.front().id);
    cached_bytes_ -= it->second.message.content.size();
    cache_.erase(it);
    cache_order_.pop_front();
}

void MessageStore::expire(TimePoint now) {
    while (!seen_order_.empty() && seen_order_.front().at <= now) {
        pop_seen();
    }
    while (!cache_order_.empty() && cache_order_.front().at <= now) {
        pop_cached();
    }
}

std::optional<TimePoint> MessageStore::next_deadline() const {
    std::optional<TimePoint> deadline;
    if (!seen_order_.empty()) {
        deadline = on_grid(seen_order_.front().at);
    }
    if (!cache_order_.empty()) {
        deadline = base::earliest(deadline, on_grid(cache_order_.front().at));
    }
    return deadline;
}

}  // namespace grapevine::broadcast
