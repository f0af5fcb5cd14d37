#pragma once

// UTF-8 (RFC 3629). Strings of protobuf and JSON must be valid, or receivers refuse the whole message with them.

#include <cstddef>
#include <string>
#include <string_view>

namespace grapevine::base {

// Without overlong forms, surrogates, or code points beyond U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text);

// `text` with every byte that is no part of a valid sequence replaced by U+FFFD.
[[nodiscard]] std::string repaired_utf8(std::string_view text);

// The longest start of the valid `text` of at most `bytes_max` bytes that ends between two code points.
[[nodiscard]] std::string_view cut_utf8(std::string_view text, std::size_t bytes_max);

// A text fit for such a string: `text` itself where it is valid, else repaired. The view lives as long as both.
class SafeText {
public:
    explicit SafeText(std::string_view text) : view_(text) {
        if (!is_utf8(text)) view_ = repaired_ = repaired_utf8(text);
    }
    SafeText(const SafeText&) = delete;
    SafeText& operator=(const SafeText&) = delete;
    ~SafeText() = default;
    [[nodiscard]] std::string_view view() const { return view_; }

private:
    std::string repaired_;
    std::string_view view_;
};

}  // namespace grapevine::base
