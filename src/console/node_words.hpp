#pragma once

// What nodes say on their control sockets (docs/control-socket.md), decoded for the world. Members that are not known
// are ignored, as clients must; a row without an id, a name or a mesh is an error.

#include <optional>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "console/world_input.hpp"

namespace grapevine::console {

inline constexpr std::size_t kRowsOfAnswerMax = 16'384;
inline constexpr std::size_t kIdsOfRowMax = 64;  // Neighbours, accusers, addresses; what is beyond is left out.

// The answer to {"op":"ls"}, whose ages count back from `now`.
base::Result<std::vector<DirectoryRow>> decode_directory(std::string_view line, base::TimePoint now);
// The neighbours in the answer to {"op":"status"}.
base::Result<std::vector<NeighborFact>> decode_neighbors(std::string_view line);
// A line of `watch`; nothing for one that does not concern the world.
std::optional<MeshEvent> decode_event(const boost::json::object& object);

}  // namespace grapevine::console
