#pragma once

// The unread end of a byte stream: bytes are appended at the back and consumed at the front. Consumed bytes are dropped
// only when they are at least half of what is stored, so that each byte is moved at most once on average. An empty
// buffer gives large memory back, because most streams are idle most of the time.

#include <cstddef>

#include "base/assert.hpp"
#include "base/bytes.hpp"

namespace grapevine::wire {

class StreamBuffer {
public:
    void append(base::ByteView data) { bytes_.insert(bytes_.end(), data.begin(), data.end()); }
    // Valid until the next append, consume or clear.
    [[nodiscard]] base::ByteView view() const { return base::ByteView(bytes_).subspan(consumed_); }
    [[nodiscard]] bool empty() const { return consumed_ == bytes_.size(); }

    void consume(std::size_t count) {
        GRAPEVINE_ASSERT(count <= bytes_.size() - consumed_, "consumed more than there is");
        consumed_ += count;
        if (consumed_ < bytes_.size() - consumed_) return;
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(consumed_));
        consumed_ = 0;
        if (bytes_.empty() && bytes_.capacity() > kIdleCapacityMax) bytes_ = {};
    }

    void clear() {
        bytes_ = {};
        consumed_ = 0;
    }

private:
    static constexpr std::size_t kIdleCapacityMax = 4096;  // Bytes that an empty buffer keeps allocated.

    base::Bytes bytes_;
    std::size_t consumed_ = 0;
};

}  // namespace grapevine::wire
