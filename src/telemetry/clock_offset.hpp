#pragma once

// What a node knows of its peers' clocks: for each, the peer's clock minus ours, and how wrong that can be.
//
// Two kinds of evidence, as in NTP (RFC 5905, section 8, "on-wire protocol"):
//  - a round trip t1 (we sent), t2 (peer received), t3 (peer sent), t4 (we received) gives offset
//    ((t2 - t1) + (t3 - t4)) / 2, off by at most half of the delay (t4 - t1) - (t3 - t2);
//  - a message with the time at which it was sent gives a lower bound, sent - received, because it cannot have arrived
//    before it left; with the transport's round-trip time as a hint, sent + rtt / 2 - received, off by rtt / 2 as far
//    as the path is symmetric.
// The estimate kept is the one with the smallest error, where an old one's error grows by kDriftPpm (RFC 5905's PHI is
// 15 ppm; ours allows for virtual machines). Absurd values (a delay below zero, times before 2000) are ignored and
// counted: a peer's clock is a peer's claim.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "telemetry/recorder.hpp"

namespace grapevine::telemetry {

class ClockOffsets {
public:
    static constexpr std::size_t kPeersMax = 256;  // The one heard longest ago makes room.
    static constexpr std::uint64_t kDriftPpm = 50;

    // All in Unix nanoseconds; t1 and t4 on our clock, t2 and t3 on the peer's. `now` is monotonic.
    void on_round_trip(const base::EndpointId& peer, std::uint64_t t1, std::uint64_t t2, std::uint64_t t3,
                       std::uint64_t t4, base::TimePoint now);
    // `rtt` of the transport, if the message came straight from that peer.
    void on_message(const base::EndpointId& peer, std::uint64_t sent, std::uint64_t received,
                    std::optional<base::Duration> rtt, base::TimePoint now);
    void forget(const base::EndpointId& peer);

    [[nodiscard]] std::optional<ClockOffset> estimate(const base::EndpointId& peer, base::TimePoint now) const;
    [[nodiscard]] std::size_t size() const { return peers_.size(); }
    [[nodiscard]] std::uint64_t refused() const { return refused_; }

private:
    struct Known {
        ClockOffset offset;
        base::TimePoint at;
    };
    void consider(const base::EndpointId& peer, ClockOffset offset, base::TimePoint now);
    static std::uint64_t error_at(const Known& known, base::TimePoint now);

    std::map<base::EndpointId, Known> peers_;
    std::uint64_t refused_ = 0;
};

}  // namespace grapevine::telemetry
