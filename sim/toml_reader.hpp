#pragma once

// Reads a TOML table key by key and keeps the first error: "FILE:LINE: key 'x' ...". finish() finds the keys that
// nobody asked for.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "base/result.hpp"
#include "base/time.hpp"

namespace grapevine::sim {

class TomlReader {
public:
    // `where` names the table in errors: "" for the root, "[network]".
    TomlReader(const toml::table& table, std::string_view source, std::string_view where, base::Status& status)
        : table_(table), source_(source), where_(where), status_(status) {}

    std::optional<std::string> text(std::string_view key);
    // One of `words`, as its index.
    std::optional<std::size_t> word(std::string_view key, const std::vector<std::string_view>& words);
    std::optional<std::uint64_t> integer(std::string_view key, std::uint64_t min, std::uint64_t max);
    std::optional<double> number(std::string_view key, double min, double max);
    std::optional<base::Duration> duration(std::string_view key);
    std::vector<std::size_t> integers(std::string_view key, std::uint64_t max);
    std::vector<std::string> texts(std::string_view key);
    const toml::table* table(std::string_view key);
    const toml::array* tables(std::string_view key);
    void finish();
    void fail(std::string_view key, std::string_view rule);

private:
    const toml::node* take(std::string_view key);
    void fail_at(const toml::node& node, std::string_view key, std::string_view rule);

    const toml::table& table_;
    std::string source_;
    std::string where_;
    base::Status& status_;
    std::set<std::string, std::less<>> taken_;
};

}  // namespace grapevine::sim
