#pragma once

// The bytes that a command hands to a running node: an argument, or stdin. A request on the control socket is one line
// (io/control.hpp), which holds kPayloadMax of them.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "grapevine/node_main_flags.hpp"
#include "wire/delivery.hpp"

namespace grapevine::apps {

inline constexpr std::size_t kPayloadMax = wire::kDeliverPayloadMax;

// The argument at `position`; where it is "-" or absent, all of stdin. `what` names it in errors.
base::Result<std::string> payload_at(const cli::Parsed& parsed, std::size_t position, std::string_view what);

}  // namespace grapevine::apps
