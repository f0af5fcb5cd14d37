#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <grapevine/node.hpp>

#include "grapevine/node_main_flags.hpp"
#include "grapevine/node_main_json.hpp"
#include "grapevine/node_main_settings.hpp"
#include "io/data_dir.hpp"
#include "io/runtime.hpp"

namespace grapevine {
namespace {

using cli::Exit;

constexpr int kDataDirsMax = 64;                        // Default data directories tried for one mesh and type.
constexpr std::chrono::milliseconds kLeaveLimit{1900};  // A leave that takes longer is cut off: 2 s are promised.
constexpr cli::Flag kHelpFlag{"--help", cli::Arity::none, "", "this help"};
constexpr cli::Flag kVersionFlag{"--version", cli::Arity::none, "", "version, commit and wire versions"};

const char* environment_of(const char* name) {
    return std::getenv(name);
}

std::vector<cli::Flag> all_flags(const NodePreset& preset) {
    std::vector<cli::Flag> flags = cli::node_flags(preset.type);
    flags.push_back(kHelpFlag);
    flags.push_back(kVersionFlag);
    return flags;
}

int help(const NodePreset& preset, const std::string& program) {
    const std::size_t columns = cli::help_columns();
    const std::string what =
        preset.type.empty() ? "Runs one node of a mesh." : "Runs one " + preset.type + " of a mesh.";
    std::string out = what + " Prints one JSON line on stdout when it listens.\n\nUsage: " + program + " --mesh NAME" +
                      (preset.type.empty() ? " --type NAME" : "") + " [options]\n\nOptions:\n" +
                      cli::flags_help(all_flags(preset), columns) + "\nEnvironment, in the order of the options:\n  ";
    std::string variables;
    for (const cli::Setting& setting : cli::settings_table()) {
        if (preset.type.empty() || setting.id != cli::SettingId::type) {
            variables += (variables.empty() ? "" : " ") + std::string(setting.variable);
        }
    }
    out += cli::wrapped(variables, columns, 2) + "\n\n" +
           cli::wrapped(
               "A flag wins over the environment, that over the file, that over the default. SIGTERM or SIGINT "
               "leaves the mesh within 2 s; a second one ends at once.",
               columns, 0) +
           "\n\nExit codes: 0 left as asked, 1 failed, 2 usage\n";
    return cli::write_all(STDOUT_FILENO, out) ? 0 : cli::exit_code(Exit::failed);
}

int fail_with(const Error& error) {
    return cli::fail_with({static_cast<base::ErrorCode>(error.code), error.message});
}

// Without --data-dir: the first directory that no other node uses, so that the n-th node of a type on a machine keeps
// its identity over restarts.
Result<std::unique_ptr<Node>> start_in_free_dir(Loop& loop, NodeOptions options) {
    const std::filesystem::path state = cli::default_state_dir(environment_of);
    if (state.empty()) {
        return tl::unexpected(Error{Error::Code::invalid, "--data-dir: is required where HOME is not set"});
    }
    for (int number = 1; number <= kDataDirsMax; ++number) {
        options.data_dir = state / options.mesh / (options.type + (number == 1 ? "" : "-" + std::to_string(number)));
        if (io::data_dir_holder(options.data_dir)) {
            continue;
        }
        auto node = Node::start(loop, options);
        if (node || !io::data_dir_holder(options.data_dir)) {
            return node;
        }
    }
    return tl::unexpected(Error{Error::Code::busy, "--data-dir: all " + std::to_string(kDataDirsMax) + " under '" +
                                                       (state / options.mesh).string() + "' are in use"});
}

std::string ready_line(const Node& node) {
    return "{\"event\":\"ready\",\"name\":" + cli::json_text(node.name()) + ",\"id\":" + cli::json_text(node.id()) +
           ",\"ticket\":" + cli::json_text(node.ticket()) + ",\"addrs\":" + cli::json_texts(node.addresses()) + "}\n";
}

// Runs one node from `ready` to the end of its leave.
class Service {
public:
    Service(Loop& loop, std::unique_ptr<Node> node) : loop_(loop), node_(std::move(node)) {}

    int run() {
        loop_.on_terminate([this](int) { on_terminate(); });
        if (!cli::write_all(STDOUT_FILENO, ready_line(*node_))) {
            cli::complain("standard output: the ready line cannot be written");
            return cli::exit_code(Exit::failed);
        }
        loop_.run();
        return 0;
    }

private:
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

int run_node(const cli::Settings& settings) {
    const auto options = settings.node_options();
    if (!options) {
        return cli::fail_with(options.error());
    }
    Loop loop;
    if (const auto level = io::parse_log_level(settings.at(cli::SettingId::log).text())) {
        loop.runtime().log() = io::Log(*level);
    }
    auto node = options->data_dir.empty() ? start_in_free_dir(loop, *options) : Node::start(loop, *options);
    if (!node) {
        return fail_with(node.error());
    }
    return Service(loop, std::move(*node)).run();
}

}  // namespace

int node_main(const NodePreset& preset, int argc, char** argv) {
    const std::string program = argc > 0 ? std::filesystem::path(argv[0]).filename().string() : preset.type;
    std::vector<std::string> words;
    if (argc > 1) {
        words.assign(argv + 1, argv + argc);
    }
    for (const std::string& word : words) {
        if (word == "--help" || word == "-h") {
            return help(preset, program);
        }
    }
    const auto parsed = cli::parse_flags(all_flags(preset), 0, words);
    if (!parsed) {
        return cli::fail_with(parsed.error());
    }
    if (parsed->has(kVersionFlag.name)) {
        return cli::write_all(STDOUT_FILENO, program + " " + cli::version_text() + "\n") ? 0 : 1;
    }
    std::signal(SIGPIPE, SIG_IGN);
    const auto settings = cli::Settings::load(*parsed, environment_of, preset);
    if (!settings) {
        return cli::fail_with(settings.error());
    }
    for (const std::string& name : cli::unknown_variables(environ)) {
        cli::complain("warning: " + name + ": no such setting, ignored");
    }
    return run_node(*settings);
}

}  // namespace grapevine
