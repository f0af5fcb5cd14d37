#include "apps/grapevine/up_options.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>

#include "apps/grapevine/console_child.hpp"
#include "apps/grapevine/durations.hpp"
#include "base/encoding.hpp"
#include "grapevine/node_main_settings.hpp"

namespace grapevine::apps {
namespace {

constexpr std::string_view kDefaultPerMesh = "broker=3,gateway=2,compute=2,registry=2";
constexpr base::Duration kDurationMax = std::chrono::hours(30 * 24);
constexpr std::uint64_t kRateMax = 1'000'000;

base::Result<TypeCount> parse_type_count(std::string_view item) {
    const std::size_t equals = item.find('=');
    TypeCount out{std::string(item.substr(0, equals)), 0};
    const auto count = cli::parse_number("--per-mesh", equals == std::string_view::npos ? "" : item.substr(equals + 1),
                                         1, Supervisor::kChildrenMax);
    if (!cli::is_name(out.type) || !count) {
        return base::invalid("--per-mesh: '" + base::printable(item) + "' is not TYPE=COUNT, as in broker=3");
    }
    out.count = *count;
    return out;
}

base::Result<std::vector<TypeCount>> parse_per_mesh(std::string_view text) {
    std::vector<TypeCount> out;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        const auto item = parse_type_count(text.substr(0, comma));
        if (!item) {
            return tl::unexpected(item.error());
        }
        const auto same = [&](const TypeCount& other) { return other.type == item->type; };
        if (std::any_of(out.begin(), out.end(), same)) {
            return base::invalid("--per-mesh: '" + item->type + "' is given twice");
        }
        out.push_back(*item);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    return out.empty() ? base::Result<std::vector<TypeCount>>(base::invalid("--per-mesh: must name a type")) : out;
}

bool has_type(const ClusterSpec& cluster, std::string_view type) {
    return std::any_of(cluster.per_mesh.begin(), cluster.per_mesh.end(),
                       [&](const TypeCount& count) { return count.type == type; });
}

}  // namespace

std::vector<cli::Flag> up_flags() {
    return {
        {"--meshes", cli::Arity::one, "N", "how many meshes, 1 to 16 (default 2)"},
        {"--per-mesh", cli::Arity::one, "LIST",
         "nodes of each, as TYPE=COUNT,... (default broker=3,gateway=2,compute=2,"
         "registry=2); at most 256 in all"},
        {"--for", cli::Arity::one, "TIME", "end after this long: 500ms, 60s, 5m, 2h (default: until Ctrl-C)"},
        {"--json", cli::Arity::none, "", "one JSON object at the end; without --for one each time it converges anew"},
        {"--data-dir", cli::Arity::one, "DIR",
         "keep the nodes' data and identities here (default: fresh, removed at the end)"},
        {"--produce", cli::Arity::one, "RATE",
         "a gateway of mesh1 sends so many messages a second to mesh2.broker (with one mesh, to mesh1.broker)"},
        {"--respawn", cli::Arity::none, "", "start a node that died again, with the same identity"},
        {"--closed", cli::Arity::none, "",
         "closed meshes: an authority of each in the data directory, and a ticket for each node"},
        {"--console", cli::Arity::one, "ADDR:PORT",
         "where the web console listens (default: 127.0.0.1:19090, or any port if that is taken)"},
        {"--no-console", cli::Arity::none, "", "no console, and collect no telemetry"},
        {"--no-collector", cli::Arity::none, "", "the same as --no-console"}};
}

base::Result<UpOptions> parse_up_options(const cli::Parsed& parsed) {
    UpOptions options;
    const auto meshes = cli::parse_number("--meshes", parsed.text("--meshes", "2"), 1, Cluster::kMeshesMax);
    const auto per_mesh = parse_per_mesh(parsed.text("--per-mesh", kDefaultPerMesh));
    if (!meshes || !per_mesh) {
        return tl::unexpected(!meshes ? meshes.error() : per_mesh.error());
    }
    options.cluster.meshes = *meshes;
    options.cluster.per_mesh = *per_mesh;
    const std::size_t nodes = options.cluster.meshes * options.cluster.nodes_per_mesh();
    if (nodes > Supervisor::kChildrenMax) {
        return base::invalid("--meshes, --per-mesh: " + std::to_string(nodes) + " nodes, at most " +
                             std::to_string(Supervisor::kChildrenMax));
    }
    if (parsed.has("--for")) {
        const auto duration = parse_duration("--for", parsed.text("--for"), kDurationMax);
        if (!duration) {
            return tl::unexpected(duration.error());
        }
        options.duration = *duration;
    }
    if (parsed.has("--produce")) {
        const auto rate = cli::parse_number("--produce", parsed.text("--produce"), 1, kRateMax);
        if (!rate) {
            return tl::unexpected(rate.error());
        }
        if (!has_type(options.cluster, "gateway") || !has_type(options.cluster, "broker")) {
            return base::invalid("--produce: needs a gateway and a broker in each mesh (--per-mesh)");
        }
        options.produce = *rate;
    }
    options.data_dir = parsed.text("--data-dir");
    options.cluster.on_death = parsed.has("--respawn") ? OnDeath::respawn : OnDeath::leave_dead;
    options.cluster.admission = parsed.has("--closed") ? Admission::closed : Admission::open;
    options.json = parsed.has("--json");
    options.console = !parsed.has("--no-console") && !parsed.has("--no-collector");
    options.collect = options.console && !environment_decides_export();
    if (parsed.has("--console")) {
        const auto listen = base::SocketAddr::parse(parsed.text("--console"));
        if (!listen) {
            return base::invalid("--console: " + listen.error().message);
        }
        if (!options.console) {
            return base::invalid("--console: cannot be together with --no-console");
        }
        if (!listen->is_loopback()) {
            return base::invalid("--console: '" + listen->text() +
                                 "' is not loopback: `grapevine console` beside it takes --tls-cert and --tls-key");
        }
        options.console_listen = *listen;
    }
    return options;
}

}  // namespace grapevine::apps
