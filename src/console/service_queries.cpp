// Who calls whom: messages by the spans of both ends, as the services' map shows them.

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "console/queries.hpp"
#include "telemetry/catalogue.hpp"

namespace grapevine::console {
namespace {

namespace json = boost::json;

struct Calls {
    std::uint64_t errors = 0;
    std::vector<std::int64_t> durations_ns;
};

// The nearest-rank percentile; reorders.
std::int64_t percentile_us(std::vector<std::int64_t>& values, double part) {
    const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(values.size())));
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
    std::nth_element(values.begin(), at, values.end());
    return *at / 1000;
}

}  // namespace

Queries::Answer Queries::services(std::uint64_t since_unix_ns) {
    static constexpr const char* kSql =
        "SELECT f.mesh || '.' || f.service, t.mesh || '.' || t.service, c.status, c.end_ns - c.start_ns"
        " FROM spans h JOIN spans c ON c.trace = h.trace AND c.span = h.parent"
        " JOIN resources f ON f.id = c.resource JOIN resources t ON t.id = h.resource"
        " WHERE h.start_ns >= ?1 AND h.name = (SELECT id FROM span_names WHERE name = ?2)"
        " ORDER BY h.start_ns DESC LIMIT ?3";
    begin();
    Rows rows = database_.query(kSql, {static_cast<std::int64_t>(std::min<std::uint64_t>(since_unix_ns, INT64_MAX)),
                                       telemetry::spans::kHandle.name, static_cast<std::int64_t>(kDurationsMax)});
    std::map<std::pair<std::string, std::string>, Calls> all;
    while (rows.next()) {
        std::pair<std::string, std::string> key{rows.text(0), rows.text(1)};
        if (all.size() >= kRowsMax && !all.contains(key)) {
            continue;
        }
        Calls& calls = all[std::move(key)];
        calls.errors += rows.integer(2) == 2 ? 1U : 0U;
        calls.durations_ns.push_back(rows.integer(3));
    }
    if (const auto read = rows.status(); !read) {
        return tl::unexpected(read.error());
    }
    json::array list;
    for (auto& [key, calls] : all) {
        json::object row;
        row["from"] = key.first;
        row["to"] = key.second;
        row["count"] = calls.durations_ns.size();
        row["errors"] = calls.errors;
        row["p50_us"] = percentile_us(calls.durations_ns, 0.5);
        row["p99_us"] = percentile_us(calls.durations_ns, 0.99);
        list.emplace_back(std::move(row));
    }
    return json::object{{"calls", std::move(list)}};
}

}  // namespace grapevine::console
