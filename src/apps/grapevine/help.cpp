#include "apps/grapevine/help.hpp"

#include <algorithm>

namespace grapevine::apps {
namespace {

constexpr std::size_t kNameColumn = 14;

std::string row(const Command& command, std::size_t columns) {
    std::string left = "  " + std::string(command.name);
    left.resize(std::max(left.size() + 2, kNameColumn + 2), ' ');
    return left + cli::wrapped(command.summary, columns, left.size()) + "\n";
}

std::string usage(const Command& command) {
    std::string out = "Usage: grapevine " + std::string(command.name);
    if (!command.arguments.empty()) {
        out += " " + std::string(command.arguments);
    }
    return out + (command.flags.empty() ? "\n" : " [options]\n");
}

}  // namespace

std::string program_help(std::span<const Command> commands, std::size_t columns) {
    std::string out =
        "grapevine: a self-organizing peer-to-peer mesh on iroh's wire.\n\n"
        "Usage: grapevine COMMAND [options]\n\nCommands:\n";
    for (const Command& command : commands) {
        out += row(command, columns);
    }
    out +=
        "\nOptions:\n  --help          this help; after a command, the command's\n"
        "  --version       version, commit and wire versions\n\n";
    out += cli::wrapped(
        "Settings come from a flag, else a MESH_* variable, else the configuration file, else a default; "
        "`grapevine config` shows each with its origin. Results go to stdout, talk to stderr.",
        columns, 0);
    out +=
        "\n\nExit codes:\n  0 done   1 failed   2 usage   3 not ready   4 not found   5 denied   124 timed out\n\n"
        "Try: grapevine up\n";
    return out;
}

std::string command_help(const Command& command, std::size_t columns) {
    std::string out = cli::wrapped(command.summary, columns, 0) + "\n\n" + usage(command);
    if (!command.details.empty()) {
        out += "\n" + cli::wrapped(command.details, columns, 0) + "\n";
    }
    std::vector<cli::Flag> flags = command.flags;
    flags.insert(flags.end(), common_flags().begin(), common_flags().end());
    out += "\nOptions:\n" + cli::flags_help(flags, columns);
    return out + "\n" + cli::wrapped("Exit codes: " + std::string(command.codes), columns, 2) + "\n";
}

std::string noun_help(std::string_view noun, std::span<const Command> commands) {
    std::string out = "Usage:\n";
    for (const Command& command : commands) {
        if (command.name.starts_with(noun) && command.name.size() > noun.size() && command.name[noun.size()] == ' ') {
            out += "  grapevine " + std::string(command.name) + " " + std::string(command.arguments) + "\n";
        }
    }
    return out;
}

}  // namespace grapevine::apps
