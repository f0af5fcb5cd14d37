#include "apps/grapevine/top/text.hpp"

#include <algorithm>
#include <clocale>
#include <cstdint>
#include <cwchar>

#include "base/utf8.hpp"

namespace grapevine::apps {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The locale of the calling thread for as long as this lives.
class Utf8Locale {
public:
    Utf8Locale() : before_(::uselocale(shared())) {}
    ~Utf8Locale() { ::uselocale(before_); }
    Utf8Locale(const Utf8Locale&) = delete;
    Utf8Locale& operator=(const Utf8Locale&) = delete;

private:
    // Made once: it takes the C library longer than all that is measured in it.
    static locale_t shared() {
        static const locale_t made = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
        return made;  // Null where the system has none: then nothing changes, and only ASCII is shown.
    }
    locale_t before_;
};

struct Character {
    std::string_view bytes;
    char32_t code = 0;
};

// The first of a valid text, which is not empty.
Character first_of(std::string_view text) {
    const auto lead = static_cast<std::uint8_t>(text[0]);
    const std::size_t whole = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    const std::size_t length = std::min(whole, text.size());
    char32_t code = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        code = (code << 6U) | (static_cast<std::uint8_t>(text[i]) & 0x3FU);
    }
    return {text.substr(0, length), code};
}

// Characters that move what stands beside them, or are not seen.
bool is_invisible(char32_t code) {
    return code == 0xAD || code == 0x61C || code == 0x115F || code == 0x1160 || code == 0x3164 || code == 0xFFA0 ||
           (code >= 0x17B4 && code <= 0x17B5) || (code >= 0x180B && code <= 0x180F) ||
           (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2060 && code <= 0x206F) || (code >= 0xFE00 && code <= 0xFE0F) || code == 0xFEFF ||
           (code >= 0xFFF0 && code <= 0xFFFB) || (code >= 0xE0000 && code <= 0xE0FFF);
}

// Columns in the locale of the thread; negative: must not be shown.
int width_of(char32_t code) {
    if (code < 0x20 || (code >= 0x7F && code < 0xA0) || is_invisible(code)) {
        return -1;
    }
    return code < 0x7F ? 1 : ::wcwidth(static_cast<wchar_t>(code));
}

}  // namespace

std::string harmless(std::string_view text) {
    const Utf8Locale locale;
    const base::SafeText safe(text);
    std::string out;
    std::size_t marks = kMarksMax;  // None before the first character.
    for (std::string_view rest = safe.view(); !rest.empty();) {
        const Character character = first_of(rest);
        rest.remove_prefix(character.bytes.size());
        const int width = width_of(character.code);
        if (width == 0 && marks >= kMarksMax) {
            continue;
        }
        marks = width == 0 ? marks + 1 : 0;
        out += width < 0 ? kReplacement : character.bytes;
    }
    return out;
}

std::size_t display_width(std::string_view text) {
    const Utf8Locale locale;
    std::size_t width = 0;
    while (!text.empty()) {
        const Character character = first_of(text);
        const int columns = width_of(character.code);
        width += columns > 0 ? static_cast<std::size_t>(columns) : columns < 0 ? 1 : 0;
        text.remove_prefix(character.bytes.size());
    }
    return width;
}

std::string cut_to(std::string_view text, std::size_t columns) {
    if (columns == 0 || display_width(text) <= columns) {
        return columns == 0 ? std::string() : std::string(text);
    }
    std::string out;
    std::size_t width = 0;
    while (!text.empty()) {
        const Character character = first_of(text);
        const std::size_t more = display_width(character.bytes);
        if (width + more > columns - 1) {
            break;
        }
        width += more;
        out += character.bytes;
        text.remove_prefix(character.bytes.size());
    }
    return out + "~";
}

std::string filled_to(std::string_view text, std::size_t columns, Align align) {
    std::string out = cut_to(text, columns);
    const std::string space(columns - display_width(out), ' ');
    return align == Align::left ? out + space : space + out;
}

std::string ascii_only(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const Character character = first_of(text);
        out += character.code < 0x7F ? std::string(character.bytes) : std::string(display_width(character.bytes), '?');
        text.remove_prefix(character.bytes.size());
    }
    return out;
}

}  // namespace grapevine::apps
