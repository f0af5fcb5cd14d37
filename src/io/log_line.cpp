#include "io/log_line.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <variant>

#include "base/overloaded.hpp"
#include "base/utf8.hpp"

namespace grapevine::io {

namespace {

using telemetry::Attribute;
using telemetry::LogRecord;

constexpr std::size_t kSiteBytesMax = 64;
constexpr std::size_t kKeyBytesMax = 128;
constexpr std::size_t kTailBytesMax = 64;  // What closes a line.
constexpr std::string_view kCut = "...";

enum class Quote { json, human };

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string escape_of(char c, Quote quote) {
    switch (c) {
        case '\n': return "\\n";
        case '\r': return "\\r";
        case '\t': return "\\t";
        case '"': return quote == Quote::json ? "\\\"" : "\"";
        case '\\': return quote == Quote::json ? "\\\\" : "\\";
        default: break;
    }
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), quote == Quote::json ? "\\u%04x" : "\\x%02x",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    return text.data();
}

// Appends `text`, escaped, as far as it fits into `room` bytes; true if all did.
bool append_escaped(std::string& out, std::string_view text, std::size_t room, Quote quote) {
    // A byte is never written in less than one: what is beyond `room` cannot fit, and need not be looked at.
    const base::SafeText safe(text.substr(0, room + 4));
    const std::size_t end = out.size() + room;
    std::string_view rest = safe.view();
    while (!rest.empty()) {
        const char c = rest.front();
        const bool plain = !is_control(c) && (quote == Quote::human || (c != '"' && c != '\\'));
        std::size_t length = 1;
        while (plain && length < rest.size() && (static_cast<unsigned char>(rest[length]) & 0xC0U) == 0x80U)
            ++length;
        const std::string_view piece = rest.substr(0, length);
        const std::string escape = plain ? std::string() : escape_of(c, quote);
        if (out.size() + (plain ? piece.size() : escape.size()) > end) return false;
        out += plain ? piece : std::string_view(escape);
        rest.remove_prefix(length);
    }
    return text.size() <= room + 4;
}

void append_message(std::string& out, const std::string& body, Quote quote) {
    if (!append_escaped(out, body, kLogMessageBytesMax - kCut.size(), quote)) out += kCut;
}

std::string time_text(std::uint64_t unix_ns) {
    const auto seconds = static_cast<std::time_t>(unix_ns / 1'000'000'000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 48> text{};
    const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text.data() + length, text.size() - length, ".%03uZ",
                  static_cast<unsigned>(unix_ns / 1'000'000 % 1000));
    return text.data();
}

std::string number_text(double number, Quote quote) {
    if (!std::isfinite(number)) return quote == Quote::json ? "null" : std::isnan(number) ? "nan" : "inf";
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%.17g", number);
    return text.data();
}

void append_value(std::string& out, const telemetry::Value& value, Quote quote) {
    std::visit(base::Overloaded{[&](bool v) { out += v ? "true" : "false"; },
                                [&](std::int64_t v) { out += std::to_string(v); },
                                [&](double v) { out += number_text(v, quote); },
                                [&](const std::string& v) {
                                    if (quote == Quote::json) out += '"';
                                    if (!append_escaped(out, v, kLogValueBytesMax, quote)) out += kCut;
                                    if (quote == Quote::json) out += '"';
                                }},
               value);
}

// Each attribute whole or not at all; false if one is missing.
bool append_attributes(std::string& out, const telemetry::Attributes& attributes, Quote quote) {
    bool all = true;
    bool first = true;
    for (const Attribute& attribute : attributes) {
        std::string text;
        if (quote == Quote::json)
            text += first ? "\"" : ",\"";
        else
            text += ' ';
        append_escaped(text, attribute.key, kKeyBytesMax, quote);
        text += quote == Quote::json ? "\":" : "=";
        append_value(text, attribute.value, quote);
        if (out.size() + text.size() + kTailBytesMax > kLogLineBytesMax) {
            all = false;
            continue;
        }
        out += text;
        first = false;
    }
    return all;
}

std::string json_line(const LogRecord& record, std::uint64_t suppressed) {
    std::string out = R"({"time":")" + time_text(record.unix_ns) + R"(","level":")";
    out += telemetry::name(record.level);
    out += R"(","target":")";
    out += telemetry::name(record.target);
    out += R"(","site":")";
    append_escaped(out, record.site, kSiteBytesMax, Quote::json);
    out += R"(","message":")";
    append_message(out, record.body, Quote::json);
    out += '"';
    if (record.context.is_valid()) {
        out += R"(,"trace_id":")" + record.context.trace.hex() + R"(","span_id":")" + record.context.span.hex() + '"';
    }
    if (suppressed > 0) out += R"(,"suppressed":)" + std::to_string(suppressed);
    if (!record.attributes.empty()) {
        out += R"(,"attributes":{)";
        const bool all = append_attributes(out, record.attributes, Quote::json);
        out += all ? "}" : R"(},"cut":true)";
    }
    return out + "}\n";
}

std::string human_line(const LogRecord& record, std::uint64_t suppressed) {
    std::string level(telemetry::name(record.level));
    level.resize(5, ' ');
    std::string out = time_text(record.unix_ns) + ' ' + level + ' ';
    append_escaped(out, record.site, kSiteBytesMax, Quote::human);
    out += ": ";
    append_message(out, record.body, Quote::human);
    if (suppressed > 0) {
        out += " (" + std::to_string(suppressed) + " lines of ";
        append_escaped(out, record.site, kSiteBytesMax, Quote::human);
        out += " left out)";
    }
    if (record.context.is_valid()) out += " trace=" + record.context.trace.hex();
    if (!append_attributes(out, record.attributes, Quote::human)) out += " (cut)";
    return out + '\n';
}

}  // namespace

std::optional<LogFormat> parse_log_format(std::string_view text) {
    if (text == "human") return LogFormat::human;
    if (text == "json") return LogFormat::json;
    return std::nullopt;
}

std::string log_line(LogFormat format, const LogRecord& record, std::uint64_t suppressed) {
    return format == LogFormat::json ? json_line(record, suppressed) : human_line(record, suppressed);
}

}  // namespace grapevine::io
