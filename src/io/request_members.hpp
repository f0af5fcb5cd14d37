#pragma once

// Members of a request, read by its rules: unknown ones and those of another kind are errors that name them.

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/result.hpp"

namespace grapevine::io {

// Nothing but `known` and "op".
base::Status check_members(const boost::json::object& object, std::initializer_list<std::string_view> known);

// Absent is false; anything but a boolean is an error.
base::Result<bool> flag_member(const boost::json::object& object, std::string_view name);

// `absent` without the member; anything but a number up to `most` is an error.
base::Result<std::uint64_t> number_member(const boost::json::object& object, std::string_view name, std::uint64_t most,
                                          std::uint64_t absent);

}  // namespace grapevine::io
