#pragma once

// What `up` shows: a progress line while nodes boot, then a table; and its JSON object.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/grapevine/cluster.hpp"
#include "apps/grapevine/load_view.hpp"
#include "apps/grapevine/terminal.hpp"

namespace grapevine::apps {

// The console of this command; an empty URL if it has none.
struct ConsoleView {
    std::string url;
    std::string link{};  // With the token.
    bool running = false;
    bool collects = false;  // The nodes' telemetry goes there.
};

// The load of --produce.
struct LoadShown {
    std::string from;  // The node that sends, and the name to which.
    std::string name;
    std::uint64_t rate = 0;
    LoadView view;
    std::string trouble;  // Why it does not run.
};

std::string progress_line(const Cluster& cluster, base::Duration elapsed);

// Which rows are shown where there is room for `room`, in their order: what is not well first, then what is.
std::vector<std::size_t> visible_rows(const std::vector<bool>& well, std::size_t room);

// Title, table, one summary line a mesh and a footer, at most `terminal.rows - 1` lines on a live terminal; what is
// left out are rows of nodes that are well, if possible.
std::vector<std::string> cluster_lines(const Terminal& terminal, const Cluster& cluster,
                                       const std::vector<NodeRow>& rows, const ConsoleView& console,
                                       const std::optional<LoadShown>& load = {});

// {"converged":..,"converged_ms":..,"collector":..,"console":..,"nodes":[...]}, one line. converged_ms is null while
// not converged, collector the console's URL or null, console its link or null, load an object or null.
std::string cluster_json(const Cluster& cluster, const std::vector<NodeRow>& rows, const ConsoleView& console,
                         const std::optional<LoadShown>& load = {});

// Redraws lines in place on a live terminal, cut at its width and height, since a line that wraps could not be erased
// again; prints them plainly on anything else.
class Screen {
public:
    explicit Screen(int fd) : fd_(fd) {}
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    // In place of what draw() showed last.
    void draw(const std::vector<std::string>& lines);
    // For good, above what is drawn next.
    void say(const std::string& line);

private:
    [[nodiscard]] std::string back(const Terminal& terminal);

    int fd_;
    std::vector<std::size_t> drawn_;  // The widths of the lines that draw() showed last.
    bool cursor_hidden_ = false;
};

}  // namespace grapevine::apps
