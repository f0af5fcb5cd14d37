#pragma once

// Boost.JSON with our limits: one value from untrusted text, and checked access to its members.

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/result.hpp"

namespace grapevine::io {

inline constexpr std::size_t kJsonDepthMax = 8;

// One JSON object and nothing else. `subject` begins the error message.
base::Result<boost::json::object> parse_json_object(std::string_view subject, std::string_view text);

// The member as a string or as a number that fits; nothing if it is absent or something else.
std::optional<std::string> string_member(const boost::json::object& object, std::string_view name);
std::optional<std::uint64_t> unsigned_member(const boost::json::object& object, std::string_view name);

}  // namespace grapevine::io
