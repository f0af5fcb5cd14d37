#include "apps/grapevine/up_view.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <map>

#include "grapevine/node_main_flags.hpp"
#include "grapevine/node_main_json.hpp"

namespace grapevine::apps {
namespace {

constexpr std::size_t kLinesBesideRows = 4;  // Title, header, the note of what is left out, footer.

std::uint64_t milliseconds(base::Duration duration) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

Cell state_cell(const NodeRow& row, std::size_t expected) {
    switch (row.state) {
        case ChildState::starting: return {"starting", Tint::warn};
        case ChildState::stopping: return {"stopping", Tint::warn};
        case ChildState::ended: return {"dead: " + describe_wait_status(row.wait_status), Tint::bad};
        case ChildState::ready: break;
    }
    return row.directory_size == expected ? Cell{"ok", Tint::good} : Cell{"joining", Tint::warn};
}

std::vector<Cell> cells_of(const NodeRow& row, std::size_t expected) {
    const bool alive = row.state != ChildState::ended;
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
            state_cell(row, expected)};
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
        ++mesh.nodes;
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
                             " nodes in " + std::to_string(cluster.spec().meshes) +
                             (cluster.spec().meshes == 1 ? " mesh" : " meshes");
    const std::string state = cluster.converged() ? tinted(terminal, Tint::good, "converged") + " in " +
                                                        std::to_string(milliseconds(cluster.converged_after())) + " ms"
                                                  : tinted(terminal, Tint::warn, "converging");
    return tinted(terminal, Tint::bold, "grapevine") + "  " + what + "  " + state;
}

}  // namespace

std::string progress_line(const Cluster& cluster, base::Duration elapsed) {
    std::array<char, 96> text{};
    std::snprintf(text.data(), text.size(), "booting  %zu of %zu nodes ready  %.1f s", cluster.ready(),
                  cluster.planned(), std::chrono::duration<double>(elapsed).count());
    return text.data();
}

std::vector<std::string> cluster_lines(const Terminal& terminal, const Cluster& cluster,
                                       const std::vector<NodeRow>& rows) {
    const auto summaries = summaries_of(rows);
    std::vector<std::vector<Cell>> cells;
    for (const NodeRow& row : rows) {
        cells.push_back(cells_of(row, summaries.at(row.mesh).running));
    }
    const std::size_t beside = kLinesBesideRows + summaries.size() + 1;
    const std::size_t room = terminal.rows > beside ? terminal.rows - beside : 1;
    const std::size_t hidden = terminal.live && cells.size() > room ? cells.size() - room : 0;
    const std::vector<Column> columns{{"NAME"},
                                      {"ID", Align::left, 4},
                                      {"PID", Align::right, 3},
                                      {"CPU %", Align::right},
                                      {"RSS", Align::right},
                                      {"PSS", Align::right, 2},
                                      {"WAKE/S", Align::right},
                                      {"PEERS", Align::right, 1},
                                      {"DIR", Align::right},
                                      {"STATE"}};
    std::vector<std::string> table = table_lines(terminal, columns, cells);
    table.resize(table.size() - hidden);
    std::vector<std::string> lines{title_of(terminal, cluster)};
    lines.insert(lines.end(), table.begin(), table.end());
    if (hidden > 0) {
        lines.push_back(tinted(terminal, Tint::dim, "... and " + std::to_string(hidden) + " more nodes"));
    }
    for (const auto& [name, mesh] : summaries) {
        lines.push_back(summary_line(terminal, name, mesh));
    }
    if (terminal.live) {
        lines.push_back(
            tinted(terminal, Tint::dim, "Ctrl-C stops all; grapevine ls --node NAME shows one node's directory"));
    }
    return lines;
}

std::string cluster_json(const Cluster& cluster, const std::vector<NodeRow>& rows) {
    std::string out = std::string("{\"converged\":") + (cluster.converged() ? "true" : "false") + ",\"converged_ms\":" +
                      (cluster.converged() ? std::to_string(milliseconds(cluster.converged_after())) : "null") +
                      ",\"nodes\":[";
    bool first = true;
    for (const NodeRow& row : rows) {
        if (row.state == ChildState::ended) {
            continue;
        }
        out += std::string(first ? "" : ",") + "{\"name\":" + cli::json_text(row.name) +
               ",\"mesh\":" + cli::json_text(row.mesh) + ",\"type\":" + cli::json_text(row.type) +
               ",\"id\":" + cli::json_text(row.id) + ",\"pid\":" + std::to_string(row.pid) +
               ",\"data_dir\":" + cli::json_text(row.data_dir) +
               ",\"cpu_percent\":" + short_number(row.rates.cpu_percent) +
               ",\"rss_kib\":" + std::to_string(row.rss_kib) + ",\"pss_kib\":" + std::to_string(row.pss_kib) +
               ",\"wakeups_per_s\":" + short_number(row.rates.wakeups_per_s) +
               ",\"peers\":" + std::to_string(row.peers) + ",\"directory_size\":" + std::to_string(row.directory_size) +
               "}";
        first = false;
    }
    return out + "]}\n";
}

Screen::~Screen() {
    if (cursor_hidden_) {
        cli::write_all(fd_, "\x1b[?25h");
    }
}

std::string Screen::erase() {
    const std::size_t lines = std::exchange(drawn_, 0);
    return lines == 0 ? std::string{} : "\r\x1b[" + std::to_string(lines) + "A\x1b[J";
}

void Screen::draw(const std::vector<std::string>& lines) {
    const Terminal terminal = inspect_terminal(fd_);
    std::string out = terminal.live ? erase() : std::string{};
    if (terminal.live && !std::exchange(cursor_hidden_, true)) {
        out += "\x1b[?25l";
    }
    for (const std::string& line : lines) {
        out += line + "\n";
    }
    drawn_ = terminal.live ? lines.size() : 0;
    cli::write_all(fd_, out);
}

void Screen::say(const std::string& line) {
    cli::write_all(fd_, erase() + line + "\n");
}

void Screen::clear() {
    cli::write_all(fd_, erase());
}

}  // namespace grapevine::apps
