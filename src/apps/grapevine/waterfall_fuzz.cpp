// Traces as a collector tells them, whose ids, times and texts are those of whoever sent spans. The first byte chooses
// the width, whether it is drawn with colours, whether attributes are shown, and whether the rest is JSON, or spans of
// a few bytes each, which makes trees and circles.
//
// Each span has its line, no line is wider than the terminal or moves its cursor, and a part is a part.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include <boost/json.hpp>

#include "apps/grapevine/waterfall.hpp"
#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "io/json.hpp"

using namespace grapevine;

namespace {

namespace json = boost::json;
constexpr std::size_t kColumnsMin = 40;

// Four bytes a span: its id, its parent's, when it begins and how long it takes, both up to the ends of the range.
json::object trace_of(std::string_view bytes) {
    const auto time_of = [](unsigned char byte) {
        const auto sign = (byte & 0x80U) != 0 ? std::int64_t{-1} : std::int64_t{1};
        return sign * static_cast<std::int64_t>((1ULL << (byte & 0x3fU)) - 1);
    };
    json::array spans;
    for (; bytes.size() >= 4; bytes.remove_prefix(4)) {
        spans.emplace_back(json::object{
            {"span_id", std::string(1, static_cast<char>('a' + bytes[0] % 16))},
            {"parent_span_id", std::string((bytes[1] & 0x10) != 0 ? 1 : 0, static_cast<char>('a' + (bytes[1] & 0xf)))},
            {"name", "span"},
            {"node", std::string(1, static_cast<char>('a' + bytes[2] % 3))},
            {"offset_ns", time_of(static_cast<unsigned char>(bytes[2]))},
            {"duration_ns", time_of(static_cast<unsigned char>(bytes[3]))}});
    }
    return {{"trace_id", "1"}, {"duration_ns", INT64_MAX}, {"start_unix_us", INT64_MIN}, {"spans", std::move(spans)}};
}

// Nothing but our own colours.
bool is_harmless(std::string_view line) {
    while (!line.empty()) {
        if (line.starts_with("\x1b[")) {
            const std::size_t end = line.find_first_not_of("0123456789;", 2);
            if (end == std::string_view::npos || line[end] != 'm') return false;
            line.remove_prefix(end + 1);
            continue;
        }
        const auto c = static_cast<unsigned char>(line.front());
        if (c < ' ' || c == 0x7f) return false;
        line.remove_prefix(1);
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view rest = base::as_text({data + 1, size - 1});
    json::object trace;
    if ((data[0] & 1U) != 0) {
        trace = trace_of(rest);
    } else {
        auto parsed = io::parse_json_object("trace", rest);
        if (!parsed) return 0;
        trace = std::move(*parsed);
    }
    apps::Pen pen;
    pen.drawing = pen.terminal.live = pen.terminal.color = (data[0] & 2U) != 0;
    pen.terminal.columns = 8U * (data[0] >> 3U);
    const auto shown = (data[0] & 4U) != 0 ? apps::Attributes::shown : apps::Attributes::hidden;
    const auto lines = apps::waterfall_lines(pen, trace, shown);
    GRAPEVINE_ASSERT(lines.size() >= apps::objects_in(trace, "spans").size() + 3, "each span has its line");
    const std::size_t most = std::max(kColumnsMin, pen.terminal.columns);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        GRAPEVINE_ASSERT(is_harmless(lines[i]), "no text moves the cursor");
        GRAPEVINE_ASSERT(apps::columns_of(lines[i]) <= most, "a line fits");
    }
    const double covered = apps::covered_by_children(trace);
    GRAPEVINE_ASSERT(covered < 0 || covered <= 1, "a part is a part");
    return 0;
}
