#pragma once

// What a node can tell of a name, as the JSON of docs/control-socket.md.

#include <string>

#include "io/host.hpp"

namespace grapevine::io {

std::string encode_why(const Host& host, const std::string& name);

}  // namespace grapevine::io
