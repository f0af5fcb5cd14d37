// `grapevine spans`: how often each span comes. One that used to come and is gone is the cheapest early warning.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "apps/grapevine/collector_query.hpp"
#include "apps/grapevine/command.hpp"
#include "apps/grapevine/query.hpp"
#include "apps/grapevine/telemetry_view.hpp"
#include "apps/grapevine/up_view.hpp"
#include "grapevine/node_main_json.hpp"
#include "io/runtime.hpp"

namespace grapevine::apps {
namespace {

using boost::json::object;

constexpr std::size_t kNameShown = 48;
constexpr base::Duration kWatchEvery = std::chrono::seconds(2);

Cell state_cell(const std::string& state) {
    return {state, state == "silent" ? Tint::bad : state == "ok" ? Tint::good : Tint::dim};
}

std::vector<Cell> cells_of(const object& row) {
    const std::string state = text_in(row, "state");
    const auto time = [&](std::string_view key) {
        return has_number(row, key) ? nanoseconds_text(integer_in(row, key)) : std::string("-");
    };
    return {{text_in(row, "name").substr(0, kNameShown), state == "silent" ? Tint::bad : Tint::plain},
            {std::to_string(integer_in(row, "count"))},
            {short_number(real_in(row, "per_minute"))},
            {real_in(row, "usual_per_minute") > 0 ? short_number(real_in(row, "usual_per_minute")) : "-", Tint::dim},
            {time("p50_ns")},
            {time("p99_ns")},
            {ago_text(integer_in(row, "last_start_unix_us"))},
            state_cell(state)};
}

std::vector<std::string> lines_of(const object& answer) {
    const Terminal terminal = inspect_terminal(STDOUT_FILENO);
    auto names = objects_in(answer, "spans");
    // The silent ones first: they are what one looks for.
    std::stable_partition(names.begin(), names.end(),
                          [](const object* row) { return text_in(*row, "state") == "silent"; });
    std::vector<std::vector<Cell>> rows;
    std::size_t silent = 0;
    for (const object* row : names) {
        rows.push_back(cells_of(*row));
        silent += text_in(*row, "state") == "silent" ? 1U : 0U;
    }
    if (rows.empty()) {
        return {"no spans; a node that exports here sends them within seconds"};
    }
    const std::vector<Column> columns{{"SPAN"},
                                      {"COUNT", Align::right, 4},
                                      {"/MIN", Align::right},
                                      {"USUAL", Align::right, 3},
                                      {"P50", Align::right, 1},
                                      {"P99", Align::right, 2},
                                      {"LAST", Align::right, 5},
                                      {"STATE"}};
    std::vector<std::string> lines = table_lines(terminal, columns, rows);
    lines.push_back(
        silent == 0 ? tinted(terminal, Tint::dim,
                             "the last " + short_number(real_in(answer, "window_s") / 60) +
                                 " min; none that used to come is silent")
                    : tinted(terminal, Tint::bad,
                             std::to_string(silent) + " used to come and " + (silent == 1 ? "is" : "are") + " silent"));
    return lines;
}

int show(const cli::Parsed& parsed, const object& answer) {
    return parsed.has("--json") ? print(cli::json_line(answer)) : print_lines(lines_of(answer));
}

// Until Ctrl-C, or until the collector or the reader goes away. A terminal is drawn over; elsewhere each look follows
// the one before.
int watch(const cli::Parsed& parsed, const std::string& target, object answer) {
    io::Runtime runtime;
    bool interrupted = false;
    runtime.on_signal({SIGINT, SIGTERM}, [&](int) {
        interrupted = true;
        runtime.stop();
    });
    Screen screen(STDOUT_FILENO);
    const bool drawn = !parsed.has("--json") && inspect_terminal(STDOUT_FILENO).live;
    for (;;) {
        if (drawn) {
            screen.draw(lines_of(answer));
        } else if (show(parsed, answer) != 0) {
            return 0;
        }
        const io::TaskId next_look =
            runtime.at(runtime.now() + kWatchEvery, base::Duration::zero(), [&] { runtime.stop(); });
        runtime.run();
        runtime.cancel(next_look);
        if (interrupted) {
            return 0;
        }
        auto next = ask_collector(parsed, target);
        if (!next) {
            return fail_query(next.error());
        }
        answer = std::move(*next);
    }
}

int run(const cli::Parsed& parsed) {
    const auto window = parse_time("--window", parsed.text("--window", "5m"));
    if (!window) {
        return cli::fail_with(window.error());
    }
    if (*window < std::chrono::seconds(1) || *window > std::chrono::hours(24)) {
        return cli::fail_usage("--window: must be 1s to 24h");
    }
    std::string target = "/api/spans";
    append_parameter(target, "window_s", std::to_string(*window / std::chrono::seconds(1)));
    auto answer = ask_collector(parsed, target);
    if (!answer) {
        return fail_query(answer.error());
    }
    return parsed.has("--watch") ? watch(parsed, target, std::move(*answer)) : show(parsed, *answer);
}

}  // namespace

Command spans_command() {
    Command command;
    command.name = "spans";
    command.summary = "show how often each span comes, and which has gone silent";
    command.details =
        "Rates are those of the window; USUAL is the mean of the twelve windows before it. A span is silent when it "
        "came in at least three of those and has now been away for longer than between any two of them.";
    command.codes = kCollectorCodes;
    command.flags = {{"--window", cli::Arity::one, "TIME", "look at this much, 1s to 24h", "5m"},
                     {"--watch", cli::Arity::none, "", "look again every two seconds, until Ctrl-C"}};
    append_collector_flags(command.flags);
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
