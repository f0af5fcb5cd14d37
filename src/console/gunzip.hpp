#pragma once

// gzip (RFC 1952) of somebody else's: inflated piece by piece, and given up as soon as it is over its limit, so that a
// small body that would become a huge one costs no more than the limit.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace grapevine::console {

// Errors: invalid (no gzip, damaged, cut short, or bytes after its end), exhausted (more than `bytes_max` inflated).
base::Result<std::string> gunzip(std::string_view packed, std::size_t bytes_max);

// For answers and tests.
std::string gzip(std::string_view plain);

}  // namespace grapevine::console
