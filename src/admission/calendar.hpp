#pragma once

// The wall time of tickets: seconds since the epoch, for people and compared with a clock.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace grapevine::admission {

// "2026-11-28T07:56:41Z", by RFC 3339 section 5.6. What lies after the year 9999 is shown as its last second.
std::string utc_text(std::uint64_t unix_s);

// The inverse, and a day alone ("2026-11-28"), which means its first second. Other zones are refused: whoever reads a
// ticket sees UTC only. The error names the rule, without saying of what the text is the value.
base::Result<std::uint64_t> parse_utc(std::string_view text);

// Whether that second has come by this clock. What expires at a second is valid up to it, not in it.
[[nodiscard]] inline bool has_expired(std::uint64_t expires_unix_s, base::WallTime wall) {
    return wall.unix_ms / 1000 >= expires_unix_s;
}

}  // namespace grapevine::admission
