#include "wire/names.hpp"

#include <algorithm>

#include "wire/digest.hpp"

namespace grapevine::wire {

namespace {

bool is_digits(std::string_view text) {
    return text.size() >= kNameDigits && text.size() <= 2 * base::kIdBytes &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

std::optional<NameParts> split_name(std::string_view name) {
    const std::size_t first = name.find('.');
    if (first == std::string_view::npos) return std::nullopt;
    const std::size_t second = name.find('.', first + 1);
    NameParts parts;
    parts.mesh = name.substr(0, first);
    parts.type = second == std::string_view::npos ? name.substr(first + 1) : name.substr(first + 1, second - first - 1);
    if (!parse_name("mesh", parts.mesh) || !parse_name("type", parts.type)) return std::nullopt;
    if (second == std::string_view::npos) return parts;
    parts.digits = name.substr(second + 1);
    return is_digits(parts.digits) ? std::optional(parts) : std::nullopt;
}

bool begins_with(const base::EndpointId& id, std::string_view digits) {
    return id.hex().starts_with(digits);
}

}  // namespace grapevine::wire
