#pragma once

// The wall time of tickets: seconds since the epoch, for people and compared with a clock.

#include <cstdint>
#include <string>

#include "base/time.hpp"

namespace grapevine::admission {

// "2026-11-28T07:56:41Z", by RFC 3339 section 5.6. What lies after the year 9999 is shown as its last second.
std::string utc_text(std::uint64_t unix_s);

// Whether that second has come by this clock. What expires at a second is valid up to it, not in it.
[[nodiscard]] inline bool has_expired(std::uint64_t expires_unix_s, base::WallTime wall) {
    return wall.unix_ms / 1000 >= expires_unix_s;
}

}  // namespace grapevine::admission
