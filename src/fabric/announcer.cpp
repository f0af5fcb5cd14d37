#include "fabric/announcer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace grapevine::fabric {

namespace {

// Room that is never jumped over, so that the sequence cannot reach its end.
constexpr std::uint64_t kSequenceMax = std::numeric_limits<std::uint64_t>::max() - (std::uint64_t{1} << 32U);
constexpr double kRefreshMin = 0.9;  // Rule 6.

bool same_types(const wire::Summary& a, const wire::Summary& b) {
    return std::equal(a.members.begin(), a.members.end(), b.members.begin(), b.members.end(),
                      [](const auto& x, const auto& y) { return x.type == y.type; });
}

// What matters at once: all but counts, and the ticket, which is each gateway's own.
bool same_but_counts(const wire::Summary& a, const wire::Summary& b) {
    return a.gateways == b.gateways && a.authority == b.authority && same_types(a, b);
}

// For summaries with the same types.
bool counts_moved(const wire::Summary& said, const wire::Summary& current, double factor) {
    const auto is_close = [&](const wire::TypeCount& a, const wire::TypeCount& b) {
        const double before = a.count;
        return std::abs(static_cast<double>(b.count) - before) <= factor * before;
    };
    return !std::equal(said.members.begin(), said.members.end(), current.members.begin(), current.members.end(),
                       is_close);
}

base::Duration times(base::Duration duration, double factor) {
    return base::Duration(static_cast<base::Duration::rep>(static_cast<double>(duration.count()) * factor));
}

}  // namespace

Announcer::Announcer(const BackboneConfig& config, const base::SecretKey& key, base::Rng& rng)
    : config_(config),
      key_(key),
      rng_(rng),
      next_sequence_(std::clamp<std::uint64_t>(config.started.unix_ms, 1, kSequenceMax)) {
    current_.fabric = config.fabric;
    current_.mesh = config.mesh;
}

void Announcer::set_facts(const OwnFacts& facts, base::TimePoint now) {
    current_.gateways = facts.gateways;
    current_.members = facts.members;
    current_.authority = facts.authority;
    current_.ticket = facts.ticket;
    current_ = wire::normalized(std::move(current_));
    const auto& gateways = current_.gateways;
    const auto self =
        std::find_if(gateways.begin(), gateways.end(), [&](const auto& gateway) { return gateway.id == key_.id(); });
    const bool was_on_duty = on_duty();
    rank_.reset();
    if (self != gateways.end()) rank_ = static_cast<std::size_t>(self - gateways.begin());
    if (on_duty() && !was_on_duty) {
        settled_.reset();
        change_at_.reset();
        counts_at_.reset();
        introduce_at_.reset();
        refresh_at_ = now + config_.refresh;
    }
    reconsider(now);
}

bool Announcer::is_fellow(const base::EndpointId& id) const {
    return std::any_of(current_.gateways.begin(), current_.gateways.end(),
                       [&](const auto& gateway) { return gateway.id == id; });
}

bool Announcer::on_fellow(const wire::Summary& summary, base::TimePoint now) {
    if (!on_duty() || !same_but_counts(summary, current_)) return false;
    if (is_greeting(summary, now)) count_greeting(now);
    settle(now);
    return true;
}

// Nothing else makes a gateway repeat itself so early.
bool Announcer::is_greeting(const wire::Summary& summary, base::TimePoint now) const {
    return settled_ && same_but_counts(summary, *settled_) && now - settled_at_ < times(config_.refresh, kRefreshMin);
}

void Announcer::count_greeting(base::TimePoint now) {
    greetings_full_at_ = std::max(greetings_full_at_, now) + config_.introduction_interval;
}

void Announcer::want_introduction(base::TimePoint now) {
    if (!on_duty() || introduce_at_) return;
    const auto spread = times(config_.introduction_spread, rng_.unit());
    introduce_at_ = now + spread + wait_for_turn();
}

bool Announcer::jump_above(wire::Sequence heard, base::TimePoint now) {
    if (heard.value >= kSequenceMax) return false;
    next_sequence_ = std::max(next_sequence_, heard.value + 1);
    if (!correct_at_) correct_at_ = now;
    return true;
}

std::optional<Occasion> Announcer::due(base::TimePoint now) const {
    const auto next = plan();
    return next && next->at <= now ? std::optional(next->occasion) : std::nullopt;
}

std::optional<base::TimePoint> Announcer::next_deadline() const {
    const auto next = plan();
    return next ? std::optional(next->at) : std::nullopt;
}

// Of the reasons to speak, the one that comes first.
std::optional<Announcer::Plan> Announcer::plan() const {
    if (!on_duty()) return std::nullopt;
    const base::TimePoint soonest = said_ ? said_at_ + config_.change_interval : base::TimePoint::min();
    Plan best{Occasion::refresh, std::max(refresh_at_, soonest)};
    const auto consider = [&](Occasion occasion, base::TimePoint at) {
        if (std::max(at, soonest) < best.at) best = {occasion, std::max(at, soonest)};
    };
    if (change_at_) consider(settled_ ? Occasion::change : Occasion::first, *change_at_);
    if (counts_at_) consider(Occasion::change, *counts_at_);
    if (correct_at_) consider(Occasion::correction, *correct_at_);
    if (introduce_at_) {
        const auto room = config_.introduction_interval * (std::max<std::uint32_t>(config_.introductions_burst, 1) - 1);
        consider(Occasion::introduction, std::max(*introduce_at_, greetings_full_at_ - room));
    }
    return best;
}

wire::SignedSummary Announcer::speak(Occasion occasion, const base::TraceContext& context, base::TimePoint now) {
    if (occasion == Occasion::introduction) count_greeting(now);
    wire::Summary summary = current_;
    summary.sequence = wire::Sequence{next_sequence_++};
    summary.context = context;
    correct_at_.reset();
    said_ = current_;
    said_at_ = now;
    settle(now);
    return wire::sign(key_, std::move(summary));
}

void Announcer::settle(base::TimePoint now) {
    settled_ = current_;
    settled_at_ = now;
    introduce_at_.reset();
    change_at_.reset();
    counts_at_.reset();
    refresh_at_ = now + times(config_.refresh, kRefreshMin + (1 - kRefreshMin) * rng_.unit()) + wait_for_turn();
    reconsider(now);
}

base::Duration Announcer::wait_for_turn() const {
    return config_.turn * static_cast<base::Duration::rep>(rank_.value_or(0));
}

bool Announcer::changed(base::TimePoint now) const {
    if (!settled_ || !same_but_counts(*settled_, current_)) return true;
    if (!said_ || now - said_at_ >= times(config_.refresh, config_.refreshes)) return false;
    return said_->gateways != current_.gateways || said_->ticket != current_.ticket;
}

// Keeps the earlier moment when facts change again before they are said.
void Announcer::reconsider(base::TimePoint now) {
    const auto set = [](std::optional<base::TimePoint>& at, base::TimePoint moment) {
        at = at ? std::min(*at, moment) : moment;
    };
    if (!on_duty()) return;
    if (changed(now)) {
        counts_at_.reset();
        return set(change_at_, now + wait_for_turn());
    }
    change_at_.reset();
    if (!counts_moved(*settled_, current_, config_.count_change)) return counts_at_.reset();
    set(counts_at_, std::max(now, settled_at_ + config_.count_interval) + wait_for_turn());
}

}  // namespace grapevine::fabric
