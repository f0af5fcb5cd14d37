// `grapevine node`: the node types' own main function with the type left open.

#include <utility>

#include "apps/grapevine/command.hpp"
#include "grapevine/node_main.hpp"

namespace grapevine::apps {

Command node_command() {
    cli::CommandLine line = cli::node_command_line({}, "node");
    Command command;
    command.name = std::move(line.name);
    command.arguments = std::move(line.arguments);
    command.summary = std::move(line.summary);
    command.details = std::move(line.details);
    command.closing = std::move(line.closing);
    command.flags = std::move(line.flags);
    command.run = [](const cli::Parsed& parsed) { return cli::run_node({}, parsed); };
    return command;
}

}  // namespace grapevine::apps
