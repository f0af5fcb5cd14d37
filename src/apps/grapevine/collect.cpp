// `grapevine collect`: receives OTLP/HTTP, keeps a bounded store, and answers what trace, boot, spans and metrics ask.

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>

#include <boost/json/object.hpp>

#include "apps/grapevine/collector_query.hpp"
#include "apps/grapevine/command.hpp"
#include "console/collector.hpp"
#include "grapevine/node_main_json.hpp"
#include "grapevine/node_main_settings.hpp"
#include "grapevine/node_main_version.hpp"
#include "io/runtime.hpp"

namespace grapevine::apps {
namespace {

base::Result<std::filesystem::path> store_dir(const cli::Parsed& parsed) {
    if (parsed.has("--store")) {
        return std::filesystem::absolute(parsed.text("--store"));
    }
    const auto state = cli::default_state_dir([](const char* name) { return std::getenv(name); });
    return state.empty()
               ? base::Result<std::filesystem::path>(base::invalid("--store: is required where HOME is not set"))
               : state / "collector";
}

base::Result<console::CollectorConfig> parse_config(const cli::Parsed& parsed) {
    console::CollectorConfig config;
    const auto listen = base::SocketAddr::parse(parsed.text("--listen", "127.0.0.1:4318"));
    const auto size = parse_size("--max-size", parsed.text("--max-size", "256MiB"));
    const auto age = parse_time("--max-age", parsed.text("--max-age", "24h"));
    auto directory = store_dir(parsed);
    if (!listen) {
        return base::invalid("--listen: " + listen.error().message);
    }
    if (!size || !age || !directory) {
        return tl::unexpected(!size ? size.error() : !age ? age.error() : directory.error());
    }
    if (*size < console::StoreLimits::kBytesMin) {
        return base::invalid("--max-size: must be 4MiB or more");
    }
    config.listen = *listen;
    config.store.bytes_max = *size;
    config.store.age_max = *age;
    config.directory = std::move(*directory);
    config.version = cli::version_text();
    return config;
}

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
    const auto config = parse_config(parsed);
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
    command.flags = {
        {"--listen", cli::Arity::one, "ADDR:PORT", "where to listen; port 0 chooses", "127.0.0.1:4318"},
        {"--store", cli::Arity::one, "DIR", "where to keep it (default: 'collector' in the state directory)"},
        {"--max-size", cli::Arity::one, "SIZE", "at most this much, as in 64MiB or 1GiB", "256MiB"},
        {"--max-age", cli::Arity::one, "TIME", "nothing older than this, as in 30m, 24h or 7d", "24h"},
        {"--json", cli::Arity::none, "", "the ready line as one JSON object"}};
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
