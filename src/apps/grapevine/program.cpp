#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include <grapevine/node.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/help.hpp"
#include "base/encoding.hpp"
#include "grapevine/node_main_json.hpp"

namespace grapevine::apps {
namespace {

constexpr cli::Flag kCommonFlags[] = {{"--help", cli::Arity::none, "", "this help"}};

bool is_help(const std::string& word) {
    return word == "--help" || word == "-h";
}

bool asks_help(std::span<const std::string> words) {
    const auto end = std::find(words.begin(), words.end(), "--");
    return std::any_of(words.begin(), end, is_help);
}

const Command* find_command(std::span<const Command> commands, std::string_view name) {
    const auto found = std::find_if(commands.begin(), commands.end(), [&](const Command& c) { return c.name == name; });
    return found == commands.end() ? nullptr : &*found;
}

bool is_noun(std::span<const Command> commands, const std::string& word) {
    return std::any_of(commands.begin(), commands.end(),
                       [&](const Command& command) { return command.name.starts_with(word + " "); });
}

int unknown_command(std::span<const Command> commands, const std::string& word) {
    std::vector<std::string_view> names;
    for (const Command& command : commands) {
        names.push_back(command.name.substr(0, command.name.find(' ')));
    }
    const std::string_view near = cli::closest(word, names);
    const std::string kind = word.starts_with("-") ? "unknown option" : "unknown command";
    return cli::fail_usage(base::printable(word) + ": " + kind +
                           (near.empty() ? "; see grapevine --help" : "; did you mean " + std::string(near) + "?"));
}

int run_command(const Command& command, std::span<const std::string> words) {
    if (asks_help(words)) {
        return print(command_help(command, cli::help_columns()));
    }
    std::vector<cli::Flag> flags = command.flags;
    flags.insert(flags.end(), std::begin(kCommonFlags), std::end(kCommonFlags));
    const auto parsed = cli::parse_flags(flags, command.arguments_max, words);
    if (!parsed) {
        return cli::fail_with(parsed.error());
    }
    if (parsed->positionals.size() < command.arguments_min) {
        return cli::fail_usage(std::string(command.arguments) + ": is required; see grapevine " +
                               std::string(command.name) + " --help");
    }
    return command.run(*parsed);
}

int run_noun(std::span<const Command> commands, std::span<const std::string> words) {
    if (words.size() > 1 && !words[1].starts_with("-")) {
        if (const Command* command = find_command(commands, words[0] + " " + words[1])) {
            return run_command(*command, words.subspan(2));
        }
        return cli::fail_usage(words[0] + " " + base::printable(words[1]) + ": unknown command; see grapevine " +
                               words[0] + " --help");
    }
    if (asks_help(words)) {
        return print(noun_help(words[0], commands));
    }
    return cli::fail_usage(words[0] + ": needs a verb; see grapevine " + words[0] + " --help");
}

// `grapevine node` is the node types' own main function with the type left open.
int run_node(std::span<const std::string> words) {
    std::vector<std::string> copies(words.begin(), words.end());
    copies[0] = "grapevine node";
    std::vector<char*> arguments;
    for (std::string& copy : copies) {
        arguments.push_back(copy.data());
    }
    const int count = static_cast<int>(arguments.size());
    arguments.push_back(nullptr);
    return node_main({}, count, arguments.data());
}

}  // namespace

std::vector<Command> all_commands() {
    return {up_command(),          node_command(),   ls_command(),        status_command(),  ping_command(),
            gossip_command(),      listen_command(), connect_command(),   key_new_command(), key_show_command(),
            ticket_show_command(), sim_command(), config_command(), completion_command()};
}

std::span<const cli::Flag> common_flags() {
    return kCommonFlags;
}

int print(std::string_view text) {
    return cli::write_all(STDOUT_FILENO, text) ? 0 : cli::exit_code(cli::Exit::failed);
}

int run_program(std::span<const std::string> words) {
    if (!words.empty() && words[0] == "node") {
        return run_node(words);
    }
    std::signal(SIGPIPE, SIG_IGN);
    const std::vector<Command> commands = all_commands();
    if (words.empty()) {
        return cli::fail_usage("command: is required; see grapevine --help");
    }
    if (is_help(words[0]) || words[0] == "help") {
        return print(program_help(commands, cli::help_columns()));
    }
    if (words[0] == "--version") {
        return print("grapevine " + cli::version_text() + "\n");
    }
    if (const Command* command = find_command(commands, words[0])) {
        return run_command(*command, words.subspan(1));
    }
    return is_noun(commands, words[0]) ? run_noun(commands, words) : unknown_command(commands, words[0]);
}

}  // namespace grapevine::apps
