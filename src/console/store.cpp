#include "console/store.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "base/blake3.hpp"
#include "base/utf8.hpp"
#include "console/row_json.hpp"
#include "console/store_schema.hpp"
#include "io/fd.hpp"

namespace grapevine::console {
namespace {

constexpr std::size_t kDigestBytes = 16;

std::int64_t clamped(std::uint64_t number) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(number, std::numeric_limits<std::int64_t>::max()));
}

std::int64_t milliseconds(base::WallTime time) {
    return clamped(time.unix_ms);
}

// SQLite has no NaN.
double finite(double number) {
    return std::isfinite(number) ? number : 0.0;
}

SqlValue optional_number(const std::optional<double>& number) {
    return number && std::isfinite(*number) ? SqlValue(*number) : SqlValue(nullptr);
}

SqlValue optional_blob(const std::string& bytes) {
    return bytes.empty() ? SqlValue(nullptr) : SqlValue(Blob{bytes});
}

SqlValue optional_text(const std::string& text) {
    return text.empty() ? SqlValue(nullptr) : SqlValue(std::string_view(text));
}

// Of texts, each with its length, so that no two lists have one digest.
std::string digest_of(std::initializer_list<std::string_view> texts) {
    std::string all;
    for (const std::string_view text : texts) {
        all += std::to_string(text.size());
        all += ':';
        all += text;
    }
    const base::Blake3Hash hash = base::blake3(base::as_bytes(all));
    return {reinterpret_cast<const char*>(hash.data()), kDigestBytes};
}

// SQLite gives its other files the mode of this one.
base::Status make_file(const std::filesystem::path& path) {
    const io::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid()) {
        return tl::unexpected(io::system_error("store '" + path.string() + "'", "open", errno));
    }
    ::fchmod(file.get(), 0600);
    return {};
}

}  // namespace

base::Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& directory, const StoreLimits& limits) {
    const std::filesystem::path path = directory / "telemetry.db";
    const auto failed = [&](const base::Error& error) {
        const std::string_view prefix = "store: ";
        const std::string rest =
            error.message.starts_with(prefix) ? error.message.substr(prefix.size()) : error.message;
        return tl::unexpected(base::Error{error.code, "store '" + path.string() + "': " + rest});
    };
    if (const auto made = make_file(path); !made) {
        return tl::unexpected(made.error());
    }
    auto database = Database::open(path.string());
    if (!database) {
        return failed(database.error());
    }
    std::unique_ptr<Store> store(new Store(std::move(*database), limits));
    if (const auto prepared = store->prepare(); !prepared) {
        return failed(prepared.error());
    }
    return store;
}

base::Status Store::prepare() {
    limits_.bytes_max = std::max(limits_.bytes_max, StoreLimits::kBytesMin);
    if (auto prepared = prepare_schema(database_); !prepared) {
        return prepared;
    }
    const auto page = static_cast<std::uint64_t>(std::max<std::int64_t>(database_.integer("PRAGMA page_size"), 512));
    // A pragma takes no parameter; this one is a number of ours. A file that is larger keeps its size until it is
    // trimmed.
    const std::string limit = "PRAGMA max_page_count = " + std::to_string(limits_.bytes_max / page);
    recount();
    return database_.script(limit.c_str());
}

void Store::recount() {
    const auto rows = [this](const char* sql) { return static_cast<std::uint64_t>(database_.integer(sql)); };
    resources_ = rows("SELECT COUNT(*) FROM resources");
    names_ = rows("SELECT COUNT(*) FROM span_names");
    series_ = rows("SELECT COUNT(*) FROM series");
}

std::uint64_t Store::bytes_used() {
    const std::int64_t pages = database_.integer("PRAGMA page_count") - database_.integer("PRAGMA freelist_count");
    return static_cast<std::uint64_t>(std::max<std::int64_t>(pages, 0) * database_.integer("PRAGMA page_size"));
}

std::uint64_t Store::bytes_of_file() {
    return static_cast<std::uint64_t>(database_.integer("PRAGMA page_count") * database_.integer("PRAGMA page_size"));
}

void Store::refuse(Added& out, std::string_view reason) {
    ++out.refused;
    if (out.reason.empty()) {
        out.reason = reason;
    }
}

void Store::count(const Added& added, const otlp::SpanRow&) {
    counters_.spans_stored += added.stored;
}
void Store::count(const Added& added, const otlp::LogRow&) {
    counters_.logs_stored += added.stored;
}
void Store::count(const Added& added, const otlp::PointRow&) {
    counters_.points_stored += added.stored;
}

base::Result<Added> Store::add(const otlp::Decoded<otlp::SpanRow>& spans, base::WallTime now) {
    return add_rows(spans, now);
}
base::Result<Added> Store::add(const otlp::Decoded<otlp::LogRow>& logs, base::WallTime now) {
    return add_rows(logs, now);
}
base::Result<Added> Store::add(const otlp::Decoded<otlp::PointRow>& points, base::WallTime now) {
    return add_rows(points, now);
}

template <typename Row>
base::Result<Added> Store::add_rows(const otlp::Decoded<Row>& decoded, base::WallTime now) {
    now_ms_ = milliseconds(now);
    database_.limit_time(base::Duration::zero());
    auto added = try_rows(decoded, now);
    if (!added && added.error().code == base::ErrorCode::exhausted) {
        (void)trim_to(limits_.bytes_max / 10 * 8, now_ms_);  // Whether that helped, the second attempt tells.
        added = try_rows(decoded, now);
    }
    if (!added) {
        const bool full = added.error().code == base::ErrorCode::exhausted;
        (full ? counters_.items_dropped_full : counters_.items_dropped_failed) += decoded.rows.size();
        return added;
    }
    count(*added, Row{});
    counters_.duplicates += added->duplicates;
    counters_.refused += added->refused;
    counters_.attributes_cut += added->cut;
    if (bytes_used() > limits_.bytes_max / 10 * 9) {
        (void)trim_to(limits_.bytes_max / 10 * 8, now_ms_);
    }
    return added;
}

template <typename Row>
base::Result<Added> Store::try_rows(const otlp::Decoded<Row>& decoded, base::WallTime) {
    const auto failed = [](const base::Status& status) { return base::Result<Added>(tl::unexpected(status.error())); };
    Added out;
    std::vector<std::optional<std::int64_t>> resources(decoded.resources.size());
    base::Status done;
    {
        Database::Transaction transaction(database_);
        done = transaction.begin();
        for (std::size_t i = 0; done && i < decoded.rows.size(); ++i) {
            const Row& row = decoded.rows[i];
            auto& resource = resources.at(row.resource);
            if (!resource) {
                const auto id = resource_id(decoded.resources[row.resource], out);
                if (!id) {
                    done = tl::unexpected(id.error());
                    break;
                }
                resource = *id;
            }
            if (*resource == 0) {
                refuse(out, "the store has no room for more resources");
            } else {
                done = insert(row, *resource, out);
            }
        }
        done = done ? transaction.commit() : done;
    }
    if (!done) {
        recount();
        return failed(done);
    }
    return out;
}

base::Result<std::int64_t> Store::resource_id(const otlp::ResourceRow& resource, Added& out) {
    const AttributesJson attributes = attributes_json(resource.attributes, kResourceAttributesBytesMax);
    const std::string digest = digest_of({attributes.text});
    out.cut += attributes.cut;
    if (const std::int64_t known = database_.integer("SELECT id FROM resources WHERE digest = ?", {Blob{digest}});
        known != 0) {
        auto touched = database_.execute("UPDATE resources SET last_ms = ? WHERE id = ?", {now_ms_, known});
        return touched ? base::Result<std::int64_t>(known) : tl::unexpected(touched.error());
    }
    if (auto room = make_room(Kind::resources, resources_, limits_.resources_max); !room) {
        return tl::unexpected(room.error());
    }
    if (resources_ >= limits_.resources_max) {
        return 0;
    }
    const std::string service = base::repaired_utf8(resource.find("service.name"));
    const std::string instance = base::repaired_utf8(resource.find("service.instance.id"));
    const std::string mesh = base::repaired_utf8(resource.find("mesh.id"));
    const std::string node = base::repaired_utf8(resource.find("mesh.node.name"));
    auto added = database_.execute(
        "INSERT INTO resources (digest, service, instance, mesh, node, attributes, last_ms) VALUES (?,?,?,?,?,?,?)",
        {Blob{digest}, service, instance, mesh, node, attributes.text, now_ms_});
    if (!added) {
        return tl::unexpected(added.error());
    }
    ++resources_;
    return database_.last_id();
}

base::Result<std::int64_t> Store::name_id(std::string_view name, std::int64_t start_ns) {
    const std::string text = base::repaired_utf8(name);
    if (const std::int64_t known = database_.integer("SELECT id FROM span_names WHERE name = ?", {text}); known != 0) {
        auto touched =
            database_.execute("UPDATE span_names SET last_ms = ?, last_start_ns = max(last_start_ns, ?) WHERE id = ?",
                              {now_ms_, start_ns, known});
        return touched ? base::Result<std::int64_t>(known) : tl::unexpected(touched.error());
    }
    if (auto room = make_room(Kind::names, names_, limits_.span_names_max); !room) {
        return tl::unexpected(room.error());
    }
    if (names_ >= limits_.span_names_max) {
        return 0;
    }
    auto added = database_.execute("INSERT INTO span_names (name, last_ms, last_start_ns) VALUES (?,?,?)",
                                   {text, now_ms_, start_ns});
    if (!added) {
        return tl::unexpected(added.error());
    }
    ++names_;
    return database_.last_id();
}

base::Result<Store::TraceId> Store::trace_id(std::string_view trace, const otlp::SpanRow& span, std::int64_t name,
                                             std::int64_t resource) {
    TraceId out;
    {
        Rows rows = database_.query("SELECT id, spans FROM traces WHERE trace = ?", {Blob{trace}});
        if (rows.next()) {
            out = {rows.integer(0), rows.natural(1)};
        }
        if (const auto read = rows.status(); !read) {
            return tl::unexpected(read.error());
        }
    }
    if (out.id != 0) {
        return out;
    }
    auto added = database_.execute(
        "INSERT INTO traces (trace, root_known, root_name, root_resource, start_ns, end_ns, spans, errors, touched_ms)"
        " VALUES (?,0,?,?,?,?,0,0,?)",
        {Blob{trace}, name, resource, clamped(span.start_unix_ns), clamped(span.end_unix_ns), now_ms_});
    if (!added) {
        return tl::unexpected(added.error());
    }
    out.id = database_.last_id();
    return out;
}

base::Status Store::insert(const otlp::SpanRow& span, std::int64_t resource, Added& out) {
    const std::int64_t start = clamped(span.start_unix_ns);
    const std::int64_t end = clamped(span.end_unix_ns);
    const auto name = name_id(span.name, start);
    if (!name) {
        return tl::unexpected(name.error());
    }
    if (*name == 0) {
        refuse(out, "the store has no room for more span names");
        return {};
    }
    const std::string trace = bytes_of_hex(span.trace_id);
    const std::string id = bytes_of_hex(span.span_id);
    const std::string parent = bytes_of_hex(span.parent_span_id);
    const auto row = trace_id(trace, span, *name, resource);
    if (!row) {
        return tl::unexpected(row.error());
    }
    if (row->spans >= limits_.spans_per_trace_max) {
        refuse(out, "a trace is kept with at most " + std::to_string(limits_.spans_per_trace_max) + " spans");
        return {};
    }
    const AttributesJson attributes = attributes_json(span.attributes, kAttributesBytesMax);
    const std::string links = links_json(span.links);
    const std::string status_text = base::repaired_utf8(span.status_text);
    auto added = database_.execute(
        "INSERT INTO spans (trace, span, parent, resource, name, kind, start_ns, end_ns, status, status_text, "
        "attributes, links) VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (trace, span) DO NOTHING",
        {row->id, Blob{id}, optional_blob(parent), resource, *name, static_cast<std::int64_t>(span.kind), start, end,
         static_cast<std::int64_t>(span.status), optional_text(status_text), attributes.text, optional_text(links)});
    if (!added) {
        return added;
    }
    if (database_.changes() == 0) {
        ++out.duplicates;
        return {};
    }
    ++out.stored;
    out.cut += attributes.cut;
    const std::int64_t is_root = parent.empty() ? 1 : 0;
    const std::int64_t is_error = span.status == telemetry::SpanStatus::error ? 1 : 0;
    // Without its root a trace is called by its earliest span.
    return database_.execute(
        "UPDATE traces SET spans = spans + 1, errors = errors + ?1, touched_ms = ?2,"
        " root_name = CASE WHEN ?3 OR (root_known = 0 AND ?4 <= start_ns) THEN ?5 ELSE root_name END,"
        " root_resource = CASE WHEN ?3 OR (root_known = 0 AND ?4 <= start_ns) THEN ?6 ELSE root_resource END,"
        " root_known = max(root_known, ?3), start_ns = min(start_ns, ?4), end_ns = max(end_ns, ?7) WHERE id = ?8",
        {is_error, now_ms_, is_root, start, *name, resource, end, row->id});
}

base::Status Store::insert(const otlp::LogRow& log, std::int64_t resource, Added& out) {
    const AttributesJson attributes = attributes_json(log.attributes, kAttributesBytesMax);
    const std::string trace = bytes_of_hex(log.trace_id);
    const std::string span = bytes_of_hex(log.span_id);
    const std::string severity = base::repaired_utf8(log.severity_text);
    const std::string body = base::repaired_utf8(log.body);
    auto added = database_.execute(
        "INSERT INTO logs (resource, unix_ns, severity, severity_text, body, attributes, trace, span, received_ms)"
        " VALUES (?,?,?,?,?,?,?,?,?)",
        {resource, clamped(log.unix_ns), std::int64_t{log.severity}, severity, body, attributes.text,
         optional_blob(trace), optional_blob(span), now_ms_});
    out.stored += added ? 1U : 0U;
    out.cut += attributes.cut;
    return added;
}

base::Result<std::int64_t> Store::series_id(const otlp::PointRow& point, std::int64_t resource, Added& out) {
    const AttributesJson attributes = attributes_json(point.attributes, kSeriesAttributesBytesMax);
    out.cut += attributes.cut;
    const std::string metric = base::repaired_utf8(point.metric);
    const std::string digest = digest_of({std::to_string(resource), metric, attributes.text});
    if (const std::int64_t known = database_.integer("SELECT id FROM series WHERE digest = ?", {Blob{digest}});
        known != 0) {
        return known;
    }
    if (auto room = make_room(Kind::series, series_, limits_.series_max); !room) {
        return tl::unexpected(room.error());
    }
    if (series_ >= limits_.series_max) {
        return 0;
    }
    const std::string unit = base::repaired_utf8(point.unit);
    const std::string description = base::repaired_utf8(point.description);
    auto added = database_.execute(
        "INSERT INTO series (digest, metric, unit, description, kind, monotonic, resource, attributes, start_ns,"
        " unix_ns, value, count, kept_ns, kept_value, kept_count, last_ms) VALUES (?,?,?,?,?,?,?,?,?,-1,0,0,-1,0,0,?)",
        {Blob{digest}, metric, unit, description, static_cast<std::int64_t>(point.kind),
         std::int64_t{point.monotonic ? 1 : 0}, resource, attributes.text, clamped(point.start_unix_ns), now_ms_});
    if (!added) {
        return tl::unexpected(added.error());
    }
    ++series_;
    return database_.last_id();
}

base::Status Store::insert(const otlp::PointRow& point, std::int64_t resource, Added& out) {
    const auto series = series_id(point, resource, out);
    if (!series) {
        return tl::unexpected(series.error());
    }
    if (*series == 0) {
        refuse(out, "the store has no room for more metric series");
        return {};
    }
    return insert_point(point, *series, out);
}

base::Status Store::insert_point(const otlp::PointRow& point, std::int64_t series, Added& out) {
    const std::int64_t time = clamped(point.unix_ns);
    const std::int64_t count = clamped(point.count);
    const double value = finite(point.value);
    const std::string bounds = point.bounds.empty() ? std::string{} : numbers_json(point.bounds);
    const std::string buckets = point.buckets.empty() ? std::string{} : numbers_json(point.buckets);
    const std::string exemplar_trace = bytes_of_hex(point.exemplar_trace_id);
    const std::string exemplar_span = bytes_of_hex(point.exemplar_span_id);
    auto done = database_.execute(
        "UPDATE series SET unix_ns = ?1, start_ns = ?2, value = ?3, count = ?4, min = ?5, max = ?6, bounds = ?7,"
        " buckets = ?8, exemplar_trace = coalesce(?9, exemplar_trace), exemplar_span = coalesce(?10, exemplar_span),"
        " last_ms = ?11 WHERE id = ?12 AND unix_ns < ?1",
        {time, clamped(point.start_unix_ns), value, count, optional_number(point.min), optional_number(point.max),
         optional_text(bounds), optional_text(buckets), optional_blob(exemplar_trace), optional_blob(exemplar_span),
         now_ms_, series});
    if (!done) {
        return done;
    }
    ++out.stored;
    // Rule 6.
    done = database_.execute(
        "UPDATE series SET kept_ns = ?1, kept_value = ?2, kept_count = ?3 WHERE id = ?4 AND"
        " NOT (kept_value = ?2 AND kept_count = ?3 AND kept_ns >= 0 AND ?1 - kept_ns BETWEEN 0 AND ?5)",
        {time, value, count, series, std::int64_t{kSamePointEvery.count()}});
    if (!done || database_.changes() == 0) {
        return done;
    }
    return database_.execute(
        "INSERT INTO points (series, unix_ns, value, count, received_ms) VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING",
        {series, time, value, count, now_ms_});
}

}  // namespace grapevine::console
