#pragma once

// The candidate addresses of a dial (facts of iroh's own dial fan-out).
//
// Rules
// - Every packet of the first flights goes to every candidate that is left, so that the fastest wins without a timer
// and
//   each attempt opens every NAT on the way. The server takes the duplicates for one connection (same connection id).
// - The winner is the source of the datagram that carries the ServerHello, whoever that is: TLS proves the rest. From
//   then on packets from other addresses are ignored.
// - A winner that proves to be somebody else (private addresses exist in many networks) is struck off, and the dial
// starts
//   again with the rest.

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/socket_addr.hpp"

namespace grapevine::quic {

inline constexpr std::size_t kCandidatesMax = 8;

class Candidates {
public:
    Candidates() = default;
    // Duplicates are left out; the order stays.
    explicit Candidates(const std::vector<base::SocketAddr>& addresses) {
        for (const base::SocketAddr& address : addresses) {
            if (std::find(left_.begin(), left_.end(), address) == left_.end()) {
                left_.push_back(address);
            }
        }
    }
    bool strike(const base::SocketAddr& address) { return std::erase(left_, address) > 0; }
    [[nodiscard]] const std::vector<base::SocketAddr>& left() const { return left_; }
    [[nodiscard]] bool empty() const { return left_.empty(); }

private:
    std::vector<base::SocketAddr> left_;
};

}  // namespace grapevine::quic
