#pragma once

// node_main() in two halves, for a program that has more commands than running a node.

#include <grapevine/node.hpp>

#include "grapevine/node_main_flags.hpp"

namespace grapevine {
namespace [[gnu::visibility("hidden")]] cli {

// The command line of a node, derived from the table of settings; --type is absent if the preset fixes it.
CommandLine node_command_line(const NodePreset& preset, std::string name);

// Runs a node from start to leave; returns the exit code.
int run_node(const NodePreset& preset, const Parsed& parsed);

}  // namespace cli
}  // namespace grapevine
