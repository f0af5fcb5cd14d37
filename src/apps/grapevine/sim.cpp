// `grapevine sim`: scenarios of the simulator.

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/run_dir.hpp"
#include "apps/grapevine/terminal.hpp"
#include "base/encoding.hpp"
#include "grapevine/node_main_json.hpp"
#include "sim/command.hpp"

namespace grapevine::apps {
namespace {

constexpr const char* kFolder = "scenarios";
constexpr const char* kInstalledFolder = "../share/grapevine/scenarios";  // Seen from the program's folder.

// The folder given, else the one here, else the installed one.
std::string folder_of(const cli::Parsed& parsed) {
    if (parsed.has("--scenarios")) {
        return parsed.text("--scenarios");
    }
    std::error_code ignored;
    const auto programs = program_dir();
    if (std::filesystem::is_directory(kFolder, ignored) || !programs) {
        return kFolder;
    }
    const std::filesystem::path installed = *programs / kInstalledFolder;
    return std::filesystem::is_directory(installed, ignored) ? installed.lexically_normal().string() : kFolder;
}

struct Listed {
    std::string name;
    std::string title;
};

// Every scenario must be readable; the first that is not is the error.
base::Result<std::vector<Listed>> scenarios_in(sim::CommandOptions options) {
    const auto names = sim::list_scenarios(options.folder);
    if (!names) {
        return base::fail(base::ErrorCode::not_found, "--scenarios: " + names.error().message);
    }
    std::vector<Listed> out;
    for (const std::string& name : *names) {
        options.scenario = name;
        const auto scenario = sim::load_scenario(options);
        if (!scenario) {
            return tl::unexpected(scenario.error());
        }
        out.push_back({name, scenario->title});
    }
    return out;
}

int list(const sim::CommandOptions& options) {
    const auto scenarios = scenarios_in(options);
    if (!scenarios) {
        return cli::fail_with(scenarios.error());
    }
    std::string lines;
    std::vector<std::vector<Cell>> rows;
    for (const Listed& one : *scenarios) {
        boost::json::object object;
        object["name"] = cli::json_text(one.name);
        object["title"] = cli::json_text(one.title);
        lines += cli::json_line(object);
        rows.push_back({{one.name}, {one.title}});
    }
    if (options.output == sim::Output::json) {
        return print(lines);
    }
    std::string table;
    for (const std::string& line : table_lines(inspect_terminal(STDOUT_FILENO), {{"SCENARIO"}, {"TITLE"}}, rows)) {
        table += line + "\n";
    }
    return print(table);
}

// A name that is not there: perhaps another was meant.
base::Error unknown_scenario(const sim::CommandOptions& options) {
    const std::vector<std::string> names = sim::list_scenarios(options.folder).value_or(std::vector<std::string>{});
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string_view near = cli::closest(options.scenario, views);
    const std::string hint = near.empty() ? "; see grapevine sim --list" : "; did you mean " + std::string(near) + "?";
    return {base::ErrorCode::not_found,
            "SCENARIO: no '" + base::printable(options.scenario) + "' in " + options.folder + hint};
}

base::Status check_scenario(const sim::CommandOptions& options) {
    const auto scenario = sim::load_scenario(options);
    if (scenario) {
        return {};
    }
    const bool is_name = options.scenario.find('/') == std::string::npos && !options.scenario.ends_with(".toml");
    const bool is_unknown = is_name && scenario.error().code == base::ErrorCode::not_found;
    return tl::unexpected(is_unknown ? unknown_scenario(options) : scenario.error());
}

base::Result<sim::CommandOptions> options_of(const cli::Parsed& parsed) {
    sim::CommandOptions options;
    options.folder = folder_of(parsed);
    options.output = parsed.has("--json") ? sim::Output::json : sim::Output::text;
    if (parsed.has("--list")) {
        options.task = sim::Task::list;
        return options;
    }
    if (parsed.positionals.empty()) {
        return base::invalid("SCENARIO: is required; see grapevine sim --list");
    }
    options.scenario = parsed.positionals[0];
    if (parsed.has("--seed")) {
        const auto seeds = sim::parse_seeds(parsed.text("--seed"));
        if (!seeds) {
            return base::invalid("--seed: " + seeds.error().message);
        }
        options.seeds = *seeds;
    }
    if (parsed.has("--trace")) {
        options.trace = parsed.text("--trace");
        if (!std::ofstream(*options.trace)) {
            return base::fail("--trace: " + *options.trace + ": cannot be written");
        }
    }
    return options;
}

int run(const cli::Parsed& parsed) {
    const auto options = options_of(parsed);
    if (!options) {
        return cli::fail_with(options.error());
    }
    if (options->task == sim::Task::list) {
        return list(*options);
    }
    const auto checked = check_scenario(*options);
    return checked ? sim::run_command(*options) : cli::fail_with(checked.error());
}

}  // namespace

Command sim_command() {
    Command command;
    command.name = "sim";
    command.arguments = "SCENARIO";
    command.arguments_max = 1;
    command.summary = "run a scenario in the simulator";
    command.details =
        "SCENARIO is a name that --list shows, or a file (with a slash, or ending in .toml). The same seed gives the "
        "same run; a failure prints the one command that replays it.";
    command.codes = "0 every run passed, 1 one failed, 2 usage or a scenario that breaks a rule, 4 no such scenario";
    command.flags = {{"--seed", cli::Arity::one, "N", "of every random choice, or a range A..B (default 1)"},
                     {"--list", cli::Arity::none, "", "list the scenarios instead"},
                     {"--scenarios", cli::Arity::one, "DIR",
                      "the folder of scenarios (default: scenarios here, else the installed ones)"},
                     {"--trace", cli::Arity::one, "FILE", "write the event log of the first seed"},
                     {"--json", cli::Arity::none, "", "figures as JSON"}};
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
