#include "console/timeline.hpp"

#include <algorithm>
#include <utility>

namespace grapevine::console {

bool TimelineFilter::fits(const TimelineEvent& event) const {
    const auto about = [&](const std::string& where) { return where.find(node) != std::string::npos; };
    return (before_seq == 0 || event.seq < before_seq) && (kind.empty() || event.kind == kind) &&
           (mesh.empty() || event.mesh == mesh) && (text.empty() || event.text.find(text) != std::string::npos) &&
           (node.empty() || about(event.node) || about(event.text) ||
            std::any_of(event.who.begin(), event.who.end(), about));
}

void Timeline::adopt(std::vector<TimelineEvent> events, std::uint64_t last_seq) {
    for (TimelineEvent& event : events) {
        if (event.seq > last_seq_) {
            last_seq_ = event.seq;
            events_.push_back(std::move(event));
        }
    }
    last_seq_ = std::max(last_seq_, last_seq);
    while (events_.size() > kEventsMax) {
        events_.pop_front();
        ++counters_.dropped;
    }
}

void Timeline::add(TimelineEvent event, const Moment& at) {
    event.seq = ++last_seq_;
    event.unix_ms = event.unix_ms == 0 ? at.wall.unix_ms : event.unix_ms;
    events_.push_back(std::move(event));
    ++counters_.added;
    trim(at);
}

void Timeline::add_once(const std::string& key, const std::string& contrary, TimelineEvent event, const Moment& at) {
    while (!told_order_.empty() &&
           (told_order_.front().first + kSameFor <= at.now || told_order_.size() > kRememberedMax)) {
        const auto [when, old] = std::move(told_order_.front());
        told_order_.pop_front();
        if (const auto it = told_.find(old); it != told_.end() && it->second == when) {
            told_.erase(it);
        }
    }
    forget(contrary);
    if (!told_.emplace(key, at.now).second) {
        ++counters_.repeated;
        return;
    }
    told_order_.emplace_back(at.now, key);
    add(std::move(event), at);
}

void Timeline::forget(const std::string& key) {
    told_.erase(key);
}

void Timeline::trim(const Moment& at) {
    constexpr auto kAgeMs = static_cast<std::uint64_t>(kAge / std::chrono::milliseconds(1));
    const std::uint64_t oldest = at.wall.unix_ms > kAgeMs ? at.wall.unix_ms - kAgeMs : 0;
    while (!events_.empty() && (events_.size() > kEventsMax || events_.front().unix_ms < oldest)) {
        events_.pop_front();
        ++counters_.dropped;
    }
}

std::vector<TimelineEvent> Timeline::find(const TimelineFilter& filter) const {
    std::vector<TimelineEvent> out;
    for (auto it = events_.rbegin(); it != events_.rend() && out.size() < filter.limit; ++it) {
        if (filter.fits(*it)) {
            out.push_back(*it);
        }
    }
    return out;
}

std::vector<TimelineEvent> Timeline::after(std::uint64_t seq) const {
    const auto first =
        std::partition_point(events_.begin(), events_.end(), [&](const auto& event) { return event.seq <= seq; });
    return {first, events_.end()};
}

}  // namespace grapevine::console
