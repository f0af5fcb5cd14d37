// `grapevine logs`: what a node of a running `grapevine up` wrote on stderr.

#include <string>

#include <boost/json.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/json_rows.hpp"
#include "apps/grapevine/query.hpp"
#include "apps/grapevine/supervisor_query.hpp"
#include "apps/grapevine/supervisor_request.hpp"
#include "base/encoding.hpp"

namespace grapevine::apps {
namespace {

// A node's own lines are plain; what a program beside it wrote need not be, and goes to a terminal.
std::string shown(std::string_view line) {
    return base::printable(line, line.size() * 4 + 1) + "\n";
}

std::string lines_of(const boost::json::object& answer) {
    std::string out;
    const boost::json::value* lines = answer.if_contains("lines");
    if (lines != nullptr && lines->is_array()) {
        for (const boost::json::value& line : lines->get_array()) {
            out += line.is_string() ? shown(line.get_string()) : std::string{};
        }
    }
    return out;
}

int follow(SupervisorClient& supervisor) {
    for (;;) {
        const auto line = supervisor.next_line();
        if (!line) {
            return cli::fail_with(line.error());
        }
        const auto event = io::parse_json_object("supervisor", *line);
        const auto text = event ? io::string_member(*event, "text") : std::nullopt;
        if (print(text ? shown(*text) : std::string("[a line that was too long]\n")) != 0) {
            return 0;
        }
    }
}

int run(const cli::Parsed& parsed) {
    const auto lines =
        cli::parse_number("--lines", parsed.text("--lines", std::to_string(kLogLinesDefault)), 0, kLogLinesMax);
    if (!lines) {
        return cli::fail_with(lines.error());
    }
    const std::string& node = parsed.positionals[0];
    auto supervisor = SupervisorClient::connect(parsed);
    if (!supervisor) {
        return fail_query(explain_unsupervised(supervisor.error(), node));
    }
    const Follow follows = parsed.has("--follow") ? Follow::yes : Follow::no;
    const auto answer = supervisor->ask(encode(LogsRequest{node, *lines, follows}));
    if (!answer) {
        return fail_query(explain_unsupervised(answer.error(), node));
    }
    const int printed = print(lines_of(*answer));
    return printed == 0 && follows == Follow::yes ? follow(*supervisor) : printed;
}

}  // namespace

Command logs_command() {
    Command command;
    command.name = "logs";
    command.arguments = "NAME";
    command.arguments_min = command.arguments_max = 1;
    command.summary = "print the log of a node of a running grapevine up";
    command.details =
        "NAME is a node's name or id, or MESH.TYPE if exactly one fits; also of one that has ended. At most the last "
        "64 KiB. Control characters are shown as \\xNN.";
    command.codes = kSupervisorCodes;
    command.flags = {{"--lines", cli::Arity::one, "N", "the last N lines (default 100)", {}, {}, "-n"},
                     {"--follow", cli::Arity::none, "", "then print what comes, until Ctrl-C", {}, {}, "-f"}};
    append_supervisor_flags(command.flags);
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
