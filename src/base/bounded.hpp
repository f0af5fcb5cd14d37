#pragma once

// Containers with a limit. Full is a value that the caller handles and counts, never growth. Iteration follows
// insertion (IndexedSet, BoundedQueue) or key order (BoundedMap), so that a replay sees the same order everywhere.

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/rng.hpp"

namespace grapevine::base {

enum class Admitted { yes, no };

// First in, first out, at most `limit` items.
template <typename T>
class BoundedQueue {
public:
    explicit BoundedQueue(std::size_t limit) : limit_(limit) {}

    // `no` when full: the item is not taken.
    [[nodiscard]] Admitted push(T item) {
        if (items_.size() >= limit_) return Admitted::no;
        items_.push_back(std::move(item));
        return Admitted::yes;
    }

    // Takes the item; returns the oldest one if it had to go (the item itself where the limit is zero).
    std::optional<T> push_drop_oldest(T item) {
        if (limit_ == 0) return item;
        std::optional<T> dropped;
        if (items_.size() >= limit_) dropped = pop();
        items_.push_back(std::move(item));
        return dropped;
    }

    std::optional<T> pop() {
        if (items_.empty()) return std::nullopt;
        T front = std::move(items_.front());
        items_.pop_front();
        return front;
    }

    [[nodiscard]] bool empty() const { return items_.empty(); }
    [[nodiscard]] bool full() const { return items_.size() >= limit_; }
    [[nodiscard]] std::size_t size() const { return items_.size(); }
    [[nodiscard]] std::size_t limit() const { return limit_; }
    [[nodiscard]] auto begin() const { return items_.begin(); }
    [[nodiscard]] auto end() const { return items_.end(); }
    [[nodiscard]] T& front() { return items_.front(); }
    void clear() { items_.clear(); }

private:
    std::size_t limit_;
    std::deque<T> items_;
};

// A small set in insertion order with O(size) look-up and random choice; removal keeps the order. For views of a few
// dozen entries.
template <typename T>
class IndexedSet {
public:
    bool insert(const T& item) {
        if (contains(item)) return false;
        items_.push_back(item);
        return true;
    }
    bool erase(const T& item) {
        const auto it = std::find(items_.begin(), items_.end(), item);
        if (it == items_.end()) return false;
        items_.erase(it);
        return true;
    }
    [[nodiscard]] bool contains(const T& item) const {
        return std::find(items_.begin(), items_.end(), item) != items_.end();
    }
    [[nodiscard]] std::size_t size() const { return items_.size(); }
    [[nodiscard]] bool empty() const { return items_.empty(); }
    [[nodiscard]] const T& operator[](std::size_t index) const { return items_[index]; }
    [[nodiscard]] auto begin() const { return items_.begin(); }
    [[nodiscard]] auto end() const { return items_.end(); }
    [[nodiscard]] const std::vector<T>& items() const { return items_; }
    void clear() { items_.clear(); }

    [[nodiscard]] std::optional<T> pick(Rng& rng) const {
        if (items_.empty()) return std::nullopt;
        return items_[rng.index(items_.size())];
    }

    // A random member for which `accept` holds.
    template <typename Accept>
    [[nodiscard]] std::optional<T> pick_if(Rng& rng, Accept accept) const {
        std::vector<T> accepted;
        std::copy_if(items_.begin(), items_.end(), std::back_inserter(accepted), accept);
        if (accepted.empty()) return std::nullopt;
        return accepted[rng.index(accepted.size())];
    }

    // Up to `count` random members, in random order.
    [[nodiscard]] std::vector<T> sample(Rng& rng, std::size_t count) const {
        std::vector<T> copy = items_;
        rng.shuffle(copy);
        if (copy.size() > count) copy.resize(count);
        return copy;
    }

private:
    std::vector<T> items_;
};

// An ordered map of at most `limit` entries.
template <typename Key, typename Value>
class BoundedMap {
public:
    explicit BoundedMap(std::size_t limit) : limit_(limit) {}

    // The value at `key`, made if absent; null when that would break the limit.
    [[nodiscard]] Value* find_or_insert(const Key& key) {
        const auto it = entries_.find(key);
        if (it != entries_.end()) return &it->second;
        if (entries_.size() >= limit_) return nullptr;
        return &entries_[key];
    }
    [[nodiscard]] Value* find(const Key& key) {
        const auto it = entries_.find(key);
        return it == entries_.end() ? nullptr : &it->second;
    }
    [[nodiscard]] const Value* find(const Key& key) const {
        const auto it = entries_.find(key);
        return it == entries_.end() ? nullptr : &it->second;
    }
    bool erase(const Key& key) { return entries_.erase(key) > 0; }
    auto erase(typename std::map<Key, Value>::iterator it) { return entries_.erase(it); }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] std::size_t limit() const { return limit_; }
    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] bool full() const { return entries_.size() >= limit_; }
    [[nodiscard]] auto begin() { return entries_.begin(); }
    [[nodiscard]] auto end() { return entries_.end(); }
    [[nodiscard]] auto begin() const { return entries_.begin(); }
    [[nodiscard]] auto end() const { return entries_.end(); }

private:
    std::size_t limit_;
    std::map<Key, Value> entries_;
};

}  // namespace grapevine::base
