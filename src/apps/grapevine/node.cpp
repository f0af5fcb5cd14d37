// `grapevine node` for the help and completion; program.cpp hands its words to node_main before this could run.

#include "apps/grapevine/command.hpp"
#include "grapevine/node_main_settings.hpp"

namespace grapevine::apps {

Command node_command() {
    Command command;
    command.name = "node";
    command.summary = "run one node of a mesh";
    command.codes = "0 left as asked, 1 failed, 2 usage";
    command.flags = cli::node_flags("");
    command.run = [](const cli::Parsed&) { return run_program(std::vector<std::string>{"node", "--help"}); };
    return command;
}

}  // namespace grapevine::apps
