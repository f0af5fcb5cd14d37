#pragma once

// The network between simulated nodes: decides for each packet whether and when it arrives.
//
// Rules, applied in this order:
//  1. A partition separates nodes of different groups; a blocked pair loses packets in one direction only.
//  2. A packet larger than the MTU vanishes, as with the don't-fragment bit.
//  3. Loss: independent, with the given probability. Duplication: a second copy with a delay of its own.
//  4. Latency of a pair is constant: uniform in [latency_min, latency_max), a function of the seed and the pair alone,
//  so
//     that it does not depend on what was sent before.
//  5. Jitter: uniform in [0, jitter) on top of it, so packets overtake each other. Reordering: with the given
//     probability a packet is held back by another reorder_delay.
//  6. A slow node adds its delay to each packet in and out and serialises those that come in at its rate; beyond
//     kSlowQueueMax of waiting a packet is dropped, as by the queue of a router.
// Nodes are numbered from 0 in the order in which they were added. Not the network's business: whether a node is up.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"

namespace grapevine::sim {

inline constexpr base::Duration kSlowQueueMax = std::chrono::seconds(2);

struct NetworkConfig {
    base::Duration latency_min = std::chrono::milliseconds(1);
    base::Duration latency_max = std::chrono::milliseconds(20);
    base::Duration jitter{};
    double loss = 0.0;
    double duplicate = 0.0;
    double reorder = 0.0;
    base::Duration reorder_delay = std::chrono::milliseconds(20);
    std::size_t mtu = 1500;  // Bytes of UDP payload.
    friend bool operator==(const NetworkConfig&, const NetworkConfig&) = default;
};

// Why a packet was lost.
enum class Drop : std::uint8_t { none, partition, blocked, mtu, loss, slow_queue };

// What becomes of one packet: nothing (and why), or one or two arrivals after these delays.
struct Fate {
    Drop drop = Drop::none;
    std::optional<base::Duration> arrival;
    std::optional<base::Duration> copy;
};

struct NetworkCounters {
    std::uint64_t packets = 0, bytes = 0, copies = 0;
    std::uint64_t lost_partition = 0, lost_blocked = 0, lost_mtu = 0, lost_random = 0, lost_slow_queue = 0;
    friend bool operator==(const NetworkCounters&, const NetworkCounters&) = default;
};

class Network {
public:
    // Latencies come from `seed`, all else from the generator derived from it.
    Network(const NetworkConfig& config, std::uint64_t seed);

    Fate send(std::size_t from, std::size_t to, std::size_t bytes, base::TimePoint now);

    // The constant latency of a pair, slowness included.
    [[nodiscard]] base::Duration latency(std::size_t a, std::size_t b) const;
    // False while a partition or a block keeps all packets from `from` to `to`.
    [[nodiscard]] bool is_open(std::size_t from, std::size_t to) const;

    // Nodes that are in no group share one. Replaces an earlier partition.
    void partition(const std::vector<std::vector<std::size_t>>& groups);
    void heal();
    void block(std::size_t from, std::size_t to) { blocked_.insert({from, to}); }
    void unblock(std::size_t from, std::size_t to) { blocked_.erase({from, to}); }
    // rate_bytes 0: no limit. A delay and rate of zero end the slowness.
    void slow(std::size_t node, base::Duration delay, std::uint64_t rate_bytes);
    void set_loss(double loss) { config_.loss = loss; }

    [[nodiscard]] std::size_t group_of(std::size_t node) const { return node < groups_.size() ? groups_[node] : 0; }
    [[nodiscard]] const NetworkConfig& config() const { return config_; }
    [[nodiscard]] const NetworkCounters& counters() const { return counters_; }

private:
    struct Slow {
        base::Duration delay{};
        std::uint64_t rate_bytes = 0;
        base::TimePoint busy_until;
    };

    Fate lose(Drop drop, std::uint64_t& counter);
    [[nodiscard]] const Slow* slowness(std::size_t node) const;
    base::Duration delay(std::size_t from, std::size_t to);
    // The wait in the queue of a slow receiver; absent when the queue is full.
    std::optional<base::Duration> queue_wait(std::size_t to, std::size_t bytes, base::TimePoint arrival);

    NetworkConfig config_;
    std::uint64_t seed_;
    base::Rng rng_;
    std::vector<std::size_t> groups_;  // By node; empty: no partition.
    std::set<std::pair<std::size_t, std::size_t>> blocked_;
    std::vector<Slow> slow_;
    NetworkCounters counters_;
};

}  // namespace grapevine::sim
