#pragma once

// What `grapevine up` is asked to do.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "apps/grapevine/cluster.hpp"
#include "base/result.hpp"
#include "base/socket_addr.hpp"
#include "base/time.hpp"
#include "grapevine/node_main_flags.hpp"

namespace grapevine::apps {

struct UpOptions {
    ClusterSpec cluster;
    std::filesystem::path data_dir;
    std::optional<base::Duration> duration;
    bool json = false;
    bool console = true;
    bool collect = true;                             // The nodes' telemetry goes to the console.
    std::optional<base::SocketAddr> console_listen;  // Empty: ConsoleChild's choice.
    std::uint64_t produce = 0;                       // Messages a second; 0: none.
};

std::vector<cli::Flag> up_flags();
// Errors: invalid. Programs and root of the cluster are left to the caller.
base::Result<UpOptions> parse_up_options(const cli::Parsed& parsed);

}  // namespace grapevine::apps
