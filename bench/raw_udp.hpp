#pragma once

// The floors of the network benchmarks: plain UDP on loopback with the kernel's offloads, and nothing else.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/clocks.hpp"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace grapevine::bench {

// A UDP socket on 127.0.0.1, any port.
class RawSocket {
public:
    RawSocket() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        addr_.sin_family = AF_INET;
        addr_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof addr_;
        if (fd_ < 0 || ::bind(fd_, reinterpret_cast<const sockaddr*>(&addr_), size) != 0 ||
            ::getsockname(fd_, reinterpret_cast<sockaddr*>(&addr_), &size) != 0)
            throw std::runtime_error("cannot bind a UDP socket on 127.0.0.1");
        set(SOL_SOCKET, SO_RCVBUF, 2 * 1024 * 1024);
        set(SOL_SOCKET, SO_SNDBUF, 2 * 1024 * 1024);
    }
    ~RawSocket() { ::close(fd_); }
    RawSocket(const RawSocket&) = delete;
    RawSocket& operator=(const RawSocket&) = delete;

    bool set(int level, int option, int value) { return ::setsockopt(fd_, level, option, &value, sizeof value) == 0; }
    void connect(const RawSocket& peer) {
        if (::connect(fd_, reinterpret_cast<const sockaddr*>(&peer.addr_), sizeof peer.addr_) != 0)
            throw std::runtime_error("cannot connect a UDP socket");
    }
    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] bool readable(int timeout_ms) const {
        pollfd watched{fd_, POLLIN, 0};
        return ::poll(&watched, 1, timeout_ms) == 1;
    }

private:
    int fd_;
    sockaddr_in addr_{};
};

struct RawRate {
    double bytes_per_s = 0;      // Received.
    double cpu_ns_per_byte = 0;  // Of sender and receiver, per received byte.
    bool offloads = false;       // GSO and GRO were there.
};

using OnTrain = std::function<void(std::span<std::uint8_t> train)>;

// One thread sends trains of equal datagrams, another receives, for `seconds`. `before` and `after` see each train just
// before it is sent and just after it was received.
inline RawRate raw_udp_rate(std::size_t segment_bytes, double seconds, const OnTrain& before = {},
                            const OnTrain& after = {}) {
    RawSocket from;
    RawSocket to;
    from.connect(to);
    const bool gso = from.set(SOL_UDP, UDP_SEGMENT, static_cast<int>(segment_bytes));
    const bool gro = to.set(SOL_UDP, UDP_GRO, 1);
    constexpr std::size_t kTrainMax = 64;  // UDP_MAX_SEGMENTS of older kernels.
    const std::size_t train = (gso ? std::min<std::size_t>(kTrainMax, 65000 / segment_bytes) : 1) * segment_bytes;
    std::atomic<bool> stop{false};
    const double begin = wall_now();
    const double cpu = cpu_now();
    std::thread sender([&] {
        std::vector<std::uint8_t> payload(train, 0x5a);
        while (!stop.load(std::memory_order_relaxed)) {
            if (before) before(payload);
            if (::send(from.fd(), payload.data(), payload.size(), 0) < 0) ::usleep(100);
        }
    });
    std::vector<std::uint8_t> buffer(65536);
    std::uint64_t received = 0;
    while (wall_now() - begin < seconds) {
        const ssize_t got = to.readable(10) ? ::recv(to.fd(), buffer.data(), buffer.size(), 0) : 0;
        if (got <= 0) continue;
        received += static_cast<std::uint64_t>(got);
        if (after) after(std::span(buffer).first(static_cast<std::size_t>(got)));
    }
    stop = true;
    sender.join();
    const auto bytes = std::max(1.0, static_cast<double>(received));
    return {bytes / (wall_now() - begin), (cpu_now() - cpu) / bytes * 1e9, gso && gro};
}

// Round trips of `bytes` between two threads that block in between, in microseconds.
inline std::vector<double> raw_udp_echo_us(std::size_t bytes, std::size_t count) {
    RawSocket here;
    RawSocket there;
    here.connect(there);
    there.connect(here);
    std::thread echo([&] {
        std::vector<std::uint8_t> buffer(65536);
        for (;;) {
            const ssize_t got = ::recv(there.fd(), buffer.data(), buffer.size(), 0);
            if (got <= 0) return;  // An empty datagram ends it.
            if (::send(there.fd(), buffer.data(), static_cast<std::size_t>(got), 0) < 0) return;
        }
    });
    std::vector<std::uint8_t> payload(bytes, 0x5a);
    std::vector<double> out;
    for (std::size_t i = 0; i < count; ++i) {
        const double begin = wall_now();
        if (::send(here.fd(), payload.data(), payload.size(), 0) < 0 || !here.readable(1000)) continue;
        if (::recv(here.fd(), payload.data(), payload.size(), 0) > 0) out.push_back((wall_now() - begin) * 1e6);
    }
    ::send(here.fd(), payload.data(), 0, 0);
    echo.join();
    return out;
}

// One thread sends `bytes` to each of `peers` sockets and takes them out again through epoll: microseconds until the
// last. What one loop with that many nodes cannot go below, if each is reached by one datagram.
inline std::vector<double> raw_udp_fan_out_us(std::size_t peers, std::size_t bytes, std::size_t count) {
    RawSocket hub;
    std::vector<RawSocket> spokes(peers);
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<std::uint8_t> payload(bytes, 0x5a);
    for (RawSocket& spoke : spokes) {
        epoll_event watched{};
        watched.events = EPOLLIN;
        watched.data.fd = spoke.fd();
        ::epoll_ctl(poll, EPOLL_CTL_ADD, spoke.fd(), &watched);
    }
    std::vector<double> out;
    for (std::size_t i = 0; i < count; ++i) {
        const double begin = wall_now();
        for (RawSocket& spoke : spokes) {
            hub.connect(spoke);
            if (::send(hub.fd(), payload.data(), payload.size(), 0) < 0) continue;
        }
        std::size_t arrived = 0;
        while (arrived < peers) {
            std::array<epoll_event, 32> happened{};
            const int ready = ::epoll_wait(poll, happened.data(), static_cast<int>(happened.size()), 1000);
            if (ready <= 0) break;
            for (std::size_t k = 0; k < static_cast<std::size_t>(ready); ++k)
                arrived += ::recv(happened[k].data.fd, payload.data(), payload.size(), 0) > 0 ? 1 : 0;
        }
        if (arrived == peers) out.push_back((wall_now() - begin) * 1e6);
    }
    ::close(poll);
    return out;
}

}  // namespace grapevine::bench
