// `grapevine why`: what running nodes can tell of a name, or two of each other.

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include <boost/json.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/json_rows.hpp"
#include "apps/grapevine/query.hpp"
#include "apps/grapevine/terminal.hpp"
#include "base/encoding.hpp"
#include "grapevine/node_main_json.hpp"
#include "io/node_registry.hpp"

namespace grapevine::apps {
namespace {

using boost::json::object;

constexpr std::size_t kTextMax = 1024;

std::string with_spaces(std::string text) {
    std::replace(text.begin(), text.end(), '_', ' ');
    return text;
}

std::string ago(std::uint64_t milliseconds) {
    return duration_text(milliseconds) + " ago";
}

std::string names_in(const object& row, std::string_view key) {
    const boost::json::value* list = row.if_contains(key);
    std::string out;
    if (list == nullptr || !list->is_array()) {
        return out;
    }
    for (const boost::json::value& name : list->get_array()) {
        if (name.is_string()) {
            out += (out.empty() ? "" : ", ") + base::printable(std::string(name.get_string()));
        }
    }
    return out;
}

bool flag_in(const object& row, std::string_view key) {
    const boost::json::value* value = row.if_contains(key);
    return value != nullptr && value->is_bool() && value->get_bool();
}

const object* object_in(const object& row, std::string_view key) {
    const boost::json::value* value = row.if_contains(key);
    return value != nullptr && value->is_object() ? &value->get_object() : nullptr;
}

Tint tint_of(const object& answer) {
    const std::string acquaintance = text_in(answer, "acquaintance");
    if (acquaintance == "member") {
        const object* digest = object_in(answer, "digest");
        return digest != nullptr && names_in(*digest, "suspected_by").empty() ? Tint::good : Tint::warn;
    }
    return acquaintance == "gone" ? Tint::bad : Tint::plain;
}

void append_line(std::string& out, std::string_view label, const std::string& text) {
    if (text.empty()) {
        return;
    }
    std::string head(label);
    head.resize(std::max<std::size_t>(head.size() + 1, 13), ' ');
    out += "  " + head + text + "\n";
}

std::string known_text(const object& answer) {
    const object* known = object_in(answer, "known");
    if (known == nullptr) {
        return {};
    }
    const std::string teller = text_in(*known, "told_by");
    return ago(number_in(*known, "ago_ms")) + ", by " + text_in(*known, "via") +
           (teller.empty() ? "" : " from " + base::printable(teller));
}

std::string digest_text(const object& answer) {
    const object* digest = object_in(answer, "digest");
    if (digest == nullptr || text_in(answer, "acquaintance") == "self") {
        return {};
    }
    return ago(number_in(*digest, "age_ms")) + ", sequence " + std::to_string(number_in(*digest, "sequence"));
}

std::string overlay_text(const object& answer) {
    if (text_in(answer, "acquaintance") != "member") {
        return {};
    }
    if (!flag_in(answer, "neighbor")) {
        return "not a neighbour";
    }
    return flag_in(answer, "eager") ? "a neighbour, eager" : "a neighbour, lazy";
}

std::string connection_text(const object& row) {
    if (text_in(row, "state") != "up") {
        return text_in(row, "for") + ": being dialled for " + duration_text(number_in(row, "since_ms"));
    }
    return text_in(row, "for") + ": " + text_in(row, "remote") + ", " + text_in(row, "origin") + ", up " +
           duration_text(number_in(row, "since_ms")) + ", rtt " +
           short_number(static_cast<double>(number_in(row, "rtt_us")) / 1000.0) + " ms, last packet " +
           ago(number_in(row, "silence_ms")) + ", " + std::to_string(number_in(row, "packets_lost")) + " lost";
}

std::string address_text(const object& row) {
    std::string out = text_in(row, "addr") + " (" + with_spaces(text_in(row, "source")) + "): ";
    const std::string fate = text_in(row, "fate");
    if (fate.empty()) {
        out += "not tried";
    } else {
        out += with_spaces(fate) + ", " + ago(number_in(row, "tried_ago_ms"));
    }
    if (row.contains("worked_ago_ms")) {
        out += "; worked last " + ago(number_in(row, "worked_ago_ms"));
    }
    return out;
}

std::string events_table(const Terminal& terminal, const object& answer) {
    std::vector<std::vector<Cell>> rows;
    for_each_row(answer, "events", [&](const object& row) {
        const std::string who = names_in(row, "who");
        const std::uint64_t times = number_in(row, "times");
        std::string text = base::printable(text_in(row, "text"), kTextMax);
        if (!who.empty()) {
            text += (text.empty() ? "by " : ", by ") + who;
        }
        if (times > 1) {
            text += " (" + std::to_string(times) + " times, first " + ago(number_in(row, "first_ago_ms")) + ")";
        }
        rows.push_back({{ago(number_in(row, "ago_ms"))}, {with_spaces(text_in(row, "kind"))}, {std::move(text)}});
    });
    std::string out;
    if (rows.empty()) {
        return out;
    }
    for (const std::string& line :
         table_lines(terminal, {{"WHEN", Align::right}, {"WHAT"}, {"STORY"}}, std::move(rows))) {
        out += "  " + line + "\n";
    }
    return out;
}

std::string story_of(const Terminal& terminal, const object& answer) {
    const std::string id = text_in(answer, "id").substr(0, 10);
    std::string out = tinted(terminal, Tint::bold, base::printable(text_in(answer, "name"))) +
                      (id.empty() ? "" : " (" + id + ")") + ", as " + base::printable(text_in(answer, "by")) +
                      " tells it\n";
    out += "  " + tinted(terminal, tint_of(answer), base::printable(text_in(answer, "verdict"), kTextMax)) + "\n";
    const std::size_t head = out.size();
    append_line(out, "known since", known_text(answer));
    append_line(out, "last word", digest_text(answer));
    append_line(out, "overlay", overlay_text(answer));
    for_each_row(answer, "connections",
                 [&](const object& row) { append_line(out, "connection", connection_text(row)); });
    for_each_row(answer, "addresses", [&](const object& row) { append_line(out, "address", address_text(row)); });
    if (out.size() > head) {
        out.insert(head, "\n");
    }
    const std::string events = events_table(terminal, answer);
    if (!events.empty()) {
        out += "\n" + events;
    }
    if (const std::uint64_t forgotten = number_in(answer, "forgotten"); forgotten > 0) {
        out += "  and " + std::to_string(forgotten) + " older entries that are not kept\n";
    }
    return out;
}

// Somebody else of the same mesh knows more of a node than that node itself.
base::Result<io::ControlClient> connect_witness(const cli::Parsed& parsed, const std::string& about) {
    if (parsed.has("--node") || parsed.has("--data-dir")) {
        return connect_node(parsed);
    }
    const auto timeout = query_timeout(parsed);
    const auto dir = io::registry_dir();
    if (!timeout || !dir) {
        return tl::unexpected(timeout ? dir.error() : timeout.error());
    }
    const std::string mesh = about.substr(0, about.find('.'));
    const auto nodes = io::NodeRegistry(*dir).list();
    const auto is_witness = [&](const io::NodeRecord& node) { return node.name != about && node.id != about; };
    auto chosen = std::find_if(nodes.begin(), nodes.end(),
                               [&](const io::NodeRecord& node) { return is_witness(node) && node.mesh == mesh; });
    if (chosen == nodes.end()) {
        chosen = std::find_if(nodes.begin(), nodes.end(), is_witness);
    }
    if (chosen == nodes.end()) {
        return connect_node(parsed);
    }
    return io::ControlClient::connect(chosen->data_dir, *timeout);
}

struct Told {
    std::string line;
    object answer;
};

base::Result<Told> ask_about(io::ControlClient& client, const std::string& name, base::Duration timeout) {
    object request;
    request["op"] = "why";
    request["name"] = cli::json_text(name);
    auto line = ask_node(client, boost::json::serialize(request), timeout);
    if (!line) {
        return tl::unexpected(line.error());
    }
    auto answer = io::parse_json_object("node", *line);
    if (!answer) {
        return tl::unexpected(answer.error());
    }
    return Told{std::move(*line), std::move(*answer)};
}

int show(const cli::Parsed& parsed, const Told& told) {
    return print(parsed.has("--json") ? told.line + "\n" : story_of(inspect_terminal(STDOUT_FILENO), told.answer));
}

int run_one(const cli::Parsed& parsed) {
    const std::string& about = parsed.positionals[0];
    auto client = connect_witness(parsed, about);
    if (!client) {
        return fail_query(client.error());
    }
    const auto told = ask_about(*client, about, query_timeout(parsed).value_or(std::chrono::seconds(10)));
    if (!told) {
        return fail_query(told.error());
    }
    const int printed = show(parsed, *told);
    return printed == 0 && text_in(told->answer, "acquaintance") == "unknown" ? cli::exit_code(cli::Exit::not_found)
                                                                              : printed;
}

// Each of the two is asked about the other, as far as they run here.
int run_pair(const cli::Parsed& parsed) {
    const auto timeout = query_timeout(parsed);
    if (!timeout) {
        return cli::fail_with(timeout.error());
    }
    std::size_t asked = 0;
    base::Error last;
    for (std::size_t i = 0; i < 2; ++i) {
        const auto node = io::find_running_node(parsed.positionals[i]);
        if (!node) {
            last = node.error();
            if (node.error().code != base::ErrorCode::not_found) {
                return cli::fail_with(node.error());
            }
            continue;
        }
        auto client = io::ControlClient::connect(node->data_dir, *timeout);
        const auto told = client ? ask_about(*client, parsed.positionals[1 - i], *timeout)
                                 : base::Result<Told>(tl::unexpected(client.error()));
        if (!told) {
            return fail_query(told.error());
        }
        if (asked++ > 0 && !parsed.has("--json")) {
            (void)print("\n");
        }
        if (const int printed = show(parsed, *told); printed != 0) {
            return printed;
        }
    }
    return asked > 0 ? 0 : cli::fail_with(last);
}

int run(const cli::Parsed& parsed) {
    if (parsed.positionals.size() == 1) {
        return run_one(parsed);
    }
    if (parsed.has("--node") || parsed.has("--data-dir")) {
        return cli::fail_with({base::ErrorCode::invalid,
                               "of two names each is asked about the other; --node and "
                               "--data-dir go with one name"});
    }
    return run_pair(parsed);
}

}  // namespace

Command why_command() {
    Command command;
    command.name = "why";
    command.summary = "tell the story of a node or a name, or of two nodes";
    command.arguments = "NAME [NAME]";
    command.arguments_min = 1;
    command.arguments_max = 2;
    command.details =
        "Since when a node is known and from whom, its last word, how it is connected, which addresses were tried and "
        "what came of them, who suspects it, why it was declared dead, and why messages to it failed. Of one NAME (or "
        "an id, or its beginning) another node of its mesh is asked, unless --node says which; of two, each that runs "
        "here is asked about the other.";
    command.codes =
        "0 told, 1 failed, 2 usage or fits several, 4 never heard of, or no such node runs, 5 denied, 124 timed out";
    command.flags = {{"--json", cli::Arity::none, "", "one JSON object a line, as the control socket gives it"}};
    append_query_flags(command.flags);
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
