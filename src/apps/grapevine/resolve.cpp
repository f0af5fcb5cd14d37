// `grapevine resolve`: where a name of any mesh is, as a running node finds it out.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>

#include <boost/json.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/json_rows.hpp"
#include "apps/grapevine/query.hpp"
#include "apps/grapevine/terminal.hpp"
#include "base/encoding.hpp"
#include "grapevine/node_main_json.hpp"
#include "io/json.hpp"

namespace grapevine::apps {
namespace {

using boost::json::object;

constexpr std::uint64_t kDeadlineSecondsMax = 60;
constexpr base::Duration kAnswerSlack = std::chrono::seconds(2);

// Each verdict that found nobody has its words and its exit code.
struct VerdictText {
    std::string_view verdict;
    std::string_view words;
    cli::Exit exit;
};
constexpr VerdictText kVerdicts[] = {
    {"unknown_mesh", "no such mesh is known", cli::Exit::not_found},
    {"no_such_node", "no such node", cli::Exit::not_found},
    {"ambiguous", "fits several nodes", cli::Exit::usage},
    {"refused", "refused", cli::Exit::denied},
    {"busy", "too much is asked already", cli::Exit::not_ready},
    {"unreachable", "no gateway of that mesh answered", cli::Exit::not_ready},
    {"deadline", "no answer in time", cli::Exit::timed_out},
};

int complain_of(const object& answer, const std::string& name) {
    const std::string verdict = text_in(answer, "verdict");
    std::string words = "ended with '" + base::printable(verdict) + "'";
    cli::Exit exit = cli::Exit::failed;
    for (const VerdictText& known : kVerdicts) {
        if (known.verdict == verdict) {
            words = known.words;
            exit = known.exit;
        }
    }
    const std::string text = text_in(answer, "text");
    if (!text.empty()) {
        words += ": " + base::printable(text);
    }
    cli::complain("'" + base::printable(name) + "': " + words);
    return cli::exit_code(exit);
}

std::string table_of(const Terminal& terminal, const object& answer) {
    std::vector<std::vector<Cell>> rows;
    for_each_row(answer, "candidates", [&](const object& row) {
        rows.push_back({{text_in(row, "name")},
                        {text_in(row, "id").substr(0, 10), Tint::dim},
                        {first_in(row, "addrs")},
                        {duration_text(number_in(row, "age_ms"))},
                        {text_in(row, "via_name")}});
    });
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a[0].text < b[0].text; });
    const std::vector<Column> columns{
        {"NAME"}, {"ID", Align::left, 3}, {"ADDRESS"}, {"AGE", Align::right, 1}, {"SAID BY", Align::left, 2}};
    std::string out;
    for (const std::string& line : table_lines(terminal, columns, rows)) {
        out += line + "\n";
    }
    return out;
}

std::string milliseconds(std::uint64_t microseconds) {
    return short_number(static_cast<double>(microseconds) / 1000.0) + " ms";
}

// How the answer came about, step by step.
std::string trace_of(const object& answer) {
    const std::string origin = text_in(answer, "origin");
    std::string out;
    if (origin == "own_mesh") {
        out += "own mesh: answered from this node's directory\n";
    } else if (origin == "cache") {
        out += "cache: answered " + duration_text(number_in(answer, "as_of_ms")) + " ago\n";
    }
    for_each_row(answer, "steps", [&](const object& step) {
        const std::string end = text_in(step, "end");
        const std::string verdict = text_in(step, "verdict");
        out += "+" + milliseconds(number_in(step, "asked_us")) + "  asked " + text_in(step, "gateway_name") +
               (number_in(step, "hops") > 1 ? " (a gateway of the own mesh, to ask on)" : "") + "\n";
        out += "+" + milliseconds(number_in(step, "ended_us")) + "  " + (verdict.empty() ? end : end + ": " + verdict) +
               "\n";
    });
    return out + "took " + milliseconds(number_in(answer, "elapsed_us")) + "\n";
}

int run(const cli::Parsed& parsed) {
    const auto seconds = cli::parse_number("--timeout", parsed.text("--timeout", "5"), 1, kDeadlineSecondsMax);
    if (!seconds) {
        return cli::fail_with(seconds.error());
    }
    auto client = connect_node(parsed);
    if (!client) {
        return fail_query(client.error());
    }
    object request;
    request["op"] = "resolve";
    request["name"] = cli::json_text(parsed.positionals[0]);
    request["deadline_ms"] = *seconds * 1000;
    const auto line = ask_node(*client, boost::json::serialize(request),
                               base::Duration(std::chrono::seconds(*seconds)) + kAnswerSlack);
    if (!line) {
        return fail_query(line.error());
    }
    const auto answer = io::parse_json_object("node", *line);
    if (!answer) {
        return fail_query(answer.error());
    }
    const bool found = text_in(*answer, "verdict") == "found";
    std::string out;
    if (parsed.has("--json")) {
        out = *line + "\n";
    } else {
        out = parsed.has("--trace") ? trace_of(*answer) : "";
        const bool rows = found || text_in(*answer, "verdict") == "ambiguous";
        out += rows ? table_of(inspect_terminal(STDOUT_FILENO), *answer) : "";
    }
    const int printed = print(out);
    return printed != 0 || found ? printed : complain_of(*answer, parsed.positionals[0]);
}

}  // namespace

Command resolve_command() {
    Command command;
    command.name = "resolve";
    command.summary = "find out where a name is, in any mesh";
    command.arguments = "NAME";
    command.arguments_min = 1;
    command.arguments_max = 1;
    command.details =
        "NAME is a node (mesh2.broker.239dc9), any of a type (mesh2.broker), or an id of the own mesh. A running node "
        "answers for its own mesh from its directory; for another one it asks gateways, and remembers what they said "
        "for 30 s.";
    command.codes =
        "0 found, 1 failed, 2 usage or fits several, 3 unreachable or busy, 4 not found, 5 refused, 124 no answer in "
        "time";
    command.flags = {{"--trace", cli::Arity::none, "", "tell who was asked, when, and what each said"},
                     {"--json", cli::Arity::none, "", "one JSON object, as the control socket gives it"}};
    append_query_flags(command.flags);
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
