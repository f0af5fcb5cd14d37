// `grapevine ledger`: everything that lives in a running node, by kind, and whether its law is kept.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/query.hpp"
#include "apps/grapevine/terminal.hpp"
#include "apps/grapevine/up_view.hpp"
#include "io/json.hpp"

namespace grapevine::apps {
namespace {

using boost::json::object;

std::string text(const object& from, std::string_view key) {
    return io::string_member(from, key).value_or("-");
}
std::uint64_t number(const object& from, std::string_view key) {
    return io::unsigned_member(from, key).value_or(0);
}

std::string duration_or_dash(const object& from, std::string_view key) {
    const auto milliseconds = io::unsigned_member(from, key);
    return milliseconds ? duration_text(*milliseconds) : "-";
}

std::string limit_text(const object& row) {
    const auto limit = io::unsigned_member(row, "limit");
    if (!limit) {
        return "-";
    }
    const auto age = io::unsigned_member(row, "oldest_limit_ms");
    return std::to_string(*limit) + (age ? ", " + duration_text(*age) : std::string());
}

// Broken laws first, then what lives, then what does not.
int rank(const object& row) {
    return text(row, "state") == "broken" ? 0 : number(row, "alive") > 0 ? 1 : 2;
}

std::vector<object> sorted_rows(const object& answer) {
    std::vector<object> rows;
    const boost::json::value* kinds = answer.if_contains("kinds");
    if (kinds != nullptr && kinds->is_array()) {
        for (const boost::json::value& item : kinds->get_array()) {
            if (item.is_object()) {
                rows.push_back(item.get_object());
            }
        }
    }
    std::sort(rows.begin(), rows.end(), [](const object& a, const object& b) {
        return std::pair(rank(a), text(a, "kind")) < std::pair(rank(b), text(b, "kind"));
    });
    return rows;
}

std::vector<Cell> cells(const object& row) {
    const std::string state = text(row, "state");
    const bool broken = state == "broken";
    const Tint tint = rank(row) == 2 ? Tint::dim : broken ? Tint::bad : Tint::plain;
    return {{text(row, "kind"), tint},
            {std::to_string(number(row, "born")), tint},
            {std::to_string(number(row, "ended")), tint},
            {std::to_string(number(row, "alive")), tint},
            {duration_or_dash(row, "oldest_ms"), tint},
            {std::to_string(number(row, "peak")), tint},
            {limit_text(row), tint},
            {broken          ? "BROKEN"
             : state == "ok" ? "ok"
                             : "-",
             broken ? Tint::bad : Tint::plain},
            {text(row, "law"), Tint::dim}};
}

std::string summary(const Terminal& terminal, const object& answer) {
    const std::uint64_t broken = number(answer, "laws_broken");
    std::string line = text(answer, "name") + ": ";
    line += broken == 0 ? "every law is kept" : tinted(terminal, Tint::bad, std::to_string(broken) + " broken");
    const std::uint64_t ever = number(answer, "laws_broken_ever");
    line += ever > broken ? ", " + std::to_string(ever) + " broken since its start" : "";
    const boost::json::value* kernel = answer.if_contains("kernel");
    if (kernel != nullptr && kernel->is_object()) {
        const object& counts = kernel->get_object();
        line += "; kernel: " + std::to_string(number(counts, "descriptors")) + " descriptors, " +
                std::to_string(number(counts, "sockets")) + " sockets, " + std::to_string(number(counts, "threads")) +
                " threads";
    }
    return line;
}

std::vector<std::string> ledger_lines(const Terminal& terminal, const object& answer) {
    std::vector<std::vector<Cell>> rows;
    for (const object& row : sorted_rows(answer)) {
        rows.push_back(cells(row));
    }
    std::vector<std::string> lines = table_lines(terminal,
                                                 {{"KIND"},
                                                  {"BORN", Align::right, 2},
                                                  {"ENDED", Align::right, 2},
                                                  {"ALIVE", Align::right},
                                                  {"OLDEST", Align::right},
                                                  {"PEAK", Align::right, 3},
                                                  {"LIMIT", Align::right},
                                                  {"STATE"},
                                                  {"LAW", Align::left, 4}},
                                                 rows);
    std::vector<std::string> head{summary(terminal, answer)};
    for (const object& row : sorted_rows(answer)) {
        if (text(row, "state") == "broken") {
            head.push_back(tinted(terminal, Tint::bad, text(row, "kind") + ": the law is '" + text(row, "law") + "'"));
        }
    }
    lines.insert(lines.begin(), head.begin(), head.end());
    return lines;
}

int show(const cli::Parsed& parsed, const std::string& line, Screen& screen) {
    const auto answer = io::parse_json_object("node", line);
    if (parsed.has("--json") || !answer) {
        return print(line + "\n");
    }
    const Terminal terminal = inspect_terminal(STDOUT_FILENO);
    const std::vector<std::string> lines = ledger_lines(terminal, *answer);
    if (parsed.has("--watch") && terminal.live) {
        screen.draw(lines);
        return 0;
    }
    std::string out;
    for (const std::string& one : lines) {
        out += one + "\n";
    }
    return print(parsed.has("--watch") ? out + "\n" : out);
}

// True if a signal asks to end within a second.
bool end_is_asked(const sigset_t& signals) {
    const timespec second{1, 0};
    return ::sigtimedwait(&signals, nullptr, &second) > 0;
}

int run(const cli::Parsed& parsed) {
    auto client = connect_node(parsed);
    if (!client) {
        return fail_query(client.error());
    }
    // The screen's cursor must come back, however this ends.
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        ::sigaddset(&signals, signal);
    }
    if (parsed.has("--watch")) {
        ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    }
    const base::Duration timeout = query_timeout(parsed).value_or(std::chrono::seconds(10));
    Screen screen(STDOUT_FILENO);
    do {
        const auto line = ask_node(*client, R"({"op":"ledger"})", timeout);
        if (!line) {
            return fail_query(line.error());
        }
        if (const int shown = show(parsed, *line, screen); shown != 0) {
            return shown;
        }
    } while (parsed.has("--watch") && !end_is_asked(signals));
    return 0;
}

}  // namespace

Command ledger_command() {
    Command command;
    command.name = "ledger";
    command.summary = "show all that lives in a running node, by kind, and its laws";
    command.details =
        "Connections, streams, timers, descriptors and so on: how many were born and ended and live, the age of the "
        "oldest, how many and how old the law of the kind allows, and whether it is kept.";
    command.codes = "0 done, 1 failed, 2 usage, 4 not found, 5 denied, 124 timed out";
    command.flags = {{"--watch", cli::Arity::none, "", "again once a second, until interrupted"},
                     {"--json", cli::Arity::none, "", "one JSON object a line"}};
    append_query_flags(command.flags);
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
