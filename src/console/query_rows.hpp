#pragma once

// Columns of a row as JSON.

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/bytes.hpp"
#include "base/encoding.hpp"
#include "console/sqlite.hpp"

namespace grapevine::console {

// A JSON text that the store itself wrote; null if it is none.
boost::json::value stored_json(std::string_view text);

inline std::string hex_of(std::string_view bytes) {
    return base::hex_encode(base::as_bytes(bytes));
}

inline std::int64_t to_us(std::int64_t ns) {
    return ns / 1000;
}

}  // namespace grapevine::console
