#include "apps/grapevine/console_child.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "apps/grapevine/cluster.hpp"
#include "apps/grapevine/mesh_options.hpp"
#include "io/files.hpp"
#include "io/json.hpp"

namespace grapevine::apps {
namespace {

constexpr const char* kMetricInterval = "10000";  // Milliseconds: often enough to look at.

}  // namespace

base::Result<ConsoleChild::Entry> ConsoleChild::admit(const std::filesystem::path& run_dir, std::size_t meshes,
                                                      const std::filesystem::path& directory) {
    Entry entry;
    for (std::size_t i = 0; i < std::min(meshes, Cluster::kVisitsMax + 1); ++i) {
        const auto use = i == 0 ? wire::AdmissionUse::member : wire::AdmissionUse::visitor;
        auto admitted = admit_to(run_dir, Cluster::mesh_name(i), directory / "node", use);
        if (!admitted) {
            return tl::unexpected(admitted.error());
        }
        entry.tickets.push_back(std::move(admitted->ticket));
        if (i == 0) {
            entry.authority = std::move(admitted->authority);
        }
    }
    return entry;
}

void ConsoleChild::start(std::function<void()> decided) {
    decided_ = std::move(decided);
    begin();
}

void ConsoleChild::begin() {
    if (const auto launched = launch(); !launched) {
        say_("console: " + launched.error().message + "; going on without");
        decide();
        return;
    }
    timer_ = runtime_.at(runtime_.now() + kReadyWithin, base::Duration::zero(), [this] {
        timer_.reset();
        choice_ = Choice::made;
        say_("console: is not ready in time; going on without");
        process_->signal(SIGKILL);
        decide();
    });
}

base::Status ConsoleChild::launch() {
    if (auto made = io::make_private_dir("console directory", config_.directory); !made) {
        return made;
    }
    std::vector<std::string> command{(config_.programs / "grapevine").string(),
                                     "console",
                                     "--json",
                                     "--listen",
                                     listen_,
                                     "--store",
                                     config_.directory.string(),
                                     "--up",
                                     config_.run_dir.string()};
    if (!config_.mesh.empty()) {
        command.insert(command.end(), {"--mesh", config_.mesh});
    }
    if (!config_.entry.authority.empty()) {
        command.insert(command.end(), {"--authority", config_.entry.authority});
    }
    for (const std::filesystem::path& ticket : config_.entry.tickets) {
        command.insert(command.end(), {"--ticket", ticket.string()});
    }
    auto process = ChildProcess::start(
        runtime_, command, config_.directory / "console.log",
        {[this](std::string_view line) { on_ready_line(line); }, [this](int wait_status) { on_exit(wait_status); }});
    if (!process) {
        return tl::unexpected(process.error());
    }
    process_ = std::move(*process);
    state_ = State::starting;
    return {};
}

void ConsoleChild::on_ready_line(std::string_view line) {
    const auto object = io::parse_json_object("console", line);
    const auto url = object ? io::string_member(*object, "url") : std::nullopt;
    constexpr std::string_view kScheme = "http://";
    const auto link = object ? io::string_member(*object, "link") : std::nullopt;
    if (state_ != State::starting || !link || !url || !url->starts_with(kScheme)) {
        process_->note("not a ready line on stdout");
        return;
    }
    url_ = *url;
    link_ = *link;
    listen_ = url->substr(kScheme.size());
    choice_ = Choice::made;
    state_ = State::ready;
    cancel_timer();
    decide();
}

void ConsoleChild::on_exit(int wait_status) {
    cancel_timer();
    const State before = std::exchange(state_, State::absent);
    if (before == State::stopping) {
        runtime_.post(std::exchange(done_, {}));
        return;
    }
    if (before == State::starting && choice_ == Choice::usual) {
        try_any_port();
        return;
    }
    const bool again = !url_.empty();
    say_("console: ended, " + describe_wait_status(wait_status) +
         (again ? "; starting it again" : "; going on without, see " + (config_.directory / "console.log").string()));
    if (again) {
        again_ = runtime_.now() - process_->started() > kStable ? kAgainFirst : again_;
        start_again();
    }
    decide();
}

// Another console, most likely, has the usual port.
void ConsoleChild::try_any_port() {
    choice_ = Choice::made;
    listen_ = kAnyPort;
    say_("console: " + std::string(kUsual) + " cannot be had; it takes another port");
    timer_ = runtime_.at(runtime_.now(), base::Duration::zero(), [this] {
        timer_.reset();
        begin();
    });
}

void ConsoleChild::start_again() {
    timer_ = runtime_.at(runtime_.now() + again_, base::Duration::zero(), [this] {
        timer_.reset();
        if (!launch()) {
            start_again();
        }
    });
    again_ = std::min(again_ * 2, kAgainMost);
}

void ConsoleChild::cancel_timer() {
    if (timer_) {
        runtime_.cancel(*std::exchange(timer_, std::nullopt));
    }
}

void ConsoleChild::decide() {
    if (decided_) {
        runtime_.post(std::exchange(decided_, {}));
    }
}

void ConsoleChild::stop(std::function<void()> done) {
    cancel_timer();
    decided_ = {};
    if (!process_ || !process_->running()) {
        state_ = State::absent;
        runtime_.post(std::move(done));
        return;
    }
    done_ = std::move(done);
    state_ = State::stopping;
    process_->terminate();
}

bool environment_decides_export() {
    for (const char* name : {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                             "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"}) {
        if (const char* value = std::getenv(name); value != nullptr && *value != '\0') {
            return true;
        }
    }
    const char* disabled = std::getenv("OTEL_SDK_DISABLED");
    return disabled != nullptr && std::string_view(disabled) == "true";
}

void export_to(const std::string& url) {
    ::setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url.c_str(), 1);
    const char* interval = std::getenv("OTEL_METRIC_EXPORT_INTERVAL");
    if (interval == nullptr || *interval == '\0') {
        ::setenv("OTEL_METRIC_EXPORT_INTERVAL", kMetricInterval, 1);
    }
}

}  // namespace grapevine::apps
