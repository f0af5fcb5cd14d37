#include "telemetry/record_ring.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/assert.hpp"

namespace grapevine::telemetry {

void PackedQueue::push(base::ByteView entry) {
    GRAPEVINE_ASSERT(entry.size() <= std::numeric_limits<std::uint32_t>::max(), "an entry has a length of four bytes");
    const std::size_t needed = kEntryBytes + entry.size();
    if (chunks_.empty() || chunks_.back().capacity - chunks_.back().written < needed) add_chunk(needed);
    Chunk& chunk = chunks_.back();
    const auto length = static_cast<std::uint32_t>(entry.size());
    std::memcpy(chunk.data.get() + chunk.written, &length, kEntryBytes);
    if (!entry.empty()) std::memcpy(chunk.data.get() + chunk.written + kEntryBytes, entry.data(), entry.size());
    chunk.written += needed;
    bytes_ += needed;
    ++size_;
}

base::ByteView PackedQueue::front() const {
    GRAPEVINE_ASSERT(size_ > 0, "an empty queue has no oldest entry");
    const Chunk& chunk = chunks_.front();
    std::uint32_t length = 0;
    std::memcpy(&length, chunk.data.get() + chunk.read, kEntryBytes);
    return {chunk.data.get() + chunk.read + kEntryBytes, length};
}

void PackedQueue::pop() {
    const std::size_t freed = kEntryBytes + front().size();
    Chunk& chunk = chunks_.front();
    chunk.read += freed;
    bytes_ -= freed;
    --size_;
    if (chunk.read == chunk.written) retire_front();
}

std::size_t PackedQueue::capacity() const {
    std::size_t sum = 0;
    for (const Chunk& chunk : chunks_)
        sum += chunk.capacity;
    return sum + spare_.size() * kChunkBytes;
}

void PackedQueue::add_chunk(std::size_t bytes) {
    if (bytes <= kChunkBytes && !spare_.empty()) {
        chunks_.push_back(std::move(spare_.back()));
        spare_.pop_back();
        return;
    }
    const std::size_t capacity = std::max(bytes, kChunkBytes);
    chunks_.push_back({std::make_unique_for_overwrite<std::uint8_t[]>(capacity), capacity});
}

// The last chunk begins anew, so that a queue that is emptied often touches little memory; with nothing waiting, there
// is no need of more.
void PackedQueue::retire_front() {
    Chunk chunk = std::move(chunks_.front());
    chunks_.pop_front();
    chunk.read = chunk.written = 0;
    if (chunk.capacity == kChunkBytes) spare_.push_back(std::move(chunk));
    if (size_ == 0 && spare_.size() > 1) {
        spare_.resize(1);
        spare_.shrink_to_fit();
    }
}

}  // namespace grapevine::telemetry
