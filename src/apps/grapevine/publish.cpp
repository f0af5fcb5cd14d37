// `grapevine publish`: content for every node of a mesh, from a running one.

#include <string>

#include <boost/json.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/payload.hpp"
#include "apps/grapevine/query.hpp"
#include "base/encoding.hpp"
#include "grapevine/node_main_json.hpp"
#include "io/json.hpp"

namespace grapevine::apps {
namespace {

int run(const cli::Parsed& parsed) {
    const auto content = payload_at(parsed, 0, "content");
    if (!content) {
        return cli::fail_with(content.error());
    }
    const auto timeout = query_timeout(parsed);
    if (!timeout) {
        return cli::fail_with(timeout.error());
    }
    auto client = connect_node(parsed);
    if (!client) {
        return fail_query(client.error());
    }
    boost::json::object request;
    request["op"] = "publish";
    request["payload_base64"] = base::base64_encode(base::as_bytes(*content));
    const auto line = ask_node(*client, boost::json::serialize(request), *timeout);
    if (!line) {
        return fail_query(line.error());
    }
    const auto answer = io::parse_json_object("node", *line);
    if (parsed.has("--json") || !answer) {
        return print(*line + "\n");
    }
    if (parsed.has("--quiet")) {
        return 0;
    }
    return print("published " + std::to_string(io::unsigned_member(*answer, "number").value_or(0)) + ": " +
                 std::to_string(io::unsigned_member(*answer, "bytes").value_or(0)) + " bytes, BLAKE3 " +
                 io::string_member(*answer, "hash").value_or("?") + "\n");
}

}  // namespace

Command publish_command() {
    Command command;
    command.name = "publish";
    command.arguments = "[TEXT|-]";
    command.arguments_max = 1;
    command.summary = "publish content to every node of a mesh";
    command.details =
        "Without TEXT, or with -, the content is what stdin holds, up to 60 KiB (a program publishes 1 MiB). Each node "
        "that is connected to the mesh gets it once, or is told that it missed it: `grapevine ls --watch` shows both, "
        "and so does its log. Done means that the node has announced it and keeps it for the others for 60 s.";
    command.codes =
        "0 published, 1 failed or too much published lately, 2 usage, 4 no such node runs, 5 denied, 124 timed out";
    command.flags = {{"--quiet", cli::Arity::none, "", "say nothing when all went well"},
                     {"--json", cli::Arity::none, "", "one JSON object: number, hash, bytes"}};
    append_query_flags(command.flags);
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
