#pragma once

// Mesh events of the stack, as the application hears them and as the log shows them.

#include <optional>

#include <grapevine/node.hpp>

#include "io/log.hpp"
#include "stack/types.hpp"

namespace grapevine {

// Nothing for events that are not about the mesh.
std::optional<NodeEvent> to_node_event(const stack::Event& event);

// State transitions at info, retries at debug. Costs one branch where the level is off.
void log_event(io::Log& log, const stack::Event& event);

}  // namespace grapevine
