#pragma once

// What remains of a connection that is over (RFC 9000 section 10.2): its connection ids, so that late packets are not
// taken for a stranger's, and its CONNECTION_CLOSE, which is said again when the peer has evidently not heard it.
//
// Rules
// - Everything else is freed at once. It is forgotten after three PTO.
// - The close is repeated on the 1st, 2nd, 4th, 8th ... packet that arrives, so that two closing ends cannot chatter.
// - At most kLingeringMax; beyond, the oldest goes, and its late packets are a stranger's.

#include <cstdint>
#include <map>

#include "quic/connection.hpp"

namespace grapevine::quic {

inline constexpr std::size_t kLingeringMax = 1024;

struct Lingering {
    CidOwner cids;
    Armed armed;
    base::Bytes packet;
    Destination destination;
    std::uint64_t received = 0;
    bool send_wanted = false;
    bool dirty = false;

    void on_packet() {
        ++received;
        const bool power_of_two = (received & (received - 1)) == 0;
        send_wanted = send_wanted || (power_of_two && !packet.empty());
    }
};

}  // namespace grapevine::quic
