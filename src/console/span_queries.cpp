// How often each span name comes, and which has gone silent.

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include <boost/json.hpp>

#include "console/queries.hpp"
#include "console/query_rows.hpp"

namespace grapevine::console {
namespace {

namespace json = boost::json;

struct NameFigures {
    std::uint64_t count = 0;                       // In the window.
    std::map<std::int64_t, std::uint64_t> before;  // By how many windows ago, from 1.
    std::vector<std::int64_t> durations;
};

// The nearest-rank percentile; reorders.
std::int64_t percentile(std::vector<std::int64_t>& values, double part) {
    if (values.empty()) {
        return 0;
    }
    const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(values.size())));
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

// Away for longer than between any two windows in which it came.
bool is_silent(const NameFigures& name) {
    if (name.count > 0 || name.before.size() < Queries::kSteadyWindows) {
        return false;
    }
    std::int64_t longest = 0;
    std::int64_t last = name.before.begin()->first;
    for (const auto& [ago, count] : name.before) {
        longest = std::max(longest, ago - last);
        last = ago;
    }
    return name.before.begin()->first + 1 > longest;
}

double usual(const NameFigures& name) {
    std::uint64_t total = 0;
    for (const auto& [ago, count] : name.before) {
        total += count;
    }
    return name.before.empty() ? 0.0 : static_cast<double>(total) / static_cast<double>(name.before.rbegin()->first);
}

json::value or_null(bool known, std::int64_t number) {
    return known ? json::value(number) : json::value(nullptr);
}

}  // namespace

Queries::Answer Queries::span_names(base::WallTime now, base::Duration window) {
    const auto now_ns = static_cast<std::int64_t>(now.unix_ms) * 1'000'000;
    const std::int64_t length = std::max<std::int64_t>(window.count(), 1);
    std::map<std::int64_t, NameFigures> names;
    begin();
    {
        Rows rows = database_.query(
            "SELECT name, max(0, ?1 - start_ns) / ?2 AS ago, COUNT(*) FROM spans INDEXED BY spans_start"
            " WHERE start_ns > ?1 - ?2 * ?3 GROUP BY name, ago",
            {now_ns, length, kBaselineWindows + 1});
        while (rows.next()) {
            NameFigures& name = names[rows.integer(0)];
            if (rows.integer(1) == 0) {
                name.count = rows.natural(2);
            } else {
                name.before[rows.integer(1)] = rows.natural(2);
            }
        }
        if (const auto read = rows.status(); !read) {
            return tl::unexpected(read.error());
        }
    }
    {
        Rows rows = database_.query(
            "SELECT name, end_ns - start_ns FROM spans INDEXED BY spans_start WHERE start_ns > ? ORDER BY start_ns DESC"
            " LIMIT ?",
            {now_ns - length, static_cast<std::int64_t>(kDurationsMax)});
        while (rows.next()) {
            names[rows.integer(0)].durations.push_back(rows.integer(1));
        }
        if (const auto read = rows.status(); !read) {
            return tl::unexpected(read.error());
        }
    }
    json::array list;
    Rows rows = database_.query("SELECT id, name, last_start_ns FROM span_names ORDER BY name LIMIT ?",
                                {static_cast<std::int64_t>(kRowsMax)});
    while (rows.next()) {
        NameFigures& name = names[rows.integer(0)];
        const bool any = !name.durations.empty();
        json::object row;
        row["name"] = std::string(rows.text(1));
        row["count"] = name.count;
        row["per_minute"] = static_cast<double>(name.count) * 60e9 / static_cast<double>(length);
        row["usual_per_minute"] = usual(name) * 60e9 / static_cast<double>(length);
        row["p50_ns"] = or_null(any, percentile(name.durations, 0.50));
        row["p99_ns"] = or_null(any, percentile(name.durations, 0.99));
        row["last_start_unix_us"] = to_us(rows.integer(2));
        row["state"] = name.count > 0 ? "ok" : is_silent(name) ? "silent" : "rare";
        list.emplace_back(std::move(row));
    }
    if (const auto read = rows.status(); !read) {
        return tl::unexpected(read.error());
    }
    return json::object{{"window_s", static_cast<double>(length) / 1e9}, {"spans", std::move(list)}};
}

}  // namespace grapevine::console
