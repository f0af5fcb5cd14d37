#pragma once

// What the store answers, as the JSON objects of docs/collector.md. Nothing is changed. Every query ends within
// kTimeMax (busy otherwise) and gives at most kRowsMax rows.
//
// Times are microseconds since the epoch, durations and offsets nanoseconds: both are exact in JSON's numbers.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "base/time.hpp"
#include "console/store.hpp"

namespace grapevine::console {

// Empty or zero: any.
struct TraceFilter {
    std::string service{}, name{}, mesh{}, node{};  // Of some span of the trace.
    std::uint64_t min_duration_ns = 0;
    std::uint64_t since_unix_ns = 0;  // Began then or later.
    std::size_t limit = 20;
};

struct MetricFilter {
    std::string service{}, mesh{}, node{};
    std::uint64_t since_unix_ns = 0;  // History from then on.
};

class Queries {
public:
    static constexpr base::Duration kTimeMax = std::chrono::seconds(2);
    static constexpr std::size_t kRowsMax = 1000;
    static constexpr std::size_t kHistoryMax = 600;          // Newest points of one series.
    static constexpr std::size_t kHistoryTotalMax = 50'000;  // Of one answer.
    static constexpr std::size_t kDurationsMax = 200'000;    // Newest spans whose durations are looked at.
    static constexpr std::int64_t kBaselineWindows = 12;     // See span_names().
    static constexpr std::size_t kSteadyWindows = 3;

    explicit Queries(Store& store) : store_(store), database_(store.database()) {}

    using Answer = base::Result<boost::json::object>;

    // {"traces":[..]}, the newest first.
    Answer traces(const TraceFilter& filter);
    // One trace by its id or the beginning of it, with its spans and logs. Errors: not_found; invalid for what is no
    // id, or for several that begin so.
    Answer trace(std::string_view id);
    // The newest trace whose root is mesh.node.ready of the node with this name (mesh.node.name, or the root's
    // attribute node_name) or this id.
    Answer boot(std::string_view name);
    // Every span name: how often in the window, p50 and p99 of its durations, when it came last. "silent" is one that
    // came in at least kSteadyWindows of the kBaselineWindows windows before, and has now been away for longer than
    // between any two of them; "rare" is one that is away and was never steady.
    Answer span_names(base::WallTime now, base::Duration window);
    // {"metrics":[..]}, and one metric with its newest point and history per resource and attributes.
    Answer metrics();
    Answer metric(std::string_view name, const MetricFilter& filter);
    // {"logs":[..]}, the newest of all, or those of one trace.
    Answer logs(std::string_view trace_id, std::size_t limit);

    // {"calls":[..]}: messages handled since then, by the mesh and type of both ends.
    Answer services(std::uint64_t since_unix_ns);

private:
    void begin() { database_.limit_time(kTimeMax); }
    base::Result<std::string> resolve(std::string_view id);
    Answer whole_trace(const std::string& trace);
    base::Status add_spans(std::int64_t trace, std::int64_t start_ns, boost::json::object& out);
    base::Status add_logs(const std::string& trace, boost::json::object& out);
    base::Status add_history(std::int64_t series, std::uint64_t since_ns, std::size_t& room, boost::json::object& out);

    Store& store_;
    Database& database_;
};

}  // namespace grapevine::console
