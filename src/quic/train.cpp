#include "quic/train.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"

namespace grapevine::quic {

// The packet under construction may lie behind a full train.
constexpr std::size_t kBufferBytes = kTrainBytesMax + kPacketBytesMax;

void Destination::add(const base::SocketAddr& remote) {
    if (count < remotes.size()) {
        remotes[count++] = remote;
    }
}

std::uint8_t* TrainBuffer::bytes() {
    if (bytes_ == nullptr) {
        bytes_.reset(new std::uint8_t[kBufferBytes]);  // Pages that no train reaches stay untouched.
    }
    return bytes_.get();
}

Train::Train(const std::function<void(const Transmit&)>& sink, Counters& counters, TrainBuffer& buffer)
    : sink_(sink), counters_(counters), buffer_(buffer.bytes()) {}

std::span<std::uint8_t> Train::room() {
    return {buffer_ + used_, kPacketBytesMax};
}

void Train::commit(std::size_t bytes, const Destination& destination) {
    GRAPEVINE_ASSERT(bytes > 0 && bytes <= kPacketBytesMax, "a packet of impossible size");
    const std::uint8_t* packet = buffer_ + used_;
    const bool fits = packets_ == 0 || (destination == destination_ && bytes <= segment_ &&
                                        packets_ < kTrainPacketsMax && used_ + bytes <= kTrainBytesMax);
    if (!fits) {
        send();
        std::memmove(buffer_, packet, bytes);
    }
    if (packets_ == 0) {
        segment_ = bytes;
        destination_ = destination;
    }
    used_ += bytes;
    ++packets_;
    if (bytes < segment_) {
        send();
    }
}

void Train::add(base::ByteView packet, const Destination& destination) {
    std::copy(packet.begin(), packet.end(), room().begin());
    commit(packet.size(), destination);
}

void Train::send() {
    if (packets_ == 0) {
        return;
    }
    const base::ByteView payload(buffer_, used_);
    for (const base::SocketAddr& remote : destination_.all()) {
        const std::size_t segment = packets_ > 1 ? segment_ : 0;
        sink_(Transmit{destination_.local, remote, destination_.ecn, payload, segment});
        counters_.datagrams_sent += packets_;
        counters_.bytes_sent += used_;
    }
    used_ = 0;
    packets_ = 0;
}

}  // namespace grapevine::quic
