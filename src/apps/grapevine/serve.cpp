// `grapevine serve`: a node that answers messages, for trying things.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/durations.hpp"
#include "apps/grapevine/exec_jobs.hpp"
#include "apps/grapevine/handled_log.hpp"
#include "grapevine/node_main.hpp"

namespace grapevine::apps {
namespace {

constexpr std::uint64_t kAtOnceMax = 4096;
constexpr std::uint64_t kExecAtOnceMax = 256;
constexpr base::Duration kTimeMax = std::chrono::seconds(60);  // No message lives longer.

struct ServeOptions {
    std::optional<ExecOptions> exec;  // Else it echoes.
    std::optional<HandledLog> log;
    base::Duration delay{};
    ServiceOptions service;
};

// Shared by the copies of the handler (a std::function is copied), and gone with the node: before the loop.
class Server {
public:
    Server(Loop& loop, ServeOptions options) : loop_(loop), options_(std::move(options)), echo_(echo_handler()) {
        if (options_.exec) {
            jobs_.emplace(loop.runtime(), *options_.exec);
        }
    }

    // `server` is what the handler owns.
    static void handle(const std::shared_ptr<Server>& server, const Incoming& incoming, const Answerer& answer) {
        if (server->options_.log) {
            if (const auto added = server->options_.log->add(incoming); !added) {
                const std::string& text = added.error().message;
                return answer({Answer::Verdict::failed, {text.begin(), text.end()}});
            }
        }
        const base::Duration delay = server->options_.delay;
        if (delay == base::Duration::zero()) {
            return server->work(incoming, answer);
        }
        server->loop_.after(delay, [weak = std::weak_ptr(server), incoming, answer, delay] {
            if (const auto alive = weak.lock()) {
                Incoming later = incoming;
                later.time_left -= delay;
                alive->work(later, answer);
            }
        });
    }

private:
    void work(const Incoming& incoming, const Answerer& answer) {
        if (jobs_) {
            jobs_->run(incoming, answer);
        } else {
            echo_(incoming, answer);
        }
    }

    Loop& loop_;
    ServeOptions options_;
    Handler echo_;
    std::optional<ExecJobs> jobs_;
};

base::Status read_exec(const cli::Parsed& parsed, ServeOptions& options) {
    if (!parsed.has("--exec")) {
        return parsed.has("--exec-timeout") ? base::Status(base::invalid("--exec-timeout: needs --exec"))
                                            : base::Status();
    }
    if (parsed.has("--echo")) {
        return base::invalid("--echo, --exec: one of them");
    }
    const auto time = parse_duration("--exec-timeout", parsed.text("--exec-timeout", "10s"), kTimeMax);
    if (!time) {
        return tl::unexpected(time.error());
    }
    options.exec.emplace();
    options.exec->command = parsed.text("--exec");
    options.exec->time_max = *time;
    return {};
}

base::Status read_log(const cli::Parsed& parsed, ServeOptions& options) {
    if (parsed.has("--record") && parsed.has("--count")) {
        return base::invalid("--record, --count: one of them");
    }
    const bool lines = parsed.has("--record");
    if (!lines && !parsed.has("--count")) {
        return {};
    }
    auto log = HandledLog::open(parsed.text(lines ? "--record" : "--count"),
                                lines ? HandledLog::Format::lines : HandledLog::Format::binary);
    if (!log) {
        return tl::unexpected(log.error());
    }
    options.log.emplace(std::move(*log));
    return {};
}

base::Status read_service(const cli::Parsed& parsed, ServeOptions& options) {
    if (parsed.has("--delay")) {
        const auto delay = parse_duration("--delay", parsed.text("--delay"), kTimeMax);
        if (!delay) {
            return tl::unexpected(delay.error());
        }
        options.delay = *delay;
    }
    const std::string fallback = options.exec ? std::to_string(ExecOptions{}.jobs_max) : "64";
    const auto at_once = cli::parse_number("--at-once", parsed.text("--at-once", fallback), 1,
                                           options.exec ? kExecAtOnceMax : kAtOnceMax);
    if (!at_once) {
        return tl::unexpected(at_once.error());
    }
    options.service.concurrency = static_cast<std::uint32_t>(*at_once);
    if (options.exec) {
        options.exec->jobs_max = *at_once;
    }
    return {};
}

int run(const cli::Parsed& parsed) {
    const bool chosen = parsed.has("--echo") || parsed.has("--exec") || parsed.has("--record") || parsed.has("--count");
    if (!chosen) {
        return cli::fail_usage("serve: one of --echo, --exec, --record or --count is required");
    }
    ServeOptions options;
    for (const auto read : {read_exec, read_service, read_log}) {
        if (const auto done = read(parsed, options); !done) {
            return cli::fail_with(done.error());
        }
    }
    NodePreset preset;
    // Called once, and so the options may go.
    const auto held = std::make_shared<ServeOptions>(std::move(options));
    preset.on_start = [held](Node& node) {
        const ServiceOptions service = held->service;
        const auto server = std::make_shared<Server>(node.loop(), std::move(*held));
        return node.serve(
            "",
            [server](const Incoming& incoming, const Answerer& answer) { Server::handle(server, incoming, answer); },
            service);
    };
    return cli::run_node(preset, parsed);
}

}  // namespace

Command serve_command() {
    cli::CommandLine line = cli::node_command_line({}, "serve");
    Command command;
    command.name = std::move(line.name);
    command.arguments = std::move(line.arguments);
    command.summary = "run one node that answers messages, for trying things";
    command.details =
        "A node as `grapevine node` runs it, that handles whatever is sent to it. --echo answers a request with its "
        "own "
        "text. --exec gives each message to a command of the shell: the payload is its stdin, its stdout the reply; "
        "any exit code but 0 fails the message, with the last line of its stderr as the text. $GRAPEVINE_FROM is the "
        "sender's id, $GRAPEVINE_NAME the name as addressed, $GRAPEVINE_KIND send or request. --record and "
        "--count write down each message before it is answered; alone they echo.";
    command.closing =
        "Exit codes: 0 left as asked, 1 failed, 2 usage, 4 and 5 the file of --record or --count cannot "
        "be opened";
    command.flags = std::move(line.flags);
    const std::vector<cli::Flag> own = {
        {"--echo", cli::Arity::none, "", "answer a request with its own payload, acknowledge the rest"},
        {"--exec", cli::Arity::one, "CMD", "answer each message by running this command in /bin/sh"},
        {"--exec-timeout", cli::Arity::one, "TIME", "kill a command that takes longer", "10s"},
        {"--at-once", cli::Arity::one, "N", "messages worked on at once (default 64, with --exec 4)"},
        {"--delay", cli::Arity::one, "TIME", "wait so long before each answer: a slow consumer"},
        {"--record", cli::Arity::one, "FILE", "append a line for each message: sender, incarnation, sequence"},
        {"--count", cli::Arity::one, "FILE", "the same in 48 bytes: id, incarnation, sequence, big endian"}};
    command.flags.insert(command.flags.begin(), own.begin(), own.end());
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
