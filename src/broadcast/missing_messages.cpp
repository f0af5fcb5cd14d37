#include "broadcast/missing_messages.hpp"

#include <algorithm>
#include <utility>

namespace grapevine::broadcast {

MissingMessages::Noted MissingMessages::note(const MessageId& id, const Announcer& announcer, TimePoint due) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) {
        const auto opened = opened_.find(announcer.peer);
        const std::size_t mine = opened == opened_.end() ? 0 : opened->second;
        if (entries_.size() >= limits_.ids_max || mine >= limits_.ids_per_peer_max) {
            return Noted::refused;
        }
        Entry& entry = entries_[id];
        entry.taken.announcers.push_back(announcer);
        entry.opened_by = announcer.peer;
        ++opened_[announcer.peer];
        schedule(id, entry, due);
        return Noted::noted;
    }
    std::vector<Announcer>& announcers = found->second.taken.announcers;
    const auto same = [&](const Announcer& a) { return a.peer == announcer.peer; };
    if (std::any_of(announcers.begin(), announcers.end(), same)) {
        return Noted::repeated;
    }
    if (announcers.size() >= limits_.announcers_max) {
        return Noted::refused;
    }
    announcers.push_back(announcer);
    return Noted::noted;
}

void MissingMessages::schedule(const MessageId& id, Entry& entry, TimePoint due) {
    entry.due = due;
    entry.sequence = sequence_++;
    timers_.emplace(due, entry.sequence, id);
}

MissingMessages::Entries::iterator MissingMessages::erase(Entries::iterator it) {
    const Entry& entry = it->second;
    timers_.erase({entry.due, entry.sequence, it->first});
    const auto opened = opened_.find(entry.opened_by);
    if (--opened->second == 0) {
        opened_.erase(opened);
    }
    return entries_.erase(it);
}

MissingMessages::Taken MissingMessages::take(const MessageId& id) {
    const auto it = entries_.find(id);
    if (it == entries_.end()) {
        return {};
    }
    Taken taken = std::move(it->second.taken);
    erase(it);
    return taken;
}

void MissingMessages::forget_peer(const EndpointId& peer) {
    for (auto it = entries_.begin(); it != entries_.end();) {
        Taken& taken = it->second.taken;
        const auto is_peer = [&](const Announcer& a) { return a.peer == peer; };
        const auto found = std::find_if(taken.announcers.begin(), taken.announcers.end(), is_peer);
        if (found != taken.announcers.end()) {
            const auto index = static_cast<std::size_t>(found - taken.announcers.begin());
            taken.asked -= index < taken.asked ? 1 : 0;
            taken.announcers.erase(found);
        }
        it = taken.announcers.empty() ? erase(it) : std::next(it);
    }
}

std::optional<MissingMessages::Due> MissingMessages::pop_due(TimePoint now, TimePoint next_due) {
    while (!timers_.empty() && std::get<0>(*timers_.begin()) <= now) {
        const auto it = entries_.find(std::get<2>(*timers_.begin()));
        Entry& entry = it->second;
        if (entry.taken.asked >= entry.taken.announcers.size()) {
            erase(it);
            continue;
        }
        const Announcer next = entry.taken.announcers[entry.taken.asked++];
        timers_.erase(timers_.begin());
        schedule(it->first, entry, next_due);
        return Due{it->first, next};
    }
    return std::nullopt;
}

std::optional<TimePoint> MissingMessages::next_deadline() const {
    if (timers_.empty()) {
        return std::nullopt;
    }
    return std::get<0>(*timers_.begin());
}

}  // namespace grapevine::broadcast
