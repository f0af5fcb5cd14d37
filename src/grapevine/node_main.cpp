#include "grapevine/node_main.hpp"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <boost/json/object.hpp>
#include <grapevine/node.hpp>

#include "grapevine/node_main_flags.hpp"
#include "grapevine/node_main_json.hpp"
#include "grapevine/node_main_settings.hpp"
#include "grapevine/node_main_version.hpp"
#include "grapevine/node_start.hpp"
#include "io/data_dir.hpp"
#include "io/runtime.hpp"
#include "io/trim.hpp"

namespace grapevine {
namespace {

using cli::Exit;

constexpr int kDataDirsMax = 64;                        // Default data directories tried for one mesh and type.
constexpr std::chrono::milliseconds kLeaveLimit{1900};  // A leave that takes longer is cut off: 2 s are promised.
// By the first a node has met its neighbours, by the second exchanges with newcomers are over and their connections
// closed, by the last nobody is asked back any more.
constexpr std::chrono::seconds kTrimDelays[] = {std::chrono::seconds(10), std::chrono::seconds(30),
                                                std::chrono::seconds(120)};
constexpr std::chrono::seconds kTrimEvery{60};

const char* environment_of(const char* name) {
    return std::getenv(name);
}

int fail_with(const Error& error) {
    return cli::fail_with({static_cast<base::ErrorCode>(error.code), error.message});
}

std::string ready_line(const Node& node) {
    boost::json::object line;
    line["event"] = "ready";
    line["name"] = cli::json_text(node.name());
    line["id"] = node.id();
    line["ticket"] = node.ticket();
    line["addrs"] = cli::json_texts(node.addresses());
    return cli::json_line(line);
}

bool announce(const Node& node) {
    return cli::write_all(STDOUT_FILENO, ready_line(node));
}

// Without --data-dir: the first directory that no other node uses, so that the n-th node of a type on a machine keeps
// its identity over restarts.
Result<std::unique_ptr<Node>> start_in_free_dir(Loop& loop, NodeOptions options, const NodeStart::Before& before) {
    const std::filesystem::path state = cli::default_state_dir(environment_of);
    if (state.empty()) {
        return tl::unexpected(Error{Error::Code::invalid, "--data-dir: is required where HOME is not set"});
    }
    for (int number = 1; number <= kDataDirsMax; ++number) {
        options.data_dir = state / options.mesh / (options.type + (number == 1 ? "" : "-" + std::to_string(number)));
        if (io::data_dir_holder(options.data_dir)) {
            continue;
        }
        auto node = NodeStart(loop, options, before).run(announce);
        if (node || !io::data_dir_holder(options.data_dir)) {
            return node;
        }
    }
    return tl::unexpected(Error{Error::Code::busy, "--data-dir: all " + std::to_string(kDataDirsMax) + " under '" +
                                                       (state / options.mesh).string() + "' are in use"});
}

// Runs one node from `ready` to the end of its leave.
class Service {
public:
    // From here on a signal waits for run(), so that one that comes with the ready line is a leave, too.
    explicit Service(Loop& loop) : loop_(loop) {
        loop_.on_terminate([this](int) { on_terminate(); });
    }

    int run(std::unique_ptr<Node> node) {
        node_ = std::move(node);
        for (const std::chrono::seconds delay : kTrimDelays) {
            loop_.after(delay, [] { io::trim_process(); });
        }
        trim_later();
        loop_.run();
        return 0;
    }

private:
    void trim_later() {
        loop_.after(kTrimEvery, [this] {
            io::trim_process();
            trim_later();
        });
    }

    void on_terminate() {
        if (std::exchange(leaving_, true)) {
            ::_exit(cli::exit_code(Exit::failed));
        }
        node_->shutdown([this] { loop_.stop(); });
        loop_.after(kLeaveLimit, [this] { loop_.stop(); });
    }

    Loop& loop_;
    std::unique_ptr<Node> node_;
    bool leaving_ = false;
};

// Both texts were checked with the other settings.
void configure_log(io::Log& log, const cli::Settings& settings) {
    log.set_filter(telemetry::Filter::parse(settings.at(cli::SettingId::log).text()).value_or(telemetry::Filter()));
    log.set_format(io::parse_log_format(settings.at(cli::SettingId::log_format).text()).value_or(io::LogFormat::human));
}

int run_settings(const cli::Settings& settings, const NodePreset& preset, NodeStart::Instant began) {
    const auto options = settings.node_options();
    if (!options) {
        return cli::fail_with(options.error());
    }
    Loop loop;
    configure_log(loop.runtime().log(), settings);
    Service service(loop);
    const NodeStart::Before before{began, std::chrono::steady_clock::now()};
    auto node = options->data_dir.empty() ? start_in_free_dir(loop, *options, before)
                                          : NodeStart(loop, *options, before).run(announce);
    if (!node) {
        return fail_with(node.error());
    }
    if (const auto status = preset.on_start ? preset.on_start(**node) : Status{}; !status) {
        return fail_with(status.error());
    }
    return service.run(std::move(*node));
}

}  // namespace

cli::CommandLine cli::node_command_line(const NodePreset& preset, std::string name) {
    CommandLine line;
    line.name = std::move(name);
    line.arguments = preset.type.empty() ? "--mesh NAME --type NAME" : "--mesh NAME";
    line.summary = preset.type.empty() ? "run one node of a mesh" : "run one " + preset.type + " of a mesh";
    line.details =
        "Prints one JSON line on stdout when it listens. SIGTERM or SIGINT leaves the mesh within 2 s; a "
        "second one ends at once.";
    line.closing =
        "A flag wins over the environment [in brackets], that over the file, that over the default.\n\n"
        "Exit codes: 0 left as asked, 1 failed, 2 usage";
    line.flags = node_flags(preset.type);
    return line;
}

int cli::run_node(const NodePreset& preset, const Parsed& parsed) {
    const NodeStart::Instant began = std::chrono::steady_clock::now();
    std::signal(SIGPIPE, SIG_IGN);
    const auto settings = Settings::load(parsed, environment_of, preset);
    if (!settings) {
        return fail_with(settings.error());
    }
    for (const std::string& name : unknown_variables(environ)) {
        complain("warning: " + name + ": no such setting, ignored");
    }
    return run_settings(*settings, preset, began);
}

int node_main(const NodePreset& preset, int argc, char** argv) {
    const std::string program = argc > 0 ? std::filesystem::path(argv[0]).filename().string() : preset.type;
    std::vector<std::string> words;
    if (argc > 1) {
        words.assign(argv + 1, argv + argc);
    }
    cli::CommandLine line = cli::node_command_line(preset, program);
    line.version = cli::version_text();
    const auto outcome = cli::parse_words(line, words, cli::help_columns());
    if (!outcome) {
        return cli::fail_with(outcome.error());
    }
    if (const auto* answer = std::get_if<cli::Answer>(&*outcome)) {
        return cli::write_all(STDOUT_FILENO, answer->text) ? 0 : cli::exit_code(Exit::failed);
    }
    return cli::run_node(preset, std::get<cli::Parsed>(*outcome));
}

}  // namespace grapevine
