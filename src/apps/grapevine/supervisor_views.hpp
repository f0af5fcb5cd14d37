#pragma once

// The answers and events of the supervisor's socket as lines of JSON. docs/supervisor.md is their specification.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "apps/grapevine/cluster.hpp"
#include "apps/grapevine/log_tail.hpp"
#include "apps/grapevine/supervisor.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "io/control_server.hpp"

namespace grapevine::apps {

boost::json::object child_object(const Child& child, base::TimePoint now);

std::string encode_list(const Cluster& cluster, const io::ControlServer& server, base::TimePoint now);
// {"ok":true,"node":{...}}
std::string encode_node(const Child& child, base::TimePoint now);
// {"ok":true,"nodes":[...]}, or with an error {"ok":false,"error":{...},"nodes":[...]}; then also "log" of each that
// has ended: its last lines.
std::string encode_nodes(const std::vector<const Child*>& nodes, const std::optional<base::Error>& error,
                         base::TimePoint now);
// {"ok":true,"started":[...],"present":[...]}
std::string encode_bootstrap(const std::vector<const Child*>& started, const std::vector<const Child*>& present,
                             base::TimePoint now);
std::string encode_logs(const Child& child, const LogTail& tail, base::TimePoint now);
// {"event":"line","name":...,"text":...}; "text" is null for one that was too long.
std::string encode_log_line(const Child& child, const std::optional<std::string>& line);
// Nothing for an event that is none of a node.
std::optional<std::string> encode_event(Cluster::Event event, const Child* child, base::WallTime wall);

// The last lines that a child wrote, few of them.
std::vector<std::string> last_words(const Child& child);

}  // namespace grapevine::apps
