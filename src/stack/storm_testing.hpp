#pragma once

// Deliveries between two meshes of whole stacks, on a network that loses, doubles and reorders, is cut in two for a
// while, and whose nodes crash. The judge knows everything that any handler saw.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "delivery/types.hpp"

namespace grapevine::stack {

struct StormTally {
    std::map<delivery::Ending, std::size_t> endings;
    std::size_t submitted = 0, handled = 0, crashes = 0, cuts = 0;
    std::vector<std::string> violations;  // Empty: every promise was kept.
};

// One course: a storm of 20 s, then calm until all messages have ended. The same seed is the same course.
StormTally run_storm(std::uint64_t seed);

}  // namespace grapevine::stack
