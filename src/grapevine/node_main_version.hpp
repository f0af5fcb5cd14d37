#pragma once

// Which version of the programs and the library this is.

#include <string>

namespace grapevine {
namespace [[gnu::visibility("hidden")]] cli {

// "0.1.0 (commit 0123abc; wire: iroh 1, /iroh-gossip/1, grapevine/mesh/1)".
std::string version_text();
// "0.1.0".
std::string version_number();

}  // namespace cli
}  // namespace grapevine
