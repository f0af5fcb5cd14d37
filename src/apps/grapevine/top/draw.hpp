#pragma once

// `grapevine top` as lines, from its model and a size: the same for a terminal, for `--once`, and for tests.

#include <cstddef>
#include <string>
#include <vector>

#include "apps/grapevine/top/lines.hpp"
#include "apps/grapevine/top/model.hpp"

namespace grapevine::apps {

struct TopSize {
    std::size_t columns = 80;
    std::size_t rows = 24;
    friend bool operator==(const TopSize&, const TopSize&) = default;
};

// As many lines as there are rows, none wider than the columns. The model learns how much of its page can be seen.
std::vector<TopLine> screen_of(TopModel& model, const TopSize& size);

// All of it below one another, as long as it is: meshes, sources that are down, alerts, nodes, events.
std::vector<TopLine> report_of(const TopModel& model, std::size_t columns);

// The parts of the above.
TopLine title_line(const TopModel& model, std::size_t columns);
std::vector<TopLine> mesh_lines(const TopPicture& picture, std::size_t columns);
std::vector<TopLine> source_lines(const TopPicture& picture, std::size_t columns);  // Of those that are down.
std::vector<TopLine> alert_lines(const TopPicture& picture, std::size_t columns);   // But for sources.
TopLine event_line(const console::TimelineEvent& event, const console::Moment& at, std::size_t columns);

// The pages that are text (pages.cpp).
std::vector<TopLine> details_lines(const TopModel& model, std::size_t columns);
std::vector<TopLine> timeline_lines(const TopModel& model, std::size_t columns);
std::vector<TopLine> help_lines(std::size_t columns);

}  // namespace grapevine::apps
