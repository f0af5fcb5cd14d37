#pragma once

// JSON for the lines that programs print: Boost.JSON, given only what is UTF-8.

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>

namespace grapevine {
namespace [[gnu::visibility("hidden")]] cli {

// A JSON string of any bytes. What is no UTF-8 (RFC 3629) becomes U+FFFD: JSON text must be UTF-8 (RFC 8259 section
// 8.1), which Boost.JSON does not check when it writes.
boost::json::string json_text(std::string_view text);
boost::json::array json_texts(const std::vector<std::string>& texts);

// The object and a newline, members in the order in which they were added.
std::string json_line(const boost::json::object& object);

}  // namespace cli
}  // namespace grapevine
