#include "directory/suspicion.hpp"

#include <algorithm>
#include <array>

namespace grapevine::directory {

namespace {

// Natural logarithms of 1 to kAccusersMax: constants, so that a replay does not depend on a mathematical library.
constexpr std::array<double, kAccusersMax> kLogarithms{0.0,
                                                       0.6931471805599453,
                                                       1.0986122886681098,
                                                       1.3862943611198906,
                                                       1.6094379124341003,
                                                       1.791759469228055,
                                                       1.9459101490553132,
                                                       2.0794415416798357};

double logarithm(std::size_t count) {
    return kLogarithms[std::clamp<std::size_t>(count, 1, kAccusersMax) - 1];
}

}  // namespace

base::Duration Suspicions::timeout(std::size_t accusers) const {
    if (accusers >= config_.suspicion_accusers) return config_.suspicion_min;
    const double part = logarithm(accusers) / logarithm(config_.suspicion_accusers);
    const auto range = static_cast<double>((config_.suspicion_max - config_.suspicion_min).count());
    const auto timeout = config_.suspicion_max - base::Duration(static_cast<base::Duration::rep>(range * part));
    return std::max(timeout, config_.suspicion_min);
}

Accepted Suspicions::accuse(const base::EndpointId& accused, wire::Sequence sequence, const Accuser& accuser,
                            base::TimePoint now) {
    auto found = suspicions_.find(accused);
    const bool begins = found == suspicions_.end();
    if (begins) {
        if (suspicions_.size() >= config_.suspicions_max) return Accepted::full;
        Suspicion fresh{{}, sequence, now, base::TimePoint::max(), {ledger_, telemetry::Kind::suspicion}};
        found = suspicions_.emplace(accused, std::move(fresh)).first;
    }
    Suspicion& suspicion = found->second;
    suspicion.sequence = std::max(suspicion.sequence, sequence);
    const auto known = std::find_if(suspicion.accusers.begin(), suspicion.accusers.end(),
                                    [&](const Accuser& other) { return other.id == accuser.id; });
    if (known != suspicion.accusers.end()) {
        if (known->phase >= accuser.phase) return Accepted::known;
        known->phase = accuser.phase;
    } else {
        if (suspicion.accusers.size() >= kAccusersMax) return Accepted::known;
        suspicion.accusers.push_back(accuser);
        suspicion.verdict_at = std::min(suspicion.verdict_at, suspicion.since + timeout(suspicion.accusers.size()));
    }
    if (accuser.phase == wire::AccusationPhase::confirmed)
        suspicion.verdict_at = std::min(suspicion.verdict_at, now + config_.suspicion_min);
    refresh_next();
    return begins ? Accepted::begun : Accepted::joined;
}

bool Suspicions::erase(const base::EndpointId& accused) {
    if (suspicions_.erase(accused) == 0) return false;
    refresh_next();
    return true;
}

std::vector<base::EndpointId> Suspicions::due(base::TimePoint now) const {
    std::vector<base::EndpointId> result;
    if (!next_ || *next_ > now) return result;
    for (const auto& [accused, suspicion] : suspicions_) {
        if (suspicion.verdict_at <= now) result.push_back(accused);
    }
    return result;
}

void Suspicions::postpone(const base::EndpointId& accused, base::TimePoint verdict_at) {
    const auto found = suspicions_.find(accused);
    if (found == suspicions_.end()) return;
    found->second.verdict_at = verdict_at;
    refresh_next();
}

const Suspicion* Suspicions::find(const base::EndpointId& accused) const {
    const auto found = suspicions_.find(accused);
    return found == suspicions_.end() ? nullptr : &found->second;
}

bool Suspicions::accused_by(const base::EndpointId& accused, const base::EndpointId& accuser) const {
    const Suspicion* suspicion = find(accused);
    return suspicion != nullptr && std::any_of(suspicion->accusers.begin(), suspicion->accusers.end(),
                                               [&](const Accuser& other) { return other.id == accuser; });
}

std::optional<base::TimePoint> Suspicions::next_deadline() const {
    return next_;
}

void Suspicions::refresh_next() {
    next_.reset();
    for (const auto& [accused, suspicion] : suspicions_)
        next_ = base::earliest(next_, suspicion.verdict_at);
}

}  // namespace grapevine::directory
