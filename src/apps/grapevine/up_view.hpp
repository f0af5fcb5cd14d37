#pragma once

// What `up` shows: a progress line while nodes boot, then a table; and its JSON object.

#include <string>
#include <vector>

#include "apps/grapevine/cluster.hpp"
#include "apps/grapevine/terminal.hpp"

namespace grapevine::apps {

std::string progress_line(const Cluster& cluster, base::Duration elapsed);

// Title, table, one summary line a mesh and a footer, at most `terminal.rows - 1` lines on a live terminal.
std::vector<std::string> cluster_lines(const Terminal& terminal, const Cluster& cluster,
                                       const std::vector<NodeRow>& rows);

// {"converged":..,"converged_ms":..,"nodes":[...]}, one line. converged_ms is null while not converged.
std::string cluster_json(const Cluster& cluster, const std::vector<NodeRow>& rows);

// Redraws lines in place on a live terminal; prints them plainly on anything else.
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
    void clear();

private:
    [[nodiscard]] std::string erase();

    int fd_;
    std::size_t drawn_ = 0;
    bool cursor_hidden_ = false;
};

}  // namespace grapevine::apps
