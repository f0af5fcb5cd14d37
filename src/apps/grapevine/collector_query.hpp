#pragma once

// Asking a collector: which one is meant, and its answer.

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "base/time.hpp"
#include "grapevine/node_main_flags.hpp"

namespace grapevine::apps {

// --collector, --timeout, --json.
void append_collector_flags(std::vector<cli::Flag>& flags);

// "http://127.0.0.1:4318": --collector, else GRAPEVINE_COLLECTOR, else the collector of this user on this machine that
// started last, else 127.0.0.1:4318. Errors: invalid for what is no http or https URL of a host.
base::Result<std::string> collector_url(const cli::Parsed& parsed);

// GET `target` from it. Its own errors come through with their codes; not_found also when nothing answers there, busy
// when the time was over.
base::Result<boost::json::object> ask_collector(const cli::Parsed& parsed, const std::string& target);

// "name=value", escaped, with the '?' or '&' that belongs before it; nothing for an empty value.
void append_parameter(std::string& target, std::string_view name, std::string_view value);
// One segment of a path.
std::string path_segment(std::string_view text);

// "500us", "5ms", "60s", "5m", "2h", "7d", at most a year. Errors name `flag`.
base::Result<base::Duration> parse_time(std::string_view flag, std::string_view text);
// "64MiB", "1GiB", "500MB", "1000000": bytes. Errors name `flag`.
base::Result<std::uint64_t> parse_size(std::string_view flag, std::string_view text);

inline constexpr const char* kCollectorCodes =
    "0 done, 1 failed, 2 usage, 4 not found, or no collector runs, 5 denied, 124 timed out";

}  // namespace grapevine::apps
