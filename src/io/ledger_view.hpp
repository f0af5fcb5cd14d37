#pragma once

// The ledger of a node, its loop and its process as the JSON of docs/control-socket.md.

#include <string>

#include <boost/json/object.hpp>

#include "io/host.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::io {

// The answer of `ledger`.
std::string encode_ledger(const Host& host);
// The member `ledger` of `status`: by kind.
boost::json::object ledger_object(const telemetry::Census& census);

}  // namespace grapevine::io
