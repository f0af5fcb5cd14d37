#include "console/sqlite.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

#include <sqlite3.h>

#include "base/overloaded.hpp"

namespace grapevine::console {
namespace {

constexpr int kBusyMilliseconds = 250;
constexpr int kProgressEvery = 10'000;  // Instructions of SQLite's machine, some 100 us.

std::int64_t monotonic_ns() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

base::Error error_of(sqlite3* database, int code) {
    const std::string what = std::string("store: ") + sqlite3_errmsg(database);
    switch (code & 0xff) {
        case SQLITE_FULL: return {base::ErrorCode::exhausted, "store: full: no room left for more"};
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return {base::ErrorCode::busy, what};
        case SQLITE_INTERRUPT: return {base::ErrorCode::busy, "store: the query took too long"};
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH: return {base::ErrorCode::denied, what};
        default: return {base::ErrorCode::failed, what};
    }
}

void bind(sqlite3_stmt* statement, int at, const SqlValue& value) {
    std::visit(base::Overloaded{
                   [&](std::nullptr_t) { sqlite3_bind_null(statement, at); },
                   [&](std::int64_t number) { sqlite3_bind_int64(statement, at, number); },
                   [&](double number) { sqlite3_bind_double(statement, at, number); },
                   [&](std::string_view text) {
                       sqlite3_bind_text64(statement, at, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC,
                                           SQLITE_UTF8);
                   },
                   [&](Blob blob) {
                       sqlite3_bind_blob64(statement, at, blob.bytes.empty() ? "" : blob.bytes.data(),
                                           blob.bytes.size(), SQLITE_STATIC);
                   },
               },
               value);
}

}  // namespace

Rows::Rows(Rows&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)), state_(other.state_) {}

Rows::~Rows() {
    if (statement_ != nullptr) {
        sqlite3_reset(statement_);
        sqlite3_clear_bindings(statement_);
    }
}

bool Rows::next() {
    state_ = statement_ == nullptr ? sqlite3_extended_errcode(database_) : sqlite3_step(statement_);
    return state_ == SQLITE_ROW;
}

base::Status Rows::status() const {
    if (state_ == SQLITE_DONE || state_ == SQLITE_ROW || state_ == SQLITE_OK) {
        return {};
    }
    return tl::unexpected(error_of(database_, state_));
}

std::int64_t Rows::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::uint64_t Rows::natural(int column) const {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(integer(column), 0));
}

double Rows::real(int column) const {
    return sqlite3_column_double(statement_, column);
}

std::string_view Rows::text(int column) const {
    const void* bytes = sqlite3_column_blob(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    return bytes == nullptr ? std::string_view()
                            : std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

bool Rows::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Database::Close::operator()(sqlite3* database) const {
    sqlite3_close_v2(database);
}

void Database::Finalize::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

base::Result<Database> Database::open(const std::string& path) {
    sqlite3* raw = nullptr;
    const int opened = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    Database database(raw);
    if (opened != SQLITE_OK) {
        base::Error error =
            raw == nullptr ? base::Error{base::ErrorCode::exhausted, "store: out of memory"} : error_of(raw, opened);
        error.message += " (" + path + ")";
        return tl::unexpected(error);
    }
    sqlite3_extended_result_codes(raw, 1);
    sqlite3_busy_timeout(raw, kBusyMilliseconds);
    // What the file says is data, also if somebody else wrote it.
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_progress_handler(raw, kProgressEvery, &Database::on_progress, database.deadline_.get());
    return database;
}

int Database::on_progress(void* deadline) {
    const auto* limit = static_cast<const Deadline*>(deadline);
    return limit->limit_ns > 0 && monotonic_ns() > limit->ends_ns ? 1 : 0;
}

void Database::limit_time(base::Duration limit) {
    deadline_->limit_ns = limit.count();
    deadline_->ends_ns = monotonic_ns() + limit.count();
}

base::Status Database::script(const char* sql) {
    const int result = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
    return result == SQLITE_OK ? base::Status{} : base::Status(tl::unexpected(error_of(database_.get(), result)));
}

sqlite3_stmt* Database::statement(const char* sql) {
    auto& slot = statements_[sql];
    if (!slot) {
        sqlite3_stmt* raw = nullptr;
        sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
        slot.reset(raw);
    }
    return slot.get();
}

Rows Database::query(const char* sql, std::initializer_list<SqlValue> values) {
    sqlite3_stmt* prepared = statement(sql);
    int at = 0;
    for (const SqlValue& value : values) {
        if (prepared != nullptr) {
            bind(prepared, ++at, value);
        }
    }
    return {database_.get(), prepared};
}

base::Status Database::execute(const char* sql, std::initializer_list<SqlValue> values) {
    Rows rows = query(sql, values);
    while (rows.next()) {
    }
    return rows.status();
}

std::int64_t Database::integer(const char* sql, std::initializer_list<SqlValue> values, std::int64_t fallback) {
    Rows rows = query(sql, values);
    return rows.next() && !rows.is_null(0) ? rows.integer(0) : fallback;
}

std::int64_t Database::last_id() const {
    return sqlite3_last_insert_rowid(database_.get());
}

std::int64_t Database::changes() const {
    return sqlite3_changes64(database_.get());
}

base::Status Database::Transaction::begin() {
    auto begun = database_.execute("BEGIN IMMEDIATE");
    open_ = begun.has_value();
    return begun;
}

base::Status Database::Transaction::commit() {
    auto done = database_.execute("COMMIT");
    open_ = open_ && !done;
    return done;
}

Database::Transaction::~Transaction() {
    // Some errors have already undone it.
    if (open_ && sqlite3_get_autocommit(database_.database_.get()) == 0) {
        (void)database_.execute("ROLLBACK");
    }
}

}  // namespace grapevine::console
