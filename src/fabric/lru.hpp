#pragma once

// A map of at most `limit` entries, in which the one used longest ago gives way to a new one. Iteration follows the
// keys.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace grapevine::fabric {

template <typename Key, typename Value>
class Lru {
public:
    explicit Lru(std::size_t limit) : limit_(limit) {}

    // A use. Null when there is none.
    [[nodiscard]] Value* find(const Key& key) {
        const auto at = entries_.find(key);
        if (at == entries_.end()) return nullptr;
        touch(at);
        return &at->second.value;
    }
    // Not a use.
    [[nodiscard]] const Value* peek(const Key& key) const {
        const auto at = entries_.find(key);
        return at == entries_.end() ? nullptr : &at->second.value;
    }
    // A use, too. Nothing is kept where the limit is zero.
    void put(const Key& key, Value value) {
        if (limit_ == 0) return;
        const auto at = entries_.find(key);
        if (at != entries_.end()) {
            at->second.value = std::move(value);
            return touch(at);
        }
        if (entries_.size() >= limit_) displace();
        uses_.emplace(++clock_, key);
        entries_.emplace(key, Entry{std::move(value), clock_});
    }
    bool erase(const Key& key) {
        const auto at = entries_.find(key);
        if (at == entries_.end()) return false;
        uses_.erase(at->second.used);
        entries_.erase(at);
        return true;
    }
    template <typename Matches>
    std::size_t erase_if(Matches matches) {
        return std::erase_if(entries_, [&](const auto& entry) {
            if (!matches(entry.second.value)) return false;
            uses_.erase(entry.second.used);
            return true;
        });
    }
    // visit(key, value), in order of keys.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (const auto& [key, entry] : entries_)
            visit(key, entry.value);
    }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] std::uint64_t displaced() const { return displaced_; }

private:
    struct Entry {
        Value value;
        std::uint64_t used = 0;
    };
    using Entries = std::map<Key, Entry>;

    void touch(typename Entries::iterator at) {
        uses_.erase(at->second.used);
        at->second.used = ++clock_;
        uses_.emplace(clock_, at->first);
    }
    void displace() {
        entries_.erase(uses_.begin()->second);
        uses_.erase(uses_.begin());
        ++displaced_;
    }

    std::size_t limit_;
    std::uint64_t clock_ = 0;  // Counts uses.
    Entries entries_;
    std::map<std::uint64_t, Key> uses_;
    std::uint64_t displaced_ = 0;
};

}  // namespace grapevine::fabric
