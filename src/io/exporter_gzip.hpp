#pragma once

// gzip (RFC 1952) of a request's body.

#include <string>
#include <string_view>

namespace grapevine::io {

std::string gzip(std::string_view data);

}  // namespace grapevine::io
