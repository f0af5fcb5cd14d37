#include "apps/grapevine/up_view.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <string_view>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/encoding.hpp"
#include "grapevine/node_main_flags.hpp"
#include "grapevine/node_main_json.hpp"

namespace grapevine::apps {
namespace {

constexpr std::size_t kLinesBesideRows = 5;  // Title, header, the note of what is left out, footer, the cursor's.
// Lines are written over, and only what is left is erased: a cleared screen would flicker, and go into the history of
// some terminals.
constexpr const char* kEndOfLine = "\x1b[K\n";
constexpr const char* kEraseBelow = "\x1b[J";
constexpr std::size_t kWideStates = 100;  // Columns from which a dead node's row says how it ended.
constexpr std::string_view kFooter = "Ctrl-C stops all; grapevine ls --node NAME shows one node's directory";
constexpr std::string_view kShortFooter = "Ctrl-C stops all";
constexpr std::size_t kWideFooter = kFooter.size();

std::uint64_t milliseconds(base::Duration duration) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

bool ended_on_request(const NodeRow& row) {
    return row.state == ChildState::ended && (row.wish == Wish::stop || row.wish == Wish::kill);
}

bool is_well(const NodeRow& row, std::size_t expected) {
    return ended_on_request(row) || (row.state == ChildState::ready && row.directory_size == expected);
}

Cell state_cell(const Terminal& terminal, const NodeRow& row, std::size_t expected) {
    switch (row.state) {
        case ChildState::waiting:
        case ChildState::starting: return {"starting", Tint::warn};
        case ChildState::stopping: return {"stopping", Tint::warn};
        case ChildState::wedged: return {"wedged", Tint::bad};
        case ChildState::ended: {
            if (ended_on_request(row)) {
                return {row.wish == Wish::stop ? "stopped" : "killed", Tint::dim};
            }
            const bool wide = terminal.columns >= kWideStates;
            return {wide ? "dead: " + row.end : "dead", Tint::bad};
        }
        case ChildState::ready: break;
    }
    return is_well(row, expected) ? Cell{"ok", Tint::good} : Cell{"joining", Tint::warn};
}

std::vector<Cell> cells_of(const Terminal& terminal, const NodeRow& row, std::size_t expected) {
    const bool alive = row.state != ChildState::ended && row.state != ChildState::waiting;
    const auto shown = [alive](std::string text) { return Cell{alive ? std::move(text) : "-"}; };
    return {{row.name, alive ? Tint::plain : Tint::dim},
            {row.id.substr(0, 10), Tint::dim},
            shown(std::to_string(row.pid)),
            shown(short_number(row.rates.cpu_percent)),
            shown(memory_text(row.rss_kib)),
            shown(memory_text(row.pss_kib)),
            shown(short_number(row.rates.wakeups_per_s)),
            shown(std::to_string(row.peers)),
            shown(std::to_string(row.directory_size)),
            state_cell(terminal, row, expected)};
}

std::vector<Column> table_columns() {
    return {{"NAME"},
            {"ID", Align::left, 8},
            {"PID", Align::right, 7},
            {"CPU %", Align::right, 3},
            {"RSS", Align::right, 4},
            {"PSS", Align::right, 6},
            {"WAKE/S", Align::right, 2},
            {"PEERS", Align::right, 5},
            {"DIR", Align::right, 1},
            {"STATE"}};
}

struct MeshSummary {
    std::size_t nodes = 0, running = 0, agreeing = 0;
    double cpu_percent = 0, wakeups_per_s = 0;
    std::uint64_t rss_kib = 0, pss_kib = 0;
};

std::map<std::string, MeshSummary> summaries_of(const std::vector<NodeRow>& rows) {
    std::map<std::string, MeshSummary> out;
    for (const NodeRow& row : rows) {
        MeshSummary& mesh = out[row.mesh];
        mesh.nodes += ended_on_request(row) ? 0U : 1U;
        mesh.running += row.state == ChildState::ready ? 1U : 0U;
        mesh.cpu_percent += row.rates.cpu_percent;
        mesh.wakeups_per_s += row.rates.wakeups_per_s;
        mesh.rss_kib += row.rss_kib;
        mesh.pss_kib += row.pss_kib;
    }
    for (const NodeRow& row : rows) {
        MeshSummary& mesh = out[row.mesh];
        mesh.agreeing += row.state == ChildState::ready && row.directory_size == mesh.running ? 1U : 0U;
    }
    return out;
}

std::string summary_line(const Terminal& terminal, const std::string& name, const MeshSummary& mesh) {
    const bool whole = mesh.running == mesh.nodes && mesh.agreeing == mesh.nodes;
    const std::string agreement =
        tinted(terminal, whole ? Tint::good : Tint::warn,
               std::to_string(mesh.agreeing) + " of " + std::to_string(mesh.nodes) + " agree");
    std::string line = tinted(terminal, Tint::bold, name) + "  " + agreement + "  cpu " +
                       short_number(mesh.cpu_percent) + " %  rss " + memory_text(mesh.rss_kib) + "  pss " +
                       memory_text(mesh.pss_kib);
    if (terminal.columns >= 100) {
        line += "  wake-ups " + short_number(mesh.wakeups_per_s) + "/s";
    }
    return line;
}

std::string title_of(const Terminal& terminal, const Cluster& cluster) {
    const std::string what = std::to_string(cluster.ready()) + " of " + std::to_string(cluster.planned()) +
                             " nodes in " + std::to_string(cluster.meshes()) +
                             (cluster.meshes() == 1 ? " mesh" : " meshes");
    const std::string state = cluster.converged() ? tinted(terminal, Tint::good, "converged") + " in " +
                                                        std::to_string(milliseconds(cluster.converged_after())) + " ms"
                                                  : tinted(terminal, Tint::warn, "converging");
    return tinted(terminal, Tint::bold, "grapevine") + "  " + what + "  " + state;
}

std::string console_line(const Terminal& terminal, const ConsoleView& console) {
    if (!console.running) {
        return tinted(terminal, Tint::warn, "console  " + console.url + " is down and starts again");
    }
    return tinted(terminal, Tint::dim, "console  ") + console.url +
           tinted(terminal, Tint::dim, console.collects ? "  grapevine top | trace ls | boot NAME" : "  grapevine top");
}

std::string load_line(const Terminal& terminal, const LoadShown& load) {
    const std::string head = tinted(terminal, Tint::bold, "load") + "  " + load.from + " to " + load.name + "  ";
    if (!load.trouble.empty()) {
        return head + tinted(terminal, Tint::warn, base::printable(load.trouble));
    }
    const LoadView& view = load.view;
    return head + short_number(view.acknowledged_per_s) + " of " + std::to_string(load.rate) + "/s  p50 " +
           short_number(view.p50_us / 1000.0) + " ms  p99 " + short_number(view.p99_us / 1000.0) + " ms  " +
           tinted(terminal, view.failed() == 0 ? Tint::plain : Tint::warn, std::to_string(view.failed()) + " failed") +
           "  " + tinted(terminal, view.lost() == 0 ? Tint::good : Tint::bad, std::to_string(view.lost()) + " lost");
}

std::string hidden_line(const Terminal& terminal, std::size_t hidden, const std::vector<bool>& well) {
    const auto unwell = static_cast<std::size_t>(std::count(well.begin(), well.end(), false));
    const bool all_well = unwell <= well.size() - hidden;
    return tinted(terminal, all_well ? Tint::dim : Tint::warn,
                  "... and " + std::to_string(hidden) + " more" + (all_well ? ", all ok" : ""));
}

// Three decimals: more would be noise.
double rounded(double value) {
    return std::round(value * 1000.0) / 1000.0;
}

boost::json::object load_object(const LoadShown& load) {
    const LoadView& view = load.view;
    boost::json::object out;
    out["from"] = load.from;
    out["name"] = load.name;
    out["rate"] = load.rate;
    out["submitted"] = view.submitted;
    out["acknowledged"] = view.acknowledged;
    out["failed"] = view.failed();
    out["unanswered"] = view.unanswered;
    out["lost"] = view.lost();
    out["acknowledged_per_s"] = view.acknowledged_per_s;
    out["p50_us"] = view.whole_p50_us;
    out["p99_us"] = view.whole_p99_us;
    out["trouble"] = nullptr;
    if (!load.trouble.empty()) {
        out["trouble"] = cli::json_text(load.trouble);
    }
    return out;
}

boost::json::object node_object(const NodeRow& row) {
    boost::json::object out;
    out["name"] = cli::json_text(row.name);
    out["mesh"] = row.mesh;
    out["type"] = row.type;
    out["id"] = row.id;
    out["pid"] = row.pid;
    out["state"] = boost::json::string_view(name(row.state));
    out["data_dir"] = cli::json_text(row.data_dir);
    out["cpu_percent"] = rounded(row.rates.cpu_percent);
    out["rss_kib"] = row.rss_kib;
    out["pss_kib"] = row.pss_kib;
    out["wakeups_per_s"] = rounded(row.rates.wakeups_per_s);
    out["peers"] = row.peers;
    out["directory_size"] = row.directory_size;
    return out;
}

}  // namespace

std::string progress_line(const Cluster& cluster, base::Duration elapsed) {
    std::array<char, 96> text{};
    std::snprintf(text.data(), text.size(), "booting  %zu of %zu nodes ready  %.1f s", cluster.ready(),
                  cluster.planned(), std::chrono::duration<double>(elapsed).count());
    return text.data();
}

std::vector<std::size_t> visible_rows(const std::vector<bool>& well, std::size_t room) {
    std::vector<std::size_t> out;
    for (const bool wanted : {false, true}) {
        for (std::size_t i = 0; i < well.size() && out.size() < room; ++i) {
            if (well[i] == wanted) {
                out.push_back(i);
            }
        }
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<std::string> cluster_lines(const Terminal& terminal, const Cluster& cluster,
                                       const std::vector<NodeRow>& rows, const ConsoleView& console,
                                       const std::optional<LoadShown>& load) {
    const auto summaries = summaries_of(rows);
    const std::size_t beside = kLinesBesideRows + summaries.size() + (console.url.empty() ? 0 : 1) + (load ? 1 : 0);
    const std::size_t fits = terminal.rows > beside ? terminal.rows - beside : 1;
    const std::size_t room = rows.size() == fits + 1 ? rows.size() : fits;  // A note would take the place of the row.
    std::vector<bool> well;
    for (const NodeRow& row : rows) {
        well.push_back(is_well(row, summaries.at(row.mesh).running));
    }
    std::vector<std::vector<Cell>> cells;
    for (const std::size_t i : visible_rows(well, terminal.live ? room : rows.size())) {
        cells.push_back(cells_of(terminal, rows[i], summaries.at(rows[i].mesh).running));
    }
    const std::size_t hidden = rows.size() - cells.size();
    std::vector<std::string> lines{title_of(terminal, cluster)};
    if (!console.url.empty()) {
        lines.push_back(console_line(terminal, console));
    }
    for (std::string& line : table_lines(terminal, table_columns(), std::move(cells))) {
        lines.push_back(std::move(line));
    }
    if (hidden > 0) {
        lines.push_back(hidden_line(terminal, hidden, well));
    }
    for (const auto& [name, mesh] : summaries) {
        if (mesh.nodes == 0) {
            continue;  // All of it was asked to end.
        }
        lines.push_back(summary_line(terminal, name, mesh));
    }
    if (load) {
        lines.push_back(load_line(terminal, *load));
    }
    if (terminal.live) {
        lines.push_back(tinted(terminal, Tint::dim, terminal.columns < kWideFooter ? kShortFooter : kFooter));
    }
    return lines;
}

std::string cluster_json(const Cluster& cluster, const std::vector<NodeRow>& rows, const ConsoleView& console,
                         const std::optional<LoadShown>& load) {
    boost::json::array nodes;
    for (const NodeRow& row : rows) {
        if (row.state != ChildState::ended && row.state != ChildState::waiting) {
            nodes.emplace_back(node_object(row));
        }
    }
    boost::json::object out;
    out["converged"] = cluster.converged();
    out["converged_ms"] = nullptr;
    if (cluster.converged()) {
        out["converged_ms"] = milliseconds(cluster.converged_after());
    }
    out["collector"] = nullptr;
    out["console"] = nullptr;
    if (!console.url.empty()) {
        out["console"] = console.link;
    }
    if (console.collects) {
        out["collector"] = console.url;
    }
    out["load"] = nullptr;
    if (load) {
        out["load"] = load_object(*load);
    }
    out["nodes"] = std::move(nodes);
    return cli::json_line(out);
}

Screen::~Screen() {
    if (cursor_hidden_) {
        cli::write_all(fd_, "\x1b[?25h");
    }
}

// A terminal that became narrower since has wrapped the lines again.
std::string Screen::back(const Terminal& terminal) {
    std::size_t lines = 0;
    for (const std::size_t width : std::exchange(drawn_, {})) {
        lines += std::max<std::size_t>(1, (width + terminal.columns - 1) / terminal.columns);
    }
    return lines == 0 ? std::string{} : "\r\x1b[" + std::to_string(lines) + "A";
}

void Screen::draw(const std::vector<std::string>& lines) {
    const Terminal terminal = inspect_terminal(fd_);
    std::string out = terminal.live ? back(terminal) : std::string{};
    if (terminal.live && !std::exchange(cursor_hidden_, true)) {
        out += "\x1b[?25l";
    }
    const std::size_t most = terminal.live ? std::max<std::size_t>(terminal.rows, 2) - 1 : lines.size();
    for (std::size_t i = 0; i < std::min(most, lines.size()); ++i) {
        if (!terminal.live) {
            out += lines[i] + "\n";
            continue;
        }
        const std::string line = clipped(lines[i], terminal.columns);
        drawn_.push_back(visible_width(line));
        // After the last column the erasure would take that column's character.
        out += line + (drawn_.back() < terminal.columns ? kEndOfLine : "\n");
    }
    cli::write_all(fd_, terminal.live ? out + kEraseBelow : out);
}

void Screen::say(const std::string& line) {
    const Terminal terminal = inspect_terminal(fd_);
    cli::write_all(fd_, terminal.live ? back(terminal) + line + kEndOfLine + kEraseBelow : line + "\n");
}

}  // namespace grapevine::apps
