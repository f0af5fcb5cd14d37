#include "directory/voice.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace grapevine::directory {

namespace {

// Room that is never jumped over, so that the sequence cannot reach its end.
constexpr std::uint64_t kSequenceMax = std::numeric_limits<std::uint64_t>::max() - (std::uint64_t{1} << 32U);

// Without a stated budget: one core, and what was said last but at least 16 MiB.
constexpr double kCpuReference = 1000.0;
constexpr std::uint32_t kMemoryReferenceKib = 16U * 1024U;

double difference(std::uint32_t a, std::uint32_t b) {
    return static_cast<double>(a > b ? a - b : b - a);
}

}  // namespace

Voice::Voice(const Config& config, const base::SecretKey& key, base::Rng& rng)
    : config_(config),
      key_(key),
      rng_(rng),
      next_sequence_(std::clamp<std::uint64_t>(config.started.unix_ms, 1, kSequenceMax)) {
    digest_.mesh = config.mesh;
    digest_.type = config.type;
    digest_.started_unix_ms = config.started.unix_ms;
}

void Voice::start(base::TimePoint now) {
    phase_ = Phase::speaking;
    started_ = now;
    change_after_ = now;
    urgent_after_ = now;
    refresh_at_ = now;
}

void Voice::set_addrs(std::vector<wire::TransportAddr> addrs) {
    std::sort(addrs.begin(), addrs.end());
    addrs.erase(std::unique(addrs.begin(), addrs.end()), addrs.end());
    if (addrs.size() > wire::kDigestAddrsMax) addrs.resize(wire::kDigestAddrsMax);
    if (addrs == digest_.addrs) return;
    digest_.addrs = std::move(addrs);
    changed_ = true;
}

void Voice::set_neighbors(std::vector<base::EndpointId> neighbors) {
    std::sort(neighbors.begin(), neighbors.end());
    if (neighbors.size() > wire::kDigestNeighborsMax) neighbors.resize(wire::kDigestNeighborsMax);
    if (neighbors == digest_.neighbors) return;
    if (digest_.neighbors.empty()) urgent_ = true;
    digest_.neighbors = std::move(neighbors);
    changed_ = true;
}

void Voice::set_load(const wire::Load& load) {
    digest_.load = load;
    if (load_moved(load)) changed_ = true;
}

bool Voice::load_moved(const wire::Load& load) const {
    const bool same_budget = load.cpu_budget_millicores == said_load_.cpu_budget_millicores &&
                             load.memory_budget_kib == said_load_.memory_budget_kib;
    if (!same_budget) return true;
    const double cpu = load.cpu_budget_millicores > 0 ? load.cpu_budget_millicores : kCpuReference;
    const double memory =
        load.memory_budget_kib > 0 ? load.memory_budget_kib : std::max(said_load_.memory_kib, kMemoryReferenceKib);
    return difference(load.cpu_millicores, said_load_.cpu_millicores) > config_.load_change * cpu ||
           difference(load.memory_kib, said_load_.memory_kib) > config_.load_change * memory;
}

void Voice::set_counters(std::uint64_t messages_sent, std::uint64_t messages_received) {
    digest_.messages_sent = messages_sent;
    digest_.messages_received = messages_received;
}

void Voice::set_ticket(base::Bytes ticket) {
    if (ticket == digest_.ticket) return;
    digest_.ticket = std::move(ticket);
    urgent_ = true;
}

bool Voice::jump_above(wire::Sequence heard) {
    if (heard.value >= kSequenceMax) return false;
    next_sequence_ = std::max(next_sequence_, heard.value + 1);
    return true;
}

std::optional<Occasion> Voice::due(base::TimePoint now) const {
    if (!speaks()) return std::nullopt;
    if (first_) return Occasion::first;
    if (urgent_ && urgent_after_ <= now) return Occasion::urgent;
    if (changed_ && change_after_ <= now) return Occasion::change;
    if (refresh_at_ <= now) return Occasion::refresh;
    return std::nullopt;
}

std::optional<base::TimePoint> Voice::next_deadline() const {
    if (!speaks()) return std::nullopt;
    if (first_) return started_;
    base::TimePoint next = refresh_at_;
    if (urgent_) next = std::min(next, urgent_after_);
    if (changed_) next = std::min(next, change_after_);
    return next;
}

wire::Statement Voice::speak(Occasion occasion, const base::TraceContext& context, base::TimePoint now) {
    if (occasion == Occasion::leaving) {
        phase_ = Phase::left;
        digest_.presence = wire::Presence::leaving;
        digest_.addrs.clear();  // Nobody needs them any more, and the statement is kept as proof.
        digest_.neighbors.clear();
    }
    if (occasion == Occasion::urgent) urgent_after_ = now + config_.urgent_interval;
    first_ = false;
    changed_ = false;
    urgent_ = false;
    change_after_ = now + config_.gossip_interval;
    refresh_at_ = now + refresh_interval();
    said_load_ = digest_.load;
    digest_.sequence = wire::Sequence{next_sequence_++};
    digest_.context = context;
    return wire::sign(key_, digest_);
}

base::Duration Voice::refresh_interval() {
    const auto longest = static_cast<double>(config_.staleness.count()) / config_.refreshes;
    return base::Duration(static_cast<base::Duration::rep>(longest * (0.9 + 0.1 * rng_.unit())));
}

}  // namespace grapevine::directory
