#pragma once

// Events of the supervisor and of nodes (`watch` of docs/supervisor.md and docs/control-socket.md) in words.

#include <functional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace grapevine::apps {

// "mesh1.broker.239dc9 ended, killed on request, signal 9 (Killed)"
std::string supervisor_event_words(const boost::json::object& event);

// The name of a node by its id.
using NameOf = std::function<std::string(const std::string& id)>;
// "mesh1.broker.239dc9 died, accused by mesh1.gateway.aa01c2". Empty for what only refreshes: `updated`, and the
// neighbours of the node that tells.
std::string node_event_words(const boost::json::object& event, const NameOf& name_of);

}  // namespace grapevine::apps
