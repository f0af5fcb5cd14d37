#pragma once

// How much a peer may send of each class of frames: token buckets by peer and class, for a member, a visitor and an
// outsider alike. Without a clock, a deadline or an effect: whoever has a frame asks before reading it.
//
// Rules, with their reasons:
//  1. A frame over its limit is refused before anything is done for it, and counted by its class.
//  2. Buckets outlive a peer's connections, so that to come again is no way to a fresh one.
//  3. The table holds peers_max peers. When it is full, the peer idle for the longest time makes room if all of its
//     buckets are full again, since then forgetting it changes nothing. Otherwise it stays, and all who have no place
//     share one set of buckets: they get what one peer would get, the excess is refused, and no peer that has a place
//     is touched by however many new ids somebody makes.
//
// The defaults are several times what an honest peer sends, and our own choice. Their buckets fill within seconds, so
// that an idle peer soon makes room. No rate is below one a second.

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string_view>

#include "base/bounded.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/token_bucket.hpp"

namespace grapevine::admission {

enum class FrameClass : std::uint8_t {
    hello,        // Each may cost a verification.
    probe,        // Ping and echo.
    exchange,     // Turns of a directory exchange.
    statement,    // Of gossip, and of the backbone.
    revocations,  // Each may cost a verification, and nobody needs to say one often.
    question,     // Where somebody is.
    delivery,     // A message, its outcome, a window.
    stream,       // One that carries a large message, or was opened by an application.
    watch,        // A stream by which a whole directory is told.
    count_,
};
inline constexpr std::size_t kFrameClasses = static_cast<std::size_t>(FrameClass::count_);
std::string_view name(FrameClass frames);

using FrameLimits = std::array<base::RateLimit, kFrameClasses>;
inline constexpr FrameLimits kFrameLimits{{
    {2, 16},           // hello
    {20, 64},          // probe
    {64, 256},         // exchange
    {1000, 4000},      // statement
    {1, 8},            // revocations
    {200, 1000},       // question: a gateway asks for its whole mesh
    {100000, 200000},  // delivery: more than a node can handle; its windows are what holds a sender back
    {50, 200},         // stream
    {1, 4},            // watch
}};

struct RateConfig {
    std::size_t peers_max = 4096;  // At least 1.
    FrameLimits limits = kFrameLimits;
};

struct RateCounters {
    std::array<std::uint64_t, kFrameClasses> allowed{};
    std::array<std::uint64_t, kFrameClasses> refused{};  // Of whomever,
    std::array<std::uint64_t, kFrameClasses> crowded{};  // and of these, of peers that had no place.
    std::uint64_t displaced = 0;                         // Peers that made room.
    friend bool operator==(const RateCounters&, const RateCounters&) = default;
};

class RateLimits {
public:
    explicit RateLimits(const RateConfig& config) : config_(config) {}

    // `no`: over the limit, do not serve it.
    [[nodiscard]] base::Admitted take(const base::EndpointId& peer, FrameClass frames, base::TimePoint now);

    [[nodiscard]] std::size_t size() const { return peers_.size(); }
    [[nodiscard]] bool knows(const base::EndpointId& peer) const { return peers_.contains(peer); }
    [[nodiscard]] const RateCounters& counters() const { return counters_; }

private:
    using Buckets = std::array<base::TokenBucket, kFrameClasses>;
    struct Peer {
        Buckets buckets{};
        std::list<base::EndpointId>::iterator order;
    };

    // Null: there is no place.
    [[nodiscard]] Buckets* buckets_of(const base::EndpointId& peer, base::TimePoint now);
    [[nodiscard]] bool make_room(base::TimePoint now);

    RateConfig config_;
    std::map<base::EndpointId, Peer> peers_;
    std::list<base::EndpointId> by_use_;  // The one idle for the longest time first.
    Buckets crowd_{};                     // Of all who have no place.
    RateCounters counters_;
};

}  // namespace grapevine::admission
