#include "apps/grapevine/endpoint_options.hpp"

#include "base/encoding.hpp"
#include "base/socket_addr.hpp"
#include "grapevine/node_main_json.hpp"
#include "wire/addr.hpp"

namespace grapevine::apps {

void append_endpoint_flags(std::vector<cli::Flag>& flags) {
    flags.push_back(
        {"--key", cli::Arity::one, "FILE", "the identity; minted when absent (default: a fresh one, not kept)"});
    flags.push_back({"--bind", cli::Arity::many, "ADDR", "IP:PORT or [IP6]:PORT (default 0.0.0.0:0 and [::]:0)"});
}

base::Result<EndpointOptions> endpoint_options(const cli::Parsed& parsed) {
    EndpointOptions options;
    options.bind = parsed.list("--bind");
    for (const std::string& text : options.bind) {
        if (const auto addr = base::SocketAddr::parse(text); !addr) {
            return base::invalid("--bind: " + addr.error().message);
        }
    }
    if (parsed.has("--key")) {
        options.key_file = parsed.text("--key");
        if (options.key_file.empty()) {
            return base::invalid("--key: must not be empty");
        }
    }
    return options;
}

base::Status check_ticket(std::string_view what, std::string_view ticket) {
    const auto addr = wire::parse_ticket(ticket);
    return addr ? base::Status{} : base::Status(base::invalid(std::string(what) + ": " + addr.error().message));
}

int fail_public(const Error& error) {
    return cli::fail_with({static_cast<base::ErrorCode>(error.code), error.message});
}

std::string endpoint_ready_line(const Endpoint& endpoint) {
    boost::json::object line;
    line["event"] = "ready";
    line["id"] = endpoint.id();
    line["ticket"] = endpoint.ticket();
    line["addrs"] = cli::json_texts(endpoint.addresses());
    return cli::json_line(line);
}

}  // namespace grapevine::apps
