#pragma once

// The command `grapevine sim SCENARIO`: runs a scenario, prints its figures, and on a failure the one command that
// replays it. This is the edge of the simulator: the only place that reads files and the real clock.

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sim/report.hpp"
#include "sim/scenario.hpp"

namespace grapevine::sim {

inline constexpr std::uint64_t kDefaultSeed = 1;
inline constexpr std::size_t kCommandSeedsMax = 100'000;

struct SeedRange {
    std::uint64_t first = kDefaultSeed;
    std::uint64_t last = kDefaultSeed;
};

enum class Output : std::uint8_t { text, json };
enum class Task : std::uint8_t { run, list };

struct CommandOptions {
    Task task = Task::run;
    std::string scenario;  // A name in `folder`, or a file (has a slash or ends in .toml).
    std::string folder = "scenarios";
    SeedRange seeds;  // --seed N or N..M.
    Output output = Output::text;
    std::optional<std::string> trace;  // A file for the event log of the first seed.
};

// "7" or "1..20".
base::Result<SeedRange> parse_seeds(std::string_view text);
base::Result<Scenario> load_scenario(const CommandOptions& options);
// Names in the folder, sorted.
base::Result<std::vector<std::string>> list_scenarios(const std::string& folder);

// 0: every run passed. 1: a run failed, or a file cannot be read. 2: the scenario or an option breaks a rule.
int run_command(const CommandOptions& options, std::ostream& out, std::ostream& err);
int run_command(const CommandOptions& options);

}  // namespace grapevine::sim
