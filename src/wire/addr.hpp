#pragma once

// Addresses of endpoints as iroh writes them (postcard): TransportAddr, EndpointAddr, EndpointTicket, and the AddrInfo
// that iroh-gossip carries as peer data.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/socket_addr.hpp"

namespace grapevine::wire {

inline constexpr std::size_t kAddrsMax = 32;  // Items of one EndpointAddr that we accept.
inline constexpr std::size_t kRelayUrlBytesMax = 512;
inline constexpr std::size_t kCustomAddrBytesMax = 256;
inline constexpr std::size_t kTicketTextMax = 8192;  // Characters of a ticket that we look at.

// A relay's URL in normal form: lower-case scheme and host, no default port, never an empty path. Only the shape is
// checked: http:// or https://, a host, a port that fits, visible ASCII.
struct RelayUrl {
    std::string text;
    static base::Result<RelayUrl> parse(std::string_view text);
    friend auto operator<=>(const RelayUrl&, const RelayUrl&) = default;
};

struct CustomAddr {
    std::uint64_t id = 0;
    base::Bytes data;
    friend auto operator<=>(const CustomAddr&, const CustomAddr&) = default;
};

// Ordered Relay < Ip < Custom, as iroh's sets are.
using TransportAddr = std::variant<RelayUrl, base::SocketAddr, CustomAddr>;

struct EndpointAddr {
    base::EndpointId id;
    std::vector<TransportAddr> addrs;  // Sorted, without duplicates, after decoding and before encoding.

    [[nodiscard]] std::vector<base::SocketAddr> direct() const;
    friend bool operator==(const EndpointAddr&, const EndpointAddr&) = default;
};

// Id, then a count and the addresses, sorted and without duplicates; the first kAddrsMax of them.
base::Bytes encode(const EndpointAddr& addr);
base::Result<EndpointAddr> decode_endpoint_addr(base::ByteView bytes);

// "endpoint" + base32 of `00` and the EndpointAddr. The prefix is exact; the rest may have any case.
std::string ticket_text(const EndpointAddr& addr);
base::Result<EndpointAddr> parse_ticket(std::string_view text);

// iroh-gossip's PeerData: empty bytes mean "not known yet".
struct AddrInfo {
    std::vector<RelayUrl> relays;  // 0 or 1.
    std::vector<base::SocketAddr> direct;
    friend bool operator==(const AddrInfo&, const AddrInfo&) = default;
};
// Option of the first relay, then a count and the addresses as in EndpointAddr. An empty AddrInfo encodes as empty
// bytes.
base::Bytes encode(const AddrInfo& info);
base::Result<AddrInfo> decode_addr_info(base::ByteView bytes);

}  // namespace grapevine::wire
