// `grapevine collect`: receives OTLP/HTTP, keeps a bounded store, and answers what trace, boot, spans and metrics ask.

#include <csignal>

#include <boost/json/object.hpp>

#include "apps/grapevine/collector_options.hpp"
#include "apps/grapevine/command.hpp"
#include "console/collector.hpp"
#include "grapevine/node_main_json.hpp"
#include "io/runtime.hpp"

namespace grapevine::apps {
namespace {

constexpr std::string_view kListen = "127.0.0.1:4318";  // OTLP/HTTP's port.
constexpr std::string_view kStore = "collector";

std::string ready_line(const cli::Parsed& parsed, const console::CollectorRecord& record) {
    if (parsed.has("--json")) {
        boost::json::object line;
        line["event"] = "ready";
        line["url"] = record.url;
        line["store"] = cli::json_text(record.store);
        line["pid"] = record.pid;
        return cli::json_line(line);
    }
    return "collecting at " + record.url + " into " + record.store +
           "\nnodes export to it with OTEL_EXPORTER_OTLP_ENDPOINT=" + record.url + "\n";
}

int run(const cli::Parsed& parsed) {
    const auto config = collector_options(parsed, kListen, kStore);
    if (!config) {
        return cli::fail_with(config.error());
    }
    io::Runtime runtime;
    runtime.on_signal({SIGINT, SIGTERM, SIGHUP}, [&](int) { runtime.stop(); });
    const auto collector = console::Collector::start(runtime, *config);
    if (!collector) {
        return cli::fail_with(collector.error());
    }
    if (!config->listen.is_loopback()) {
        cli::complain("--listen: not loopback: whoever reaches this address can write to and read from the store");
    }
    if (const int printed = print(ready_line(parsed, (*collector)->record())); printed != 0) {
        return printed;
    }
    runtime.run();
    return 0;
}

}  // namespace

Command collect_command() {
    Command command;
    command.name = "collect";
    command.summary = "receive traces, metrics and logs (OTLP/HTTP) and keep them for trace, boot, spans, metrics";
    command.details =
        "Serves until SIGTERM or Ctrl-C. What is kept is bounded by size and by age; the oldest goes first. `grapevine "
        "up` starts one by itself.";
    command.codes = "0 ended as asked, 1 failed, 2 usage, 5 denied";
    append_collector_options(command.flags, kListen, "where to keep it (default: 'collector' in the state directory)");
    command.flags.push_back({"--json", cli::Arity::none, "", "the ready line as one JSON object"});
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
