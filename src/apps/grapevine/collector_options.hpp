#pragma once

// The flags that `collect` and `console` share: where to listen, where to keep what comes, and how much of it.

#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "console/collector.hpp"
#include "grapevine/node_main_flags.hpp"

namespace grapevine::apps {

// --listen (with this default), --store (with this help), --max-size, --max-age. Both texts are constants.
void append_collector_options(std::vector<cli::Flag>& flags, std::string_view listen, std::string_view store_help);
// `store` is the store's name in the state directory.
base::Result<console::CollectorConfig> collector_options(const cli::Parsed& parsed, std::string_view listen,
                                                         std::string_view store);

}  // namespace grapevine::apps
