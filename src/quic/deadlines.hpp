#pragma once

// The deadlines of all connections in one ordered structure: the earliest is O(1), a change O(log n).

#include <optional>
#include <set>
#include <utility>

#include "base/time.hpp"
#include "quic/types.hpp"

namespace grapevine::quic {

// When a connection is due. The holder keeps it and passes it in, so that a change needs no second look-up.
using Armed = std::optional<base::TimePoint>;

class Deadlines {
public:
    void set(ConnectionRef connection, Armed& armed, Armed next) {
        if (armed == next) {
            return;
        }
        if (armed) {
            order_.erase({*armed, connection});
        }
        if (next) {
            order_.emplace(*next, connection);
        }
        armed = next;
    }
    [[nodiscard]] Armed next() const { return order_.empty() ? Armed{} : order_.begin()->first; }
    // The connection that is due first, if it is due by `now`.
    [[nodiscard]] std::optional<ConnectionRef> due(base::TimePoint now) const {
        if (order_.empty() || order_.begin()->first > now) {
            return std::nullopt;
        }
        return order_.begin()->second;
    }

private:
    std::set<std::pair<base::TimePoint, ConnectionRef>> order_;
};

}  // namespace grapevine::quic
