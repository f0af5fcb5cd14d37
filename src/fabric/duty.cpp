#include "fabric/duty.hpp"

#include <algorithm>
#include <utility>

#include "base/blake3.hpp"
#include "base/bytes.hpp"

namespace grapevine::fabric {

namespace {

constexpr std::string_view kTopicDomain = "grapevine backbone 1 ";
constexpr std::string_view kDutyDomain = "grapevine duty 1 ";

// An id has a fixed length, so that no two pairs of fabric and id give the same bytes.
base::Blake3Hash place_of(std::string_view fabric, const base::EndpointId& id) {
    base::Bytes text = base::to_bytes(kDutyDomain);
    text.insert(text.end(), fabric.begin(), fabric.end());
    text.insert(text.end(), id.bytes.begin(), id.bytes.end());
    return base::blake3(text);
}

}  // namespace

base::TopicId backbone_topic(std::string_view fabric) {
    base::Bytes text = base::to_bytes(kTopicDomain);
    text.insert(text.end(), fabric.begin(), fabric.end());
    return base::TopicId{base::blake3(text)};
}

std::vector<base::EndpointId> on_duty(std::string_view fabric, const std::vector<base::EndpointId>& gateways) {
    std::vector<std::pair<base::Blake3Hash, base::EndpointId>> places;
    places.reserve(gateways.size());
    for (const auto& id : gateways)
        places.emplace_back(place_of(fabric, id), id);
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    if (places.size() > kGatewaysOnDuty) places.resize(kGatewaysOnDuty);
    std::vector<base::EndpointId> duty;
    duty.reserve(places.size());
    for (const auto& [place, id] : places)
        duty.push_back(id);
    return duty;
}

}  // namespace grapevine::fabric
