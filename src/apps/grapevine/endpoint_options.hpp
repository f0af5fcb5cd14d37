#pragma once

// What the commands that are a plain endpoint (gossip, listen, connect) have in common.

#include <string>
#include <string_view>
#include <vector>

#include <grapevine/endpoint.hpp>

#include "base/result.hpp"
#include "grapevine/node_main_flags.hpp"

namespace grapevine::apps {

// --key and --bind.
void append_endpoint_flags(std::vector<cli::Flag>& flags);
base::Result<EndpointOptions> endpoint_options(const cli::Parsed& parsed);

base::Status check_ticket(std::string_view what, std::string_view ticket);

// An error of the public library, as cli::fail_with.
int fail_public(const Error& error);

// {"event":"ready","id":..,"ticket":..,"addrs":[..]}
std::string endpoint_ready_line(const Endpoint& endpoint);

}  // namespace grapevine::apps
