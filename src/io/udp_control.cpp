#include "io/udp_control.hpp"

#include <cstring>

#include <linux/errqueue.h>
#include <netinet/udp.h>

namespace grapevine::io {

namespace {

constexpr int kEcnMask = 3;

// The payload of `message` as a T; zero where it is too short.
template <typename T>
T read_as(const cmsghdr* message) {
    T value{};
    if (message->cmsg_len >= CMSG_LEN(sizeof value)) {
        std::memcpy(&value, CMSG_DATA(message), sizeof value);
    }
    return value;
}

bool is(const cmsghdr* message, int level, int type) {
    return message->cmsg_level == level && message->cmsg_type == type;
}

base::SocketAddr v4_addr(const in_addr& from) {
    base::SocketAddr addr;
    std::memcpy(addr.ip.data(), &from, sizeof from);
    return addr;
}

base::SocketAddr v6_addr(const in6_addr& from) {
    base::SocketAddr addr;
    addr.family = base::IpFamily::v6;
    std::memcpy(addr.ip.data(), &from, sizeof from);
    return addr;
}

void parse_one(const cmsghdr* message, ReceivedControl& out) {
    if (is(message, IPPROTO_IP, IP_TOS)) {
        out.ecn = static_cast<quic::Ecn>(read_as<std::uint8_t>(message) & kEcnMask);
    } else if (is(message, IPPROTO_IPV6, IPV6_TCLASS)) {
        out.ecn = static_cast<quic::Ecn>(read_as<int>(message) & kEcnMask);
    } else if (is(message, IPPROTO_IP, IP_PKTINFO)) {
        out.local = v4_addr(read_as<in_pktinfo>(message).ipi_addr);
    } else if (is(message, IPPROTO_IPV6, IPV6_PKTINFO)) {
        out.local = v6_addr(read_as<in6_pktinfo>(message).ipi6_addr);
    } else if (is(message, SOL_UDP, UDP_GRO)) {
        const int bytes = read_as<int>(message);
        out.segment_bytes = bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
    } else if (is(message, SOL_SOCKET, SO_RXQ_OVFL)) {
        out.overflow = read_as<std::uint32_t>(message);
    }
}

const cmsghdr* next_message(const msghdr& header, const cmsghdr* message) {
    return CMSG_NXTHDR(const_cast<msghdr*>(&header), const_cast<cmsghdr*>(message));
}

// Appends messages to a control buffer.
class ControlWriter {
public:
    ControlWriter(msghdr& header, ControlBuffer& buffer) : header_(header) {
        std::memset(buffer.bytes, 0, sizeof buffer.bytes);
        header_.msg_control = buffer.bytes;
        header_.msg_controllen = sizeof buffer.bytes;
        next_ = CMSG_FIRSTHDR(&header_);
    }

    template <typename T>
    void add(int level, int type, const T& value) {
        next_->cmsg_level = level;
        next_->cmsg_type = type;
        next_->cmsg_len = CMSG_LEN(sizeof value);
        std::memcpy(CMSG_DATA(next_), &value, sizeof value);
        used_ += CMSG_SPACE(sizeof value);
        next_ = CMSG_NXTHDR(&header_, next_);
    }

    void finish() {
        header_.msg_controllen = used_;
        if (used_ == 0) {
            header_.msg_control = nullptr;
        }
    }

private:
    msghdr& header_;
    cmsghdr* next_ = nullptr;
    std::size_t used_ = 0;
};

void add_source(ControlWriter& writer, const base::SocketAddr& local) {
    if (local.family == base::IpFamily::v4) {
        in_pktinfo info{};
        std::memcpy(&info.ipi_spec_dst, local.ip.data(), sizeof info.ipi_spec_dst);
        writer.add(IPPROTO_IP, IP_PKTINFO, info);
        return;
    }
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, local.ip.data(), sizeof info.ipi6_addr);
    writer.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
}

}  // namespace

ReceivedControl parse_control(const msghdr& header) {
    ReceivedControl out;
    for (const cmsghdr* message = CMSG_FIRSTHDR(&header); message != nullptr; message = next_message(header, message)) {
        parse_one(message, out);
    }
    return out;
}

std::optional<int> parse_socket_error(const msghdr& header) {
    for (const cmsghdr* message = CMSG_FIRSTHDR(&header); message != nullptr; message = next_message(header, message)) {
        if (!is(message, IPPROTO_IP, IP_RECVERR) && !is(message, IPPROTO_IPV6, IPV6_RECVERR)) {
            continue;
        }
        const auto error = read_as<sock_extended_err>(message);
        if (error.ee_origin == SO_EE_ORIGIN_ICMP || error.ee_origin == SO_EE_ORIGIN_ICMP6) {
            return static_cast<int>(error.ee_errno);
        }
    }
    return std::nullopt;
}

void write_control(msghdr& header, ControlBuffer& buffer, int family, const quic::Transmit& train, bool choose_source) {
    ControlWriter writer(header, buffer);
    if (train.ecn != quic::Ecn::not_ect) {
        const int ecn = static_cast<int>(train.ecn);
        if (family == AF_INET) {
            writer.add(IPPROTO_IP, IP_TOS, ecn);
        } else {
            writer.add(IPPROTO_IPV6, IPV6_TCLASS, ecn);
        }
    }
    if (train.segment_bytes != 0) {
        writer.add(SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(train.segment_bytes));
    }
    if (choose_source) {
        add_source(writer, train.local);
    }
    writer.finish();
}

}  // namespace grapevine::io
