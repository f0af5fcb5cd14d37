#pragma once

// Packets of equal size to one place, put together for one send with segmentation offload (UDP GSO).
//
// Rule: a train is up to 64 packets and 65,507 bytes, Linux's limits; all of the size of the first but the last, which
// may be shorter. A packet that does not fit starts the next train.

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "base/socket_addr.hpp"
#include "quic/dial.hpp"
#include "quic/types.hpp"

namespace grapevine::quic {

inline constexpr std::size_t kTrainPacketsMax = 64;
inline constexpr std::size_t kTrainBytesMax = 65507;
// The largest packet that we write: IPv6's 1500 less headers, as iroh's upper bound of path MTU discovery.
inline constexpr std::size_t kPacketBytesMax = 1452;

// Where a packet goes. Several remotes: the same packet to each, while a dial does not yet know which one answers.
struct Destination {
    base::SocketAddr local;
    std::array<base::SocketAddr, kCandidatesMax> remotes;
    std::size_t count = 0;
    Ecn ecn = Ecn::not_ect;

    void add(const base::SocketAddr& remote);  // At most kCandidatesMax; more are ignored.
    [[nodiscard]] std::span<const base::SocketAddr> all() const { return {remotes.data(), count}; }
    friend bool operator==(const Destination&, const Destination&) = default;
};

// Where packets are written; kept from train to train, so that a flush does not pay for 64 KiB of heap.
class TrainBuffer {
public:
    std::uint8_t* bytes();

private:
    std::unique_ptr<std::uint8_t[]> bytes_;
};

class Train {
public:
    // One at a time on a buffer.
    Train(const std::function<void(const Transmit&)>& sink, Counters& counters, TrainBuffer& buffer);

    // Room for one packet, valid until the next call.
    [[nodiscard]] std::span<std::uint8_t> room();
    // The first `bytes` of room() are a packet for `destination`.
    void commit(std::size_t bytes, const Destination& destination);
    // A packet that was made elsewhere.
    void add(base::ByteView packet, const Destination& destination);
    // Sends what is collected.
    void send();

private:
    const std::function<void(const Transmit&)>& sink_;
    Counters& counters_;
    std::uint8_t* buffer_;
    std::size_t used_ = 0;
    std::size_t segment_ = 0;
    std::size_t packets_ = 0;
    Destination destination_;
};

}  // namespace grapevine::quic
