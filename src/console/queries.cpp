#include "console/queries.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <vector>

#include <boost/json.hpp>

#include "console/query_rows.hpp"
#include "console/row_json.hpp"
#include "telemetry/catalogue.hpp"

namespace grapevine::console {
namespace {

namespace json = boost::json;

constexpr std::size_t kTraceHex = 32;

constexpr std::array<const char*, 5> kKindNames{"internal", "server", "client", "producer", "consumer"};
constexpr std::array<const char*, 3> kStatusNames{"unset", "ok", "error"};

template <std::size_t size>
const char* name_in(const std::array<const char*, size>& names, std::int64_t at) {
    return at >= 0 && at < static_cast<std::int64_t>(size) ? names[static_cast<std::size_t>(at)] : "unknown";
}

std::int64_t clamped(std::uint64_t number) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(number, std::numeric_limits<std::int64_t>::max()));
}

SqlValue or_null(const std::string& text) {
    return text.empty() ? SqlValue(nullptr) : SqlValue(std::string_view(text));
}

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string text(std::string_view view) {
    return std::string(view);
}

json::object trace_row(const Rows& rows) {
    json::object out;
    out["trace_id"] = hex_of(rows.blob(0));
    out["name"] = text(rows.text(1));
    out["has_root"] = rows.integer(2) != 0;
    out["service"] = text(rows.text(3));
    out["mesh"] = text(rows.text(4));
    out["node"] = text(rows.text(5));
    out["start_unix_us"] = to_us(rows.integer(6));
    out["duration_ns"] = rows.integer(7) - rows.integer(6);
    out["spans"] = rows.integer(8);
    out["errors"] = rows.integer(9);
    out["resources"] = rows.integer(10);
    return out;
}

json::array links_of(std::string_view stored) {
    json::array out;
    const json::value value = stored_json(stored);
    if (!value.is_array()) {
        return out;
    }
    for (const json::value& item : value.get_array()) {
        if (item.is_array() && item.get_array().size() == 2) {
            out.emplace_back(json::object{{"trace_id", item.get_array()[0]}, {"span_id", item.get_array()[1]}});
        }
    }
    return out;
}

json::object span_row(const Rows& rows, std::int64_t start_ns) {
    json::object out;
    out["span_id"] = hex_of(rows.blob(0));
    out["parent_span_id"] = hex_of(rows.blob(1));
    out["name"] = text(rows.text(2));
    out["kind"] = name_in(kKindNames, rows.integer(3));
    out["service"] = text(rows.text(4));
    out["mesh"] = text(rows.text(5));
    out["node"] = text(rows.text(6));
    out["instance"] = text(rows.text(7));
    out["offset_ns"] = rows.integer(8) - start_ns;
    out["duration_ns"] = rows.integer(9) - rows.integer(8);
    out["status"] = name_in(kStatusNames, rows.integer(10));
    out["status_text"] = text(rows.text(11));
    out["attributes"] = stored_json(rows.text(12));
    out["links"] = links_of(rows.text(13));
    return out;
}

json::object log_row(const Rows& rows) {
    json::object out;
    out["unix_us"] = to_us(rows.integer(0));
    out["severity"] = rows.integer(1);
    out["severity_text"] = text(rows.text(2));
    out["body"] = text(rows.text(3));
    out["attributes"] = stored_json(rows.text(4));
    out["trace_id"] = hex_of(rows.blob(5));
    out["span_id"] = hex_of(rows.blob(6));
    out["service"] = text(rows.text(7));
    out["mesh"] = text(rows.text(8));
    out["node"] = text(rows.text(9));
    return out;
}

constexpr const char* kLogColumns =
    "SELECT l.unix_ns, l.severity, l.severity_text, l.body, l.attributes, l.trace, l.span, r.service, r.mesh, r.node "
    "FROM logs l LEFT JOIN resources r ON r.id = l.resource ";

}  // namespace

json::value stored_json(std::string_view stored) {
    json::error_code error;
    json::value value = json::parse({stored.data(), stored.size()}, error);
    return error ? json::value(nullptr) : value;
}

Queries::Answer Queries::traces(const TraceFilter& filter) {
    static constexpr const char* kSql =
        "SELECT t.trace, n.name, t.root_known, r.service, r.mesh, r.node, t.start_ns, t.end_ns, t.spans, t.errors,"
        " (SELECT COUNT(DISTINCT s.resource) FROM spans s WHERE s.trace = t.id)"
        " FROM traces t LEFT JOIN span_names n ON n.id = t.root_name LEFT JOIN resources r ON r.id = t.root_resource"
        " WHERE t.start_ns >= ?1 AND t.end_ns - t.start_ns >= ?2"
        " AND (?3 IS NULL OR EXISTS (SELECT 1 FROM spans s JOIN resources q ON q.id = s.resource"
        "  WHERE s.trace = t.id AND q.service = ?3))"
        " AND (?4 IS NULL OR EXISTS (SELECT 1 FROM spans s WHERE s.trace = t.id AND s.name ="
        "  (SELECT id FROM span_names WHERE name = ?4)))"
        " AND (?5 IS NULL OR EXISTS (SELECT 1 FROM spans s JOIN resources q ON q.id = s.resource"
        "  WHERE s.trace = t.id AND q.mesh = ?5))"
        " AND (?6 IS NULL OR EXISTS (SELECT 1 FROM spans s JOIN resources q ON q.id = s.resource"
        "  WHERE s.trace = t.id AND (q.node = ?6 OR q.instance = ?6)))"
        " ORDER BY t.start_ns DESC LIMIT ?7";
    begin();
    Rows rows =
        database_.query(kSql, {clamped(filter.since_unix_ns), clamped(filter.min_duration_ns), or_null(filter.service),
                               or_null(filter.name), or_null(filter.mesh), or_null(filter.node),
                               static_cast<std::int64_t>(std::min(filter.limit, kRowsMax))});
    json::array list;
    while (rows.next()) {
        list.emplace_back(trace_row(rows));
    }
    if (const auto read = rows.status(); !read) {
        return tl::unexpected(read.error());
    }
    return json::object{{"traces", std::move(list)}};
}

// The whole id of the one trace that begins so.
base::Result<std::string> Queries::resolve(std::string_view id) {
    std::string low(id);
    std::transform(low.begin(), low.end(), low.begin(), [](char c) { return c >= 'A' && c <= 'F' ? char(c + 32) : c; });
    if (low.empty() || low.size() > kTraceHex || !is_hex(low)) {
        return base::invalid("trace '" + base::printable(id) + "': is no trace id, which is up to 32 hex digits");
    }
    const std::string first = bytes_of_hex(low + std::string(kTraceHex - low.size(), '0'));
    const std::string last = bytes_of_hex(low + std::string(kTraceHex - low.size(), 'f'));
    Rows rows =
        database_.query("SELECT trace FROM traces WHERE trace BETWEEN ? AND ? LIMIT 2", {Blob{first}, Blob{last}});
    std::string found;
    while (rows.next()) {
        if (!found.empty()) {
            return base::invalid("trace '" + low + "': several traces begin so");
        }
        found = text(rows.blob(0));
    }
    if (const auto read = rows.status(); !read) {
        return tl::unexpected(read.error());
    }
    return found.empty() ? base::Result<std::string>(
                               base::fail(base::ErrorCode::not_found, "trace '" + low + "': not in the store"))
                         : found;
}

Queries::Answer Queries::trace(std::string_view id) {
    begin();
    const auto whole = resolve(id);
    return whole ? whole_trace(*whole) : Answer(tl::unexpected(whole.error()));
}

Queries::Answer Queries::whole_trace(const std::string& trace) {
    std::int64_t row = 0, start_ns = 0;
    json::object out;
    out["trace_id"] = hex_of(trace);
    {
        Rows rows = database_.query("SELECT id, start_ns, end_ns, errors FROM traces WHERE trace = ?", {Blob{trace}});
        if (!rows.next()) {
            return base::fail(base::ErrorCode::not_found, "trace '" + hex_of(trace) + "': not in the store");
        }
        row = rows.integer(0);
        start_ns = rows.integer(1);
        out["start_unix_us"] = to_us(start_ns);
        out["duration_ns"] = rows.integer(2) - start_ns;
        out["errors"] = rows.integer(3);
    }
    auto added = add_spans(row, start_ns, out);
    added = added ? add_logs(trace, out) : added;
    return added ? Answer(std::move(out)) : Answer(tl::unexpected(added.error()));
}

base::Status Queries::add_spans(std::int64_t trace, std::int64_t start_ns, json::object& out) {
    Rows rows = database_.query(
        "SELECT s.span, s.parent, n.name, s.kind, r.service, r.mesh, r.node, r.instance, s.start_ns, s.end_ns,"
        " s.status, s.status_text, s.attributes, s.links FROM spans s LEFT JOIN span_names n ON n.id = s.name"
        " LEFT JOIN resources r ON r.id = s.resource WHERE s.trace = ? ORDER BY s.start_ns, s.end_ns DESC, s.id",
        {trace});
    json::array spans;
    while (rows.next()) {
        spans.emplace_back(span_row(rows, start_ns));
    }
    out["spans"] = std::move(spans);
    return rows.status();
}

base::Status Queries::add_logs(const std::string& trace, json::object& out) {
    static const std::string kSql = std::string(kLogColumns) + "WHERE l.trace = ?1 ORDER BY l.unix_ns, l.id LIMIT ?2";
    Rows rows = database_.query(kSql.c_str(), {Blob{trace}, static_cast<std::int64_t>(kRowsMax)});
    json::array logs;
    while (rows.next()) {
        logs.emplace_back(log_row(rows));
    }
    out["logs"] = std::move(logs);
    return rows.status();
}

Queries::Answer Queries::boot(std::string_view name) {
    static constexpr const char* kByResource =
        "SELECT t.trace FROM traces t JOIN resources r ON r.id = t.root_resource WHERE t.root_known = 1"
        " AND t.root_name = (SELECT id FROM span_names WHERE name = ?1) AND (r.node = ?2 OR r.instance = ?2)"
        " ORDER BY t.start_ns DESC LIMIT 1";
    static constexpr const char* kByAttribute =
        "SELECT t.trace FROM traces t JOIN spans s ON s.trace = t.id WHERE t.root_known = 1 AND t.root_name ="
        " (SELECT id FROM span_names WHERE name = ?1) AND s.parent IS NULL"
        " AND json_extract(s.attributes, '$.node_name') = ?2 ORDER BY t.start_ns DESC LIMIT 1";
    begin();
    for (const char* sql : {kByResource, kByAttribute}) {
        std::string found;
        {
            Rows rows = database_.query(sql, {telemetry::spans::kReady.name, name});
            found = rows.next() ? text(rows.blob(0)) : std::string{};
            if (const auto read = rows.status(); !read) {
                return tl::unexpected(read.error());
            }
        }
        if (!found.empty()) {
            return whole_trace(found);
        }
    }
    return base::fail(base::ErrorCode::not_found,
                      "node '" + base::printable(name) + "': no boot of a node with this name is in the store");
}

Queries::Answer Queries::logs(std::string_view trace_id, std::size_t limit) {
    static const std::string kNewest = std::string(kLogColumns) + "ORDER BY l.id DESC LIMIT ?1";
    begin();
    json::object out;
    if (!trace_id.empty()) {
        const auto whole = resolve(trace_id);
        if (!whole) {
            return tl::unexpected(whole.error());
        }
        const auto added = add_logs(*whole, out);
        return added ? Answer(std::move(out)) : Answer(tl::unexpected(added.error()));
    }
    Rows rows = database_.query(kNewest.c_str(), {static_cast<std::int64_t>(std::min(limit, kRowsMax))});
    json::array list;
    while (rows.next()) {
        list.emplace_back(log_row(rows));
    }
    out["logs"] = std::move(list);
    const auto read = rows.status();
    return read ? Answer(std::move(out)) : Answer(tl::unexpected(read.error()));
}

}  // namespace grapevine::console
