#include "io/control_view.hpp"

namespace grapevine::io {

boost::json::object control_object(const ControlServer& server) {
    const ControlCounters& counters = server.counters();
    boost::json::object object;
    object["clients"] = server.clients();
    object["watchers"] = server.watchers();
    object["accepted"] = counters.accepted;
    object["requests"] = counters.requests;
    object["refused_requests"] = counters.refused_requests;
    object["refused_full"] = counters.refused_full;
    object["refused_user"] = counters.refused_user;
    object["dropped_overlong"] = counters.dropped_overlong;
    object["dropped_idle"] = counters.dropped_idle;
    object["dropped_slow"] = counters.dropped_slow;
    return object;
}

}  // namespace grapevine::io
