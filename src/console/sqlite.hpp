#pragma once

// SQLite as far as the store needs it: one connection, cached statements, values only as bound parameters.

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "base/time.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace grapevine::console {

struct Blob {
    std::string_view bytes;
};
// The bytes that text and blobs refer to must live until the statement has run.
using SqlValue = std::variant<std::nullptr_t, std::int64_t, double, std::string_view, Blob>;

// The rows of a statement that runs; it may run again when this is gone. What text() and blob() give is valid until the
// next row.
class Rows {
public:
    Rows(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
    Rows(Rows&& other) noexcept;
    Rows& operator=(Rows&&) = delete;
    ~Rows();

    // False at the end, and on an error, which status() then tells.
    bool next();
    [[nodiscard]] base::Status status() const;

    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::uint64_t natural(int column) const;  // 0 if it is negative.
    [[nodiscard]] double real(int column) const;
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::string_view blob(int column) const { return text(column); }
    [[nodiscard]] bool is_null(int column) const;

private:
    sqlite3* database_;
    sqlite3_stmt* statement_;
    int state_ = 0;
};

class Database {
public:
    // Error codes: exhausted for a full disk or a reached page limit, busy when another process holds the file's lock,
    // denied, else failed. Messages begin with "store".
    static base::Result<Database> open(const std::string& path);
    Database(Database&&) = default;
    Database& operator=(Database&&) = default;

    // Several statements without parameters.
    base::Status script(const char* sql);
    // One statement; its text is a constant, kept for the next time.
    Rows query(const char* sql, std::initializer_list<SqlValue> values = {});
    base::Status execute(const char* sql, std::initializer_list<SqlValue> values = {});
    // The first column of the first row, or nothing.
    std::int64_t integer(const char* sql, std::initializer_list<SqlValue> values = {}, std::int64_t fallback = 0);

    [[nodiscard]] std::int64_t last_id() const;
    [[nodiscard]] std::int64_t changes() const;

    // From now on a statement that runs longer than this is broken off with busy; zero: never.
    void limit_time(base::Duration limit);

    // Undoes what is not committed when it goes.
    class Transaction {
    public:
        explicit Transaction(Database& database) : database_(database) {}
        ~Transaction();
        Transaction(const Transaction&) = delete;
        Transaction& operator=(const Transaction&) = delete;
        base::Status begin();
        base::Status commit();

    private:
        Database& database_;
        bool open_ = false;
    };

private:
    struct Close {
        void operator()(sqlite3* database) const;
    };
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    struct Deadline {
        std::int64_t limit_ns = 0;
        std::int64_t ends_ns = 0;
    };

    explicit Database(sqlite3* database) : database_(database), deadline_(std::make_unique<Deadline>()) {}
    sqlite3_stmt* statement(const char* sql);
    static int on_progress(void* deadline);

    std::unique_ptr<sqlite3, Close> database_;
    std::unique_ptr<Deadline> deadline_;
    std::map<const char*, std::unique_ptr<sqlite3_stmt, Finalize>> statements_;  // By the constant's address.
};

}  // namespace grapevine::console
