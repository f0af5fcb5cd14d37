#include "grapevine/node_main_version.hpp"

#ifndef GRAPEVINE_VERSION
#define GRAPEVINE_VERSION "unknown"
#endif
#ifndef GRAPEVINE_COMMIT
#define GRAPEVINE_COMMIT "unknown"
#endif

namespace grapevine::cli {

std::string version_text() {
    return GRAPEVINE_VERSION " (commit " GRAPEVINE_COMMIT "; wire: iroh 1, /iroh-gossip/1, grapevine/mesh/1)";
}

std::string version_number() {
    return GRAPEVINE_VERSION;
}

}  // namespace grapevine::cli
