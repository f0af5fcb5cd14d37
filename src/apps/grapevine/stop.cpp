// `grapevine stop`, `kill`, `restart`, `wedge`, `resume`: what is done to nodes of a running `grapevine up`.

#include <string>

#include <boost/json.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/json_rows.hpp"
#include "apps/grapevine/query.hpp"
#include "apps/grapevine/supervisor_query.hpp"
#include "apps/grapevine/supervisor_request.hpp"
#include "grapevine/node_main_json.hpp"

namespace grapevine::apps {
namespace {

constexpr std::size_t kNodesMax = 256;

std::string done_line(Action action, const boost::json::object& node) {
    const std::string name = text_in(node, "name");
    switch (action) {
        case Action::stop:
        case Action::kill: return name + ": ended, " + text_in(node, "how") + "\n";
        case Action::restart: return name + ": ready again, process " + std::to_string(number_in(node, "pid")) + "\n";
        case Action::wedge: return name + ": wedged\n";
        case Action::resume: return name + ": goes on\n";
    }
    return {};
}

int print_done(const cli::Parsed& parsed, Action action, const boost::json::object& answer) {
    if (parsed.has("--json")) {
        return print(cli::json_line(answer));
    }
    const boost::json::value* node = answer.if_contains("node");
    return print(node != nullptr && node->is_object() ? done_line(action, node->get_object()) : std::string{});
}

// One after the other, all of them; the exit code is that of the first that failed.
int run(const cli::Parsed& parsed, Action action) {
    auto supervisor = SupervisorClient::connect(parsed);
    if (!supervisor) {
        return fail_query(explain_unsupervised(supervisor.error(), parsed.positionals[0]));
    }
    int code = 0;
    for (const std::string& node : parsed.positionals) {
        const auto answer = supervisor->ask(encode(ActionRequest{action, node}));
        const int done =
            answer ? print_done(parsed, action, *answer) : fail_query(explain_unsupervised(answer.error(), node));
        code = code != 0 ? code : done;
    }
    return code;
}

template <Action kAction>
int run_as(const cli::Parsed& parsed) {
    return run(parsed, kAction);
}

Command command_of(std::string_view name, std::string summary, std::string details) {
    Command command;
    command.name = name;
    command.arguments = "NAME...";
    command.arguments_min = 1;
    command.arguments_max = kNodesMax;
    command.summary = std::move(summary);
    command.details = "NAME is a node's name or id, or MESH.TYPE if exactly one fits. " + std::move(details);
    command.codes = kSupervisorCodes;
    command.flags = {{"--json", cli::Arity::none, "", "one JSON object a node, as the supervisor gives it"}};
    append_supervisor_flags(command.flags);
    return command;
}

}  // namespace

Command stop_command() {
    Command command = command_of("stop", "have nodes of a running grapevine up leave",
                                 "It ends what it has in hand and says goodbye; after 2 s it is killed. Done when it "
                                 "has ended, and it stays so, also under --respawn.");
    command.run = run_as<Action::stop>;
    return command;
}

Command kill_command() {
    Command command = command_of("kill", "kill nodes of a running grapevine up, as by a crash",
                                 "It says nothing to anybody: its mesh has to find out. It stays dead, also under "
                                 "--respawn.");
    command.run = run_as<Action::kill>;
    return command;
}

Command restart_command() {
    Command command = command_of("restart", "stop nodes of a running grapevine up and start them again",
                                 "With the same identity; one that has ended is started again. Done when it is ready.");
    command.run = run_as<Action::restart>;
    return command;
}

Command wedge_command() {
    Command command = command_of("wedge", "stop the process of nodes of a running grapevine up where it stands",
                                 "As a node that hangs: it keeps its sockets and answers nothing, until resume, stop, "
                                 "restart or kill.");
    command.run = run_as<Action::wedge>;
    return command;
}

Command resume_command() {
    Command command = command_of("resume", "let wedged nodes go on", "It refutes what was said of it meanwhile.");
    command.run = run_as<Action::resume>;
    return command;
}

}  // namespace grapevine::apps
