// `grapevine sim`: scenarios of the simulator.

#include "sim/command.hpp"

#include "apps/grapevine/command.hpp"

namespace grapevine::apps {
namespace {

base::Result<sim::CommandOptions> options_of(const cli::Parsed& parsed) {
    sim::CommandOptions options;
    options.folder = parsed.text("--scenarios", options.folder);
    options.output = parsed.has("--json") ? sim::Output::json : sim::Output::text;
    if (parsed.has("--list")) {
        options.task = sim::Task::list;
        return options;
    }
    if (parsed.positionals.empty()) {
        return base::invalid("SCENARIO: is required; see grapevine sim --help");
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
    }
    return options;
}

int run(const cli::Parsed& parsed) {
    const auto options = options_of(parsed);
    return options ? sim::run_command(*options) : cli::fail_with(options.error());
}

}  // namespace

Command sim_command() {
    Command command;
    command.name = "sim";
    command.arguments = "SCENARIO";
    command.arguments_max = 1;
    command.summary = "run a scenario in the simulator";
    command.details =
        "SCENARIO is a name in the folder of scenarios, or a file. The same seed gives the same run; a failure prints the "
        "one command that replays it.";
    command.codes = "0 every run passed, 1 one failed or a file cannot be read, 2 usage";
    command.flags = {{"--seed", cli::Arity::one, "N", "of every random choice, or a range A..B (default 1)"},
                     {"--scenarios", cli::Arity::one, "DIR", "the folder of scenarios (default scenarios)"},
                     {"--list", cli::Arity::none, "", "list the scenarios instead"},
                     {"--trace", cli::Arity::one, "FILE", "write the event log of the first seed"},
                     {"--json", cli::Arity::none, "", "figures as JSON"}};
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
