#pragma once

// Asking a running node: which one is meant, and its answer.

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "grapevine/node_main_flags.hpp"
#include "io/control.hpp"

namespace grapevine::apps {

// --data-dir, --node, --timeout.
void append_query_flags(std::vector<cli::Flag>& flags);

// The node in --data-dir, else the running node that --node names, else the only one that runs. Errors: not_found, or
// invalid when several fit.
base::Result<io::ControlClient> connect_node(const cli::Parsed& parsed);
base::Result<base::Duration> query_timeout(const cli::Parsed& parsed);

// Sends `request` and gives the answer. An answer that says "ok": false becomes its error.
base::Result<std::string> ask_node(io::ControlClient& client, std::string_view request, base::Duration timeout);
base::Result<boost::json::object> ask_object(io::ControlClient& client, std::string_view request,
                                             base::Duration timeout);

// Whether an answer says "ok": true, and the error of one that does not.
bool is_ok(const boost::json::object& answer);
base::Error error_in(const boost::json::object& answer);

// cli::fail_with, but a passed deadline (busy) is exit code 124.
int fail_query(const base::Error& error);

}  // namespace grapevine::apps
