#pragma once

// Who of a mesh's gateways is on duty, and where they meet. Each member computes both from what it knows already, so
// they cost no message; members that know the same gateways come to the same result.

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/ids.hpp"

namespace grapevine::fabric {

// Three survive two losses at once, and one summary names them all (wire::kSummaryGatewaysMax).
inline constexpr std::size_t kGatewaysOnDuty = 3;

// The topic of a fabric's backbone: BLAKE3 of "grapevine backbone 1 " and the fabric's name.
base::TopicId backbone_topic(std::string_view fabric);

// The first kGatewaysOnDuty by BLAKE3 of "grapevine duty 1 ", the fabric's name and the id, in that order. The fabric
// counts so that a node that is a gateway of two fabrics is not first in both or in neither.
std::vector<base::EndpointId> on_duty(std::string_view fabric, const std::vector<base::EndpointId>& gateways);

}  // namespace grapevine::fabric
