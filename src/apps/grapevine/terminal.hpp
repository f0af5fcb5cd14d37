#pragma once

// What the tables need to know of the terminal, and how they write into it.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace grapevine::apps {

struct Terminal {
    bool live = false;   // A terminal that can move its cursor.
    bool color = false;  // And no NO_COLOR.
    std::size_t columns = 80;
    std::size_t rows = 24;
};

// Of a descriptor. TERM=dumb is not live.
Terminal inspect_terminal(int fd);

enum class Tint : std::uint8_t { plain, dim, bold, good, warn, bad };
// `text` in a colour, if the terminal has them.
std::string tinted(const Terminal& terminal, Tint tint, std::string_view text);

enum class Align : std::uint8_t { left, right };
struct Cell {
    std::string text;
    Tint tint = Tint::plain;
};
struct Column {
    std::string title;
    Align align = Align::left;
    std::size_t drop_order = 0;  // Columns with the highest go first when the terminal is too narrow; 0 never goes.
};

// Columns as wide as their content, two spaces apart. Cells hold ASCII.
std::vector<std::string> table_lines(const Terminal& terminal, std::vector<Column> columns,
                                     std::vector<std::vector<Cell>> rows);

// Columns that a line takes: its bytes (ASCII) without colours.
std::size_t visible_width(std::string_view line);
// A line cut to `columns`; one that was cut ends without a colour.
std::string clipped(std::string_view line, std::size_t columns);

// "1.25", "0.031": three significant figures at most.
std::string short_number(double value);
// 1234 -> "1.2 MB" from KiB.
std::string memory_text(std::uint64_t kib);
// "350 ms", "12 s", "3 min", "5 h".
std::string duration_text(std::uint64_t milliseconds);

}  // namespace grapevine::apps
