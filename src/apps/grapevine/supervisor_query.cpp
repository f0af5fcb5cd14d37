#include "apps/grapevine/supervisor_query.hpp"

#include <chrono>
#include <utility>

#include "apps/grapevine/query.hpp"
#include "io/json.hpp"
#include "io/node_registry.hpp"
#include "io/supervisor_registry.hpp"

namespace grapevine::apps {
namespace {

constexpr std::uint64_t kTimeoutMaxSeconds = 3600;
constexpr const char* kTimeoutDefault = "40";  // Longer than the supervisor's own deadline.

base::Result<std::string> run_dir_of(const cli::Parsed& parsed) {
    if (parsed.has("--up")) {
        return parsed.text("--up");
    }
    const auto registry = io::SupervisorRegistry::open();
    if (!registry) {
        return tl::unexpected(registry.error());
    }
    auto found = registry->only();
    if (!found) {
        return tl::unexpected(found.error());
    }
    return std::move(found->run_dir);
}

}  // namespace

void append_supervisor_flags(std::vector<cli::Flag>& flags) {
    flags.push_back({"--up", cli::Arity::one, "DIR",
                     "ask the `grapevine up` that has its data in this directory (default: the only one)"});
    flags.push_back({"--timeout", cli::Arity::one, "SECONDS", "give up after this long (default 40)"});
}

base::Result<SupervisorClient> SupervisorClient::connect(const cli::Parsed& parsed) {
    const auto seconds =
        cli::parse_number("--timeout", parsed.text("--timeout", kTimeoutDefault), 1, kTimeoutMaxSeconds);
    if (!seconds) {
        return tl::unexpected(seconds.error());
    }
    const base::Duration timeout = std::chrono::seconds(*seconds);
    const auto run_dir = run_dir_of(parsed);
    if (!run_dir) {
        return tl::unexpected(run_dir.error());
    }
    auto client = io::ControlClient::connect(*run_dir, timeout, io::ControlPeer::supervisor);
    if (!client) {
        return tl::unexpected(client.error());
    }
    return SupervisorClient(std::move(*client), timeout);
}

base::Result<boost::json::object> SupervisorClient::ask(std::string_view request) {
    const auto line = client_.ask(request, timeout_);
    if (!line) {
        return tl::unexpected(line.error());
    }
    auto answer = io::parse_json_object("supervisor", *line);
    if (answer && !is_ok(*answer)) {
        return tl::unexpected(error_in(*answer));
    }
    return answer;
}

base::Result<std::string> SupervisorClient::next_line() {
    constexpr base::Duration kForever = std::chrono::hours(24 * 365);
    return client_.next_line(kForever);
}

base::Error explain_unsupervised(const base::Error& error, const std::string& name) {
    const bool may_be = error.code == base::ErrorCode::not_found;
    const auto node = may_be ? io::find_running_node(name) : base::Result<io::NodeRecord>(tl::unexpected(error));
    if (name.empty() || !node) {
        return error;
    }
    return {base::ErrorCode::not_found, node->name + ": runs without a supervisor, as process " +
                                            std::to_string(node->pid) +
                                            ": its log is its stderr, and SIGTERM has it leave"};
}

}  // namespace grapevine::apps
