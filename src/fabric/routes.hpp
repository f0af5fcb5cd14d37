#pragma once

// What a resolver asks about the meshes around: whom to ask, and whose word counts. Backbone implements it; tests have
// simpler ones.

#include <optional>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "fabric/types.hpp"
#include "wire/addr.hpp"

namespace grapevine::fabric {

class Routes {
public:
    virtual ~Routes() = default;
    // Whether this node hears the backbone, so that a mesh unknown to it is unknown.
    [[nodiscard]] virtual bool on_duty() const = 0;
    // The gateways on duty of the own mesh, without this node.
    [[nodiscard]] virtual std::vector<wire::EndpointAddr> fellows() const = 0;
    // The gateways of another mesh, by sides; none if it is unknown. Somebody wants to ask them.
    virtual std::vector<Side> route(std::string_view mesh, base::TimePoint now) = 0;
    // The authority of a mesh that is closed; nothing if it is open or unknown.
    [[nodiscard]] virtual std::optional<base::EndpointId> authority(std::string_view mesh) const = 0;
};

}  // namespace grapevine::fabric
