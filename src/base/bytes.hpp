#pragma once

// Byte sequences: an owning buffer and a view. All wire data is uint8_t.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace grapevine::base {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes to_bytes(std::string_view text) {
    return {text.begin(), text.end()};
}

inline std::string to_text(ByteView bytes) {
    return std::string(as_text(bytes));
}

}  // namespace grapevine::base
