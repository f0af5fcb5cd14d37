#pragma once

// Names of members: <mesh>.<type>.<first 6 hex digits of the id>. Where two members of a type share those digits, both
// show as many more as tell them apart. A name in full is looked up among the living; digits that fit two members, or
// one living and one recently removed, are ambiguous: a name never resolves to the wrong node.

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.hpp"

namespace grapevine::directory {

struct NoSuchName {
    friend bool operator==(const NoSuchName&, const NoSuchName&) = default;
};
struct AmbiguousName {
    std::vector<base::EndpointId> fits;  // At least one; at most kAmbiguousMax.
    friend bool operator==(const AmbiguousName&, const AmbiguousName&) = default;
};
inline constexpr std::size_t kAmbiguousMax = 16;
using Resolution = std::variant<NoSuchName, AmbiguousName, base::EndpointId>;

// The ids of one mesh by type.
class Names {
public:
    void insert(const std::string& type, const base::EndpointId& id) { by_type_[type].insert(id); }
    void erase(const std::string& type, const base::EndpointId& id);

    [[nodiscard]] std::string name_of(std::string_view mesh, const std::string& type, const base::EndpointId& id) const;
    // Up to `limit` ids of the type that begin with `digits`, in order.
    [[nodiscard]] std::vector<base::EndpointId> matching(std::string_view type, std::string_view digits,
                                                         std::size_t limit) const;
    [[nodiscard]] std::vector<base::EndpointId> of_type(std::string_view type) const;

private:
    std::map<std::string, std::set<base::EndpointId>, std::less<>> by_type_;
};

// The smallest id that begins with `digits`.
base::EndpointId first_with(std::string_view digits);

}  // namespace grapevine::directory
