#include "telemetry/clock_offset.hpp"

#include <algorithm>

namespace grapevine::telemetry {

namespace {

constexpr std::uint64_t kYear2000 = 946'684'800'000'000'000;
constexpr std::uint64_t kYear2200 = 7'258'118'400'000'000'000;

bool plausible(std::uint64_t unix_ns) {
    return unix_ns >= kYear2000 && unix_ns < kYear2200;
}

// Of plausible times: the difference fits.
std::int64_t minus(std::uint64_t a, std::uint64_t b) {
    return static_cast<std::int64_t>(a) - static_cast<std::int64_t>(b);
}

}  // namespace

void ClockOffsets::on_round_trip(const base::EndpointId& peer, std::uint64_t t1, std::uint64_t t2, std::uint64_t t3,
                                 std::uint64_t t4, base::TimePoint now) {
    const bool sane = plausible(t1) && plausible(t2) && plausible(t3) && plausible(t4) && t4 >= t1 && t3 >= t2;
    if (!sane || t4 - t1 < t3 - t2) {
        ++refused_;
        return;
    }
    const std::uint64_t delay = (t4 - t1) - (t3 - t2);
    consider(peer, {minus(t2, t1) / 2 + minus(t3, t4) / 2, delay / 2 + 1}, now);
}

void ClockOffsets::on_message(const base::EndpointId& peer, std::uint64_t sent, std::uint64_t received,
                              std::optional<base::Duration> rtt, base::TimePoint now) {
    if (!plausible(sent) || !plausible(received)) {
        ++refused_;
        return;
    }
    if (!rtt || rtt->count() < 0) return;  // A bound alone says how wrong a clock is at least, not how wrong.
    const auto half = rtt->count() / 2;
    consider(peer, {minus(sent, received) + half, static_cast<std::uint64_t>(half) + 1}, now);
}

void ClockOffsets::forget(const base::EndpointId& peer) {
    peers_.erase(peer);
}

std::uint64_t ClockOffsets::error_at(const Known& known, base::TimePoint now) {
    const auto age = static_cast<std::uint64_t>(std::max<std::int64_t>(0, (now - known.at).count()));
    return known.offset.error_ns + age / 1'000'000 * kDriftPpm;
}

void ClockOffsets::consider(const base::EndpointId& peer, ClockOffset offset, base::TimePoint now) {
    const auto it = peers_.find(peer);
    if (it != peers_.end()) {
        if (offset.error_ns <= error_at(it->second, now)) it->second = {offset, now};
        return;
    }
    if (peers_.size() >= kPeersMax)
        peers_.erase(std::min_element(peers_.begin(), peers_.end(),
                                      [](const auto& a, const auto& b) { return a.second.at < b.second.at; }));
    peers_[peer] = {offset, now};
}

std::optional<ClockOffset> ClockOffsets::estimate(const base::EndpointId& peer, base::TimePoint now) const {
    const auto it = peers_.find(peer);
    if (it == peers_.end()) return std::nullopt;
    return ClockOffset{it->second.offset.offset_ns, error_at(it->second, now)};
}

}  // namespace grapevine::telemetry
