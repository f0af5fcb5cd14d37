#include "apps/grapevine/top/keys.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/utf8.hpp"

namespace grapevine::apps {
namespace {

using Kind = TopKey::Kind;

struct Sequence {
    std::string_view bytes;  // After ESC.
    Kind kind;
};

constexpr std::array kSequences{
    Sequence{"[A", Kind::up},    Sequence{"[B", Kind::down},     Sequence{"OA", Kind::up},
    Sequence{"OB", Kind::down},  Sequence{"[5~", Kind::page_up}, Sequence{"[6~", Kind::page_down},
    Sequence{"[H", Kind::home},  Sequence{"[F", Kind::end},      Sequence{"OH", Kind::home},
    Sequence{"OF", Kind::end},   Sequence{"[1~", Kind::home},    Sequence{"[4~", Kind::end},
    Sequence{"[7~", Kind::home}, Sequence{"[8~", Kind::end},     Sequence{"OM", Kind::enter}};

std::optional<Kind> control_of(char c) {
    switch (c) {
        case '\r':
        case '\n': return Kind::enter;
        case '\b':
        case '\x7f': return Kind::backspace;
        case '\x0c': return Kind::redraw;   // Ctrl-L
        case '\x02': return Kind::page_up;  // Ctrl-B, Ctrl-F: as in pagers.
        case '\x06': return Kind::page_down;
        case '\x10': return Kind::up;  // Ctrl-P, Ctrl-N
        case '\x0e': return Kind::down;
        default: return std::nullopt;
    }
}

// Of the sequence behind ESC: parameter and intermediate bytes up to the final one. 0: it is cut.
std::size_t sequence_length(std::string_view text) {
    if (text[0] == 'O') {
        return text.size() < 2 ? 0 : 2;
    }
    for (std::size_t i = 1; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte >= 0x40 && byte <= 0x7E) {
            return i + 1;
        }
        if (byte < 0x20 || byte > 0x7E) {
            return i;  // No sequence after all.
        }
    }
    return 0;
}

// Of the character at the front as RFC 3629 has it; 1 for what is none.
std::size_t character_length(std::string_view bytes) {
    const auto lead = static_cast<unsigned char>(bytes[0]);
    const std::size_t length = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
    for (std::size_t i = 1; i < std::min(length, bytes.size()); ++i) {
        if ((static_cast<unsigned char>(bytes[i]) & 0xC0U) != 0x80U) {
            return 1;
        }
    }
    return length;
}

}  // namespace

void TopKeys::feed(std::string_view bytes, std::vector<TopKey>& out) {
    const std::string all = std::exchange(rest_, {}) + std::string(bytes);
    std::string_view left = all;
    while (!left.empty()) {
        const std::size_t taken = take(left, out);
        if (taken == 0) {
            if (left.size() <= kSequenceMax) {
                rest_ = left;
            }
            return;
        }
        left.remove_prefix(taken);
    }
}

std::size_t TopKeys::take(std::string_view bytes, std::vector<TopKey>& out) {
    if (bytes[0] == '\x1b') {
        if (bytes.size() == 1 || (bytes[1] != '[' && bytes[1] != 'O')) {
            out.push_back({Kind::escape});
            return 1;
        }
        const std::string_view behind = bytes.substr(1);
        const std::size_t length = sequence_length(behind);
        if (length == 0) {
            return bytes.size() > kSequenceMax ? bytes.size() : 0;
        }
        const auto known = std::find_if(kSequences.begin(), kSequences.end(), [&](const Sequence& sequence) {
            return sequence.bytes == behind.substr(0, length);
        });
        if (known != kSequences.end()) {
            out.push_back({known->kind});
        }
        return 1 + length;
    }
    const auto lead = static_cast<unsigned char>(bytes[0]);
    if (lead < 0x20 || lead == 0x7F) {
        if (const auto kind = control_of(bytes[0])) {
            out.push_back({*kind});
        }
        return 1;
    }
    const std::size_t length = character_length(bytes);
    if (bytes.size() < length) {
        return 0;
    }
    if (base::is_utf8(bytes.substr(0, length))) {
        out.push_back({Kind::text, std::string(bytes.substr(0, length))});
        return length;
    }
    return 1;
}

}  // namespace grapevine::apps
