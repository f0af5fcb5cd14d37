#include "sim/toml_reader.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "sim/scenario.hpp"

namespace grapevine::sim {

const toml::node* TomlReader::take(std::string_view key) {
    taken_.emplace(key);
    return table_.get(key);
}

void TomlReader::fail_at(const toml::node& node, std::string_view key, std::string_view rule) {
    if (!status_) return;
    std::string line = source_ + ":" + std::to_string(node.source().begin.line) + ": ";
    if (!where_.empty()) line += where_ + ": ";
    line += "key '" + base::printable(key) + "' " + std::string(rule);
    status_ = base::invalid(std::move(line));
}

void TomlReader::fail(std::string_view key, std::string_view rule) {
    const toml::node* node = table_.get(key);
    fail_at(node == nullptr ? static_cast<const toml::node&>(table_) : *node, key, rule);
}

std::optional<std::string> TomlReader::text(std::string_view key) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    if (const auto value = node->value_exact<std::string>()) return value;
    fail_at(*node, key, "must be a string");
    return std::nullopt;
}

std::optional<std::size_t> TomlReader::word(std::string_view key, const std::vector<std::string_view>& words) {
    const auto value = text(key);
    if (!value) return std::nullopt;
    const auto it = std::find(words.begin(), words.end(), *value);
    if (it != words.end()) return static_cast<std::size_t>(it - words.begin());
    std::string rule = "must be one of:";
    for (const auto word : words)
        rule += " " + std::string(word);
    fail(key, rule);
    return std::nullopt;
}

std::optional<std::uint64_t> TomlReader::integer(std::string_view key, std::uint64_t min, std::uint64_t max) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    const auto value = node->value_exact<std::int64_t>();
    if (value && *value >= 0 && static_cast<std::uint64_t>(*value) >= min && static_cast<std::uint64_t>(*value) <= max)
        return static_cast<std::uint64_t>(*value);
    fail_at(*node, key, "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    return std::nullopt;
}

std::optional<double> TomlReader::number(std::string_view key, double min, double max) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    const auto value = node->value<double>();
    if (value && *value >= min && *value <= max) return value;
    fail_at(*node, key, "must be a number from " + std::to_string(min) + " to " + std::to_string(max));
    return std::nullopt;
}

std::optional<base::Duration> TomlReader::duration(std::string_view key) {
    const auto value = text(key);
    if (!value) return std::nullopt;
    const auto duration = parse_duration(*value);
    if (duration) return *duration;
    fail(key, "must be a duration such as \"250ms\", \"10s\", \"5m\" or \"1h\"");
    return std::nullopt;
}

std::vector<std::size_t> TomlReader::integers(std::string_view key, std::uint64_t max) {
    std::vector<std::size_t> values;
    const toml::node* node = take(key);
    if (node == nullptr) return values;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
        if (const auto value = integer(key, 0, max)) values.push_back(*value);
        return values;
    }
    for (const auto& item : *array) {
        const auto value = item.value_exact<std::int64_t>();
        if (value && *value >= 0 && static_cast<std::uint64_t>(*value) <= max)
            values.push_back(static_cast<std::size_t>(*value));
        else
            fail_at(item, key, "must hold whole numbers up to " + std::to_string(max));
    }
    return values;
}

std::vector<std::string> TomlReader::texts(std::string_view key) {
    std::vector<std::string> values;
    const toml::node* node = take(key);
    if (node == nullptr) return values;
    const toml::array* array = node->as_array();
    if (array == nullptr) fail_at(*node, key, "must be a list of strings");
    for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
        if (auto value = (*array)[i].value_exact<std::string>())
            values.push_back(std::move(*value));
        else
            fail_at((*array)[i], key, "must be a list of strings");
    }
    return values;
}

const toml::table* TomlReader::table(std::string_view key) {
    const toml::node* node = take(key);
    if (node == nullptr) return nullptr;
    if (node->as_table() == nullptr) fail_at(*node, key, "must be a table");
    return node->as_table();
}

const toml::array* TomlReader::tables(std::string_view key) {
    const toml::node* node = take(key);
    if (node == nullptr) return nullptr;
    const toml::array* array = node->as_array();
    if (array == nullptr || !array->is_homogeneous(toml::node_type::table)) {
        fail_at(*node, key, "must be a list of tables");
        return nullptr;
    }
    return array;
}

void TomlReader::finish() {
    for (const auto& [key, node] : table_)
        if (!taken_.contains(key.str())) fail_at(node, key.str(), "is unknown here");
}

}  // namespace grapevine::sim
