// `grapevine ls`: the directory as one node knows it.

#include <unistd.h>

#include <algorithm>

#include <boost/json.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/query.hpp"
#include "apps/grapevine/terminal.hpp"
#include "io/json.hpp"

namespace grapevine::apps {
namespace {

using boost::json::object;

std::string text(const object& row, std::string_view key) {
    return io::string_member(row, key).value_or("");
}
std::uint64_t number(const object& row, std::string_view key) {
    return io::unsigned_member(row, key).value_or(0);
}

std::string first_of(const object& row, std::string_view key) {
    const boost::json::value* list = row.if_contains(key);
    if (list == nullptr || !list->is_array() || list->get_array().empty() || !list->get_array()[0].is_string()) {
        return "-";
    }
    return std::string(list->get_array()[0].get_string());
}

std::size_t count_of(const object& row, std::string_view key) {
    const boost::json::value* list = row.if_contains(key);
    return list != nullptr && list->is_array() ? list->get_array().size() : 0;
}

std::vector<Cell> cells_of(const object& row) {
    const std::size_t accusers = count_of(row, "suspected_by");
    const bool self = text(row, "known_via") == "self";
    return {
        {text(row, "name"), self ? Tint::bold : Tint::plain},
        {text(row, "id").substr(0, 10), Tint::dim},
        {first_of(row, "addrs")},
        {std::to_string(count_of(row, "neighbors"))},
        {short_number(static_cast<double>(number(row, "cpu_millicores")) / 10.0)},
        {memory_text(number(row, "memory_kib"))},
        {duration_text(number(row, "age_ms"))},
        {text(row, "known_via")},
        {accusers == 0 ? "ok" : "suspected by " + std::to_string(accusers), accusers == 0 ? Tint::good : Tint::warn}};
}

int print_table(const object& answer) {
    const boost::json::value* nodes = answer.if_contains("nodes");
    std::vector<std::vector<Cell>> rows;
    if (nodes != nullptr && nodes->is_array()) {
        for (const boost::json::value& node : nodes->get_array()) {
            if (node.is_object()) {
                rows.push_back(cells_of(node.get_object()));
            }
        }
    }
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a[0].text < b[0].text; });
    const Terminal terminal = inspect_terminal(STDOUT_FILENO);
    const std::vector<Column> columns{{"NAME"},
                                      {"ID", Align::left, 4},
                                      {"ADDRESS", Align::left, 2},
                                      {"PEERS", Align::right, 1},
                                      {"CPU %", Align::right, 3},
                                      {"MEMORY", Align::right, 3},
                                      {"AGE", Align::right},
                                      {"VIA", Align::left, 5},
                                      {"STATE"}};
    std::string out;
    for (const std::string& line : table_lines(terminal, columns, rows)) {
        out += line + "\n";
    }
    return print(out);
}

// Prints what changes until the node ends or the reader goes away.
int watch(io::ControlClient& client, base::Duration timeout) {
    constexpr base::Duration kForever = std::chrono::hours(24 * 365);
    if (const auto started = ask_node(client, R"({"op":"watch"})", timeout); !started) {
        return fail_query(started.error());
    }
    for (;;) {
        const auto line = client.next_line(kForever);
        if (!line) {
            return cli::fail_with(line.error());
        }
        if (print(*line + "\n") != 0) {
            return 0;
        }
    }
}

int run(const cli::Parsed& parsed) {
    auto client = connect_node(parsed);
    if (!client) {
        return fail_query(client.error());
    }
    const base::Duration timeout = query_timeout(parsed).value_or(std::chrono::seconds(10));
    const auto line = ask_node(*client, R"({"op":"ls"})", timeout);
    if (!line) {
        return fail_query(line.error());
    }
    const auto answer = io::parse_json_object("node", *line);
    const int printed = parsed.has("--json") || !answer ? print(*line + "\n") : print_table(*answer);
    return printed == 0 && parsed.has("--watch") ? watch(*client, timeout) : printed;
}

}  // namespace

Command ls_command() {
    Command command;
    command.name = "ls";
    command.summary = "list the nodes of a mesh, as a running node knows them";
    command.details = "The node asked is given by --data-dir or --node; without either, the only one that runs here.";
    command.codes = "0 done, 1 failed, 2 usage, 4 no such node runs, 5 denied, 124 timed out";
    command.flags = {{"--json", cli::Arity::none, "", "one JSON object, as the control socket gives it"},
                     {"--watch", cli::Arity::none, "", "then print each change as one JSON line"}};
    append_query_flags(command.flags);
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
