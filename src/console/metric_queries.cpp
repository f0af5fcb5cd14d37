// Metrics: which there are, and one with its newest point and history per resource.

#include <algorithm>
#include <array>
#include <vector>

#include <boost/json.hpp>

#include "console/queries.hpp"
#include "console/query_rows.hpp"

namespace grapevine::console {
namespace {

namespace json = boost::json;

constexpr std::array<const char*, 3> kKindNames{"gauge", "sum", "histogram"};

const char* kind_name(std::int64_t kind) {
    return kind >= 0 && kind < 3 ? kKindNames[static_cast<std::size_t>(kind)] : "unknown";
}

json::value real_or_null(const Rows& rows, int column) {
    return rows.is_null(column) ? json::value(nullptr) : json::value(rows.real(column));
}

struct SeriesRow {
    std::int64_t id = 0;
    json::object object;
};

SeriesRow series_row(const Rows& rows) {
    SeriesRow out;
    out.id = rows.integer(0);
    json::object& row = out.object;
    row["service"] = std::string(rows.text(4));
    row["mesh"] = std::string(rows.text(5));
    row["node"] = std::string(rows.text(6));
    row["instance"] = std::string(rows.text(7));
    row["attributes"] = stored_json(rows.text(8));
    row["unix_us"] = to_us(rows.integer(9));
    row["value"] = rows.real(10);
    if (rows.integer(1) == 2) {
        row["count"] = rows.integer(11);
        row["min"] = real_or_null(rows, 12);
        row["max"] = real_or_null(rows, 13);
        row["bounds"] = rows.is_null(14) ? json::value(json::array{}) : stored_json(rows.text(14));
        row["buckets"] = rows.is_null(15) ? json::value(json::array{}) : stored_json(rows.text(15));
    }
    if (!rows.is_null(16)) {
        row["exemplar"] = json::object{{"trace_id", hex_of(rows.blob(16))}, {"span_id", hex_of(rows.blob(17))}};
    }
    return out;
}

SqlValue or_null(const std::string& text) {
    return text.empty() ? SqlValue(nullptr) : SqlValue(std::string_view(text));
}

}  // namespace

Queries::Answer Queries::metrics() {
    begin();
    Rows rows = database_.query(
        "SELECT metric, min(unit), min(kind), min(description), COUNT(*), COUNT(DISTINCT resource), max(unix_ns),"
        " max(monotonic) FROM series GROUP BY metric ORDER BY metric LIMIT ?",
        {static_cast<std::int64_t>(kRowsMax)});
    json::array list;
    while (rows.next()) {
        json::object row;
        row["name"] = std::string(rows.text(0));
        row["unit"] = std::string(rows.text(1));
        row["kind"] = kind_name(rows.integer(2));
        row["monotonic"] = rows.integer(7) != 0;
        row["description"] = std::string(rows.text(3));
        row["series"] = rows.integer(4);
        row["resources"] = rows.integer(5);
        row["last_unix_us"] = to_us(rows.integer(6));
        list.emplace_back(std::move(row));
    }
    const auto read = rows.status();
    return read ? Answer(json::object{{"metrics", std::move(list)}}) : Answer(tl::unexpected(read.error()));
}

Queries::Answer Queries::metric(std::string_view name, const MetricFilter& filter) {
    static constexpr const char* kSql =
        "SELECT s.id, s.kind, s.unit, s.description, r.service, r.mesh, r.node, r.instance, s.attributes, s.unix_ns,"
        " s.value, s.count, s.min, s.max, s.bounds, s.buckets, s.exemplar_trace, s.exemplar_span, s.monotonic"
        " FROM series s LEFT JOIN resources r ON r.id = s.resource WHERE s.metric = ?1"
        " AND (?2 IS NULL OR r.service = ?2) AND (?3 IS NULL OR r.mesh = ?3)"
        " AND (?4 IS NULL OR r.node = ?4 OR r.instance = ?4) AND s.unix_ns >= ?6"
        " ORDER BY r.mesh, r.node, r.instance, s.attributes LIMIT ?5";
    begin();
    json::object out;
    out["name"] = std::string(name);
    std::vector<SeriesRow> series;
    const auto since = static_cast<std::int64_t>(std::min<std::uint64_t>(filter.since_unix_ns, INT64_MAX));
    {
        Rows rows = database_.query(kSql, {name, or_null(filter.service), or_null(filter.mesh), or_null(filter.node),
                                           static_cast<std::int64_t>(kRowsMax), since});
        while (rows.next()) {
            if (series.empty()) {
                out["unit"] = std::string(rows.text(2));
                out["kind"] = kind_name(rows.integer(1));
                out["monotonic"] = rows.integer(18) != 0;
                out["description"] = std::string(rows.text(3));
            }
            series.push_back(series_row(rows));
        }
        if (const auto read = rows.status(); !read) {
            return tl::unexpected(read.error());
        }
    }
    if (series.empty() && database_.integer("SELECT 1 FROM series WHERE metric = ? LIMIT 1", {name}) == 0) {
        return base::fail(base::ErrorCode::not_found, "metric '" + base::printable(name) + "': not in the store");
    }
    std::size_t room = kHistoryTotalMax;
    json::array list;
    for (SeriesRow& row : series) {
        if (const auto added = add_history(row.id, filter.since_unix_ns, room, row.object); !added) {
            return tl::unexpected(added.error());
        }
        list.emplace_back(std::move(row.object));
    }
    out["series"] = std::move(list);
    return out;
}

// The oldest first.
base::Status Queries::add_history(std::int64_t series, std::uint64_t since_ns, std::size_t& room, json::object& out) {
    const auto since = static_cast<std::int64_t>(std::min<std::uint64_t>(since_ns, INT64_MAX));
    Rows rows = database_.query(
        "SELECT unix_ns, value, count FROM points WHERE series = ? AND unix_ns >= ? ORDER BY unix_ns DESC LIMIT ?",
        {series, since, static_cast<std::int64_t>(std::min(room, kHistoryMax))});
    json::array history;
    while (rows.next()) {
        history.emplace_back(json::array{to_us(rows.integer(0)), rows.real(1), rows.integer(2)});
        --room;
    }
    std::reverse(history.begin(), history.end());
    out["history"] = std::move(history);
    return rows.status();
}

}  // namespace grapevine::console
