#pragma once

// The world as the JSON of docs/design/0003-console.md ("The API"). Everything that nodes said about themselves is made
// valid UTF-8 on its way out.

#include <cstdint>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "console/world.hpp"

namespace grapevine::console {

// What is told beside the world itself.
struct ConsoleFacts {
    std::string fabric;
    std::string self;  // The console's own id; empty without a node of its own.
    bool supervisor_present = false;
    bool can_spawn = false;
    std::string why_not;
    bool read_only = false;
    std::string jaeger{};
};

boost::json::object node_json(const base::EndpointId& id, const NodeRow& row, const Moment& at);
boost::json::object link_json(const LinkId& id, const LinkRow& row);
boost::json::object event_json(const TimelineEvent& event);
boost::json::object sample_json(const MessageSample& sample);

boost::json::object world_json(const World& world, const ConsoleFacts& facts, const Moment& at);
// What changed after `since`, which the world reaches.
boost::json::object delta_json(const World& world, Version since, const Moment& at);
boost::json::object supervisor_json(const ConsoleFacts& facts);
boost::json::object past_json(const PastWorld& past, std::uint64_t unix_ms);
boost::json::object timeline_json(const std::vector<TimelineEvent>& events);
// Newest first, at most `limit`.
boost::json::object messages_json(const World& world, std::size_t limit);

}  // namespace grapevine::console
