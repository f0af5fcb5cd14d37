#include "quic/streams.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace grapevine::quic {

void SendBuffer::append(base::ByteView data) {
    size_ += data.size();
    unsent_ += data.size();
    while (!data.empty()) {
        if (chunks_.empty() || chunks_.back().size() == chunks_.back().capacity()) {
            base::Bytes chunk;
            chunk.reserve(std::clamp(data.size(), kChunkBytesMin, kChunkBytesMax));
            chunks_.push_back(std::move(chunk));
        }
        base::Bytes& chunk = chunks_.back();
        const std::size_t count = std::min(data.size(), chunk.capacity() - chunk.size());
        chunk.insert(chunk.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(count));
        data = data.subspan(count);
    }
}

std::size_t SendBuffer::unsent(std::array<ngtcp2_vec, kVectorsPerWrite>& out) const {
    std::size_t count = 0;
    std::size_t offset = cursor_offset_;
    for (std::size_t i = cursor_chunk_; i < chunks_.size() && count < out.size(); ++i) {
        if (offset < chunks_[i].size()) {
            // ngtcp2 takes a pointer to non-const and only reads it.
            out[count++] = {const_cast<std::uint8_t*>(chunks_[i].data()) + offset, chunks_[i].size() - offset};
        }
        offset = 0;
    }
    return count;
}

void SendBuffer::sent(std::size_t bytes) {
    GRAPEVINE_ASSERT(bytes <= unsent_, "sent more than there was");
    unsent_ -= bytes;
    while (bytes > 0) {
        const std::size_t step = std::min(bytes, chunks_[cursor_chunk_].size() - cursor_offset_);
        cursor_offset_ += step;
        bytes -= step;
        if (bytes > 0) {
            ++cursor_chunk_;
            cursor_offset_ = 0;
        }
    }
}

void SendBuffer::acknowledged(std::size_t bytes) {
    GRAPEVINE_ASSERT(bytes <= size_ - unsent_, "acknowledged more than was sent");
    size_ -= bytes;
    acknowledged_ += bytes;
    std::size_t done = 0;
    while (done < chunks_.size() && acknowledged_ >= chunks_[done].size() && (done < cursor_chunk_ || unsent_ == 0)) {
        acknowledged_ -= chunks_[done].size();
        ++done;
    }
    if (done == 0) {
        return;
    }
    chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<std::ptrdiff_t>(done));
    const bool past_cursor = done > cursor_chunk_;
    cursor_chunk_ = past_cursor ? 0 : cursor_chunk_ - done;
    cursor_offset_ = past_cursor ? 0 : cursor_offset_;
    if (chunks_.empty()) {
        chunks_.shrink_to_fit();
    }
}

void SendBuffer::rewind() {
    GRAPEVINE_ASSERT(acknowledged_ == 0, "acknowledged bytes cannot be sent again");
    cursor_chunk_ = 0;
    cursor_offset_ = 0;
    unsent_ = size_;
}

void SendBuffer::discard_unsent() {
    size_ -= unsent_;
    unsent_ = 0;
}

void SendBuffer::clear() {
    *this = SendBuffer{};
}

Stream& StreamTable::add(StreamRef ref, telemetry::Ledger& ledger) {
    return streams_.try_emplace(ref, ref, ledger).first->second;
}

Stream* StreamTable::find(StreamRef ref) {
    const auto it = streams_.find(ref);
    return it == streams_.end() ? nullptr : &it->second;
}

void StreamTable::erase(StreamRef ref) {
    Stream* stream = find(ref);
    if (stream != nullptr) {
        leave(*stream);
        streams_.erase(ref);
    }
}

void StreamTable::make_ready(Stream& stream) {
    if (!stream.ready && !stream.held_back) {
        stream.ready = true;
        ready_.push_back(stream.ref);
    }
}

Stream* StreamTable::next_ready() {
    return ready_.empty() ? nullptr : find(ready_.front());
}

void StreamTable::end_turn(Stream& stream) {
    if (stream.ready) {
        std::erase(ready_, stream.ref);
        stream.ready = false;
    }
    if (stream.has_output()) {
        make_ready(stream);
    }
}

void StreamTable::retire(Stream& stream) {
    leave(stream);
    stream.fin_wanted = false;
    stream.out.discard_unsent();
}

void StreamTable::hold_back(Stream& stream) {
    leave(stream);
    stream.held_back = true;
    held_back_.push_back(stream.ref);
}

void StreamTable::release_held_back() {
    std::vector<StreamRef> released;
    released.swap(held_back_);
    for (const StreamRef ref : released) {
        Stream* stream = find(ref);
        stream->held_back = false;
        make_ready(*stream);
    }
}

void StreamTable::park() {
    ready_.clear();
    held_back_.clear();
    for (auto& [ref, stream] : streams_) {
        stream.ready = false;
        stream.held_back = false;
        stream.fin_sent = false;
        if (!stream.given_up) {
            stream.out.rewind();
        }
    }
}

void StreamTable::leave(Stream& stream) {
    if (stream.ready) {
        std::erase(ready_, stream.ref);
        stream.ready = false;
    }
    if (stream.held_back) {
        std::erase(held_back_, stream.ref);
        stream.held_back = false;
    }
}

}  // namespace grapevine::quic
