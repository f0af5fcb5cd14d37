#pragma once

// JSON against the part of JSON Schema that openapi.json uses: type, properties, required, additionalProperties, items,
// enum, pattern, minimum, maximum, oneOf, and $ref into its components.

#include <string>

#include <boost/json/value.hpp>

namespace grapevine::console::testing {

// What is wrong with `value`, with the path to it; empty if nothing is. `name` is one of the components.
std::string mismatch(const std::string& name, const boost::json::value& value);

}  // namespace grapevine::console::testing
