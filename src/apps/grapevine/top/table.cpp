#include "apps/grapevine/top/table.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "apps/grapevine/top/text.hpp"

namespace grapevine::apps {
namespace {

constexpr std::size_t kMark = 2;           // Before each row: whether it is chosen.
constexpr std::size_t kNameMin = 12;       // No column stays for a name that would be shorter than this,
constexpr std::size_t kNameWanted = 24;    // and none that could go for one that is, up to this.
constexpr std::size_t kWordMax = 16;       // Of names of meshes and types.
constexpr std::size_t kWideColumns = 130;  // Two spaces between columns from here on.

enum class Cells : std::uint8_t { name, mesh, type, state, process, cpu, memory, peers, received, sent, age };

struct TableColumn {
    Cells cells;
    const char* title;
    Align align;
    std::size_t width;
    std::size_t drop;  // The highest goes first; 0 never.
};

constexpr std::array kColumns{
    TableColumn{Cells::name, "NAME", Align::left, 0, 0},       TableColumn{Cells::mesh, "MESH", Align::left, 4, 9},
    TableColumn{Cells::type, "TYPE", Align::left, 4, 10},      TableColumn{Cells::state, "STATE", Align::left, 9, 0},
    TableColumn{Cells::process, "PROCESS", Align::left, 8, 4}, TableColumn{Cells::cpu, "CPU", Align::right, 10, 2},
    TableColumn{Cells::memory, "MEMORY", Align::right, 9, 3},  TableColumn{Cells::peers, "PEERS", Align::right, 5, 8},
    TableColumn{Cells::received, "IN/S", Align::right, 5, 6},  TableColumn{Cells::sent, "OUT/S", Align::right, 5, 7},
    TableColumn{Cells::age, "AGE", Align::right, 4, 5}};

using Columns = std::vector<TableColumn>;

struct Shape {
    Columns columns;
    std::size_t gap = 1;
};

std::size_t longest(const TopModel& model, std::string console::Digest::* text, std::size_t least, std::size_t most) {
    std::size_t width = least;
    for (const TopNode* node : model.rows()) {
        const std::string& own = node->row.digest.*text;
        if (own.size() > width) {
            width = std::max(width, display_width(harmless(own)));
        }
    }
    return std::min(width, most);
}

std::size_t width_beside_name(const Shape& shape) {
    std::size_t width = kMark;
    for (const TableColumn& column : shape.columns) {
        width += column.cells == Cells::name ? 0 : column.width + shape.gap;
    }
    return width;
}

Shape shape_of(const TopModel& model, std::size_t columns) {
    Shape shape;
    shape.columns.assign(kColumns.begin(), kColumns.end());
    shape.gap = columns >= kWideColumns ? 2 : 1;
    shape.columns[1].width = longest(model, &console::Digest::mesh, 4, kWordMax);
    shape.columns[2].width = longest(model, &console::Digest::type, 4, kWordMax);
    const std::size_t name = longest(model, &console::Digest::name, kNameMin, columns);
    const std::size_t wanted = std::min(name, kNameWanted);
    while (width_beside_name(shape) + wanted > columns) {
        const auto victim =
            std::max_element(shape.columns.begin(), shape.columns.end(),
                             [](const TableColumn& a, const TableColumn& b) { return a.drop < b.drop; });
        if (victim->drop == 0) {
            break;
        }
        shape.columns.erase(victim);
    }
    const std::size_t beside = std::min(width_beside_name(shape), columns);
    shape.columns[0].width = std::min(name, columns - beside);
    return shape;
}

bool has(const Shape& shape, Cells cells) {
    return std::any_of(shape.columns.begin(), shape.columns.end(),
                       [&](const TableColumn& column) { return column.cells == cells; });
}

// Of two words, the directory's and the supervisor's, both; where only one has room, what is wrong.
TopSpan state_cell(const TopNode& node, const Shape& shape) {
    const std::string_view word = has(shape, Cells::process) ? name(node.row.state) : name(node.trouble);
    const bool is_own = node.trouble == Trouble::dead || node.trouble == Trouble::suspected ||
                        node.trouble == Trouble::left || node.trouble == Trouble::unknown ||
                        !has(shape, Cells::process) || node.row.state == console::NodeState::unknown;
    const Look look = node.row.state == console::NodeState::unknown ? Look::unknown
                      : is_own                                      ? look_of(node.trouble)
                                                                    : Look::good;
    return {std::string(word), look};
}

TopSpan process_cell(const TopNode& node) {
    const std::string_view word = console::name(node.row.process);
    const bool troubled = node.row.process == console::ProcessState::wedged ||
                          (node.row.process == console::ProcessState::ended && node.trouble != Trouble::left);
    return word.empty() ? TopSpan{"-", Look::dim} : TopSpan{std::string(word), troubled ? Look::warn : Look::plain};
}

TopSpan cell_of(Cells cells, const TopNode& node, const Shape& shape, const console::Moment& at) {
    const console::Digest& digest = node.row.digest;
    const bool said = digest.sequence != 0;  // Otherwise it never told of itself here.
    const TopSpan unsaid{"-", Look::dim};
    switch (cells) {
        case Cells::name:
            return {squeezed_to(digest.name.empty() ? node.id.short_hex(10) : digest.name, shape.columns[0].width),
                    node.trouble == Trouble::well ? Look::plain : look_of(node.trouble)};
        case Cells::mesh: return {harmless(digest.mesh), Look::plain};
        case Cells::type: return {harmless(digest.type), Look::plain};
        case Cells::state: return state_cell(node, shape);
        case Cells::process: return process_cell(node);
        case Cells::cpu:
            return said ? TopSpan{cpu_of(digest.load), is_over_cpu(digest.load) ? Look::warn : Look::plain} : unsaid;
        case Cells::memory:
            return said ? TopSpan{memory_of(digest.load), is_over_memory(digest.load) ? Look::warn : Look::plain}
                        : unsaid;
        case Cells::peers: return said ? TopSpan{std::to_string(node.row.peers)} : unsaid;
        case Cells::received: return {rate_of(node.received_per_s)};
        case Cells::sent: return {rate_of(node.sent_per_s)};
        case Cells::age: {
            std::string age = span_of(age_ms(digest, at));
            std::erase(age, ' ');
            return said ? TopSpan{age.ends_with("min") ? age.substr(0, age.size() - 2) : age} : unsaid;
        }
    }
    return unsaid;
}

TopLine line_of(const std::string& mark, const Shape& shape, std::vector<TopSpan> cells, std::size_t columns) {
    TopLine line{{cut_to(mark, columns)}};
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const TableColumn& column = shape.columns[i];
        const std::string gap(i == 0 ? 0 : shape.gap, ' ');
        const std::size_t used = width_of(line) + gap.size();
        if (used >= columns) {
            break;
        }
        const std::size_t width = std::min(column.width, columns - used);
        line.push_back({gap + filled_to(cells[i].text, width, column.align), cells[i].look});
    }
    return line;
}

}  // namespace

TopTable table_of(const TopModel& model, std::size_t first, std::size_t count, std::size_t columns, Choice choice) {
    const Shape shape = shape_of(model, columns);
    std::vector<TopSpan> titles;
    for (const TableColumn& column : shape.columns) {
        titles.push_back({column.title, Look::bold});
    }
    TopTable table;
    table.header = line_of("  ", shape, std::move(titles), columns);
    const auto& rows = model.rows();
    for (std::size_t i = first; i < rows.size() && i - first < count; ++i) {
        std::vector<TopSpan> cells;
        for (const TableColumn& column : shape.columns) {
            cells.push_back(cell_of(column.cells, *rows[i], shape, model.picture().at()));
        }
        const bool chosen = choice == Choice::marked && i == model.chosen_index();
        TopLine line = line_of(chosen ? "> " : "  ", shape, std::move(cells), columns);
        if (chosen) {
            line = {{filled_to(plain_text(line), columns), Look::chosen}};
        }
        table.rows.push_back(std::move(line));
    }
    return table;
}

}  // namespace grapevine::apps
