#pragma once

// A control socket's own counters as JSON: "control" of docs/control-socket.md.

#include <boost/json/object.hpp>

#include "io/control_server.hpp"

namespace grapevine::io {

boost::json::object control_object(const ControlServer& server);

}  // namespace grapevine::io
