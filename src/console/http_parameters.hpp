#pragma once

// Numbers in the query of a request.

#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "console/http_message.hpp"

namespace grapevine::console {

// A decimal number within [low, high]. The error names `name` and the bounds.
base::Result<std::uint64_t> parse_number(std::string_view name, std::string_view text, std::uint64_t low,
                                         std::uint64_t high);
// The fallback if the parameter is absent.
base::Result<std::uint64_t> number_parameter(const HttpRequest& request, std::string_view name, std::uint64_t fallback,
                                             std::uint64_t low, std::uint64_t high);

}  // namespace grapevine::console
