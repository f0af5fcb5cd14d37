#pragma once

// Names of other meshes, as the JSON of docs/control-socket.md: how a question ended, and what is known of all meshes.

#include <string>

#include "fabric/question.hpp"
#include "io/host.hpp"

namespace grapevine::io {

std::string encode_resolution(const Host& host, const fabric::Outcome& outcome, const std::string& name,
                              base::Duration elapsed);
// The own directory, cached answers, and the meshes that the backbone told of.
std::string encode_cache(const Host& host);
// The name of a node of any mesh, as far as it is known here; else short hex.
std::string name_anywhere(const Host& host, const base::EndpointId& id);

}  // namespace grapevine::io
