#include "sim/command.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/encoding.hpp"
#include "sim/runner.hpp"

namespace grapevine::sim {

namespace {

constexpr std::uintmax_t kScenarioBytesMax = 1U << 20U;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

// The one place of the simulator that reads the real clock: for the ratio of simulated to real time, which decides
// nothing.
class Stopwatch {
public:
    [[nodiscard]] double seconds() const {
        // style: allow clock, because it is printed only
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

private:
    // style: allow clock, because it is printed only
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

bool is_file_name(std::string_view scenario) {
    return scenario.find('/') != std::string_view::npos || scenario.ends_with(".toml");
}

base::Result<std::string> read_file(const std::filesystem::path& path) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(path, error);
    if (error) return base::fail(base::ErrorCode::not_found, "scenario " + path.string() + ": " + error.message());
    if (bytes > kScenarioBytesMax) return base::invalid("scenario " + path.string() + ": larger than 1 MiB");
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) return base::fail("scenario " + path.string() + ": cannot be read");
    return text.str();
}

int exit_code(const base::Error& error) {
    return error.code == base::ErrorCode::failed ? kExitFailed : kExitUsage;
}

// Of each of iroh_gossip_scenarios(), in their order.
using GossipRuns = std::vector<std::vector<SeedFigures>>;

bool run_gossip(const Scenario& scenario, std::uint64_t seed, Output output, GossipRuns& runs, std::ostream& out) {
    bool passed = true;
    const auto scenarios = iroh_gossip_scenarios();
    runs.resize(scenarios.size());
    for (std::size_t i = 0; i < scenarios.size(); ++i) {
        const GossipScenario& gossip = scenarios[i];
        const auto& wanted = scenario.gossip_labels;
        if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), label(gossip)) == wanted.end()) continue;
        const Stopwatch watch;
        const SeedFigures figures = run_gossip_seed(gossip, seed);
        const double real = watch.seconds();
        out << (output == Output::json ? json_report(gossip, figures, real) : text_report(gossip, figures, real));
        runs[i].push_back(figures);
        if (!scenario.expect.missed_max || figures.missed <= *scenario.expect.missed_max) continue;
        passed = false;
        out << "  FAILED: missed-max\n  replay: " << replay_command(scenario.name, seed) << "\n";
    }
    return passed;
}

void print_means(const GossipRuns& runs, std::ostream& out) {
    const auto scenarios = iroh_gossip_scenarios();
    for (std::size_t i = 0; i < runs.size(); ++i)
        if (runs[i].size() > 1) out << text_report(scenarios[i], summarize(runs[i]));
}

bool run_one(const Scenario& scenario, std::uint64_t seed, Output output, const TraceSink& trace, std::ostream& out) {
    const Stopwatch watch;
    const RunFigures figures = run_scenario(scenario, seed, trace);
    const double real = watch.seconds();
    out << (output == Output::json ? json_report(scenario, figures, real) : text_report(scenario, figures, real))
        << std::flush;
    return figures.failures.empty();
}

int list(const CommandOptions& options, std::ostream& out, std::ostream& err) {
    const auto names = list_scenarios(options.folder);
    if (!names) {
        err << "sim: " << names.error().message << "\n";
        return kExitFailed;
    }
    for (const auto& name : *names) {
        CommandOptions one = options;
        one.scenario = name;
        const auto scenario = load_scenario(one);
        out << name << "  " << (scenario ? scenario->title : scenario.error().message) << "\n";
    }
    return 0;
}

}  // namespace

base::Result<SeedRange> parse_seeds(std::string_view text) {
    const auto broken = [&] {
        return base::invalid("seeds '" + base::printable(text) + "': want a number, or two as in 1..20");
    };
    SeedRange range;
    const char* const end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, range.first);
    if (first.ec != std::errc{}) return broken();
    range.last = range.first;
    if (first.ptr == end) return range;
    if (std::string_view(first.ptr, end).substr(0, 2) != "..") return broken();
    const auto last = std::from_chars(first.ptr + 2, end, range.last);
    if (last.ec != std::errc{} || last.ptr != end || range.last < range.first) return broken();
    if (range.last - range.first >= kCommandSeedsMax)
        return base::invalid("seeds '" + base::printable(text) + "': more than " + std::to_string(kCommandSeedsMax));
    return range;
}

base::Result<std::vector<std::string>> list_scenarios(const std::string& folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
        if (entry.path().extension() == ".toml") names.push_back(entry.path().stem().string());
    if (error) return base::fail("scenarios in " + folder + ": " + error.message());
    std::sort(names.begin(), names.end());
    return names;
}

base::Result<Scenario> load_scenario(const CommandOptions& options) {
    std::filesystem::path path = options.scenario;
    if (!is_file_name(options.scenario)) path = std::filesystem::path(options.folder) / (options.scenario + ".toml");
    const auto text = read_file(path);
    if (!text) return tl::unexpected<base::Error>(text.error());
    auto scenario = parse_scenario(*text, path.string());
    if (scenario) scenario->name = options.scenario;
    return scenario;
}

int run_command(const CommandOptions& options, std::ostream& out, std::ostream& err) {
    if (options.task == Task::list) return list(options, out, err);
    const auto scenario = load_scenario(options);
    if (!scenario) {
        err << "sim: " << scenario.error().message << "\n";
        return exit_code(scenario.error());
    }
    std::ofstream file;
    if (options.trace) file.open(*options.trace);
    if (options.trace && !file) {
        err << "sim: trace file " << *options.trace << ": cannot be written\n";
        return kExitFailed;
    }
    TraceSink trace;
    if (options.trace) trace = [&file](const std::string& line) { file << line << '\n'; };
    bool passed = true;
    GossipRuns gossip;
    for (std::uint64_t seed = options.seeds.first;; ++seed) {
        const bool ok = scenario->mode == Mode::gossip ? run_gossip(*scenario, seed, options.output, gossip, out)
                                                       : run_one(*scenario, seed, options.output, trace, out);
        if (!ok) passed = false;
        trace = {};
        if (seed == options.seeds.last) break;
    }
    if (options.output == Output::text) print_means(gossip, out);
    return passed ? 0 : kExitFailed;
}

int run_command(const CommandOptions& options) {
    // style: allow log, because this is the command itself
    return run_command(options, std::cout, std::cerr);
}

}  // namespace grapevine::sim
