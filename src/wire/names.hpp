#pragma once

// Names of members: <mesh>.<type>.<first hex digits of the id>, or <mesh>.<type> for any of a type. Every layer that
// reads a name reads it here.

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/ids.hpp"

namespace grapevine::wire {

inline constexpr std::size_t kNameDigits = 6;  // The least that a name has.

// The parts of "mesh.type" or "mesh.type.digits", as views of the name.
struct NameParts {
    std::string_view mesh;
    std::string_view type;
    std::string_view digits;  // Empty: any of the type.
};
// Nothing unless mesh and type follow the rule for names and the digits are 6 to 64 lower-case hex digits or absent.
std::optional<NameParts> split_name(std::string_view name);

// True when the id's hex form begins with `digits`.
bool begins_with(const base::EndpointId& id, std::string_view digits);

}  // namespace grapevine::wire
