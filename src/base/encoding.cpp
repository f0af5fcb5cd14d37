#include "base/encoding.hpp"

#include <array>
#include <cstdint>

#include <sodium.h>

namespace grapevine::base {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

struct Alphabet32 {
    std::string_view name;
    std::string_view digits;
};
constexpr Alphabet32 kBase32{"base32", "abcdefghijklmnopqrstuvwxyz234567"};
constexpr Alphabet32 kBase32Hex{"base32hex", "0123456789abcdefghijklmnopqrstuv"};
constexpr Alphabet32 kZBase32{"z-base-32", "ybndrfg8ejkmcpqxot1uwisza345h769"};

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string encode32(const Alphabet32& alphabet, ByteView bytes) {
    std::string out;
    out.reserve((bytes.size() * 8 + 4) / 5);
    std::uint32_t buffer = 0;
    unsigned bits = 0;
    for (const std::uint8_t byte : bytes) {
        buffer = (buffer << 8U) | byte;
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            out.push_back(alphabet.digits[(buffer >> bits) & 31U]);
        }
    }
    if (bits > 0) out.push_back(alphabet.digits[(buffer << (5 - bits)) & 31U]);
    return out;
}

Result<Bytes> decode32(const Alphabet32& alphabet, std::string_view text) {
    Bytes out;
    out.reserve(text.size() * 5 / 8);
    std::uint32_t buffer = 0;
    unsigned bits = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t digit = alphabet.digits.find(lower(text[i]));
        if (digit == std::string_view::npos)
            return invalid(std::string(alphabet.name) + ": character '" + printable(text.substr(i, 1)) + "' at " +
                           std::to_string(i) + " is not in the alphabet");
        buffer = (buffer << 5U) | static_cast<std::uint32_t>(digit);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            out.push_back(static_cast<std::uint8_t>(buffer >> bits));
        }
        buffer &= (1U << bits) - 1U;
    }
    if (bits >= 5) return invalid(std::string(alphabet.name) + ": no byte string has this length");
    if (buffer != 0) return invalid(std::string(alphabet.name) + ": trailing bits are not zero");
    return out;
}

int hex_value(char c) {
    const std::size_t digit = kHexDigits.find(lower(c));
    return digit == std::string_view::npos ? -1 : static_cast<int>(digit);
}

}  // namespace

std::string hex_encode(ByteView bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        out.push_back(kHexDigits[byte >> 4U]);
        out.push_back(kHexDigits[byte & 15U]);
    }
    return out;
}

Result<Bytes> hex_decode(std::string_view text) {
    if (text.size() % 2 != 0) return invalid("hex: odd number of characters");
    Bytes out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_value(text[i]);
        const int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) return invalid("hex: not a hex digit at " + std::to_string(high < 0 ? i : i + 1));
        out.push_back(static_cast<std::uint8_t>(high * 16 + low));
    }
    return out;
}

std::string base32_encode(ByteView bytes) {
    return encode32(kBase32, bytes);
}
Result<Bytes> base32_decode(std::string_view text) {
    return decode32(kBase32, text);
}
std::string base32hex_encode(ByteView bytes) {
    return encode32(kBase32Hex, bytes);
}
Result<Bytes> base32hex_decode(std::string_view text) {
    return decode32(kBase32Hex, text);
}
std::string zbase32_encode(ByteView bytes) {
    return encode32(kZBase32, bytes);
}
Result<Bytes> zbase32_decode(std::string_view text) {
    return decode32(kZBase32, text);
}

std::string printable(std::string_view text, std::size_t limit) {
    std::string out;
    for (const char c : text) {
        if (out.size() >= limit) return out + "...";
        if (c >= 0x20 && c < 0x7f) {
            out.push_back(c);
        } else {
            const auto byte = static_cast<std::uint8_t>(c);
            out += "\\x" + hex_encode(ByteView(&byte, 1));
        }
    }
    return out;
}

std::string base64_encode(ByteView bytes) {
    std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
    text.pop_back();  // The terminator.
    return text;
}

Result<Bytes> base64_decode(std::string_view text) {
    Bytes bytes(text.size() / 4 * 3 + 3);
    std::size_t size = 0;
    const char* end = nullptr;
    const int failed = sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, &end,
                                         sodium_base64_VARIANT_ORIGINAL);
    if (failed != 0 || end != text.data() + text.size()) return invalid("base64: not valid");
    bytes.resize(size);
    return bytes;
}

}  // namespace grapevine::base
