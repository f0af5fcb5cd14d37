#pragma once

// Lengths of time as people type them.

#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace grapevine::apps {

// "500ms", "60s", "5m", "2h": a whole number above 0 with its unit, at most `most`. Errors name `what` and the rule.
base::Result<base::Duration> parse_duration(std::string_view what, std::string_view text, base::Duration most);

}  // namespace grapevine::apps
