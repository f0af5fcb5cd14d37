#pragma once

// What a node says of a load that it runs (docs/control-socket.md, `produce`), read and shown.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "apps/grapevine/terminal.hpp"
#include "base/result.hpp"

namespace grapevine::apps {

struct LoadView {
    std::uint64_t elapsed_ms = 0;
    std::uint64_t due = 0, submitted = 0, unanswered = 0, acknowledged = 0;
    double acknowledged_per_s = 0;
    // Of the line's own time.
    std::uint64_t ended = 0;  // In whatever way.
    double p50_us = 0, p90_us = 0, p99_us = 0, p999_us = 0, max_us = 0;
    double whole_p50_us = 0, whole_p99_us = 0;  // Since the start; progress lines only.

    [[nodiscard]] std::uint64_t failed() const { return ended - acknowledged; }
    [[nodiscard]] std::uint64_t lost() const { return submitted - ended - unanswered; }
};

// Of a progress line or the answer; what is absent is 0.
LoadView read_load(const boost::json::object& line);
// The error in an answer that says "ok": false.
std::optional<base::Error> error_of(const boost::json::object& answer);

// "12 s  10000/s  p50 0.21 ms  p99 1.4 ms  120000 acknowledged  14 under way"
std::string load_progress(const boost::json::object& line);
// The answer as a table: totals, latency, and each outcome that occurred.
std::vector<std::string> load_lines(const Terminal& terminal, const boost::json::object& answer);

}  // namespace grapevine::apps
