#pragma once

// The target of a request, "/api/traces?limit=5", in its parts.
//
// Rules: origin form only (RFC 9112 section 3.2.1). "%XX" becomes its byte and must be whole; '+' in the query is a
// space, as forms have it. A parameter without '=' has an empty value; of a name that comes twice the first counts.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace grapevine::console {

struct HttpTarget {
    static constexpr std::size_t kBytesMax = 4096;
    static constexpr std::size_t kParametersMax = 64;

    std::string path;  // Decoded; begins with '/'.
    std::vector<std::pair<std::string, std::string>> parameters;

    // Errors: too long, not in origin form, a broken escape, too many parameters, a NUL byte.
    static base::Result<HttpTarget> parse(std::string_view text);
};

}  // namespace grapevine::console
