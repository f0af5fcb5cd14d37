#pragma once

// Lines of a text, for readers that must bound them before a parser sees them.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

namespace grapevine::base {

// The number, from 1, of the first line of more than `bytes_max` bytes.
[[nodiscard]] inline std::optional<std::size_t> first_longer_line(std::string_view text, std::size_t bytes_max) {
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (end > bytes_max) return number;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return std::nullopt;
}

}  // namespace grapevine::base
