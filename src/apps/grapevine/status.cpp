// `grapevine status`: one running node in detail. `grapevine ping`: a round trip to another.

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include <boost/json.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/query.hpp"
#include "apps/grapevine/terminal.hpp"
#include "grapevine/node_main_json.hpp"
#include "io/json.hpp"

namespace grapevine::apps {
namespace {

using boost::json::object;

constexpr std::uint64_t kPingsMax = 1'000'000;

std::string text(const object& from, std::string_view key) {
    return io::string_member(from, key).value_or("-");
}
std::uint64_t number(const object& from, std::string_view key) {
    return io::unsigned_member(from, key).value_or(0);
}

std::string field(const Terminal& terminal, std::string_view name, const std::string& value) {
    std::string left(name);
    left.resize(12, ' ');
    return tinted(terminal, Tint::dim, left) + value + "\n";
}

std::string joined(const boost::json::value* list) {
    std::string out;
    if (list != nullptr && list->is_array()) {
        for (const boost::json::value& item : list->get_array()) {
            out += (out.empty() ? "" : " ") + (item.is_string() ? std::string(item.get_string()) : std::string("?"));
        }
    }
    return out;
}

std::string neighbors_table(const Terminal& terminal, const object& answer) {
    std::vector<std::vector<Cell>> rows;
    const boost::json::value* list = answer.if_contains("neighbors");
    for (const boost::json::value& item :
         list != nullptr && list->is_array() ? list->get_array() : boost::json::array()) {
        if (!item.is_object()) {
            continue;
        }
        const object& row = item.get_object();
        const boost::json::value* eager = row.if_contains("eager");
        rows.push_back({{text(row, "name")},
                        {text(row, "id").substr(0, 10), Tint::dim},
                        {text(row, "remote")},
                        {short_number(static_cast<double>(number(row, "rtt_us")) / 1000.0)},
                        {duration_text(number(row, "silence_ms"))},
                        {eager != nullptr && eager->is_bool() && eager->get_bool() ? "eager" : "lazy"}});
    }
    std::string out;
    for (const std::string& line : table_lines(terminal,
                                               {{"NEIGHBOUR"},
                                                {"ID", Align::left, 2},
                                                {"REMOTE", Align::left, 1},
                                                {"RTT MS", Align::right},
                                                {"SILENT", Align::right},
                                                {"LINK"}},
                                               rows)) {
        out += "\n" + line;
    }
    return out + "\n";
}

std::string ledger_table(const Terminal& terminal, const object& answer) {
    std::vector<std::vector<Cell>> rows;
    const boost::json::value* ledger = answer.if_contains("ledger");
    if (ledger == nullptr || !ledger->is_object()) {
        return {};
    }
    for (const auto& item : ledger->get_object()) {
        if (item.value().is_object()) {
            const object& tally = item.value().get_object();
            rows.push_back({{std::string(item.key())},
                            {std::to_string(number(tally, "born"))},
                            {std::to_string(number(tally, "ended"))},
                            {std::to_string(number(tally, "alive"))},
                            {std::to_string(number(tally, "peak"))}});
        }
    }
    std::string out;
    for (const std::string& line : table_lines(terminal,
                                               {{"LEDGER"},
                                                {"BORN", Align::right},
                                                {"ENDED", Align::right},
                                                {"ALIVE", Align::right},
                                                {"PEAK", Align::right}},
                                               rows)) {
        out += "\n" + line;
    }
    return out + "\n";
}

int print_status(const object& answer) {
    const Terminal terminal = inspect_terminal(STDOUT_FILENO);
    std::string out = field(terminal, "name", tinted(terminal, Tint::bold, text(answer, "name")));
    out += field(terminal, "id", text(answer, "id")) + field(terminal, "ticket", text(answer, "ticket"));
    out += field(terminal, "addresses", joined(answer.if_contains("addrs")));
    out += field(terminal, "process",
                 std::to_string(number(answer, "pid")) + ", up " + duration_text(number(answer, "uptime_ms")));
    out += field(terminal, "data", text(answer, "data_dir"));
    out += field(terminal, "directory", std::to_string(number(answer, "directory_size")) + " nodes");
    return print(out + neighbors_table(terminal, answer) + ledger_table(terminal, answer));
}

int run_status(const cli::Parsed& parsed) {
    auto client = connect_node(parsed);
    if (!client) {
        return fail_query(client.error());
    }
    const base::Duration timeout = query_timeout(parsed).value_or(std::chrono::seconds(10));
    const auto line = ask_node(*client, R"({"op":"status"})", timeout);
    if (!line) {
        return fail_query(line.error());
    }
    const auto answer = io::parse_json_object("node", *line);
    return parsed.has("--json") || !answer ? print(*line + "\n") : print_status(*answer);
}

std::string ping_line(const cli::Parsed& parsed, const object& answer, std::uint64_t sequence) {
    const std::uint64_t rtt = number(answer, "rtt_us");
    if (parsed.has("--json")) {
        object line;
        line["name"] = text(answer, "name");
        line["id"] = text(answer, "id");
        line["sequence"] = sequence;
        line["rtt_us"] = rtt;
        return cli::json_line(line);
    }
    return text(answer, "name") + " (" + text(answer, "id").substr(0, 10) +
           "): " + short_number(static_cast<double>(rtt) / 1000.0) + " ms\n";
}

// One after the other, each as soon as the last is answered. Ends at the first that fails.
int run_ping(const cli::Parsed& parsed) {
    const auto count = cli::parse_number("--count", parsed.text("--count", "1"), 1, kPingsMax);
    if (!count) {
        return cli::fail_with(count.error());
    }
    auto client = connect_node(parsed);
    if (!client) {
        return fail_query(client.error());
    }
    const base::Duration timeout = query_timeout(parsed).value_or(std::chrono::seconds(10));
    object ping;
    ping["op"] = "ping";
    ping["name"] = cli::json_text(parsed.positionals[0]);
    const std::string request = boost::json::serialize(ping);
    for (std::uint64_t sequence = 0; sequence < *count; ++sequence) {
        const auto answer = ask_object(*client, request, timeout);
        if (!answer) {
            return fail_query(answer.error());
        }
        if (const int printed = print(ping_line(parsed, *answer, sequence)); printed != 0) {
            return printed;
        }
    }
    return 0;
}

constexpr const char* kQueryCodes = "0 done, 1 failed, 2 usage, 4 not found, 5 denied, 124 timed out";

}  // namespace

Command status_command() {
    Command command;
    command.name = "status";
    command.summary = "show one running node: addresses, neighbours, ledger";
    command.codes = kQueryCodes;
    command.flags = {{"--json", cli::Arity::none, "", "one JSON object, with every figure"}};
    append_query_flags(command.flags);
    command.run = run_status;
    return command;
}

Command ping_command() {
    Command command;
    command.name = "ping";
    command.arguments = "NAME";
    command.arguments_min = command.arguments_max = 1;
    command.summary = "measure a round trip from a running node to another";
    command.details =
        "NAME is a node's name or its id. The time is that of a frame to the other node's mesh service and back.";
    command.codes = kQueryCodes;
    command.flags = {{"--count", cli::Arity::one, "N", "how often, one after the other (default 1)"},
                     {"--json", cli::Arity::none, "", "one JSON object a line"}};
    append_query_flags(command.flags);
    command.run = run_ping;
    return command;
}

}  // namespace grapevine::apps
