#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "apps/grapevine/command.hpp"
#include "grapevine/node_main_version.hpp"

namespace grapevine::apps {
namespace {

constexpr std::string_view kClosing =
    "Settings come from a flag, else a MESH_* variable, else the configuration file, else a default; `grapevine "
    "config` "
    "shows each with its origin. Results go to stdout, talk to stderr.\n\n"
    "Exit codes: 0 done, 1 failed, 2 usage, 3 not ready, 4 not found, 5 denied, 124 timed out\n\n"
    "Try: grapevine up";

cli::CommandLine line_of(const Command& command, std::string name) {
    cli::CommandLine line;
    line.name = std::move(name);
    line.arguments = command.arguments;
    line.arguments_min = command.arguments_min;
    line.arguments_max = command.arguments_max;
    line.summary = command.summary;
    line.details = command.details;
    line.closing = command.codes.empty() ? command.closing : "Exit codes: " + command.codes;
    line.flags = command.flags;
    return line;
}

// The line of a noun, made when its first verb comes.
cli::CommandLine& noun_in(cli::CommandLine& root, const std::string& noun) {
    const auto found = std::find_if(root.commands.begin(), root.commands.end(),
                                    [&](const cli::CommandLine& line) { return line.name == noun; });
    if (found != root.commands.end()) {
        return *found;
    }
    cli::CommandLine& line = root.commands.emplace_back();
    line.name = noun;
    line.summary = "commands for a " + noun;
    return line;
}

// `grapevine help up` is `grapevine up --help`.
std::vector<std::string> without_help_word(std::span<const std::string> words) {
    std::vector<std::string> out(words.begin(), words.end());
    if (!out.empty() && out.front() == "help") {
        out.erase(out.begin());
        out.emplace_back("--help");
    }
    return out;
}

}  // namespace

std::vector<Command> all_commands() {
    return {
        up_command(),        spawn_command(),       stop_command(),        kill_command(),       restart_command(),
        wedge_command(),     resume_command(),      logs_command(),        events_command(),     node_command(),
        serve_command(),     ls_command(),          status_command(),      ping_command(),       send_command(),
        request_command(),   publish_command(),     resolve_command(),     cache_command(),      why_command(),
        bench_command(),     ledger_command(),      log_level_command(),   collect_command(),    console_command(),
        top_command(),       trace_ls_command(),    trace_show_command(),  boot_command(),       spans_command(),
        metrics_command(),   gossip_command(),      listen_command(),      connect_command(),    key_new_command(),
        key_show_command(),  ticket_show_command(), mesh_create_command(), mesh_admit_command(), mesh_revoke_command(),
        mesh_show_command(), sim_command(),         config_command(),      completion_command()};
}

cli::CommandLine program_line() {
    cli::CommandLine root;
    root.name = "grapevine";
    root.summary = "a self-organizing peer-to-peer mesh on iroh's wire";
    root.closing = kClosing;
    root.version = cli::version_text();
    for (const Command& command : all_commands()) {
        const std::size_t space = command.name.find(' ');
        if (space == std::string::npos) {
            root.commands.push_back(line_of(command, command.name));
        } else {
            cli::CommandLine& noun = noun_in(root, command.name.substr(0, space));
            noun.commands.push_back(line_of(command, command.name.substr(space + 1)));
        }
    }
    return root;
}

int print(std::string_view text) {
    return cli::write_all(STDOUT_FILENO, text) ? 0 : cli::exit_code(cli::Exit::failed);
}

int run_program(std::span<const std::string> words) {
    std::signal(SIGPIPE, SIG_IGN);
    const auto outcome = cli::parse_words(program_line(), without_help_word(words), cli::help_columns());
    if (!outcome) {
        return cli::fail_with(outcome.error());
    }
    if (const auto* answer = std::get_if<cli::Answer>(&*outcome)) {
        return print(answer->text);
    }
    const auto& parsed = std::get<cli::Parsed>(*outcome);
    const std::vector<Command> commands = all_commands();
    const auto chosen = std::find_if(commands.begin(), commands.end(),
                                     [&](const Command& command) { return command.name == parsed.command; });
    return chosen->run(parsed);
}

}  // namespace grapevine::apps
