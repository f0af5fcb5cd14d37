#pragma once

// A non-blocking UDP socket of one address family, for QUIC: trains of equal datagrams in one system call both ways
// (GSO, GRO), several reads in one call (recvmmsg), ECN in and out (RFC 9000 section 13.4), the local address of what
// was received, no fragmentation (RFC 9000 section 14: packets larger than the path are refused, never split), and ICMP
// errors as hints (RFC 9000 section 14.2.1: unauthenticated, so never more than hints).
//
// What the kernel lacks is noticed once and done without: GSO by sending one by one, GRO and ECN by their absence.
//
// A full send queue of the kernel fills a bounded queue here, which is drained when the socket is writable again;
// beyond it the newest datagrams are dropped and counted, and QUIC recovers as from any loss.

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/socket_addr.hpp"
#include "io/fd.hpp"
#include "quic/types.hpp"

namespace grapevine::io {

struct UdpCounters {
    std::uint64_t trains_sent = 0, datagrams_sent = 0, bytes_sent = 0;
    std::uint64_t trains_received = 0, datagrams_received = 0, bytes_received = 0;
    std::uint64_t reads = 0, sends = 0;     // System calls.
    std::uint64_t deferred = 0;             // Trains that waited for the socket to become writable.
    std::uint64_t dropped_queue = 0;        // Datagrams beyond the bounded queue.
    std::uint64_t dropped_too_large = 0;    // Larger than the path: lost probes of the path's size, mostly.
    std::uint64_t dropped_unreachable = 0;  // No route, no permission, network down.
    std::uint64_t dropped_kernel = 0;       // Received by the kernel but lost for want of buffer.
    std::uint64_t dropped_truncated = 0;
    std::uint64_t unreachable_hints = 0;
};

struct UdpFeatures {
    bool gso = false;
    bool gro = false;
    bool ecn = false;
    bool error_queue = false;
    int receive_buffer_bytes = 0;
    int send_buffer_bytes = 0;
};

class UdpSocket {
public:
    static constexpr std::size_t kReadsPerCall = 8;
    static constexpr std::size_t kReadBytes = 64U * 1024U;
    static constexpr std::size_t kScratchBytes =
        kReadsPerCall * kReadBytes;                                // What receive() needs; see Runtime::scratch.
    static constexpr std::size_t kReceiveBudgetBytes = 1U << 20U;  // Per receive(): then others get their turn.
    static constexpr std::size_t kSegmentsMax = 64;                // UDP_MAX_SEGMENTS of older kernels.
    static constexpr std::size_t kTrainBytesMax = 65000;           // Below the 65,507 bytes of a UDP payload.
    static constexpr std::size_t kPendingTrainsMax = 64;
    static constexpr std::size_t kPendingBytesMax = 512U * 1024U;
    static constexpr int kKernelBufferBytes = 2 * 1024 * 1024;  // Asked for; the kernel grants up to its own limit.

    using ReceiveSink = std::function<void(const quic::ReceivedDatagram&)>;
    using UnreachableSink = std::function<void(const base::SocketAddr&)>;

    // Errors name the address: busy (port in use), denied, or not an address of this machine.
    static base::Result<std::unique_ptr<UdpSocket>> bind(const base::SocketAddr& addr);

    UdpSocket(const UdpSocket&) = delete;
    UdpSocket& operator=(const UdpSocket&) = delete;

    // Reads until the socket is empty or the budget is spent; the datagrams point into `scratch`.
    void receive(std::span<std::uint8_t> scratch, const ReceiveSink& sink, const UnreachableSink& unreachable);
    void send(const quic::Transmit& train);
    // Whether trains wait for the socket to become writable; then call on_writable().
    [[nodiscard]] bool blocked() const { return !pending_.empty(); }
    void on_writable();

    [[nodiscard]] int fd() const { return fd_.get(); }
    // With the port that the kernel chose.
    [[nodiscard]] const base::SocketAddr& local() const { return local_; }
    [[nodiscard]] const UdpCounters& counters() const { return counters_; }
    [[nodiscard]] const UdpFeatures& features() const { return features_; }
    // From now on sends one by one, as where the kernel has no GSO.
    void disable_gso() { features_.gso = false; }

private:
    enum class Sent { yes, blocked, refused, failed };
    struct Pending {
        base::SocketAddr local;
        base::SocketAddr remote;
        quic::Ecn ecn;
        std::size_t segment_bytes;
        base::Bytes payload;
    };
    struct ReadBatch;

    UdpSocket(Fd fd, const base::SocketAddr& local);
    void probe_features();
    void set_kernel_buffers();
    std::size_t read_batch(ReadBatch& batch, std::span<std::uint8_t> scratch);
    std::size_t deliver(ReadBatch& batch, std::size_t count, const ReceiveSink& sink);
    // How many entries of the error queue were taken.
    std::size_t drain_errors(const UnreachableSink& unreachable);
    void send_chunk(const quic::Transmit& chunk);
    Sent try_send(const quic::Transmit& chunk);
    void send_singly(const quic::Transmit& chunk);
    void count_refused(int error, std::size_t datagrams);
    void queue(const quic::Transmit& chunk);

    Fd fd_;
    base::SocketAddr local_;
    int family_;
    UdpFeatures features_;
    UdpCounters counters_;
    std::uint32_t last_overflow_ = 0;
    int send_error_ = 0;  // Of the last refused send.
    std::deque<Pending> pending_;
    std::size_t pending_bytes_ = 0;
};

}  // namespace grapevine::io
