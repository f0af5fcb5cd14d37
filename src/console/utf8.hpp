#pragma once

#include <string>
#include <string_view>

namespace grapevine::console {

// `text` with U+FFFD for each byte that is no part of valid UTF-8 (RFC 3629), so that it may stand in JSON.
std::string valid_utf8(std::string_view text);

}  // namespace grapevine::console
