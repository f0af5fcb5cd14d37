#include "grapevine/node_main_json.hpp"

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/encoding.hpp"

#ifndef GRAPEVINE_VERSION
#define GRAPEVINE_VERSION "unknown"
#endif
#ifndef GRAPEVINE_COMMIT
#define GRAPEVINE_COMMIT "unknown"
#endif

namespace grapevine::cli {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool is_tail(std::string_view text, std::size_t at) {
    return at < text.size() && (static_cast<std::uint8_t>(text[at]) & 0xc0U) == 0x80U;
}

// Bytes of the well-formed UTF-8 sequence at the front, 0 if there is none: no overlong forms, surrogates, or beyond
// U+10FFFF.
std::size_t sequence_length(std::string_view text) {
    const auto lead = static_cast<std::uint8_t>(text[0]);
    const auto second = static_cast<std::uint8_t>(text.size() > 1 ? text[1] : 0);
    if (lead >= 0xc2 && lead <= 0xdf && is_tail(text, 1)) {
        return 2;
    }
    if (lead >= 0xe0 && lead <= 0xef && is_tail(text, 1) && is_tail(text, 2)) {
        const bool bad = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f);
        return bad ? 0 : 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4 && is_tail(text, 1) && is_tail(text, 2) && is_tail(text, 3)) {
        const bool bad = (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
        return bad ? 0 : 4;
    }
    return 0;
}

std::string escaped(char c) {
    switch (c) {
        case '"': return "\\\"";
        case '\\': return "\\\\";
        case '\n': return "\\n";
        case '\r': return "\\r";
        case '\t': return "\\t";
        default: break;
    }
    const auto byte = static_cast<std::uint8_t>(c);
    return byte < 0x20 || byte == 0x7f ? "\\u00" + base::hex_encode(base::ByteView(&byte, 1)) : std::string(1, c);
}

}  // namespace

std::string json_text(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        std::size_t taken = 1;
        if (static_cast<std::uint8_t>(text[0]) < 0x80) {
            out += escaped(text[0]);
        } else if (const std::size_t length = sequence_length(text); length != 0) {
            out += text.substr(0, length);
            taken = length;
        } else {
            out += kReplacement;
        }
        text.remove_prefix(taken);
    }
    return out + "\"";
}

std::string json_texts(const std::vector<std::string>& texts) {
    std::string out = "[";
    for (const std::string& text : texts) {
        out += (out.size() == 1 ? "" : ",") + json_text(text);
    }
    return out + "]";
}

std::string version_text() {
    return GRAPEVINE_VERSION " (commit " GRAPEVINE_COMMIT "; wire: iroh 1, /iroh-gossip/1, grapevine/mesh/1)";
}

}  // namespace grapevine::cli
