// `grapevine cache`: every node that a running node knows of, in its own mesh and in others, and how it knows.

#include <unistd.h>

#include <algorithm>

#include <boost/json.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/json_rows.hpp"
#include "apps/grapevine/query.hpp"
#include "apps/grapevine/terminal.hpp"
#include "base/encoding.hpp"

namespace grapevine::apps {
namespace {

using boost::json::object;

std::vector<Cell> cells_of(const object& row) {
    const std::string source = text_in(row, "source");
    const bool cached = source == "cache";
    return {{text_in(row, "name"), source == "self" ? Tint::bold : Tint::plain},
            {text_in(row, "mesh")},
            {text_in(row, "type")},
            {first_in(row, "addrs")},
            {text_in(row, "id").substr(0, 10), Tint::dim},
            {duration_text(number_in(row, "age_ms"))},
            {cached              ? "asked " + text_in(row, "via")
             : source == "watch" ? "watch " + text_in(row, "via")
                                 : source},
            {cached ? duration_text(number_in(row, "as_of_ms")) + " ago" : "now"}};
}

std::vector<Cell> cells_of_failure(const object& row) {
    return {{text_in(row, "asked")},
            {"-"},
            {"-"},
            {"-"},
            {"-", Tint::dim},
            {"-"},
            {text_in(row, "verdict"), Tint::warn},
            {duration_text(number_in(row, "as_of_ms")) + " ago"}};
}

void append_lines(std::string& out, const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
        out += line + "\n";
    }
}

std::string nodes_table(const Terminal& terminal, const object& answer) {
    std::vector<std::vector<Cell>> rows;
    for_each_row(answer, "rows", [&](const object& row) { rows.push_back(cells_of(row)); });
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a[0].text < b[0].text; });
    for_each_row(answer, "failures", [&](const object& row) { rows.push_back(cells_of_failure(row)); });
    std::string out;
    append_lines(out, table_lines(terminal,
                                  {{"NAME"},
                                   {"MESH", Align::left, 5},
                                   {"TYPE", Align::left, 4},
                                   {"LOCATION", Align::left, 1},
                                   {"ID", Align::left, 3},
                                   {"AGE", Align::right},
                                   {"SOURCE", Align::left, 2},
                                   {"AS OF", Align::right}},
                                  std::move(rows)));
    return out;
}

std::string members_text(const object& row) {
    const boost::json::value* members = row.if_contains("members");
    if (members == nullptr || !members->is_object() || members->get_object().empty()) {
        return "not told";
    }
    std::string out;
    for (const auto& member : members->get_object()) {
        out += (out.empty() ? "" : ", ") + base::printable(std::string_view(member.key().data(), member.key().size())) +
               " " + std::to_string(number_in(members->get_object(), member.key()));
    }
    return out;
}

std::string meshes_table(const Terminal& terminal, const object& answer) {
    std::vector<std::vector<Cell>> rows;
    for_each_row(answer, "meshes", [&](const object& row) {
        const boost::json::value* sides = row.if_contains("sides");
        std::size_t gateways = 0;
        std::size_t parts = 0;
        if (sides != nullptr && sides->is_array()) {
            for (const boost::json::value& side : sides->get_array()) {
                ++parts;
                gateways += side.is_array() ? side.get_array().size() : 0;
            }
        }
        rows.push_back(
            {{text_in(row, "mesh")},
             {std::to_string(gateways)},
             {parts > 1 ? "split in " + std::to_string(parts) : "whole", parts > 1 ? Tint::warn : Tint::good},
             {members_text(row)},
             {duration_text(number_in(row, "age_ms"))}});
    });
    if (rows.empty()) {
        return {};
    }
    std::string out = "\n";
    append_lines(out, table_lines(terminal,
                                  {{"OTHER MESH"},
                                   {"GATEWAYS", Align::right},
                                   {"STATE", Align::left, 1},
                                   {"MEMBERS", Align::left, 2},
                                   {"HEARD", Align::right}},
                                  std::move(rows)));
    return out;
}

int run(const cli::Parsed& parsed) {
    auto client = connect_node(parsed);
    if (!client) {
        return fail_query(client.error());
    }
    const auto line = ask_node(*client, R"({"op":"cache"})", query_timeout(parsed).value_or(std::chrono::seconds(10)));
    if (!line) {
        return fail_query(line.error());
    }
    const auto answer = io::parse_json_object("node", *line);
    if (parsed.has("--json") || !answer) {
        return print(*line + "\n");
    }
    const Terminal terminal = inspect_terminal(STDOUT_FILENO);
    return print(nodes_table(terminal, *answer) + meshes_table(terminal, *answer));
}

}  // namespace

Command cache_command() {
    Command command;
    command.name = "cache";
    command.summary = "list all nodes that a running node knows of, of any mesh";
    command.details =
        "Members of its own mesh are as its directory has them; others as gateways answered, AS OF so long ago. AGE is "
        "that of the node's own word. A gateway also shows the other meshes of its fabric.";
    command.codes = "0 done, 1 failed, 2 usage, 4 no such node runs, 5 denied, 124 timed out";
    command.flags = {{"--json", cli::Arity::none, "", "one JSON object, as the control socket gives it"}};
    append_query_flags(command.flags);
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
