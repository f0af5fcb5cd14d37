#pragma once

// What the tests of this folder share.

#include <cstdint>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "wire/addr.hpp"

namespace grapevine::paths::testing {

using base::EndpointId;
using base::TimePoint;
using namespace std::chrono_literals;

inline TimePoint at(base::Duration since_start) {
    return TimePoint{} + 1h + since_start;
}
inline EndpointId id(std::uint8_t n) {
    EndpointId result;
    result.bytes[0] = n;
    return result;
}
inline wire::TransportAddr port(std::uint16_t n) {
    return base::SocketAddr::v4(127, 0, 0, 1, n);
}
inline wire::EndpointAddr endpoint(std::uint8_t n) {
    return {id(n), {port(static_cast<std::uint16_t>(1000 + n))}};
}

}  // namespace grapevine::paths::testing
