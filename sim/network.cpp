#include "sim/network.hpp"

#include <algorithm>

namespace grapevine::sim {

namespace {

constexpr std::uint64_t kPairStride = 0x9e3779b97f4a7c15ULL;

}  // namespace

Network::Network(const NetworkConfig& config, std::uint64_t seed)
    : config_(config), seed_(seed), rng_(seed ^ 0x6e6574776f726bULL) {}

Fate Network::lose(Drop drop, std::uint64_t& counter) {
    ++counter;
    return {drop, std::nullopt, std::nullopt};
}

Fate Network::send(std::size_t from, std::size_t to, std::size_t bytes, base::TimePoint now) {
    ++counters_.packets;
    counters_.bytes += bytes;
    if (group_of(from) != group_of(to)) return lose(Drop::partition, counters_.lost_partition);
    if (!is_open(from, to)) return lose(Drop::blocked, counters_.lost_blocked);
    if (bytes > config_.mtu) return lose(Drop::mtu, counters_.lost_mtu);
    if (config_.loss > 0.0 && rng_.chance(config_.loss)) return lose(Drop::loss, counters_.lost_random);
    Fate fate;
    fate.arrival = delay(from, to);
    const auto wait = queue_wait(to, bytes, now + *fate.arrival);
    if (!wait) return lose(Drop::slow_queue, counters_.lost_slow_queue);
    *fate.arrival += *wait;
    if (config_.duplicate > 0.0 && rng_.chance(config_.duplicate)) {
        ++counters_.copies;
        fate.copy = delay(from, to);
    }
    return fate;
}

base::Duration Network::delay(std::size_t from, std::size_t to) {
    base::Duration delay = latency(from, to);
    if (config_.jitter > base::Duration::zero()) delay += rng_.between(base::Duration::zero(), config_.jitter);
    if (config_.reorder > 0.0 && rng_.chance(config_.reorder)) delay += config_.reorder_delay;
    return delay;
}

std::optional<base::Duration> Network::queue_wait(std::size_t to, std::size_t bytes, base::TimePoint arrival) {
    if (to >= slow_.size() || slow_[to].rate_bytes == 0) return base::Duration::zero();
    Slow& slow = slow_[to];
    const base::TimePoint begins = std::max(slow.busy_until, arrival);
    if (begins - arrival > kSlowQueueMax) return std::nullopt;
    const double seconds = static_cast<double>(bytes) / static_cast<double>(slow.rate_bytes);
    slow.busy_until = begins + base::Duration(static_cast<std::int64_t>(seconds * 1e9));
    return slow.busy_until - arrival;
}

base::Duration Network::latency(std::size_t a, std::size_t b) const {
    const auto [low, high] = std::minmax(a, b);
    base::Duration latency = config_.latency_min;
    if (config_.latency_max > config_.latency_min) {
        base::Rng pair(seed_ ^ ((static_cast<std::uint64_t>(high) << 32U | low) * kPairStride));
        latency = pair.between(config_.latency_min, config_.latency_max);
    }
    for (const std::size_t node : {a, b})
        if (const Slow* slow = slowness(node)) latency += slow->delay;
    return latency;
}

const Network::Slow* Network::slowness(std::size_t node) const {
    return node < slow_.size() ? &slow_[node] : nullptr;
}

bool Network::is_open(std::size_t from, std::size_t to) const {
    return group_of(from) == group_of(to) && (blocked_.empty() || !blocked_.contains({from, to}));
}

void Network::partition(const std::vector<std::vector<std::size_t>>& groups) {
    groups_.clear();
    std::size_t number = 0;
    for (const auto& group : groups) {
        ++number;
        for (const std::size_t node : group) {
            if (node >= groups_.size()) groups_.resize(node + 1, 0);
            groups_[node] = number;
        }
    }
}

void Network::heal() {
    groups_.clear();
    blocked_.clear();
}

void Network::slow(std::size_t node, base::Duration delay, std::uint64_t rate_bytes) {
    if (node >= slow_.size()) slow_.resize(node + 1);
    slow_[node].delay = delay;
    slow_[node].rate_bytes = rate_bytes;
}

}  // namespace grapevine::sim
