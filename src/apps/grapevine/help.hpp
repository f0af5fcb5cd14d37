#pragma once

// The words of --help, from the tables of the commands.

#include <span>
#include <string>

#include "apps/grapevine/command.hpp"

namespace grapevine::apps {

std::string program_help(std::span<const Command> commands, std::size_t columns);
std::string command_help(const Command& command, std::size_t columns);
// For a noun without its verb: "key".
std::string noun_help(std::string_view noun, std::span<const Command> commands);

}  // namespace grapevine::apps
