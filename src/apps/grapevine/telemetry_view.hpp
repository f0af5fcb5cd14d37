#pragma once

// What the views of telemetry share: JSON members, figures as text, and what a terminal can show.
//
// Text from the store is somebody else's: it is shown with its control characters and foreign bytes escaped, so that
// no name of a span can move the cursor.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "apps/grapevine/terminal.hpp"

namespace grapevine::apps {

// How lines are drawn. Colour and drawing characters only on a live terminal whose locale is UTF-8.
struct Pen {
    Terminal terminal;
    bool drawing = false;
};
Pen pen_for(int fd);

// Columns that `text` takes: its characters (UTF-8, each one column wide) without colour codes.
std::size_t columns_of(std::string_view text);
// Cut or filled with spaces to exactly `columns`. What is cut ends with "~" (".." would take two). No colour codes.
std::string fitted(std::string_view text, std::size_t columns);
// `text` in one of the colours of the palette, which differ from those of good, warn and bad.
inline constexpr std::size_t kPalette = 5;
std::string painted(const Pen& pen, std::size_t colour, std::string_view text);

// "812 ns", "12.3 us", "4.56 ms", "1.23 s", "3 min", as of duration_text above a second.
std::string nanoseconds_text(std::int64_t nanoseconds);
// "17:44:01.123" today, "11-22 17:44:01" on another day; local time.
std::string clock_text(std::int64_t unix_us);
// "3 s ago".
std::string ago_text(std::int64_t unix_us);
// Short, with k, M, G: "1.25", "12.4k"; a byte unit takes KiB, MiB.
std::string amount_text(double value, std::string_view unit);

// One character a value, scaled between the smallest and the largest; the newest `columns` values.
std::string sparkline(const Pen& pen, const std::vector<double>& values, std::size_t columns);

// Members of an answer, with text escaped; absent or of another kind: empty or zero.
std::string text_in(const boost::json::object& row, std::string_view key);
std::int64_t integer_in(const boost::json::object& row, std::string_view key);
double real_in(const boost::json::object& row, std::string_view key);
bool flag_in(const boost::json::object& row, std::string_view key);
bool has_number(const boost::json::object& row, std::string_view key);
// The members of a list that are objects.
std::vector<const boost::json::object*> objects_in(const boost::json::object& row, std::string_view key);

// Prints lines with a newline each.
int print_lines(const std::vector<std::string>& lines);

}  // namespace grapevine::apps
