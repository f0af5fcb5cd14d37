#pragma once

// The table of nodes of `grapevine top`. Columns have widths of their own, so that they stand still while their content
// changes; where there is no room the least important go, and names are cut in their middle.

#include <cstddef>
#include <vector>

#include "apps/grapevine/top/lines.hpp"
#include "apps/grapevine/top/model.hpp"

namespace grapevine::apps {

struct TopTable {
    TopLine header;
    std::vector<TopLine> rows;  // `count` of them from `first` on, or fewer.
};

enum class Choice : std::uint8_t { marked, unmarked };

TopTable table_of(const TopModel& model, std::size_t first, std::size_t count, std::size_t columns, Choice choice);

}  // namespace grapevine::apps
