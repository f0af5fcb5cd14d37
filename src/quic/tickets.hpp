#pragma once

// Session tickets for 0-RTT (RFC 8446 section 4.2.10, RFC 9001 section 4.6): what a client remembers of its peers, and
// which tickets a server has given out.
//
// Rules
// - A ticket is used once, on both sides. The server forgets it at the first ClientHello that shows it, so that one
//   process never accepts the same early data twice (RFC 8446 section 8.1).
// - A ticket belongs to one peer and one ALPN. A ClientHello that offers another ALPN, several, or several tickets may
//   resume the session, but its early data is rejected.
// - Both stores are in memory only and end with the endpoint: a ticket outlives no restart.
// - Bounds as iroh's: a client keeps 8 tickets for each of 32 peers, a server knows 256. When full the oldest goes.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"

namespace grapevine::quic {

inline constexpr std::size_t kTicketPeersMax = 32;
inline constexpr std::size_t kTicketsPerPeerMax = 8;
inline constexpr std::size_t kTicketsIssuedMax = 256;
inline constexpr std::size_t kTicketsPerConnection = 2;  // Given to each client; as iroh.
// A remembered session in GnuTLS's form: about 0.6 KiB with a ticket of our own; the peer chooses the ticket's size.
inline constexpr std::size_t kSessionBytesMax = 4096;

// What a client needs to send early data.
struct SessionTicket {
    std::string alpn;
    base::Bytes session;     // GnuTLS's session data.
    base::Bytes parameters;  // The server's transport parameters, which early data must respect (RFC 9000, 7.4.1).
};

// How many tickets had to go for others, or were not taken.
using Dropped = std::size_t;

class RememberedTickets {
public:
    [[nodiscard]] Dropped put(const base::EndpointId& peer, SessionTicket ticket);
    // The newest for this peer and ALPN, which is then forgotten.
    [[nodiscard]] std::optional<SessionTicket> take(const base::EndpointId& peer, std::string_view alpn);
    [[nodiscard]] std::size_t size() const;

private:
    struct Peer {
        base::EndpointId id;
        std::deque<SessionTicket> tickets;  // Oldest first.
    };
    std::deque<Peer> peers_;  // The one heard from longest ago first.
};

class IssuedTickets {
public:
    [[nodiscard]] Dropped issue(base::ByteView ticket, std::string_view alpn);
    // The ALPN that the ticket was given out for, or nothing for one that is unknown or used.
    [[nodiscard]] std::optional<std::string> redeem(base::ByteView ticket);
    [[nodiscard]] std::size_t size() const { return issued_.size(); }

private:
    using Digest = std::array<std::uint8_t, 32>;  // SHA-256: a ticket may be long.
    struct Issued {
        Digest digest;
        std::string alpn;
    };
    static Digest digest_of(base::ByteView ticket);
    std::deque<Issued> issued_;  // Oldest first.
};

// What of a ClientHello decides on resumption; empty if it cannot resume.
struct ResumptionOffer {
    base::Bytes ticket;
    std::string alpn;
};

// `hello` is the message without its 4-byte header. Nothing unless it offers exactly one ticket and exactly one ALPN.
std::optional<ResumptionOffer> parse_offer(base::ByteView hello);
// The ticket in a NewSessionTicket message (RFC 8446 section 4.6.1), without its header; empty if malformed.
base::ByteView ticket_of(base::ByteView message);

}  // namespace grapevine::quic
