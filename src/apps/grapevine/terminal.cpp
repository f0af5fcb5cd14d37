#include "apps/grapevine/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace grapevine::apps {
namespace {

constexpr std::size_t kGap = 2;

std::vector<std::size_t> widths_of(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows) {
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        std::size_t width = columns[i].title.size();
        for (const std::vector<Cell>& row : rows) {
            width = std::max(width, row[i].text.size());
        }
        widths.push_back(width);
    }
    return widths;
}

std::size_t total(const std::vector<std::size_t>& widths) {
    std::size_t sum = 0;
    for (const std::size_t width : widths) {
        sum += width + kGap;
    }
    return sum > kGap ? sum - kGap : sum;
}

void drop_column(std::size_t at, std::vector<Column>& columns, std::vector<std::vector<Cell>>& rows) {
    const auto offset = static_cast<std::ptrdiff_t>(at);
    columns.erase(columns.begin() + offset);
    for (std::vector<Cell>& row : rows) {
        row.erase(row.begin() + offset);
    }
}

void fit(std::size_t available, std::vector<Column>& columns, std::vector<std::vector<Cell>>& rows) {
    while (total(widths_of(columns, rows)) > available) {
        const auto victim = std::max_element(columns.begin(), columns.end(), [](const Column& a, const Column& b) {
            return a.drop_order < b.drop_order;
        });
        if (victim == columns.end() || victim->drop_order == 0) {
            return;
        }
        drop_column(static_cast<std::size_t>(victim - columns.begin()), columns, rows);
    }
}

std::string aligned(const std::string& text, std::size_t width, Align align) {
    const std::string space(width - std::min(width, text.size()), ' ');
    return align == Align::left ? text + space : space + text;
}

std::string line_of(const Terminal& terminal, const std::vector<Column>& columns,
                    const std::vector<std::size_t>& widths, const std::vector<Cell>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const bool last = i + 1 == cells.size() && columns[i].align == Align::left;
        line +=
            (i == 0 ? "" : std::string(kGap, ' ')) +
            tinted(terminal, cells[i].tint, last ? cells[i].text : aligned(cells[i].text, widths[i], columns[i].align));
    }
    return line;
}

// The bytes of the colour code at the front, 0 if there is none.
std::size_t code_length(std::string_view text) {
    if (!text.starts_with("\x1b[")) {
        return 0;
    }
    const std::size_t end = text.find('m');
    return end == std::string_view::npos ? text.size() : end + 1;
}

}  // namespace

Terminal inspect_terminal(int fd) {
    Terminal terminal;
    const char* kind = std::getenv("TERM");
    terminal.live = ::isatty(fd) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
    const char* no_color = std::getenv("NO_COLOR");
    terminal.color = terminal.live && (no_color == nullptr || *no_color == '\0');
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        terminal.columns = size.ws_col;
        terminal.rows = size.ws_row;
    } else if (!terminal.live) {
        terminal.columns = 160;  // A file or a pipe: nothing is left out.
        terminal.rows = 1000;
    }
    return terminal;
}

std::string tinted(const Terminal& terminal, Tint tint, std::string_view text) {
    static constexpr std::array<std::string_view, 6> kCodes{"", "2", "1", "32", "33", "31"};
    const std::string_view code = kCodes[static_cast<std::size_t>(tint)];
    if (!terminal.color || code.empty()) {
        return std::string(text);
    }
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

std::vector<std::string> table_lines(const Terminal& terminal, std::vector<Column> columns,
                                     std::vector<std::vector<Cell>> rows) {
    fit(terminal.columns, columns, rows);
    const std::vector<std::size_t> widths = widths_of(columns, rows);
    std::vector<Cell> titles;
    for (const Column& column : columns) {
        titles.push_back({column.title, Tint::bold});
    }
    std::vector<std::string> lines{line_of(terminal, columns, widths, titles)};
    for (const std::vector<Cell>& row : rows) {
        lines.push_back(line_of(terminal, columns, widths, row));
    }
    return lines;
}

std::size_t visible_width(std::string_view line) {
    std::size_t width = 0;
    while (!line.empty()) {
        const std::size_t code = code_length(line);
        width += code == 0 ? 1 : 0;
        line.remove_prefix(std::max<std::size_t>(code, 1));
    }
    return width;
}

std::string clipped(std::string_view line, std::size_t columns) {
    if (visible_width(line) <= columns) {
        return std::string(line);
    }
    std::string out;
    for (std::size_t width = 0; width < columns;) {
        const std::size_t taken = std::max<std::size_t>(code_length(line), 1);
        width += line.starts_with('\x1b') ? 0 : 1;
        out += line.substr(0, taken);
        line.remove_prefix(taken);
    }
    return out.find('\x1b') == std::string::npos ? out : out + "\x1b[0m";
}

std::string short_number(double value) {
    std::array<char, 32> text{};
    const char* format = value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : value >= 1 ? "%.2f" : "%.3f";
    std::snprintf(text.data(), text.size(), format, value);  // NOLINT: each format takes one double.
    return text.data();
}

std::string memory_text(std::uint64_t kib) {
    if (kib == 0) {
        return "-";
    }
    return kib < 1000 ? std::to_string(kib) + " kB" : short_number(static_cast<double>(kib) / 1024.0) + " MB";
}

std::string duration_text(std::uint64_t milliseconds) {
    if (milliseconds < 1000) {
        return std::to_string(milliseconds) + " ms";
    }
    const std::uint64_t seconds = milliseconds / 1000;
    return seconds < 120    ? std::to_string(seconds) + " s"
           : seconds < 7200 ? std::to_string(seconds / 60) + " min"
                            : std::to_string(seconds / 3600) + " h";
}

}  // namespace grapevine::apps
