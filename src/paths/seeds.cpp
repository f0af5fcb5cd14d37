#include "paths/seeds.hpp"

#include <algorithm>
#include <utility>

namespace grapevine::paths {

namespace {

constexpr std::uint32_t kDoublingsMax = 20;  // Far past any backoff_max; keeps the shift defined.

}  // namespace

SeedDialer::SeedDialer(const base::EndpointId& self, const SeedConfig& config, base::Rng& rng)
    : self_(self), config_(config), rng_(rng), seeds_(config.seeds_max) {}

base::Admitted SeedDialer::add_seed(const wire::EndpointAddr& seed, base::TimePoint now, SeedEffects& out) {
    if (seed.id == self_) {
        ++counters_.skipped_self;
        return base::Admitted::no;
    }
    if (Seed* known = seeds_.find(seed.id)) {
        known->addr = seed;
        return base::Admitted::yes;
    }
    Seed* added = seeds_.find_or_insert(seed.id);
    if (added == nullptr) {
        ++counters_.refused_full;
        return base::Admitted::no;
    }
    added->addr = seed;
    dial(*added, now, out);
    return base::Admitted::yes;
}

void SeedDialer::on_seed_live(const base::EndpointId& id) {
    Seed* seed = seeds_.find(id);
    if (seed == nullptr) return;
    seed->phase = Phase::live;
    seed->attempts = 0;
    seed->backoff_step = 0;
}

void SeedDialer::on_seed_lost(const base::EndpointId& id, std::string reason, base::TimePoint now, SeedEffects& out) {
    Seed* seed = seeds_.find(id);
    if (seed == nullptr || seed->phase != Phase::live) return;
    ++counters_.losses;
    wait(*seed, std::move(reason), now, out);
}

void SeedDialer::on_attempt_failed(const base::EndpointId& id, std::string reason, base::TimePoint now,
                                   SeedEffects& out) {
    Seed* seed = seeds_.find(id);
    if (seed == nullptr || seed->phase != Phase::dialing) return;
    ++counters_.failures;
    wait(*seed, std::move(reason), now, out);
}

void SeedDialer::set_connectivity(Connectivity connectivity, base::TimePoint now, SeedEffects& out) {
    if (connectivity_ == connectivity) return;
    connectivity_ = connectivity;
    if (connectivity == Connectivity::connected) return;
    for (auto& [id, seed] : seeds_) {
        if (seed.phase == Phase::live) wait(seed, "no neighbour is left", now, out);
        if (seed.phase != Phase::waiting) continue;
        seed.backoff_step = 0;
        seed.due = std::min(seed.due, std::max(now, seed.last_attempt + config_.isolated_first));
    }
    on_deadline(now, out);
}

void SeedDialer::on_deadline(base::TimePoint now, SeedEffects& out) {
    for (auto& [id, seed] : seeds_) {
        if (seed.phase == Phase::live || seed.due > now) continue;
        if (seed.phase == Phase::waiting) {
            dial(seed, now, out);
        } else {
            ++counters_.failures;
            wait(seed, "no answer", now, out);
        }
    }
}

std::optional<base::TimePoint> SeedDialer::next_deadline() const {
    std::optional<base::TimePoint> next;
    for (const auto& [id, seed] : seeds_) {
        if (seed.phase != Phase::live) next = base::earliest(next, seed.due);
    }
    return next;
}

void SeedDialer::dial(Seed& seed, base::TimePoint now, SeedEffects& out) {
    ++counters_.attempts;
    ++seed.attempts;
    seed.phase = Phase::dialing;
    seed.last_attempt = now;
    seed.due = now + (connectivity_ == Connectivity::isolated ? config_.isolated_timeout : config_.attempt_timeout);
    out.emplace_back(JoinVia{seed.addr});
}

void SeedDialer::wait(Seed& seed, std::string reason, base::TimePoint now, SeedEffects& out) {
    const base::Duration delay = backoff(seed.backoff_step);
    seed.backoff_step = std::min(seed.backoff_step + 1, kDoublingsMax);
    seed.phase = Phase::waiting;
    seed.due = now + delay;
    out.emplace_back(SeedRetry{seed.addr.id, seed.attempts + 1, delay, std::move(reason)});
}

// Half of the step is fixed and half is random.
base::Duration SeedDialer::backoff(std::uint32_t step) {
    const base::Duration first =
        connectivity_ == Connectivity::isolated ? config_.isolated_first : config_.backoff_first;
    base::Duration nominal = std::min(first, config_.backoff_max);
    for (std::uint32_t i = 0; i < step && nominal < config_.backoff_max; ++i) {
        nominal = std::min(nominal * 2, config_.backoff_max);
    }
    return rng_.between(nominal / 2, nominal + base::Duration(1));
}

}  // namespace grapevine::paths
