#include "otlp/decode_value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace grapevine::otlp {

namespace {

// One AnyValue as it came: the last member of the oneof that was there.
struct AnyValue {
    AnyValueField which{};  // 0: none.
    std::uint64_t integer = 0;
    double real = 0;
    std::string_view bytes;
};

AnyValue parse_any(Intake& intake, std::string_view bytes) {
    AnyValue out;
    Message message("any_value", bytes, intake.problem());
    while (message.next()) {
        const auto field = message.field<AnyValueField>();
        switch (field) {
            case AnyValueField::string_value: out.bytes = message.text("string_value"); break;
            case AnyValueField::bool_value: out.integer = message.varint("bool_value"); break;
            case AnyValueField::int_value: out.integer = message.varint("int_value"); break;
            case AnyValueField::double_value: out.real = message.real("double_value"); break;
            case AnyValueField::array_value: out.bytes = message.bytes("array_value"); break;
            case AnyValueField::kvlist_value: out.bytes = message.bytes("kvlist_value"); break;
            case AnyValueField::bytes_value: out.bytes = message.bytes("bytes_value"); break;
            default: message.skip(); continue;
        }
        out.which = field;
    }
    return out;
}

struct KeyValue {
    std::string_view key;
    std::string_view value;  // An AnyValue.
};

KeyValue parse_key_value(Intake& intake, std::string_view bytes) {
    KeyValue out;
    Message message("key_value", bytes, intake.problem());
    while (message.next()) {
        switch (message.field<KeyValueField>()) {
            case KeyValueField::key: out.key = message.text("key"); break;
            case KeyValueField::value: out.value = message.bytes("value"); break;
            default: message.skip();
        }
    }
    return out;
}

template <typename T>
std::string number_text(T value) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    return {buffer.data(), end};
}

std::string_view name_of_unreal(double value) {
    if (std::isnan(value)) return "NaN";
    return value > 0 ? "Infinity" : "-Infinity";
}

std::size_t code_point_bytes(char lead) {
    const auto byte = static_cast<std::uint8_t>(lead);
    if (byte < 0xC0) return 1;
    if (byte < 0xE0) return 2;
    return byte < 0xF0 ? 3 : 4;
}

// One code point of a JSON string.
std::string escaped(std::string_view code_point) {
    constexpr std::string_view kHex = "0123456789abcdef";
    const char c = code_point.front();
    if (c == '"' || c == '\\') return {'\\', c};
    if (c == '\n') return "\\n";
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte >= 0x20) return std::string(code_point);
    return std::string("\\u00") + kHex[byte >> 4U] + kHex[byte & 15U];
}

// RFC 4648, section 4, with padding.
std::string base64(std::string_view bytes) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            group = (group << 8U) | (i < count ? static_cast<std::uint8_t>(bytes[at + i]) : 0U);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            out += i <= count ? kDigits[(group >> (18 - 6 * i)) & 63U] : '=';
        }
    }
    return out;
}

// Writes one value within a limit. A function that returns false has found no room and written nothing. Every open
// bracket holds back one byte for the one that closes it.
class Json {
public:
    explicit Json(Intake& intake) : intake_(intake) {}

    bool value(const AnyValue& any, std::size_t depth) {
        switch (any.which) {
            case AnyValueField::string_value: return string(any.bytes, depth);
            case AnyValueField::bool_value: return put(any.integer != 0 ? "true" : "false", depth);
            case AnyValueField::int_value: return put(number_text(static_cast<std::int64_t>(any.integer)), depth);
            case AnyValueField::double_value: return real(any.real, depth);
            case AnyValueField::array_value: return list(any.bytes, depth + 1, &Json::element, "[]");
            case AnyValueField::kvlist_value: return list(any.bytes, depth + 1, &Json::member, "{}");
            case AnyValueField::bytes_value: return binary(any.bytes, depth);
        }
        return put("null", depth);
    }

    std::string take() { return std::move(out_); }

private:
    using WriteElement = bool (Json::*)(std::string_view bytes, std::size_t depth);

    [[nodiscard]] std::size_t room(std::size_t depth) const {
        const std::size_t taken = out_.size() + depth;
        const std::size_t limit = intake_.limits().text_bytes_max;
        return taken < limit ? limit - taken : 0;
    }

    bool put(std::string_view text, std::size_t depth) {
        if (text.size() > room(depth)) return false;
        out_ += text;
        return true;
    }

    bool real(double value, std::size_t depth) {
        if (!std::isfinite(value)) return string(name_of_unreal(value), depth);
        return put(number_text(value), depth);
    }

    bool string(std::string_view text, std::size_t depth) {
        if (room(depth) < 2) return false;
        out_ += '"';
        while (!text.empty()) {
            const std::string_view code_point = text.substr(0, code_point_bytes(text.front()));
            if (!put(escaped(code_point), depth + 1)) break;
            text.remove_prefix(code_point.size());
        }
        intake_.cut(text.size());
        out_ += '"';
        return true;
    }

    bool binary(std::string_view bytes, std::size_t depth) {
        if (room(depth) < 2) return false;
        const std::string_view kept = bytes.substr(0, (room(depth) - 2) / 4 * 3);
        intake_.cut(bytes.size() - kept.size());
        return put('"' + base64(kept) + '"', depth);
    }

    bool list(std::string_view bytes, std::size_t depth, WriteElement write, std::string_view brackets) {
        if (depth > intake_.limits().depth_max) {
            intake_.cut(1);
            return put("null", depth - 1);
        }
        if (room(depth - 1) < brackets.size()) return false;
        out_ += brackets.front();
        elements(bytes, depth, write);
        out_ += brackets.back();
        return true;
    }

    void elements(std::string_view bytes, std::size_t depth, WriteElement write) {
        bool is_full = false;
        const std::size_t begin = out_.size();
        Message message("list", bytes, intake_.problem());
        while (message.next()) {
            if (message.field<ListField>() != ListField::values) {
                message.skip();
                continue;
            }
            const std::string_view element = message.bytes("values");
            const std::size_t before = out_.size();
            is_full = is_full || !(before == begin || put(",", depth)) || !(this->*write)(element, depth);
            if (!is_full) continue;
            out_.resize(before);
            intake_.cut(1);
        }
    }

    bool element(std::string_view bytes, std::size_t depth) { return value(parse_any(intake_, bytes), depth); }

    bool member(std::string_view bytes, std::size_t depth) {
        const KeyValue pair = parse_key_value(intake_, bytes);
        return string(pair.key, depth) && put(":", depth) && value(parse_any(intake_, pair.value), depth);
    }

    Intake& intake_;
    std::string out_;
};

}  // namespace

RowValue read_value(Intake& intake, std::string_view bytes) {
    const AnyValue any = parse_any(intake, bytes);
    if (any.which == AnyValueField::string_value) return {limited(intake, any.bytes), true};
    if (any.which == AnyValueField::double_value && !std::isfinite(any.real)) {
        return {std::string(name_of_unreal(any.real)), true};
    }
    Json json(intake);
    if (json.value(any, 0)) return {json.take(), false};
    intake.cut(1);
    return {"null", false};
}

void read_attribute(Intake& intake, std::string_view bytes, RowAttributes& out) {
    if (out.size() >= intake.limits().attributes_max) return intake.cut(1);
    const KeyValue pair = parse_key_value(intake, bytes);
    if (pair.key.empty()) return intake.cut(1);
    RowValue value = read_value(intake, pair.value);
    out.push_back({limited(intake, pair.key), std::move(value.value), value.is_text});
}

}  // namespace grapevine::otlp
