#pragma once

// Finished records that wait for the exporter: oldest first, within a count and within bytes, since the count of
// records says little about memory. Full means the oldest goes; who owns the ring counts it.
//
// They wait packed one behind the other in chunks of one size, which the ring uses again until it is empty: a node
// whose receiver is away for hours makes and forgets records of every size all the time, and on the heap each would
// leave a hole that the next one does not fit.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/bytes.hpp"
#include "telemetry/record_packing.hpp"

namespace grapevine::telemetry {

// A queue of byte strings. Beside them it holds the ends of chunks that the next entry did not fit, and the chunks of
// its fullest time until it is empty again; then one.
class PackedQueue {
public:
    static constexpr std::size_t kChunkBytes = std::size_t{32} * 1024;
    static constexpr std::size_t kEntryBytes = sizeof(std::uint32_t);  // Of each entry, before its bytes.

    // An entry that no chunk could hold gets a chunk of its own.
    void push(base::ByteView entry);
    // The oldest, until the next call. Not of an empty queue.
    [[nodiscard]] base::ByteView front() const;
    void pop();

    [[nodiscard]] std::size_t size() const { return size_; }
    // Of all entries, each with its kEntryBytes.
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    // Of all chunks.
    [[nodiscard]] std::size_t capacity() const;

private:
    struct Chunk {
        std::unique_ptr<std::uint8_t[]> data;
        std::size_t capacity = 0, read = 0, written = 0;
    };
    void add_chunk(std::size_t bytes);
    void retire_front();

    std::deque<Chunk> chunks_;  // Oldest first; only the last has room.
    std::vector<Chunk> spare_;
    std::size_t size_ = 0;
    std::size_t bytes_ = 0;
};

template <typename Record>
class RecordRing {
public:
    // At least one record is kept, however large it is.
    RecordRing(std::size_t count_max, std::size_t bytes_max) : count_max_(count_max), bytes_max_(bytes_max) {}

    // How many of the oldest had to go.
    std::size_t push(const Record& record) {
        packed_.clear();
        pack(record, packed_);
        queue_.push(packed_);
        std::size_t dropped = 0;
        while (queue_.size() > 1 && (queue_.size() > count_max_ || queue_.bytes() > bytes_max_)) {
            queue_.pop();
            ++dropped;
        }
        return dropped;
    }

    // Oldest first, at most `count`.
    std::vector<Record> take(std::size_t count) {
        std::vector<Record> taken;
        taken.reserve(count < queue_.size() ? count : queue_.size());
        while (taken.size() < count && queue_.size() > 0) {
            unpack(queue_.front(), taken.emplace_back());
            queue_.pop();
        }
        return taken;
    }

    [[nodiscard]] std::size_t size() const { return queue_.size(); }
    // What the waiting records occupy, packed.
    [[nodiscard]] std::size_t bytes() const { return queue_.bytes(); }

private:
    std::size_t count_max_;
    std::size_t bytes_max_;
    PackedQueue queue_;
    base::Bytes packed_;  // Of the last record; kept for its capacity.
};

}  // namespace grapevine::telemetry
