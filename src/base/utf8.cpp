#include "base/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace grapevine::base {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::uint64_t kHighBits = 0x8080808080808080U;

std::uint8_t byte_at(std::string_view text, std::size_t at) {
    return static_cast<std::uint8_t>(text[at]);
}

bool is_continuation(std::uint8_t byte) {
    return (byte & 0xC0U) == 0x80U;
}

// The number of ASCII bytes that `text` begins with, eight at a time: nearly all that we send is ASCII.
std::size_t ascii_prefix(std::string_view text) {
    std::size_t at = 0;
    while (text.size() - at >= sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, sizeof word);
        if ((word & kHighBits) != 0) break;
        at += sizeof word;
    }
    while (at < text.size() && byte_at(text, at) < 0x80)
        ++at;
    return at;
}

struct Lead {
    std::size_t length = 0;  // 0: no sequence begins so.
    std::uint8_t second_min = 0x80, second_max = 0xBF;
};

// RFC 3629, section 4: the second byte is what rules out overlong forms, surrogates and what is beyond U+10FFFF.
Lead lead_of(std::uint8_t first) {
    if (first < 0x80) return {1};
    if (first < 0xC2 || first > 0xF4) return {0};
    if (first < 0xE0) return {2};
    if (first == 0xE0) return {3, 0xA0, 0xBF};
    if (first == 0xED) return {3, 0x80, 0x9F};
    if (first < 0xF0) return {3};
    if (first == 0xF0) return {4, 0x90, 0xBF};
    if (first == 0xF4) return {4, 0x80, 0x8F};
    return {4};
}

// The length of the sequence at `at`; 0: not valid.
std::size_t sequence_at(std::string_view text, std::size_t at) {
    const Lead lead = lead_of(byte_at(text, at));
    if (lead.length < 2) return lead.length;
    if (text.size() - at < lead.length) return 0;
    const std::uint8_t second = byte_at(text, at + 1);
    if (second < lead.second_min || second > lead.second_max) return 0;
    for (std::size_t i = 2; i < lead.length; ++i) {
        if (!is_continuation(byte_at(text, at + i))) return 0;
    }
    return lead.length;
}

}  // namespace

bool is_utf8(std::string_view text) {
    std::size_t at = ascii_prefix(text);
    while (at < text.size()) {
        const std::size_t length = sequence_at(text, at);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

std::string repaired_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t length = sequence_at(text, at);
        out += length == 0 ? kReplacement : text.substr(at, length);
        at += length == 0 ? 1 : length;
    }
    return out;
}

std::string_view cut_utf8(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    std::size_t end = bytes_max;
    while (end > 0 && is_continuation(byte_at(text, end)))
        --end;
    return text.substr(0, end);
}

}  // namespace grapevine::base
