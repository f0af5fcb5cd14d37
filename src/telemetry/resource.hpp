#pragma once

// Who speaks: the resource of everything that a node exports.

#include <string>
#include <utility>
#include <vector>

namespace grapevine::telemetry {

struct Resource {
    // Keys as the semantic conventions have them: service.name (the node's type), service.instance.id (its id),
    // service.version, host.name, process.pid, and mesh.id, mesh.node.name; then OTEL_RESOURCE_ATTRIBUTES.
    std::vector<std::pair<std::string, std::string>> attributes;
    friend bool operator==(const Resource&, const Resource&) = default;
};

}  // namespace grapevine::telemetry
