#include "apps/grapevine/query.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include <boost/json.hpp>

#include "io/json.hpp"
#include "io/node_registry.hpp"

namespace grapevine::apps {
namespace {

constexpr std::uint64_t kTimeoutMaxSeconds = 3600;

base::ErrorCode code_named(std::string_view name) {
    static constexpr std::array<base::ErrorCode, 6> kCodes{base::ErrorCode::failed,    base::ErrorCode::invalid,
                                                           base::ErrorCode::not_found, base::ErrorCode::exhausted,
                                                           base::ErrorCode::busy,      base::ErrorCode::denied};
    static constexpr std::array<std::string_view, 6> kNames{"failed",    "invalid", "not_found",
                                                            "exhausted", "busy",    "denied"};
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    return found == kNames.end() ? base::ErrorCode::failed : kCodes[static_cast<std::size_t>(found - kNames.begin())];
}

}  // namespace

base::Error error_in(const boost::json::object& answer) {
    const boost::json::value* error = answer.if_contains("error");
    if (error == nullptr || !error->is_object()) {
        return {base::ErrorCode::failed, "node: refused without a reason"};
    }
    return {code_named(io::string_member(error->get_object(), "code").value_or("failed")),
            io::string_member(error->get_object(), "message").value_or("refused")};
}

bool is_ok(const boost::json::object& answer) {
    const boost::json::value* ok = answer.if_contains("ok");
    return ok != nullptr && ok->is_bool() && ok->get_bool();
}

void append_query_flags(std::vector<cli::Flag>& flags) {
    flags.push_back({"--data-dir", cli::Arity::one, "DIR", "ask the node that runs in this data directory"});
    flags.push_back({"--node", cli::Arity::one, "NAME",
                     "ask this running node: a name, an id, MESH or MESH.TYPE "
                     "(default: the only one)"});
    flags.push_back({"--timeout", cli::Arity::one, "SECONDS", "give up after this long (default 10)"});
}

base::Result<base::Duration> query_timeout(const cli::Parsed& parsed) {
    const auto seconds = cli::parse_number("--timeout", parsed.text("--timeout", "10"), 1, kTimeoutMaxSeconds);
    if (!seconds) {
        return tl::unexpected(seconds.error());
    }
    return base::Duration(std::chrono::seconds(*seconds));
}

base::Result<io::ControlClient> connect_node(const cli::Parsed& parsed) {
    const auto timeout = query_timeout(parsed);
    if (!timeout) {
        return tl::unexpected(timeout.error());
    }
    if (parsed.has("--data-dir")) {
        return io::ControlClient::connect(parsed.text("--data-dir"), *timeout);
    }
    const auto node = io::find_running_node(parsed.text("--node"));
    if (!node) {
        return tl::unexpected(node.error());
    }
    return io::ControlClient::connect(node->data_dir, *timeout);
}

base::Result<std::string> ask_node(io::ControlClient& client, std::string_view request, base::Duration timeout) {
    auto line = client.ask(request, timeout);
    if (!line) {
        return line;
    }
    const auto answer = io::parse_json_object("node", *line);
    if (!answer) {
        return tl::unexpected(answer.error());
    }
    return is_ok(*answer) ? line : base::Result<std::string>(tl::unexpected(error_in(*answer)));
}

base::Result<boost::json::object> ask_object(io::ControlClient& client, std::string_view request,
                                             base::Duration timeout) {
    const auto line = ask_node(client, request, timeout);
    if (!line) {
        return tl::unexpected(line.error());
    }
    return io::parse_json_object("node", *line);
}

int fail_query(const base::Error& error) {
    const int code = cli::fail_with(error);
    return error.code == base::ErrorCode::busy ? cli::exit_code(cli::Exit::timed_out) : code;
}

}  // namespace grapevine::apps
