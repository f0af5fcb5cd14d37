// `grapevine bench`: a load from a running node to a name, and how it fared.

#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/durations.hpp"
#include "apps/grapevine/load_view.hpp"
#include "apps/grapevine/query.hpp"
#include "apps/grapevine/terminal.hpp"
#include "apps/grapevine/up_view.hpp"
#include "grapevine/node_main_json.hpp"
#include "io/json.hpp"

namespace grapevine::apps {
namespace {

using boost::json::object;

constexpr std::uint64_t kRateMax = 1'000'000;
constexpr std::uint64_t kBytesMax = 61'440;
constexpr std::uint64_t kUnansweredMax = 16'384;
constexpr std::uint64_t kDeadlineSecondsMax = 60;
constexpr base::Duration kForMax = std::chrono::hours(30 * 24);
// Progress comes once a second, and after the load's time the last outcomes within the messages' deadline.
constexpr base::Duration kSilenceMax = std::chrono::seconds(10);

std::uint64_t milliseconds(base::Duration time) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

// --max is rate 0.
base::Status read_numbers(const cli::Parsed& parsed, object& request) {
    struct Number {
        const char* flag;
        const char* fallback;
        std::uint64_t low, high;
        const char* member;
    };
    static constexpr Number kNumbers[] = {{"--rate", "1000", 1, kRateMax, "rate"},
                                          {"--size", "200", 0, kBytesMax, "payload_bytes"},
                                          {"--unanswered", "2048", 1, kUnansweredMax, "unanswered_max"},
                                          {"--timeout", "10", 1, kDeadlineSecondsMax, "deadline_ms"}};
    for (const Number& number : kNumbers) {
        const auto value =
            cli::parse_number(number.flag, parsed.text(number.flag, number.fallback), number.low, number.high);
        if (!value) {
            return tl::unexpected(value.error());
        }
        request[number.member] = *value;
    }
    request["deadline_ms"] = request["deadline_ms"].to_number<std::uint64_t>() * 1000;
    if (parsed.has("--max")) {
        if (parsed.has("--rate")) {
            return base::invalid("--max, --rate: one of them");
        }
        request["rate"] = 0;
        if (!parsed.has("--unanswered")) {
            request["unanswered_max"] = 256;
        }
    }
    return {};
}

base::Result<object> request_of(const cli::Parsed& parsed) {
    object request;
    request["op"] = "produce";
    request["name"] = cli::json_text(parsed.positionals[0]);
    request["kind"] = parsed.has("--request") ? "request" : "send";
    if (const auto read = read_numbers(parsed, request); !read) {
        return tl::unexpected(read.error());
    }
    const auto time = parse_duration("--for", parsed.text("--for", "10s"), kForMax);
    if (!time) {
        return tl::unexpected(time.error());
    }
    request["duration_ms"] = milliseconds(*time);
    request["ordered"] = parsed.has("--ordered");
    request["idempotent"] = parsed.has("--idempotent");
    if (parsed.has("--outcomes")) {
        std::error_code error;
        const auto path = std::filesystem::absolute(parsed.text("--outcomes"), error);
        request["outcomes_file"] = cli::json_text(error ? parsed.text("--outcomes") : path.string());
    }
    return request;
}

// All that was submitted was acknowledged, and all that was due submitted.
bool went_well(const object& answer) {
    const LoadView view = read_load(answer);
    return view.submitted == view.acknowledged && view.due == view.submitted;
}

int show_end(const cli::Parsed& parsed, const std::string& line, Screen& screen) {
    const auto answer = io::parse_json_object("node", line);
    if (!answer) {
        return fail_query(answer.error());
    }
    if (const auto error = error_of(*answer)) {
        return fail_query(*error);
    }
    if (parsed.has("--json")) {
        if (print(line + "\n") != 0) {
            return cli::exit_code(cli::Exit::failed);
        }
    } else {
        screen.draw(load_lines(inspect_terminal(STDOUT_FILENO), *answer));
    }
    return went_well(*answer) ? 0 : cli::exit_code(cli::Exit::failed);
}

int follow(const cli::Parsed& parsed, io::ControlClient& client, base::Duration patience) {
    Screen screen(STDOUT_FILENO);
    while (true) {
        const auto line = client.next_line(patience);
        if (!line) {
            return fail_query(line.error());
        }
        const auto object = io::parse_json_object("node", *line);
        if (!object || !object->contains("event")) {
            return show_end(parsed, *line, screen);
        }
        if (parsed.has("--json")) {
            if (print(*line + "\n") != 0) {
                return cli::exit_code(cli::Exit::failed);
            }
        } else if (inspect_terminal(STDOUT_FILENO).live) {
            screen.draw({load_progress(*object)});
        }
    }
}

int run(const cli::Parsed& parsed) {
    const auto request = request_of(parsed);
    if (!request) {
        return cli::fail_with(request.error());
    }
    auto client = connect_node(parsed);
    if (!client) {
        return fail_query(client.error());
    }
    if (const auto sent = client->send(boost::json::serialize(*request), kSilenceMax); !sent) {
        return fail_query(sent.error());
    }
    return follow(parsed, *client, kSilenceMax);
}

}  // namespace

Command bench_command() {
    Command command;
    command.name = "bench";
    command.arguments = "NAME";
    command.arguments_min = 1;
    command.arguments_max = 1;
    command.summary = "send at a rate from a running node, and show latency and outcomes";
    command.details =
        "NAME as for send. The loop is open: the rate says when each message is due, and latency counts from that "
        "moment "
        "to the acknowledgement, so that a stall is not hidden by what was held back meanwhile. (Above 1,000 a second, "
        "those of a millisecond are due together.) With --max the loop is closed: as many are under way as "
        "--unanswered "
        "says, and latency counts from the submission. At the end every message has exactly one outcome; one without "
        "is "
        "shown as lost.";
    command.codes =
        "0 all that was due was submitted and acknowledged, 1 not all or failed, 2 usage, 4 no such running node, "
        "5 denied, 124 the node says nothing";
    command.flags = {
        {"--rate", cli::Arity::one, "N", "messages a second", "1000"},
        {"--max", cli::Arity::none, "", "as fast as answers come, instead of a rate"},
        {"--for", cli::Arity::one, "TIME", "how long: 500ms, 30s, 5m", "10s"},
        {"--size", cli::Arity::one, "BYTES", "of each message", "200"},
        {"--request", cli::Arity::none, "", "requests, with a reply, instead of sends"},
        {"--ordered", cli::Arity::none, "", "in order with the node's other ordered messages to NAME"},
        {"--idempotent", cli::Arity::none, "", "may be handled twice: try other instances where it is in doubt"},
        {"--unanswered", cli::Arity::one, "N", "at most so many under way (default 2048, with --max 256)"},
        {"--outcomes", cli::Arity::one, "FILE",
         "append 18 bytes for each: incarnation, sequence (big endian), outcome, handled"},
        {"--json", cli::Arity::none, "", "one JSON object a second, and one at the end"}};
    append_query_flags(command.flags);
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
