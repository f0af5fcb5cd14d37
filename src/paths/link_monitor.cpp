#include "paths/link_monitor.hpp"

#include <algorithm>

namespace grapevine::paths {

base::Admitted LinkMonitor::link_up(const base::EndpointId& peer, base::TimePoint now) {
    const bool first = links_.empty();
    Link* link = links_.find_or_insert(peer);
    if (link == nullptr) {
        ++counters_.refused_full;
        return base::Admitted::no;
    }
    if (first) next_tick_ = now + config_.period;
    link->heard_at = std::max(link->heard_at, now);
    return base::Admitted::yes;
}

void LinkMonitor::link_down(const base::EndpointId& peer) {
    links_.erase(peer);
}

void LinkMonitor::heard(const base::EndpointId& peer, base::TimePoint at) {
    if (Link* link = links_.find(peer)) link->heard_at = std::max(link->heard_at, at);
}

void LinkMonitor::unreachable(const base::EndpointId& peer, base::TimePoint now, LinkEffects& out) {
    Link* link = links_.find(peer);
    if (link == nullptr || link->standing == Standing::silent) return;
    ++counters_.hints;
    settle(peer, *link, now, out);
    if (link->standing == Standing::silent) return;
    const base::TimePoint verdict_at = now + config_.verdict_short;
    if (!link->probe) {
        probe(peer, *link, now, config_.verdict_short, SilenceCause::unreachable, out);
    } else if (verdict_at < link->probe->verdict_at) {
        link->probe->verdict_at = verdict_at;
        link->probe->cause = SilenceCause::unreachable;
    }
}

void LinkMonitor::on_deadline(base::TimePoint now, LinkEffects& out) {
    for (auto& [peer, link] : links_)
        settle(peer, link, now, out);
    if (!links_.empty() && next_tick_ <= now) tick(now, out);
}

// Closes the open probe of one link if it was answered or its time is up.
void LinkMonitor::settle(const base::EndpointId& peer, Link& link, base::TimePoint now, LinkEffects& out) {
    if (link.standing == Standing::silent && link.heard_at > link.silent_at) {
        link.standing = Standing::heard;
        ++counters_.recovered;
        out.emplace_back(Recovered{peer});
    }
    if (!link.probe) return;
    if (link.heard_at >= link.probe->sent) {
        link.probe.reset();
        return;
    }
    if (now < link.probe->verdict_at) return;
    const SilenceCause cause = link.probe->cause;
    if (now - link.probe->verdict_at > config_.stall_max) {
        ++counters_.stalls;
        probe(peer, link, now, config_.verdict, SilenceCause::silent, out);
        return;
    }
    link.probe.reset();
    if (link.standing == Standing::silent) return;
    link.standing = Standing::silent;
    link.silent_at = link.heard_at;
    ++counters_.silent;
    out.emplace_back(Silent{peer, now - link.heard_at, cause});
}

void LinkMonitor::tick(base::TimePoint now, LinkEffects& out) {
    ++counters_.ticks;
    for (auto& [peer, link] : links_) {
        if (link.probe || now - link.heard_at < config_.period / 2) continue;
        probe(peer, link, now, config_.verdict, SilenceCause::silent, out);
    }
    const auto missed = (now - next_tick_) / config_.period;
    next_tick_ += (missed + 1) * config_.period;
}

void LinkMonitor::probe(const base::EndpointId& peer, Link& link, base::TimePoint now, base::Duration verdict,
                        SilenceCause cause, LinkEffects& out) {
    link.probe = OpenProbe{now, now + verdict, cause};
    ++counters_.probes;
    out.emplace_back(Probe{peer});
}

std::optional<base::TimePoint> LinkMonitor::next_deadline() const {
    if (links_.empty()) return std::nullopt;
    base::TimePoint next = next_tick_;
    for (const auto& [peer, link] : links_) {
        if (link.probe) next = std::min(next, link.probe->verdict_at);
    }
    return next;
}

}  // namespace grapevine::paths
