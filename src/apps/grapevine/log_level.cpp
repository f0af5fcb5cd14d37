// `grapevine log-level`: what a running node logs and traces, shown or changed.

#include <chrono>
#include <string>

#include <boost/json.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/query.hpp"
#include "grapevine/node_main_json.hpp"
#include "io/json.hpp"
#include "telemetry/filter.hpp"

namespace grapevine::apps {
namespace {

int run(const cli::Parsed& parsed) {
    boost::json::object request;
    request["op"] = "log-level";
    if (!parsed.positionals.empty()) {
        // A wrong filter is wrong whether or not a node runs.
        const auto filter = telemetry::Filter::parse(parsed.positionals[0]);
        if (!filter) {
            return cli::fail_with({filter.error().code, "filter: " + filter.error().message});
        }
        request["filter"] = filter->text();
    }
    auto client = connect_node(parsed);
    if (!client) {
        return fail_query(client.error());
    }
    const base::Duration timeout = query_timeout(parsed).value_or(std::chrono::seconds(10));
    const auto line = ask_node(*client, boost::json::serialize(request), timeout);
    if (!line) {
        return fail_query(line.error());
    }
    if (parsed.has("--json")) {
        return print(*line + "\n");
    }
    const auto answer = io::parse_json_object("node", *line);
    return print((answer ? io::string_member(*answer, "filter").value_or("-") : std::string("-")) + "\n");
}

}  // namespace

Command log_level_command() {
    Command command;
    command.name = "log-level";
    command.arguments = "[FILTER]";
    command.arguments_max = 1;
    command.summary = "show or set what a running node logs and traces";
    command.details =
        "FILTER is a level (off, error, warn, info, debug, trace) and exceptions, as in info,gossip=debug. It holds "
        "at once, for lines on stderr, spans and exported logs, until the node ends.";
    command.codes = "0 done, 1 failed, 2 usage, 4 not found, 5 denied, 124 timed out";
    command.flags = {{"--json", cli::Arity::none, "", "one JSON object"}};
    append_query_flags(command.flags);
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
