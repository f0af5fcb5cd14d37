#include "console/store_schema.hpp"

#include <array>
#include <string>

namespace grapevine::console {
namespace {

// Before the first table: later it would need a VACUUM.
constexpr const char* kNewFile = R"sql(
PRAGMA page_size = 4096;
PRAGMA auto_vacuum = INCREMENTAL;
)sql";

constexpr const char* kSettings = R"sql(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA journal_size_limit = 4194304;
PRAGMA cache_size = -8192;
PRAGMA temp_store = MEMORY;
PRAGMA secure_delete = OFF;
)sql";

constexpr const char* kTables = R"sql(
BEGIN IMMEDIATE;
CREATE TABLE resources (
    id INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE, service TEXT NOT NULL, instance TEXT NOT NULL,
    mesh TEXT NOT NULL, node TEXT NOT NULL, attributes TEXT NOT NULL, last_ms INTEGER NOT NULL);
CREATE INDEX resources_last ON resources (last_ms);
CREATE INDEX resources_node ON resources (node);
CREATE TABLE span_names (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, last_ms INTEGER NOT NULL,
    last_start_ns INTEGER NOT NULL);
CREATE INDEX span_names_last ON span_names (last_ms);
CREATE TABLE traces (
    id INTEGER PRIMARY KEY AUTOINCREMENT, trace BLOB NOT NULL UNIQUE, root_known INTEGER NOT NULL,
    root_name INTEGER NOT NULL, root_resource INTEGER NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
    spans INTEGER NOT NULL, errors INTEGER NOT NULL, touched_ms INTEGER NOT NULL);
CREATE INDEX traces_touched ON traces (touched_ms);
CREATE INDEX traces_start ON traces (start_ns);
CREATE INDEX traces_root ON traces (root_name, root_resource, start_ns);
CREATE TABLE spans (
    id INTEGER PRIMARY KEY AUTOINCREMENT, trace INTEGER NOT NULL, span BLOB NOT NULL, parent BLOB,
    resource INTEGER NOT NULL, name INTEGER NOT NULL, kind INTEGER NOT NULL, start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL, status INTEGER NOT NULL, status_text TEXT, attributes TEXT NOT NULL, links TEXT);
CREATE UNIQUE INDEX spans_trace ON spans (trace, span);
CREATE INDEX spans_start ON spans (start_ns, name, end_ns);
CREATE TABLE logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, resource INTEGER NOT NULL, unix_ns INTEGER NOT NULL,
    severity INTEGER NOT NULL, severity_text TEXT NOT NULL, body TEXT NOT NULL, attributes TEXT NOT NULL, trace BLOB,
    span BLOB, received_ms INTEGER NOT NULL);
CREATE INDEX logs_trace ON logs (trace) WHERE trace IS NOT NULL;
CREATE TABLE series (
    id INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE, metric TEXT NOT NULL, unit TEXT NOT NULL,
    description TEXT NOT NULL, kind INTEGER NOT NULL, monotonic INTEGER NOT NULL, resource INTEGER NOT NULL,
    attributes TEXT NOT NULL, start_ns INTEGER NOT NULL, unix_ns INTEGER NOT NULL, value REAL NOT NULL,
    count INTEGER NOT NULL, min REAL, max REAL, bounds TEXT, buckets TEXT, exemplar_trace BLOB, exemplar_span BLOB,
    kept_ns INTEGER NOT NULL, kept_value REAL NOT NULL, kept_count INTEGER NOT NULL, last_ms INTEGER NOT NULL);
CREATE INDEX series_metric ON series (metric);
CREATE INDEX series_last ON series (last_ms);
CREATE TABLE points (
    id INTEGER PRIMARY KEY AUTOINCREMENT, series INTEGER NOT NULL, unix_ns INTEGER NOT NULL, value REAL NOT NULL,
    count INTEGER NOT NULL, received_ms INTEGER NOT NULL);
CREATE UNIQUE INDEX points_series ON points (series, unix_ns);
PRAGMA application_id = 1735806804;
PRAGMA user_version = 1;
COMMIT;
)sql";

// Each brings a file from the version before to its own.
constexpr std::array<const char*, 1> kUpgrades{R"sql(
BEGIN IMMEDIATE;
CREATE TABLE timeline (
    seq INTEGER PRIMARY KEY, unix_ms INTEGER NOT NULL, kind TEXT NOT NULL, node TEXT NOT NULL, mesh TEXT NOT NULL,
    text TEXT NOT NULL, who TEXT NOT NULL, received_ms INTEGER NOT NULL);
PRAGMA user_version = 2;
COMMIT;
)sql"};
static_assert(kApplicationId == 1735806804 && kSchemaVersion == 1 + kUpgrades.size(), "as the scripts have them");

}  // namespace

base::Status prepare_schema(Database& database) {
    bool empty = false;
    {
        Rows rows = database.query("SELECT COUNT(*) FROM sqlite_schema");
        empty = rows.next() && rows.integer(0) == 0;
        if (const auto readable = rows.status(); !readable) {
            return readable;
        }
    }
    const std::int64_t application = database.integer("PRAGMA application_id");
    const std::int64_t version = database.integer("PRAGMA user_version");
    if (!empty && application != kApplicationId) {
        return base::invalid("store: is a database of something else");
    }
    if (version > kSchemaVersion) {
        return base::invalid("store: was written by a newer version of this program (schema " +
                             std::to_string(version) + ", this one knows " + std::to_string(kSchemaVersion) + ")");
    }
    if (empty) {
        if (auto made = database.script(kNewFile); !made) {
            return made;
        }
    }
    if (auto set = database.script(kSettings); !set) {
        return set;
    }
    if (empty) {
        if (auto made = database.script(kTables); !made) {
            return made;
        }
    }
    for (std::int64_t from = empty ? 1 : version; from < kSchemaVersion; ++from) {
        if (auto upgraded = database.script(kUpgrades.at(static_cast<std::size_t>(from - 1))); !upgraded) {
            return upgraded;
        }
    }
    return {};
}

}  // namespace grapevine::console
