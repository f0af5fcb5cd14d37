// `grapevine send` and `grapevine request`: a message from a running node to another, by name.

#include <chrono>
#include <string>

#include <boost/json.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/payload.hpp"
#include "apps/grapevine/query.hpp"
#include "apps/grapevine/terminal.hpp"
#include "base/encoding.hpp"
#include "grapevine/node_main_json.hpp"
#include "io/json.hpp"

namespace grapevine::apps {
namespace {

using boost::json::object;

constexpr std::uint64_t kDeadlineSecondsMax = 60;
constexpr base::Duration kAnswerSlack = std::chrono::seconds(2);  // For the node to say what became of it.

// Each ending has its words and its exit code (docs/delivery.md).
struct EndingText {
    std::string_view ending;
    std::string_view words;
    cli::Exit exit;
};
constexpr EndingText kEndings[] = {
    {"unknown_mesh", "no such mesh is known", cli::Exit::not_found},
    {"no_such_node", "no such node", cli::Exit::not_found},
    {"ambiguous", "fits several nodes", cli::Exit::usage},
    {"unreachable", "cannot be reached", cli::Exit::not_ready},
    {"refused", "refused: nobody there handles it, or this node is not admitted", cli::Exit::denied},
    {"handler_failed", "its handler failed", cli::Exit::failed},
    {"too_large", "larger than its handler takes", cli::Exit::usage},
    {"peer_busy", "too busy to take it", cli::Exit::not_ready},
    {"deadline", "no answer in time", cli::Exit::timed_out},
    {"in_doubt", "lost while it worked on the message: it may have been handled", cli::Exit::failed},
    {"cancelled", "cancelled", cli::Exit::failed},
};

int complain_of(const object& answer, const std::string& name) {
    const std::string ending = io::string_member(answer, "ending").value_or("?");
    std::string words = "ended with '" + base::printable(ending) + "'";
    cli::Exit exit = cli::Exit::failed;
    for (const EndingText& known : kEndings) {
        if (known.ending == ending) {
            words = known.words;
            exit = known.exit;
        }
    }
    const auto text = base::base64_decode(io::string_member(answer, "payload_base64").value_or(""));
    if (text && !text->empty()) {
        words += ": " + base::printable(base::to_text(*text));
    }
    if (io::string_member(answer, "handled").value_or("") == "maybe" && ending != "in_doubt") {
        words += " (it may have been handled)";
    }
    cli::complain("'" + base::printable(name) + "': " + words);
    return cli::exit_code(exit);
}

int print_answer(const cli::Parsed& parsed, const std::string& line, std::string_view op) {
    const auto answer = io::parse_json_object("node", line);
    if (!answer) {
        return fail_query(answer.error());
    }
    const bool done = io::string_member(*answer, "ending").value_or("") == "acknowledged";
    if (parsed.has("--json")) {
        const int printed = print(line + "\n");
        return printed != 0 || done ? printed : complain_of(*answer, parsed.positionals[0]);
    }
    if (!done) {
        return complain_of(*answer, parsed.positionals[0]);
    }
    if (op == "request") {
        const auto reply = base::base64_decode(io::string_member(*answer, "payload_base64").value_or(""));
        return print(reply ? base::to_text(*reply) + "\n" : "");
    }
    if (parsed.has("--quiet")) {
        return 0;
    }
    const double ms = static_cast<double>(io::unsigned_member(*answer, "elapsed_us").value_or(0)) / 1000.0;
    return print("acknowledged by " + io::string_member(*answer, "peer_name").value_or("?") + " in " +
                 short_number(ms) + " ms\n");
}

int run(const cli::Parsed& parsed, std::string_view op) {
    const auto seconds = cli::parse_number("--timeout", parsed.text("--timeout", "10"), 1, kDeadlineSecondsMax);
    if (!seconds) {
        return cli::fail_with(seconds.error());
    }
    const auto payload = payload_at(parsed, 1, "message");
    if (!payload) {
        return cli::fail_with(payload.error());
    }
    auto client = connect_node(parsed);
    if (!client) {
        return fail_query(client.error());
    }
    object request;
    request["op"] = boost::json::string_view(op.data(), op.size());
    request["name"] = cli::json_text(parsed.positionals[0]);
    request["payload_base64"] = base::base64_encode(base::as_bytes(*payload));
    request["deadline_ms"] = *seconds * 1000;
    request["ordered"] = parsed.has("--ordered");
    request["idempotent"] = parsed.has("--idempotent");
    const auto line = ask_node(*client, boost::json::serialize(request),
                               base::Duration(std::chrono::seconds(*seconds)) + kAnswerSlack);
    return line ? print_answer(parsed, *line, op) : fail_query(line.error());
}

Command delivery_command(const std::string& op) {
    Command command;
    command.name = op;
    command.arguments = "NAME [TEXT|-]";
    command.arguments_min = 1;
    command.arguments_max = 2;
    command.codes =
        "0 acknowledged, 1 failed or in doubt, 2 usage, 3 unreachable or busy, 4 not found, 5 refused, 124 no answer "
        "in time";
    command.flags = {
        {"--ordered", cli::Arity::none, "", "in order with the node's other ordered messages to NAME"},
        {"--idempotent", cli::Arity::none, "", "may be handled twice: try other instances where it is in doubt"},
        {"--quiet", cli::Arity::none, "", "say nothing when all went well"},
        {"--json", cli::Arity::none, "", "one JSON object: ending, peer, attempts, time, reply"}};
    append_query_flags(command.flags);
    return command;
}

}  // namespace

Command send_command() {
    Command command = delivery_command("send");
    command.summary = "deliver a message from a running node to another";
    command.details =
        "NAME is a node (mesh1.broker.239dc9), any of a type (mesh1.broker), or an id. Without TEXT, or with -, the "
        "message is what stdin holds, up to 60 KiB. Done means that the application at the other end said so.";
    command.run = [](const cli::Parsed& parsed) { return run(parsed, "send"); };
    return command;
}

Command request_command() {
    Command command = delivery_command("request");
    command.summary = "deliver a message, and print the reply";
    command.details = "As send; the reply goes to stdout.";
    command.run = [](const cli::Parsed& parsed) { return run(parsed, "request"); };
    return command;
}

}  // namespace grapevine::apps
