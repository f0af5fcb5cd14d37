// `grapevine up`: boots meshes of real node processes and shows them.

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <optional>

#include "apps/grapevine/cluster.hpp"
#include "apps/grapevine/command.hpp"
#include "apps/grapevine/console_child.hpp"
#include "apps/grapevine/load_follower.hpp"
#include "apps/grapevine/run_dir.hpp"
#include "apps/grapevine/stdio.hpp"
#include "apps/grapevine/supervisor_control.hpp"
#include "apps/grapevine/up_options.hpp"
#include "apps/grapevine/up_view.hpp"

namespace grapevine::apps {
namespace {

constexpr base::Duration kProgressPeriod = std::chrono::milliseconds(100);
constexpr base::Duration kTablePeriod = std::chrono::seconds(1);
constexpr base::Duration kTableSlack = std::chrono::milliseconds(50);
constexpr int kPssEvery = 5;  // Tables; PSS is the dear part of a sample.

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
        if (options_.console) {
            console_.emplace(runtime_, console_config(), [this](const std::string& line) { say(line); });
            console_->start([this] { boot(); });
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
    [[nodiscard]] ConsoleChild::Config console_config() {
        const ClusterSpec& cluster = options_.cluster;
        ConsoleChild::Config config{
            cluster.programs,
            cluster.root / "collector",
            cluster.root,
            Cluster::mesh_name(0),
            {},
            options_.console_listen ? std::optional(options_.console_listen->text()) : std::nullopt};
        if (cluster.admission == Admission::closed) {
            if (auto entry = ConsoleChild::admit(cluster.root, cluster.meshes, config.directory)) {
                config.entry = std::move(*entry);
            } else {
                say("console: " + entry.error().message + "; it is a node of no mesh");
                config.mesh.clear();
            }
        }
        return config;
    }

    // The nodes inherit where their telemetry goes, so the console, which collects it, comes first.
    void boot() {
        if (stopping_) {
            return;
        }
        if (console_ && console_->running()) {
            if (options_.collect) {
                export_to(console_->url());
            }
            if (!options_.json) {
                screen_.say("console  " + console_->link());
            }
        }
        auto control = SupervisorControl::start(runtime_, cluster_);
        if (!control) {
            stop(cli::fail_with(control.error()));
            return;
        }
        control_ = std::move(*control);
        if (const auto booted = cluster_.boot(); !booted) {
            stop(cli::fail_with(booted.error()));
            return;
        }
        if (options_.duration) {
            runtime_.at(runtime_.now() + *options_.duration, base::Duration::zero(), [this] { on_time_over(); });
        }
    }

    void say(const std::string& line) { options_.json ? cli::complain(line) : screen_.say(line); }

    [[nodiscard]] ConsoleView console_view() const {
        return console_ ? ConsoleView{console_->url(), console_->link(), console_->running(),
                                      options_.collect && !console_->url().empty()}
                        : ConsoleView{};
    }

    void draw(const Terminal& terminal, Detail detail) {
        screen_.draw(cluster_lines(terminal, cluster_, cluster_.sample(detail), console_view(), load_shown()));
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
        if (control_) {
            control_->on_event(event, child);
        }
        switch (event) {
            case Cluster::Event::ended: say(label(*child) + ": ended, " + describe_end(*child)); break;
            case Cluster::Event::converged: on_converged(); break;
            case Cluster::Event::boot_failed: stop(cli::exit_code(cli::Exit::failed)); break;
            case Cluster::Event::started:
            case Cluster::Event::ready:
            case Cluster::Event::stopping:
            case Cluster::Event::wedged:
            case Cluster::Event::resumed:
            case Cluster::Event::diverged: break;
        }
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
        return cluster_json(cluster_, cluster_.sample(Detail::with_pss), console_view(), load_shown());
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
        // In a turn of its own: what stops this may be a request that it is just carrying out.
        runtime_.post([this] { control_.reset(); });
        cluster_.stop([this] {
            if (console_) {
                console_->stop([this] { runtime_.stop(); });
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
    std::optional<ConsoleChild> console_;
    std::optional<LoadFollower> load_;
    LoadShown shown_;
    Cluster cluster_;  // It calls the members above until it is gone.
    std::unique_ptr<SupervisorControl> control_;
};

// Five descriptors a node at most.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int run(const cli::Parsed& parsed) {
    auto options = parse_up_options(parsed);
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
        "telemetry goes to a console that ends with them, for its pages and the commands trace, boot, spans and "
        "metrics.";
    command.codes = "0 ended as asked, 1 failed, 2 usage, 3 not converged when --for was over";
    command.flags = up_flags();
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
