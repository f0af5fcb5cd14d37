// `grapevine up`: boots meshes of real node processes and shows them.

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <optional>

#include "apps/grapevine/cluster.hpp"
#include "apps/grapevine/collector_child.hpp"
#include "apps/grapevine/command.hpp"
#include "apps/grapevine/durations.hpp"
#include "apps/grapevine/load_follower.hpp"
#include "apps/grapevine/run_dir.hpp"
#include "apps/grapevine/stdio.hpp"
#include "apps/grapevine/up_view.hpp"
#include "base/encoding.hpp"
#include "grapevine/node_main_settings.hpp"

namespace grapevine::apps {
namespace {

constexpr std::string_view kDefaultPerMesh = "broker=3,gateway=2,compute=2,registry=2";
constexpr base::Duration kDurationMax = std::chrono::hours(30 * 24);
constexpr base::Duration kProgressPeriod = std::chrono::milliseconds(100);
constexpr base::Duration kTablePeriod = std::chrono::seconds(1);
constexpr base::Duration kTableSlack = std::chrono::milliseconds(50);
constexpr std::uint64_t kRateMax = 1'000'000;
constexpr int kPssEvery = 5;  // Tables; PSS is the dear part of a sample.

struct UpOptions {
    ClusterSpec cluster;
    std::filesystem::path data_dir;
    std::optional<base::Duration> duration;
    bool json = false;
    bool collector = true;
    std::uint64_t produce = 0;  // Messages a second; 0: none.
};

// Runs a cluster for the time asked, showing it, and ends with all its processes.
class Up {
public:
    Up(io::Runtime& runtime, const UpOptions& options)
        : runtime_(runtime),
          options_(options),
          screen_(STDOUT_FILENO),
          started_(runtime.now()),
          cluster_(runtime, options.cluster,
                   [this](Cluster::Event event, const Child* child) { on_event(event, child); }) {}

    int run() {
        runtime_.on_signal({SIGINT, SIGTERM, SIGHUP}, [this](int) { on_signal(); });
        if (options_.collector) {
            collector_.emplace(runtime_, options_.cluster.programs, options_.cluster.root / "collector",
                               [this](const std::string& line) { say(line); });
            collector_->start([this] { boot(); });
        } else {
            boot();
        }
        if (!options_.json) {
            tick();
        } else if (!options_.duration) {
            states_.emplace(runtime_, STDOUT_FILENO);
            states_->on_progress([this] { on_read(); });
        }
        runtime_.run();
        return exit_code_;
    }

private:
    // The nodes inherit where their telemetry goes, so the collector comes first.
    void boot() {
        if (stopping_) {
            return;
        }
        if (collector_ && collector_->running()) {
            export_to(collector_->url());
        }
        if (const auto booted = cluster_.boot(); !booted) {
            stop(cli::fail_with(booted.error()));
            return;
        }
        if (options_.duration) {
            runtime_.at(runtime_.now() + *options_.duration, base::Duration::zero(), [this] { on_time_over(); });
        }
    }

    void say(const std::string& line) { options_.json ? cli::complain(line) : screen_.say(line); }

    [[nodiscard]] CollectorView collector_view() const {
        return collector_ ? CollectorView{collector_->url(), collector_->running()} : CollectorView{};
    }

    void draw(const Terminal& terminal, Detail detail) {
        screen_.draw(cluster_lines(terminal, cluster_, cluster_.sample(detail), collector_view(), load_shown()));
    }

    // The gateway of the first mesh writes to the brokers of the second, or of its own if that is the only one. It
    // begins with the first convergence, and goes on in the same gateway, or its next life.
    void start_load() {
        const Child* gateway = options_.produce > 0 ? cluster_.find_ready("mesh1", "gateway") : nullptr;
        if (gateway == nullptr || load_) {
            return;
        }
        shown_.from = gateway->name;
        shown_.name = options_.cluster.meshes > 1 ? "mesh2.broker" : "mesh1.broker";
        shown_.rate = options_.produce;
        load_.emplace(runtime_, gateway->spec.data_dir,
                      R"({"op":"produce","name":")" + shown_.name + R"(","rate":)" + std::to_string(shown_.rate) + "}");
    }

    [[nodiscard]] std::optional<LoadShown> load_shown() const {
        if (!load_) {
            return std::nullopt;
        }
        LoadShown out = shown_;
        out.view = load_->view();
        out.trouble = load_->trouble();
        return out;
    }

    void on_event(Cluster::Event event, const Child* child) {
        switch (event) {
            case Cluster::Event::node_ready: break;
            case Cluster::Event::node_ended: on_node_ended(*child); break;
            case Cluster::Event::converged: on_converged(); break;
            case Cluster::Event::diverged: break;
            case Cluster::Event::boot_failed: stop(cli::exit_code(cli::Exit::failed)); break;
        }
    }

    void on_node_ended(const Child& child) {
        const std::string name = child.name.empty() ? child.spec.mesh + "." + child.spec.type : child.name;
        say(name + ": ended, " + describe_wait_status(child.wait_status));
    }

    // Rates count from the first convergence on, so that booting is no part of an idle node's cost.
    void on_converged() {
        if (!std::exchange(ever_converged_, true)) {
            cluster_.mark();
        }
        start_load();
        if (states_) {
            print_state();
        } else if (!options_.json && !inspect_terminal(STDOUT_FILENO).live) {
            draw(inspect_terminal(STDOUT_FILENO), Detail::with_pss);
        }
    }

    [[nodiscard]] std::string state() {
        return cluster_json(cluster_, cluster_.sample(Detail::with_pss), collector_view(), load_shown());
    }

    // Nobody here waits for the reader of these lines: one that is slow gets the newest state when it reads again.
    void print_state() {
        outdated_ = states_->pending() > 0;
        if (!outdated_) {
            states_->write(state());
        }
        stop_if_nobody_reads();
    }

    void on_read() {
        if (outdated_ && states_->pending() == 0 && cluster_.converged()) {
            print_state();
        }
        stop_if_nobody_reads();
    }

    void stop_if_nobody_reads() {
        if (states_->broken()) {
            stop(cli::exit_code(cli::Exit::failed));
        }
    }

    // While booting a line on a live terminal; afterwards the table, each time with the rates of the last second.
    void tick() {
        const Terminal terminal = inspect_terminal(STDOUT_FILENO);
        if (stopping_ || !terminal.live) {
            return;
        }
        const bool booting = !ever_converged_ && cluster_.ready() < cluster_.planned();
        if (booting) {
            screen_.draw({progress_line(cluster_, runtime_.now() - started_)});
        } else {
            const Detail detail = tables_++ % kPssEvery == 0 ? Detail::with_pss : Detail::cheap;
            draw(terminal, detail);
            cluster_.mark();
        }
        runtime_.at(runtime_.now() + (booting ? kProgressPeriod : kTablePeriod), kTableSlack, [this] { tick(); });
    }

    void on_time_over() {
        if (stopping_) {
            return;
        }
        if (options_.json) {
            if (print(state()) != 0) {
                stop(cli::exit_code(cli::Exit::failed));
            }
        } else if (!inspect_terminal(STDOUT_FILENO).live) {
            draw(inspect_terminal(STDOUT_FILENO), Detail::with_pss);
        }
        stop(cluster_.converged() ? 0 : cli::exit_code(cli::Exit::not_ready));
    }

    void on_signal() {
        const bool in_vain = options_.duration.has_value() && !cluster_.converged();
        stop(in_vain ? cli::exit_code(cli::Exit::not_ready) : 0);
    }

    // Children that do not leave within the grace are killed, so this ends. The nodes go first: what they say last is
    // still collected.
    void stop(int exit_code) {
        if (std::exchange(stopping_, true)) {
            return;
        }
        exit_code_ = exit_code;
        load_.reset();
        cluster_.stop([this] {
            if (collector_) {
                collector_->stop([this] { runtime_.stop(); });
            } else {
                runtime_.stop();
            }
        });
    }

    io::Runtime& runtime_;
    const UpOptions& options_;
    Screen screen_;
    base::TimePoint started_;
    int tables_ = 0;
    bool ever_converged_ = false;
    bool stopping_ = false;
    int exit_code_ = 0;
    std::optional<Output> states_;  // With --json and no --for.
    bool outdated_ = false;
    std::optional<CollectorChild> collector_;
    std::optional<LoadFollower> load_;
    LoadShown shown_;
    Cluster cluster_;  // Last: it calls the members above until it is gone.
};

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

base::Result<UpOptions> parse_options(const cli::Parsed& parsed) {
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
    options.collector = !parsed.has("--no-collector") && !environment_decides_export();
    return options;
}

// Five descriptors a node at most.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int run(const cli::Parsed& parsed) {
    auto options = parse_options(parsed);
    if (!options) {
        return cli::fail_with(options.error());
    }
    const auto programs = program_dir();
    if (!programs) {
        return cli::fail_with(programs.error());
    }
    const auto directory = RunDir::open(options->data_dir);
    if (!directory) {
        return cli::fail_with(directory.error());
    }
    options->cluster.programs = *programs;
    options->cluster.root = directory->path();
    raise_descriptor_limit();
    io::Runtime runtime;
    return Up(runtime, *options).run();
}

}  // namespace

Command up_command() {
    Command command;
    command.name = "up";
    command.summary = "boot meshes of real node processes and show them live";
    command.details =
        "Each mesh is seeded by its first node; all listen on 127.0.0.1. The nodes end with this command, "
        "however it ends. It has converged when every running node's directory holds exactly its mesh's "
        "running nodes; converged_ms counts from the last start of a node (later: from the last end of one). Their "
        "telemetry goes to a collector that ends with them, for the commands trace, boot, spans and metrics.";
    command.codes = "0 ended as asked, 1 failed, 2 usage, 3 not converged when --for was over";
    command.flags = {
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
        {"--no-collector", cli::Arity::none, "",
         "collect no telemetry (also without it if an OTEL_* variable says where telemetry goes)"}};
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
