#include "io/udp_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "io/sockaddr.hpp"
#include "io/udp_control.hpp"

namespace grapevine::io {

namespace {

bool set_option(int fd, int level, int name, int value) {
    return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

int get_option(int fd, int level, int name) {
    int value = 0;
    socklen_t length = sizeof value;
    return ::getsockopt(fd, level, name, &value, &length) == 0 ? value : 0;
}

std::size_t segments_of(const quic::Transmit& train) {
    if (train.segment_bytes == 0 || train.payload.empty()) {
        return 1;
    }
    return (train.payload.size() + train.segment_bytes - 1) / train.segment_bytes;
}

base::Error bind_error(const base::SocketAddr& addr, int error) {
    const std::string subject = "address '" + addr.text() + "'";
    if (error == EADDRINUSE) {
        return {base::ErrorCode::busy, subject + ": port " + std::to_string(addr.port) + " is in use"};
    }
    if (error == EADDRNOTAVAIL) {
        return {base::ErrorCode::invalid, subject + ": is not an address of this machine"};
    }
    return system_error(subject, "cannot be bound", error);
}

base::Result<base::SocketAddr> bound_addr(int fd, const base::SocketAddr& asked) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
        return tl::unexpected(bind_error(asked, errno));
    }
    const auto addr = from_native(reinterpret_cast<const sockaddr&>(storage));
    return addr ? base::Result<base::SocketAddr>(*addr) : tl::unexpected(bind_error(asked, EAFNOSUPPORT));
}

}  // namespace

struct UdpSocket::ReadBatch {
    std::array<mmsghdr, kReadsPerCall> headers;
    std::array<iovec, kReadsPerCall> vectors;
    std::array<sockaddr_storage, kReadsPerCall> remotes;
    std::array<ControlBuffer, kReadsPerCall> controls;
};

base::Result<std::unique_ptr<UdpSocket>> UdpSocket::bind(const base::SocketAddr& addr) {
    const int family = addr.family == base::IpFamily::v4 ? AF_INET : AF_INET6;
    Fd fd(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP));
    if (!fd.valid()) {
        return tl::unexpected(bind_error(addr, errno));
    }
    if (family == AF_INET6) {
        set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    const NativeAddr native = to_native(addr);
    if (::bind(fd.get(), native.get(), native.length) != 0) {
        return tl::unexpected(bind_error(addr, errno));
    }
    const auto local = bound_addr(fd.get(), addr);
    if (!local) {
        return tl::unexpected(local.error());
    }
    return std::unique_ptr<UdpSocket>(new UdpSocket(std::move(fd), *local));
}

UdpSocket::UdpSocket(Fd fd, const base::SocketAddr& local)
    : fd_(std::move(fd)), local_(local), family_(local.family == base::IpFamily::v4 ? AF_INET : AF_INET6) {
    probe_features();
    set_kernel_buffers();
}

void UdpSocket::probe_features() {
    const int fd = fd_.get();
    if (family_ == AF_INET) {
        set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
        set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
        features_.ecn = set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
        features_.error_queue = set_option(fd, IPPROTO_IP, IP_RECVERR, 1);
    } else {
        set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
        features_.ecn = set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
        features_.error_queue = set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
    }
    set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
    features_.gro = set_option(fd, SOL_UDP, UDP_GRO, 1);
    features_.gso = set_option(fd, SOL_UDP, UDP_SEGMENT, 0);  // Zero: known, but off unless a send asks for it.
}

void UdpSocket::set_kernel_buffers() {
    for (const int name : {SO_RCVBUF, SO_SNDBUF}) {
        if (get_option(fd_.get(), SOL_SOCKET, name) < kKernelBufferBytes) {
            set_option(fd_.get(), SOL_SOCKET, name, kKernelBufferBytes);
        }
    }
    features_.receive_buffer_bytes = get_option(fd_.get(), SOL_SOCKET, SO_RCVBUF);
    features_.send_buffer_bytes = get_option(fd_.get(), SOL_SOCKET, SO_SNDBUF);
}

void UdpSocket::receive(std::span<std::uint8_t> scratch, const ReceiveSink& sink, const UnreachableSink& unreachable) {
    ReadBatch batch;
    std::size_t total = 0;
    bool errors_drained = false;
    while (total < kReceiveBudgetBytes) {
        const std::size_t count = read_batch(batch, scratch);
        if (count == 0) {
            // A pending ICMP error wakes us without a datagram, or fails the read before the first one.
            if (errors_drained || drain_errors(unreachable) == 0) {
                return;
            }
            errors_drained = true;
            continue;
        }
        total += deliver(batch, count, sink);
        // Fewer than asked for means that the socket is empty: no second call to be told so.
        if (count < kReadsPerCall) {
            return;
        }
    }
}

std::size_t UdpSocket::read_batch(ReadBatch& batch, std::span<std::uint8_t> scratch) {
    for (std::size_t i = 0; i < kReadsPerCall; ++i) {
        batch.vectors[i] = {scratch.data() + i * kReadBytes, kReadBytes};
        msghdr& header = batch.headers[i].msg_hdr;
        header = {};
        header.msg_name = &batch.remotes[i];
        header.msg_namelen = sizeof batch.remotes[i];
        header.msg_iov = &batch.vectors[i];
        header.msg_iovlen = 1;
        header.msg_control = batch.controls[i].bytes;
        header.msg_controllen = sizeof batch.controls[i].bytes;
    }
    ++counters_.reads;
    const int count = ::recvmmsg(fd_.get(), batch.headers.data(), kReadsPerCall, MSG_DONTWAIT, nullptr);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

std::size_t UdpSocket::deliver(ReadBatch& batch, std::size_t count, const ReceiveSink& sink) {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
        msghdr& header = batch.headers[i].msg_hdr;
        const std::size_t length = batch.headers[i].msg_len;
        bytes += length;
        const auto remote = from_native(reinterpret_cast<const sockaddr&>(batch.remotes[i]));
        if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || !remote || length > kReadBytes) {
            ++counters_.dropped_truncated;
            continue;
        }
        const ReceivedControl control = parse_control(header);
        if (control.overflow) {
            counters_.dropped_kernel += *control.overflow - last_overflow_;
            last_overflow_ = *control.overflow;
        }
        quic::ReceivedDatagram datagram;
        datagram.local = control.local.value_or(local_);
        datagram.local.port = local_.port;
        datagram.remote = *remote;
        datagram.ecn = control.ecn;
        datagram.payload = base::ByteView(static_cast<const std::uint8_t*>(batch.vectors[i].iov_base), length);
        datagram.segment_bytes = control.segment_bytes < length ? control.segment_bytes : 0;
        ++counters_.trains_received;
        counters_.bytes_received += length;
        counters_.datagrams_received +=
            datagram.segment_bytes == 0 ? 1 : (length + datagram.segment_bytes - 1) / datagram.segment_bytes;
        sink(datagram);
    }
    return bytes;
}

std::size_t UdpSocket::drain_errors(const UnreachableSink& unreachable) {
    constexpr std::size_t kErrorsPerTurn = 64;
    for (std::size_t i = 0; i < kErrorsPerTurn; ++i) {
        sockaddr_storage remote{};
        ControlBuffer control;
        msghdr header{};
        header.msg_name = &remote;
        header.msg_namelen = sizeof remote;
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof control.bytes;
        if (::recvmsg(fd_.get(), &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
            return i;
        }
        const auto addr = from_native(reinterpret_cast<const sockaddr&>(remote));
        const auto error = parse_socket_error(header);
        // EMSGSIZE says that a packet was too large for the path, not that nobody is there.
        if (addr && error && *error != EMSGSIZE) {
            ++counters_.unreachable_hints;
            unreachable(*addr);
        }
    }
    return kErrorsPerTurn;
}

// Splits a train into pieces that one call can carry.
void UdpSocket::send(const quic::Transmit& train) {
    const std::size_t segments = segments_of(train);
    if (segments <= 1) {
        quic::Transmit single = train;
        single.segment_bytes = 0;
        send_chunk(single);
        return;
    }
    const std::size_t fit = std::max<std::size_t>(1, std::min(kSegmentsMax, kTrainBytesMax / train.segment_bytes));
    const std::size_t step = fit * train.segment_bytes;
    for (std::size_t offset = 0; offset < train.payload.size(); offset += step) {
        quic::Transmit chunk = train;
        chunk.payload = train.payload.subspan(offset, std::min(step, train.payload.size() - offset));
        if (chunk.payload.size() <= chunk.segment_bytes) {
            chunk.segment_bytes = 0;
        }
        send_chunk(chunk);
    }
}

void UdpSocket::send_chunk(const quic::Transmit& chunk) {
    if (blocked()) {
        queue(chunk);
        return;
    }
    if (chunk.segment_bytes != 0 && !features_.gso) {
        send_singly(chunk);
        return;
    }
    switch (try_send(chunk)) {
        case Sent::yes: return;
        case Sent::blocked: queue(chunk); return;
        case Sent::refused:
            if (chunk.segment_bytes != 0) {
                send_singly(chunk);
                return;
            }
            [[fallthrough]];
        case Sent::failed: count_refused(send_error_, segments_of(chunk)); return;
    }
}

UdpSocket::Sent UdpSocket::try_send(const quic::Transmit& chunk) {
    const NativeAddr remote = to_native(chunk.remote);
    iovec vector{const_cast<std::uint8_t*>(chunk.payload.data()), chunk.payload.size()};
    ControlBuffer control;
    msghdr header{};
    header.msg_name = const_cast<sockaddr*>(remote.get());
    header.msg_namelen = remote.length;
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    const bool choose_source = local_.is_unspecified() && !chunk.local.is_unspecified();
    write_control(header, control, family_, chunk, choose_source);
    // A pending ICMP error fails one send, which then is tried again.
    for (int attempt = 0; attempt < 3; ++attempt) {
        ++counters_.sends;
        if (::sendmsg(fd_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
            ++counters_.trains_sent;
            counters_.datagrams_sent += segments_of(chunk);
            counters_.bytes_sent += chunk.payload.size();
            return Sent::yes;
        }
        send_error_ = errno;
        if (send_error_ == EAGAIN || send_error_ == EWOULDBLOCK || send_error_ == ENOBUFS) {
            send_error_ = 0;
            return Sent::blocked;
        }
        if (send_error_ != EINTR && send_error_ != ECONNREFUSED && send_error_ != EHOSTUNREACH) {
            break;
        }
    }
    if (chunk.segment_bytes != 0 && send_error_ == EIO) {
        disable_gso();  // The device cannot checksum segments.
    }
    const bool gso_limit = send_error_ == EIO || send_error_ == EINVAL || send_error_ == EMSGSIZE;
    return gso_limit ? Sent::refused : Sent::failed;
}

void UdpSocket::send_singly(const quic::Transmit& chunk) {
    for (std::size_t offset = 0; offset < chunk.payload.size(); offset += chunk.segment_bytes) {
        quic::Transmit single = chunk;
        single.payload = chunk.payload.subspan(offset, std::min(chunk.segment_bytes, chunk.payload.size() - offset));
        single.segment_bytes = 0;
        send_chunk(single);
    }
}

void UdpSocket::count_refused(int error, std::size_t datagrams) {
    (error == EMSGSIZE ? counters_.dropped_too_large : counters_.dropped_unreachable) += datagrams;
}

void UdpSocket::queue(const quic::Transmit& chunk) {
    if (pending_.size() >= kPendingTrainsMax || pending_bytes_ + chunk.payload.size() > kPendingBytesMax) {
        counters_.dropped_queue += segments_of(chunk);
        return;
    }
    ++counters_.deferred;
    pending_bytes_ += chunk.payload.size();
    pending_.push_back(Pending{chunk.local, chunk.remote, chunk.ecn, chunk.segment_bytes,
                               base::Bytes(chunk.payload.begin(), chunk.payload.end())});
}

void UdpSocket::on_writable() {
    std::deque<Pending> waiting;
    waiting.swap(pending_);
    pending_bytes_ = 0;
    while (!waiting.empty() && !blocked()) {
        const Pending& next = waiting.front();
        send_chunk(quic::Transmit{next.local, next.remote, next.ecn, next.payload, next.segment_bytes});
        // A train that was blocked again is the last of the queue, and must be its first.
        waiting.pop_front();
    }
    for (Pending& rest : waiting) {
        pending_bytes_ += rest.payload.size();
        pending_.push_back(std::move(rest));
    }
}

}  // namespace grapevine::io
