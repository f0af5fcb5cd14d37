#pragma once

// Reading an answer of the control socket for a table: what is missing or of another kind is empty, zero or "-".

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "io/json.hpp"

namespace grapevine::apps {

inline std::string text_in(const boost::json::object& row, std::string_view key) {
    return io::string_member(row, key).value_or("");
}

inline std::uint64_t number_in(const boost::json::object& row, std::string_view key) {
    return io::unsigned_member(row, key).value_or(0);
}

// The first of a list of strings.
inline std::string first_in(const boost::json::object& row, std::string_view key) {
    const boost::json::value* list = row.if_contains(key);
    if (list == nullptr || !list->is_array() || list->get_array().empty() || !list->get_array()[0].is_string()) {
        return "-";
    }
    return std::string(list->get_array()[0].get_string());
}

template <typename Use>
void for_each_row(const boost::json::object& answer, std::string_view key, Use use) {
    const boost::json::value* list = answer.if_contains(key);
    if (list == nullptr || !list->is_array()) {
        return;
    }
    for (const boost::json::value& row : list->get_array()) {
        if (row.is_object()) {
            use(row.get_object());
        }
    }
}

}  // namespace grapevine::apps
