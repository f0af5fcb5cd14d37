// What goes when the store has reached its size, its age or the limit of a table (rules 3 to 5 of store.hpp).

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "console/store.hpp"

namespace grapevine::console {
namespace {

constexpr int kPiecesMax = 1024;          // Of one call, so that it ends.
constexpr std::int64_t kRowsPiece = 512;  // Rows that go at once; of traces at most one more.
constexpr std::int64_t kVacuumPages = 1024;
constexpr base::Duration kUnused = std::chrono::minutes(5);  // At its limit a table lets go of what is not in use.

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

}  // namespace

// What refers comes before what it refers to, so that of one moment it also goes before it.
std::optional<Store::Kind> Store::oldest(std::int64_t& received_ms) {
    static constexpr std::array<std::pair<Kind, const char*>, 7> kQueries{{
        {Kind::traces, "SELECT touched_ms FROM traces ORDER BY touched_ms LIMIT 1"},
        {Kind::logs, "SELECT received_ms FROM logs ORDER BY id LIMIT 1"},
        {Kind::points, "SELECT received_ms FROM points ORDER BY id LIMIT 1"},
        {Kind::timeline, "SELECT received_ms FROM timeline ORDER BY seq LIMIT 1"},
        {Kind::series, "SELECT last_ms FROM series ORDER BY last_ms LIMIT 1"},
        {Kind::resources, "SELECT last_ms FROM resources ORDER BY last_ms LIMIT 1"},
        {Kind::names, "SELECT last_ms FROM span_names ORDER BY last_ms LIMIT 1"},
    }};
    std::optional<Kind> kind;
    received_ms = kNever;
    for (const auto& [candidate, sql] : kQueries) {
        const std::int64_t found = database_.integer(sql, {}, kNever);
        if (found < received_ms) {
            received_ms = found;
            kind = candidate;
        }
    }
    return kind;
}

base::Status Store::trim_to(std::uint64_t bytes, std::int64_t now_ms) {
    for (int piece = 0; piece < kPiecesMax && bytes_used() > bytes; ++piece) {
        std::int64_t received_ms = 0;
        const auto kind = oldest(received_ms);
        if (!kind) {
            return {};
        }
        if (auto trimmed = trim_piece(*kind, std::max(now_ms, received_ms), Cause::size); !trimmed) {
            return trimmed;
        }
    }
    return {};
}

// True while there may be more.
base::Result<bool> Store::trim_age(std::int64_t cut_ms) {
    std::int64_t received_ms = 0;
    const auto kind = oldest(received_ms);
    if (!kind || received_ms >= cut_ms) {
        return false;
    }
    const auto trimmed = trim_piece(*kind, cut_ms - 1, Cause::age);
    return trimmed ? base::Result<bool>(true) : tl::unexpected(trimmed.error());
}

base::Status Store::trim_piece(Kind kind, std::int64_t cut_ms, Cause cause) {
    Database::Transaction transaction(database_);
    auto done = transaction.begin();
    if (!done) {
        return done;
    }
    std::int64_t rows = 0;
    const auto remove = [&](const char* sql) {
        auto removed = database_.execute(sql, {cut_ms, kRowsPiece});
        rows = database_.changes();
        return removed;
    };
    switch (kind) {
        case Kind::traces: done = trim_traces(cut_ms, cause); break;
        case Kind::series: done = trim_series(cut_ms, cause); break;
        case Kind::logs:
            done = remove("DELETE FROM logs WHERE id < (SELECT min(id) FROM logs) + ?2 AND received_ms <= ?1");
            break;
        case Kind::points:
            done = remove("DELETE FROM points WHERE id < (SELECT min(id) FROM points) + ?2 AND received_ms <= ?1");
            break;
        case Kind::timeline:
            done =
                remove("DELETE FROM timeline WHERE seq < (SELECT min(seq) FROM timeline) + ?2 AND received_ms <= ?1");
            break;
        case Kind::resources:
            done = remove(
                "DELETE FROM resources WHERE id IN (SELECT id FROM resources WHERE last_ms <= ?1"
                " ORDER BY last_ms LIMIT min(?2, 64))");
            break;
        case Kind::names:
            done = remove(
                "DELETE FROM span_names WHERE id IN (SELECT id FROM span_names WHERE last_ms <= ?1"
                " ORDER BY last_ms LIMIT min(?2, 64))");
            break;
    }
    done = done ? transaction.commit() : done;
    if (done) {
        (cause == Cause::size ? counters_.rows_evicted_size : counters_.rows_evicted_age) +=
            static_cast<std::uint64_t>(rows);
    }
    recount();
    return done;
}

base::Status Store::trim_traces(std::int64_t cut_ms, Cause cause) {
    std::vector<std::int64_t> ids;
    {
        Rows rows = database_.query("SELECT id, spans FROM traces WHERE touched_ms <= ? ORDER BY touched_ms LIMIT 256",
                                    {cut_ms});
        for (std::uint64_t spans = 0; spans < static_cast<std::uint64_t>(kRowsPiece) && rows.next();) {
            ids.push_back(rows.integer(0));
            spans += rows.natural(1);
        }
        if (auto read = rows.status(); !read) {
            return read;
        }
    }
    for (const std::int64_t id : ids) {
        auto done = database_.execute("DELETE FROM spans WHERE trace = ?", {id});
        done = done ? database_.execute("DELETE FROM traces WHERE id = ?", {id}) : done;
        if (!done) {
            return done;
        }
    }
    (cause == Cause::size ? counters_.traces_evicted_size : counters_.traces_evicted_age) += ids.size();
    return {};
}

base::Status Store::trim_series(std::int64_t cut_ms, Cause cause) {
    std::vector<std::int64_t> ids;
    {
        Rows rows = database_.query("SELECT id FROM series WHERE last_ms <= ? ORDER BY last_ms LIMIT 64", {cut_ms});
        while (rows.next()) {
            ids.push_back(rows.integer(0));
        }
        if (auto read = rows.status(); !read) {
            return read;
        }
    }
    std::uint64_t removed = ids.size();
    for (const std::int64_t id : ids) {
        auto done = database_.execute("DELETE FROM points WHERE series = ?", {id});
        removed += static_cast<std::uint64_t>(database_.changes());
        done = done ? database_.execute("DELETE FROM series WHERE id = ?", {id}) : done;
        if (!done) {
            return done;
        }
    }
    (cause == Cause::size ? counters_.rows_evicted_size : counters_.rows_evicted_age) += removed;
    return {};
}

// Rule 5. Runs inside the transaction of the request.
base::Status Store::make_room(Kind kind, const std::uint64_t& rows, std::uint64_t rows_max) {
    if (rows < rows_max) {
        return {};
    }
    const std::int64_t cut = now_ms_ - std::chrono::duration_cast<std::chrono::milliseconds>(kUnused).count();
    base::Status done;
    if (kind == Kind::series) {
        done = trim_series(cut, Cause::size);
    } else {
        const char* sql = kind == Kind::resources
                              ? "DELETE FROM resources WHERE id IN (SELECT id FROM resources WHERE last_ms <= ?"
                                " ORDER BY last_ms LIMIT 64)"
                              : "DELETE FROM span_names WHERE id IN (SELECT id FROM span_names WHERE last_ms <= ?"
                                " ORDER BY last_ms LIMIT 64)";
        done = database_.execute(sql, {cut});
    }
    recount();
    return done;
}

bool Store::maintain(base::WallTime now) {
    const auto now_ms = static_cast<std::int64_t>(std::min<std::uint64_t>(now.unix_ms, kNever));
    const std::int64_t age = std::chrono::duration_cast<std::chrono::milliseconds>(limits_.age_max).count();
    database_.limit_time(base::Duration::zero());
    const auto more = trim_age(now_ms - age);
    if (bytes_used() > limits_.bytes_max / 10 * 9) {
        (void)trim_to(limits_.bytes_max / 10 * 8, now_ms);
    }
    // Pages in reserve for what comes next; the rest goes back to the disk.
    const std::int64_t spare = database_.integer("PRAGMA freelist_count");
    const bool shrink = spare > kVacuumPages && spare > database_.integer("PRAGMA page_count") / 8;
    if (shrink) {
        (void)database_.script("PRAGMA incremental_vacuum(1024); PRAGMA wal_checkpoint(PASSIVE);");
    }
    return (more && *more) || shrink;
}

}  // namespace grapevine::console
