#pragma once

// A table whose changes can be told since any version that is still kept: what the world is made of.
//
// Rules
//  1. Versions rise over all tables of a world; whoever changes a row gives it the next one. A row is in the order of
//     changes once, at its newest: what changed since a version costs as much as has changed, however long ago it was.
//  2. Rows that went are remembered, the newest kGoneMax; a version before the oldest that was forgotten is not
//     reached any more, and its owner must ask for everything.
//  3. Rows are kept in the order of their keys.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>

namespace grapevine::console {

using Version = std::uint64_t;

template <typename Key, typename Row>
class ChangeTable {
public:
    static constexpr std::size_t kGoneMax = 4096;

    // The row at `key`, made if absent, as changed at `version`.
    Row& change(const Key& key, Version version) {
        Slot& slot = slots_[key];
        order_.erase(slot.version);
        slot.version = version;
        order_.emplace(version, key);
        return slot.row;
    }
    [[nodiscard]] const Row* find(const Key& key) const {
        const auto it = slots_.find(key);
        return it == slots_.end() ? nullptr : &it->second.row;
    }
    // False if there is none.
    bool erase(const Key& key, Version version) {
        const auto it = slots_.find(key);
        if (it == slots_.end()) return false;
        order_.erase(it->second.version);
        slots_.erase(it);
        gone_.emplace_back(version, key);
        if (gone_.size() > kGoneMax) {
            forgotten_ = gone_.front().first;
            gone_.pop_front();
        }
        return true;
    }

    // Whether everything that happened after `version` can still be told.
    [[nodiscard]] bool reaches(Version version) const { return version >= forgotten_; }
    // Calls `tell(key, row)` for each row that changed after `version`, in the order of the changes.
    template <typename Tell>
    void changed_since(Version version, Tell tell) const {
        for (auto it = order_.upper_bound(version); it != order_.end(); ++it) {
            tell(it->second, slots_.at(it->second).row);
        }
    }
    // Calls `tell(key)` for each that went after `version` and has not come back.
    template <typename Tell>
    void gone_since(Version version, Tell tell) const {
        for (auto it = gone_.rbegin(); it != gone_.rend() && it->first > version; ++it) {
            if (!slots_.contains(it->second)) tell(it->second);
        }
    }
    template <typename Tell>
    void each(Tell tell) const {
        for (const auto& [key, slot] : slots_) {
            tell(key, slot.row);
        }
    }
    [[nodiscard]] std::size_t size() const { return slots_.size(); }

private:
    struct Slot {
        Version version = 0;
        Row row{};
    };
    std::map<Key, Slot> slots_;
    std::map<Version, Key> order_;
    std::deque<std::pair<Version, Key>> gone_;
    Version forgotten_ = 0;
};

}  // namespace grapevine::console
