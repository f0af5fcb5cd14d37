// `grapevine console`: the web console, with the collector behind it.

#include <algorithm>
#include <cctype>
#include <csignal>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <boost/json/object.hpp>

#include "apps/grapevine/collector_options.hpp"
#include "apps/grapevine/command.hpp"
#include "apps/grapevine/console_node.hpp"
#include "apps/grapevine/console_token.hpp"
#include "apps/grapevine/mesh_options.hpp"
#include "apps/grapevine/run_dir.hpp"
#include "base/encoding.hpp"
#include "console/console.hpp"
#include "console/supervisor_socket.hpp"
#include "grapevine/node_main_json.hpp"
#include "grapevine/node_main_words.hpp"
#include "io/admission_files.hpp"
#include "wire/admission.hpp"

#include <grapevine/loop.hpp>
#include <grapevine/node.hpp>

namespace grapevine::apps {
namespace {

constexpr std::string_view kListen = "127.0.0.1:19090";
constexpr std::string_view kStore = "console";
constexpr std::size_t kUrlMax = 256;
constexpr std::size_t kHostMax = 253;  // RFC 1035.

struct ConsoleOptions {
    console::ConsoleConfig config;
    std::optional<NodeOptions> node;  // Of its own, with --mesh.
    std::filesystem::path supervisor;
};

// The pages beside the programs, as they are built and installed.
console::StaticFiles pages_of(const cli::Parsed& parsed) {
    const auto programs = program_dir();
    const std::filesystem::path directory =
        parsed.has("--assets") ? std::filesystem::path(parsed.text("--assets"))
                               : (programs ? *programs : std::filesystem::path()) / "../share/grapevine/console";
    auto pages = console::StaticFiles::load(directory.lexically_normal());
    return pages ? std::move(*pages)
                 : console::StaticFiles::absent("the pages are not here: " + pages.error().message +
                                                "; --assets DIR says where they are. The API under /api is served.");
}

base::Status read_admission(const cli::Parsed& parsed, NodeOptions& node) {
    if (parsed.has("--authority")) {
        const auto authority = parse_authority_id("--authority", parsed.text("--authority"));
        if (!authority) {
            return tl::unexpected(authority.error());
        }
        node.authority = authority->hex();
    }
    for (const std::string& file : parsed.list("--ticket")) {
        const auto ticket = io::read_ticket_file(file);
        if (!ticket) {
            return base::fail(ticket.error().code, "--ticket: " + ticket.error().message);
        }
        node.tickets.push_back(wire::admission_text(*ticket));
    }
    return {};
}

base::Result<std::optional<NodeOptions>> node_of(const cli::Parsed& parsed, const std::filesystem::path& store) {
    if (!parsed.has("--mesh")) {
        for (const char* flag : {"--seed", "--authority", "--ticket"}) {
            if (parsed.has(flag)) {
                return base::invalid(std::string(flag) + ": needs --mesh");
            }
        }
        return std::nullopt;
    }
    NodeOptions node;
    if (const auto read = read_admission(parsed, node); !read) {
        return tl::unexpected(read.error());
    }
    node.mesh = parsed.text("--mesh");
    node.type = "console";
    node.fabric = parsed.text("--fabric", "default");
    node.seeds = parsed.list("--seed");
    node.data_dir = store / "node";
    return std::optional(std::move(node));
}

base::Result<std::unique_ptr<console::TlsIdentity>> identity_of(const cli::Parsed& parsed,
                                                                const base::SocketAddr& listen) {
    const bool both = parsed.has("--tls-cert") && parsed.has("--tls-key");
    if (!both && (parsed.has("--tls-cert") || parsed.has("--tls-key"))) {
        return base::invalid(parsed.has("--tls-cert") ? "--tls-cert: needs --tls-key" : "--tls-key: needs --tls-cert");
    }
    if (!both && !listen.is_loopback()) {
        return base::invalid("--listen: '" + listen.text() +
                             "' is not loopback: another address needs TLS, by --tls-cert and --tls-key");
    }
    return both ? console::TlsIdentity::load(parsed.text("--tls-cert"), parsed.text("--tls-key"))
                : base::Result<std::unique_ptr<console::TlsIdentity>>(nullptr);
}

bool is_host(std::string_view text) {
    return !text.empty() && text.size() <= kHostMax && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
    });
}

base::Result<std::vector<std::string>> hosts_of(const cli::Parsed& parsed, const base::SocketAddr& listen) {
    std::vector<std::string> hosts = parsed.list("--host");
    for (const std::string& host : hosts) {
        if (!is_host(host)) {
            return base::invalid("--host: '" + base::printable(host) +
                                 "' is no name or address of IPv4 without a port");
        }
    }
    if (hosts.empty() && listen.is_unspecified()) {
        return base::invalid("--listen: '" + listen.text() +
                             "' is every address: --host must say by which names it is reached");
    }
    return hosts;
}

// Where links to traces may lead; the page judges the rest of it.
base::Result<std::string> jaeger_of(const cli::Parsed& parsed) {
    std::string url = parsed.text("--jaeger");
    const bool scheme = url.starts_with("http://") || url.starts_with("https://");
    const bool plain = url.size() <= kUrlMax && std::all_of(url.begin(), url.end(), [](unsigned char c) {
                           return c > ' ' && c < 0x7f && c != '@' && c != '"' && c != '\\' && c != '#' && c != '?';
                       });
    if (parsed.has("--jaeger") && (!scheme || !plain)) {
        return base::invalid("--jaeger: '" + base::printable(url) +
                             "' is no http or https address, such as http://127.0.0.1:16686");
    }
    return url;
}

base::Result<ConsoleOptions> parse_options(const cli::Parsed& parsed) {
    auto collector = collector_options(parsed, kListen, kStore);
    if (!collector) {
        return tl::unexpected(collector.error());
    }
    auto identity = identity_of(parsed, collector->listen);
    if (!identity) {
        return tl::unexpected(identity.error());
    }
    auto hosts = hosts_of(parsed, collector->listen);
    if (!hosts) {
        return tl::unexpected(hosts.error());
    }
    auto jaeger = jaeger_of(parsed);
    if (!jaeger) {
        return tl::unexpected(jaeger.error());
    }
    auto node = node_of(parsed, collector->directory);
    if (!node) {
        return tl::unexpected(node.error());
    }
    auto token = load_or_mint_token(collector->directory);
    if (!token) {
        return tl::unexpected(token.error());
    }
    ConsoleOptions out;
    out.node = std::move(*node);
    out.supervisor = parsed.text("--up");
    out.config.collector = std::move(*collector);
    out.config.jaeger = std::move(*jaeger);
    out.config.access = parsed.has("--read-only") ? console::Access::read_only : console::Access::full;
    out.config.token = std::move(*token);
    out.config.fabric = parsed.text("--fabric", "default");
    out.config.pages = pages_of(parsed);
    out.config.identity = std::move(*identity);
    out.config.hosts = std::move(*hosts);
    return out;
}

std::string ready_line(const cli::Parsed& parsed, const console::CollectorRecord& record, const std::string& token) {
    const std::string link = record.url + "/#token=" + token;
    if (parsed.has("--json")) {
        boost::json::object line;
        line["event"] = "ready";
        line["url"] = record.url;
        line["link"] = link;
        line["store"] = cli::json_text(record.store);
        line["pid"] = record.pid;
        return cli::json_line(line);
    }
    return "console at " + link + "\nkeeps what it is told in " + record.store +
           "\nnodes export to it with OTEL_EXPORTER_OTLP_ENDPOINT=" + record.url + "\n";
}

int run(const cli::Parsed& parsed) {
    auto options = parse_options(parsed);
    if (!options) {
        return cli::fail_with(options.error());
    }
    Loop loop;
    io::Runtime& runtime = loop.runtime();
    const std::string token = options->config.token;
    console::SupervisorSocket supervisor(runtime, options->supervisor);
    const auto console = console::Console::start(runtime, std::move(options->config), supervisor);
    if (!console) {
        return cli::fail_with(console.error());
    }
    console::Console& shown = **console;
    std::optional<ConsoleNode> own;
    if (options->node) {
        own.emplace(loop, shown, std::move(*options->node), options->supervisor);
    }
    const auto meshes_here = [&own](const std::set<std::string>& meshes) {
        if (own) {
            own->on_meshes(meshes);
        }
    };
    if (const auto followed = shown.start_feed(meshes_here); !followed) {
        return cli::fail_with(followed.error());
    }
    if (const auto begun = own ? own->begin() : base::Status{}; !begun) {
        return cli::fail_with(begun.error());
    }
    supervisor.start({&shown.input(), [&shown] { return shown.moment(); }, [&shown] { shown.changed(); }});
    runtime.on_signal({SIGINT, SIGTERM, SIGHUP}, [&](int) {
        if (own) {
            own->leave([&loop] { loop.stop(); });
        } else {
            loop.stop();
        }
    });
    if (const int printed = print(ready_line(parsed, shown.record(), token)); printed != 0) {
        return printed;
    }
    loop.run();
    return 0;
}

}  // namespace

Command console_command() {
    Command command;
    command.name = "console";
    command.summary = "serve the web console: the fabric as it is, and what is done to it";
    command.details =
        "Shows every node of this user that runs on this machine and what its mesh says, asks the supervisor of "
        "`grapevine up` to start and end nodes, and collects telemetry as `grapevine collect` does, on the same port. "
        "The link that it prints carries the token that changes need; without it the pages only show. With --mesh it "
        "is a node of that mesh itself, and watches the other meshes of its fabric through one gateway each. It owns "
        "no node and may end at any time. `grapevine up` starts one by itself.\n\n"
        "On another address than loopback it needs --tls-cert and --tls-key, and then the token for looking too.";
    command.codes = "0 ended as asked, 1 failed, 2 usage, 5 denied";
    append_collector_options(command.flags, kListen, "where to keep it (default: 'console' in the state directory)");
    const std::vector<cli::Flag> own = {
        {"--mesh", cli::Arity::one, "MESH", "be a node of this mesh, of type console (default: no node)"},
        {"--seed", cli::Arity::many, "TICKET",
         "by whom it enters its mesh (default: its nodes on this machine, once there is one)"},
        {"--authority", cli::Arity::one, "ID",
         "its mesh is closed: its authority's public id, or file; needs a ticket"},
        {"--ticket", cli::Arity::many, "FILE",
         "admission to its closed mesh, or for a visit to another that it shall watch"},
        {"--fabric", cli::Arity::one, "FABRIC", "the fabric's name", "default"},
        {"--up", cli::Arity::one, "DIR", "the run directory of the `grapevine up` to ask (default: the only one)"},
        {"--tls-cert", cli::Arity::one, "FILE", "speak HTTPS with this certificate chain, PEM; needs --tls-key"},
        {"--tls-key", cli::Arity::one, "FILE", "its key, PEM, readable by its owner alone (0600)"},
        {"--host", cli::Arity::many, "NAME", "a name by which it is reached; the first is in the link"},
        {"--jaeger", cli::Arity::one, "URL", "the Jaeger that has the same traces: each links there (default: none)"},
        {"--read-only", cli::Arity::none, "", "nothing can be changed, with or without the token"},
        {"--assets", cli::Arity::one, "DIR", "the pages (default: those that came with the program)"},
        {"--json", cli::Arity::none, "", "the ready line as one JSON object"}};
    command.flags.insert(command.flags.end(), own.begin(), own.end());
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
