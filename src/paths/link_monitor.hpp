#pragma once

// The failure detector of the links to active neighbours.
//
// Rules, with their reasons:
//  1. All links share one tick (default 1 s), so that a node wakes once for all of them.
//  2. At a tick, a link not heard from for half a period is probed. A peer's probe proves life as well as an answer, so
//     one probe per link and period suffices for both ends, whichever end's tick comes first.
//  3. A probed link not heard from within `verdict` of the probe is Silent. The probe is an ack-eliciting QUIC packet,
//     which QUIC retransmits by itself (RFC 9002, section 6.2), so 1.2 s cover several attempts even when packets are
//     lost. A silent peer is thus noticed 1.7 to 2.7 s after its last packet.
//  4. A hint that the peer is unreachable (ICMP) probes at once with the short verdict: a dead process on a live host
//     is noticed in a fraction of a second. The hint alone decides nothing, since it can be forged.
//  5. A verdict that comes later than `stall_max` after it was due says that this process did not run, not that the
//     peers were silent: their answers may wait unread. All open probes start again.
//  6. Silent is said once per silence; when such a link is heard again, Recovered is said once.
//
// What was heard is pulled: before on_deadline, the owner reports for each link when a packet last came, so that the
// arrival of a packet costs nothing here.

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/bounded.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

namespace grapevine::paths {

struct LinkMonitorConfig {
    base::Duration period = std::chrono::seconds(1);
    base::Duration verdict = std::chrono::milliseconds(1200);
    base::Duration verdict_short = std::chrono::milliseconds(300);
    base::Duration stall_max = std::chrono::milliseconds(500);
    std::size_t links_max = 256;
};

// Send an ack-eliciting packet to the peer.
struct Probe {
    base::EndpointId peer;
    friend bool operator==(const Probe&, const Probe&) = default;
};
enum class SilenceCause : std::uint8_t { silent, unreachable };
// Nothing was heard for `silence`, although the peer was probed.
struct Silent {
    base::EndpointId peer;
    base::Duration silence{};
    SilenceCause cause = SilenceCause::silent;
    friend bool operator==(const Silent&, const Silent&) = default;
};
struct Recovered {
    base::EndpointId peer;
    friend bool operator==(const Recovered&, const Recovered&) = default;
};

using LinkEffect = std::variant<Probe, Silent, Recovered>;
using LinkEffects = std::vector<LinkEffect>;

struct LinkCounters {
    std::uint64_t ticks = 0;
    std::uint64_t probes = 0;
    std::uint64_t silent = 0;
    std::uint64_t recovered = 0;
    std::uint64_t hints = 0;
    std::uint64_t stalls = 0;
    std::uint64_t refused_full = 0;
    friend bool operator==(const LinkCounters&, const LinkCounters&) = default;
};

class LinkMonitor {
public:
    explicit LinkMonitor(const LinkMonitorConfig& config) : config_(config), links_(config.links_max) {}

    // A link counts as heard when it comes up. Repeating it renews that and nothing else.
    base::Admitted link_up(const base::EndpointId& peer, base::TimePoint now);
    void link_down(const base::EndpointId& peer);
    // A packet from the peer came at `at`. Older reports than the last are ignored.
    void heard(const base::EndpointId& peer, base::TimePoint at);
    void unreachable(const base::EndpointId& peer, base::TimePoint now, LinkEffects& out);

    void on_deadline(base::TimePoint now, LinkEffects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    [[nodiscard]] std::size_t size() const { return links_.size(); }
    [[nodiscard]] const LinkCounters& counters() const { return counters_; }
    // Calls visit(peer) for each link, in order of ids, so that the owner can report what it heard.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (const auto& [peer, link] : links_)
            visit(peer);
    }

private:
    struct OpenProbe {
        base::TimePoint sent;
        base::TimePoint verdict_at;
        SilenceCause cause = SilenceCause::silent;
    };
    enum class Standing : std::uint8_t { heard, silent };
    struct Link {
        base::TimePoint heard_at;
        std::optional<OpenProbe> probe;
        Standing standing = Standing::heard;
        base::TimePoint silent_at;  // heard_at when the link was found silent.
    };

    void settle(const base::EndpointId& peer, Link& link, base::TimePoint now, LinkEffects& out);
    void tick(base::TimePoint now, LinkEffects& out);
    void probe(const base::EndpointId& peer, Link& link, base::TimePoint now, base::Duration verdict,
               SilenceCause cause, LinkEffects& out);

    LinkMonitorConfig config_;
    base::BoundedMap<base::EndpointId, Link> links_;
    base::TimePoint next_tick_;
    LinkCounters counters_;
};

}  // namespace grapevine::paths
