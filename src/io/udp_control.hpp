#pragma once

// Ancillary data of UDP sockets: what the kernel says about a datagram, and what we ask of it.

#include <cstdint>
#include <optional>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/socket_addr.hpp"
#include "quic/types.hpp"

namespace grapevine::io {

// Room for all that we ask for: packet info, traffic class, segment size, overflow count, or an extended error with its
// offender's address.
struct ControlBuffer {
    alignas(cmsghdr) std::uint8_t bytes[256];
};

struct ReceivedControl {
    std::optional<base::SocketAddr> local;  // Destination address of the datagram; port zero.
    quic::Ecn ecn = quic::Ecn::not_ect;
    std::size_t segment_bytes = 0;
    std::optional<std::uint32_t> overflow;  // Datagrams that the kernel dropped since the socket was made.
};

ReceivedControl parse_control(const msghdr& header);
// The errno of an extended error (IP_RECVERR) that came by ICMP.
std::optional<int> parse_socket_error(const msghdr& header);

// Writes what `train` asks for into `buffer` and attaches it to `header`.
void write_control(msghdr& header, ControlBuffer& buffer, int family, const quic::Transmit& train, bool choose_source);

}  // namespace grapevine::io
