#include "apps/grapevine/telemetry_view.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "apps/grapevine/command.hpp"
#include "base/encoding.hpp"

namespace grapevine::apps {
namespace {

constexpr std::size_t kTextMax = 400;

bool locale_is_utf8() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* value = std::getenv(name);
        if (value != nullptr && *value != '\0') {
            const std::string_view text = value;
            return text.find("UTF-8") != std::string_view::npos || text.find("utf8") != std::string_view::npos ||
                   text.find("UTF8") != std::string_view::npos || text.find("utf-8") != std::string_view::npos;
        }
    }
    return false;
}

bool begins_character(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
}

std::int64_t now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

const boost::json::value* member(const boost::json::object& row, std::string_view key) {
    return row.if_contains(key);
}

}  // namespace

Pen pen_for(int fd) {
    Pen pen;
    pen.terminal = inspect_terminal(fd);
    pen.drawing = pen.terminal.live && locale_is_utf8();
    return pen;
}

std::size_t columns_of(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        if (text.starts_with("\x1b[")) {
            text.remove_prefix(std::min(text.find('m'), text.size() - 1) + 1);
            continue;
        }
        columns += begins_character(text.front()) ? 1 : 0;
        text.remove_prefix(1);
    }
    return columns;
}

std::string fitted(std::string_view text, std::size_t columns) {
    const std::size_t width = columns_of(text);
    if (width <= columns) {
        return std::string(text) + std::string(columns - width, ' ');
    }
    std::string out;
    std::size_t taken = 0;
    for (const char c : text) {
        taken += begins_character(c) ? 1 : 0;
        if (taken >= columns) {
            break;
        }
        out += c;
    }
    return columns == 0 ? std::string{} : out + "~";
}

std::string painted(const Pen& pen, std::size_t colour, std::string_view text) {
    static constexpr std::array<std::string_view, kPalette> kCodes{"36", "34", "35", "96", "94"};
    if (!pen.terminal.color) {
        return std::string(text);
    }
    return "\x1b[" + std::string(kCodes[colour % kPalette]) + "m" + std::string(text) + "\x1b[0m";
}

std::string nanoseconds_text(std::int64_t nanoseconds) {
    const double value = static_cast<double>(nanoseconds);
    if (nanoseconds < 1000) {
        return std::to_string(nanoseconds) + " ns";
    }
    if (nanoseconds < 1'000'000) {
        return short_number(value / 1e3) + " us";
    }
    if (nanoseconds < 1'000'000'000) {
        return short_number(value / 1e6) + " ms";
    }
    return nanoseconds < 120'000'000'000 ? short_number(value / 1e9) + " s"
                                         : duration_text(static_cast<std::uint64_t>(nanoseconds / 1'000'000));
}

std::string clock_text(std::int64_t unix_us) {
    const std::time_t seconds = static_cast<std::time_t>(unix_us / 1'000'000);
    const std::time_t now = static_cast<std::time_t>(now_us() / 1'000'000);
    std::tm then{};
    std::tm today{};
    ::localtime_r(&seconds, &then);
    ::localtime_r(&now, &today);
    const bool same_day = then.tm_yday == today.tm_yday && then.tm_year == today.tm_year;
    std::array<char, 48> text{};
    if (std::strftime(text.data(), text.size(), same_day ? "%H:%M:%S" : "%m-%d %H:%M:%S", &then) == 0) {
        return "-";
    }
    std::array<char, 8> part{};
    std::snprintf(part.data(), part.size(), ".%03d", static_cast<int>(unix_us / 1000 % 1000));
    return std::string(text.data()) + (same_day ? part.data() : "");
}

std::string ago_text(std::int64_t unix_us) {
    const std::int64_t ago = now_us() - unix_us;
    return unix_us <= 0      ? "-"
           : ago < 1'000'000 ? "now"
                             : duration_text(static_cast<std::uint64_t>(ago / 1000)) + " ago";
}

std::string amount_text(double value, std::string_view unit) {
    const bool bytes = unit == "By";
    const double step = bytes ? 1024.0 : 1000.0;
    static constexpr std::array<std::string_view, 5> kPlain{"", "k", "M", "G", "T"};
    static constexpr std::array<std::string_view, 5> kBytes{" B", " KiB", " MiB", " GiB", " TiB"};
    std::size_t power = 0;
    double scaled = std::abs(value);
    while (scaled >= step && power + 1 < kPlain.size()) {
        scaled /= step;
        ++power;
    }
    const bool whole = power == 0 && scaled == std::floor(scaled);
    const std::string number = whole ? std::to_string(static_cast<std::int64_t>(scaled)) : short_number(scaled);
    return (value < 0 ? "-" : "") + number + std::string(bytes ? kBytes[power] : kPlain[power]);
}

std::string sparkline(const Pen& pen, const std::vector<double>& values, std::size_t columns) {
    static constexpr std::array<std::string_view, 8> kDrawn{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static constexpr std::array<std::string_view, 8> kPlain{"_", ".", "-", "=", "+", "*", "%", "#"};
    if (values.empty()) {
        return {};
    }
    const std::size_t shown = std::min(columns, values.size());
    const auto first = values.end() - static_cast<std::ptrdiff_t>(shown);
    const auto [low, high] = std::minmax_element(first, values.end());
    std::string out;
    for (auto value = first; value != values.end(); ++value) {
        const double part = *high > *low ? (*value - *low) / (*high - *low) : 0.0;
        const auto level = std::min<std::size_t>(static_cast<std::size_t>(part * 8.0), 7);
        out += pen.drawing ? kDrawn[level] : kPlain[level];
    }
    return out;
}

std::string text_in(const boost::json::object& row, std::string_view key) {
    const boost::json::value* value = member(row, key);
    return value != nullptr && value->is_string()
               ? base::printable(std::string_view(value->get_string().data(), value->get_string().size()), kTextMax)
               : std::string{};
}

std::int64_t integer_in(const boost::json::object& row, std::string_view key) {
    const boost::json::value* value = member(row, key);
    if (value == nullptr || !value->is_number()) {
        return 0;
    }
    boost::json::error_code error;
    const auto number = value->to_number<std::int64_t>(error);
    return error ? 0 : number;
}

double real_in(const boost::json::object& row, std::string_view key) {
    const boost::json::value* value = member(row, key);
    if (value == nullptr || !value->is_number()) {
        return 0;
    }
    boost::json::error_code error;
    const auto number = value->to_number<double>(error);
    return error ? 0 : number;
}

bool flag_in(const boost::json::object& row, std::string_view key) {
    const boost::json::value* value = member(row, key);
    return value != nullptr && value->is_bool() && value->get_bool();
}

bool has_number(const boost::json::object& row, std::string_view key) {
    const boost::json::value* value = member(row, key);
    return value != nullptr && value->is_number();
}

std::vector<const boost::json::object*> objects_in(const boost::json::object& row, std::string_view key) {
    std::vector<const boost::json::object*> out;
    const boost::json::value* list = member(row, key);
    if (list != nullptr && list->is_array()) {
        for (const boost::json::value& item : list->get_array()) {
            if (item.is_object()) {
                out.push_back(&item.get_object());
            }
        }
    }
    return out;
}

int print_lines(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) {
        out += line;
        out.erase(out.find_last_not_of(' ') + 1);
        out += '\n';
    }
    return print(out);
}

}  // namespace grapevine::apps
