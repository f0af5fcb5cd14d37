// How a stack leaves: first it ends what it has in hand, then it says goodbye, then it closes everything.
//
// Deliveries come first because a goodbye ends them: who hears of it counts as in doubt what it has sent here.

#include <algorithm>

#include "stack/stack_impl.hpp"

namespace grapevine::stack {

void Stack::Impl::leave(base::TimePoint now) {
    if (leaving_since_) return;
    leaving_since_ = now;
    drive(now, [&](node::Effects& out) { node_.leave_delivery(now, out); });
    note_in_hand(now);
    if (emptied_at_) say_goodbye(now);
}

// The last outcome needs a while to arrive.
void Stack::Impl::note_in_hand(base::TimePoint now) {
    if (leaving_since_ && !emptied_at_ && node_.deliveries_in_hand() == 0) emptied_at_ = now;
}

std::optional<base::TimePoint> Stack::Impl::goodbye_deadline() const {
    if (!leaving_since_ || goodbye_at_) return std::nullopt;
    const base::TimePoint latest = *leaving_since_ + kLeaveHandlersMax;
    return emptied_at_ ? std::min(*emptied_at_ + kLeaveMin, latest) : latest;
}

void Stack::Impl::say_goodbye(base::TimePoint now) {
    goodbye_at_ = now;
    DeliveryEffects streams;
    byte_streams_.leave(streams);
    local_streams_.leave(streams);
    apply(streams, now);
    drive(now, [&](node::Effects& out) {
        node_.end_delivery(now, out);
        node_.leave(now, out);
    });
}

std::optional<base::TimePoint> Stack::Impl::leave_deadline() const {
    if (left_) return std::nullopt;
    if (!goodbye_at_) return goodbye_deadline();
    const base::TimePoint said = *goodbye_at_ + (links_.is_draining() ? kLeaveMax : kLeaveMin);
    return std::min(said, *leaving_since_ + kLeaveTotalMax);
}

void Stack::Impl::finish_leaving(base::TimePoint now) {
    note_in_hand(now);
    if (const auto due = goodbye_deadline(); due && *due <= now) say_goodbye(now);
    const auto due = leave_deadline();
    if (!due || *due > now) return;
    left_ = true;
    endpoint_.shutdown(0, "leaving", now);
    pump(now);
    events_.push_back(Left{});
}

}  // namespace grapevine::stack
