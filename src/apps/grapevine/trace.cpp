// `grapevine trace ls` and `grapevine trace show`, and `grapevine boot`: traces as a collector has them.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "apps/grapevine/collector_query.hpp"
#include "apps/grapevine/command.hpp"
#include "apps/grapevine/query.hpp"
#include "apps/grapevine/telemetry_view.hpp"
#include "apps/grapevine/waterfall.hpp"
#include "grapevine/node_main_json.hpp"

namespace grapevine::apps {
namespace {

using boost::json::object;

constexpr std::size_t kIdShown = 8;       // Enough to tell thousands of traces apart.
constexpr std::size_t kWide = 100;        // Columns from which times have milliseconds.
constexpr std::size_t kClockSeconds = 8;  // "17:44:01"
constexpr std::size_t kNameShown = 40;

std::vector<Cell> cells_of(const Terminal& terminal, const object& trace) {
    const std::int64_t errors = integer_in(trace, "errors");
    const std::string node = text_in(trace, "node");
    const std::string started = clock_text(integer_in(trace, "start_unix_us"));
    const bool today = started.find('-') == std::string::npos;
    return {{text_in(trace, "trace_id").substr(0, kIdShown), Tint::dim},
            {terminal.columns < kWide && today ? started.substr(0, kClockSeconds) : started},
            {text_in(trace, "name").substr(0, kNameShown), flag_in(trace, "has_root") ? Tint::bold : Tint::plain},
            {node.empty() ? text_in(trace, "service") : node},
            {std::to_string(integer_in(trace, "spans"))},
            {std::to_string(integer_in(trace, "resources"))},
            {nanoseconds_text(integer_in(trace, "duration_ns"))},
            {errors == 0 ? "ok" : std::to_string(errors) + (errors == 1 ? " error" : " errors"),
             errors == 0 ? Tint::good : Tint::bad}};
}

int print_list(const object& answer) {
    const Terminal terminal = inspect_terminal(STDOUT_FILENO);
    std::vector<std::vector<Cell>> rows;
    for (const object* trace : objects_in(answer, "traces")) {
        rows.push_back(cells_of(terminal, *trace));
    }
    if (rows.empty()) {
        return print("no traces; a node that exports here sends them within seconds\n");
    }
    const std::vector<Column> columns{{"TRACE"},
                                      {"STARTED", Align::left, 2},
                                      {"NAME"},
                                      {"NODE", Align::left, 1},
                                      {"SPANS", Align::right, 4},
                                      {"NODES", Align::right, 3},
                                      {"DURATION", Align::right},
                                      {"STATE"}};
    return print_lines(table_lines(terminal, columns, rows));
}

// A time flag as so many of `unit`, for a parameter; empty if it was not given.
base::Result<std::string> time_parameter(const cli::Parsed& parsed, std::string_view flag, base::Duration unit) {
    if (!parsed.has(flag)) {
        return std::string{};
    }
    const auto time = parse_time(flag, parsed.text(flag));
    return time ? base::Result<std::string>(std::to_string(std::max<std::int64_t>(*time / unit, 1)))
                : tl::unexpected(time.error());
}

int run_ls(const cli::Parsed& parsed) {
    const auto since = time_parameter(parsed, "--since", std::chrono::seconds(1));
    const auto duration = time_parameter(parsed, "--min-duration", std::chrono::microseconds(1));
    const auto limit = cli::parse_number("--limit", parsed.text("--limit", "20"), 1, 1000);
    if (!since || !duration || !limit) {
        return cli::fail_with(!since ? since.error() : !duration ? duration.error() : limit.error());
    }
    std::string target = "/api/traces";
    for (const char* name : {"service", "name", "mesh", "node"}) {
        append_parameter(target, name, parsed.text("--" + std::string(name)));
    }
    append_parameter(target, "since_s", *since);
    append_parameter(target, "min_duration_us", *duration);
    append_parameter(target, "limit", std::to_string(*limit));
    const auto answer = ask_collector(parsed, target);
    if (!answer) {
        return fail_query(answer.error());
    }
    return parsed.has("--json") ? print(cli::json_line(*answer)) : print_list(*answer);
}

std::vector<std::string> lines_of(const cli::Parsed& parsed, const object& trace) {
    return waterfall_lines(pen_for(STDOUT_FILENO), trace,
                           parsed.has("--verbose") ? Attributes::shown : Attributes::hidden);
}

int run_show(const cli::Parsed& parsed) {
    const auto trace = ask_collector(parsed, "/api/traces/" + path_segment(parsed.positionals[0]));
    if (!trace) {
        return fail_query(trace.error());
    }
    return parsed.has("--json") ? print(cli::json_line(*trace)) : print_lines(lines_of(parsed, *trace));
}

int run_boot(const cli::Parsed& parsed) {
    const auto trace = ask_collector(parsed, "/api/boot/" + path_segment(parsed.positionals[0]));
    if (!trace) {
        return fail_query(trace.error());
    }
    if (parsed.has("--json")) {
        return print(cli::json_line(*trace));
    }
    std::vector<std::string> lines = lines_of(parsed, *trace);
    if (const double covered = covered_by_children(*trace); covered >= 0) {
        std::array<char, 80> text{};
        std::snprintf(text.data(), text.size(), "its steps cover %.1f %% of the boot", covered * 100);
        lines.emplace_back(
            tinted(inspect_terminal(STDOUT_FILENO), covered >= 0.9 ? Tint::good : Tint::warn, text.data()));
    }
    return print_lines(lines);
}

constexpr std::string_view kLegend =
    "A line a span: its name in the tree, the node it ran on, its bar on the trace's scale, its duration. A name in "
    "red failed; ~ marks a span whose parent is not in the store.";

}  // namespace

Command trace_ls_command() {
    Command command;
    command.name = "trace ls";
    command.summary = "list the traces that a collector has, the newest first";
    command.codes = kCollectorCodes;
    command.flags = {{"--service", cli::Arity::one, "NAME", "with a span of this service (node type)"},
                     {"--name", cli::Arity::one, "NAME", "with a span of this name"},
                     {"--mesh", cli::Arity::one, "NAME", "with a span in this mesh"},
                     {"--node", cli::Arity::one, "NAME", "with a span on this node (name or id)"},
                     {"--min-duration", cli::Arity::one, "TIME", "at least this long, as in 5ms"},
                     {"--since", cli::Arity::one, "TIME", "begun within this time, as in 10m"},
                     {"--limit", cli::Arity::one, "N", "at most so many, 1 to 1000", "20"}};
    append_collector_flags(command.flags);
    command.run = run_ls;
    return command;
}

Command trace_show_command() {
    Command command;
    command.name = "trace show";
    command.arguments = "ID";
    command.arguments_min = command.arguments_max = 1;
    command.summary = "show one trace as a waterfall";
    command.details = "ID is a trace id or the beginning of one. " + std::string(kLegend);
    command.codes = kCollectorCodes;
    command.flags = {{"--verbose", cli::Arity::none, "", "with every attribute, link and log line"}};
    append_collector_flags(command.flags);
    command.run = run_show;
    return command;
}

Command boot_command() {
    Command command;
    command.name = "boot";
    command.arguments = "NAME";
    command.arguments_min = command.arguments_max = 1;
    command.summary = "show the last start of a node as a waterfall";
    command.details = "NAME is a node's name or its whole id. " + std::string(kLegend);
    command.codes = kCollectorCodes;
    command.flags = {{"--verbose", cli::Arity::none, "", "with every attribute, link and log line"}};
    append_collector_flags(command.flags);
    command.run = run_boot;
    return command;
}

}  // namespace grapevine::apps
