#include "apps/grapevine/collector_child.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "apps/grapevine/supervisor.hpp"
#include "io/files.hpp"
#include "io/json.hpp"

namespace grapevine::apps {
namespace {

constexpr const char* kMetricInterval = "10000";  // Milliseconds: often enough to look at.

// One read of a non-blocking descriptor into `chunk`; nothing at its end.
std::optional<std::string_view> read_some(int fd, std::array<char, 4096>& chunk) {
    const ssize_t size = ::read(fd, chunk.data(), chunk.size());
    if (size > 0) {
        return std::string_view(chunk.data(), static_cast<std::size_t>(size));
    }
    return size < 0 && (errno == EAGAIN || errno == EINTR) ? std::optional<std::string_view>("") : std::nullopt;
}

}  // namespace

CollectorChild::~CollectorChild() {
    if (process_.pid != 0) {
        end_with(SIGKILL);
        ::waitpid(process_.pid, nullptr, 0);
    }
    close();
}

void CollectorChild::start(std::function<void()> decided) {
    decided_ = std::move(decided);
    if (const auto launched = launch(); !launched) {
        say_("collector: " + launched.error().message + "; going on without");
        decide();
        return;
    }
    timer_ = runtime_.at(runtime_.now() + kReadyWithin, base::Duration::zero(), [this] {
        timer_.reset();
        say_("collector: is not ready in time; going on without");
        end_with(SIGKILL);
        decide();
    });
}

base::Status CollectorChild::launch() {
    if (auto made = io::make_private_dir("collector directory", directory_); !made) {
        return made;
    }
    auto log = ChildLog::open(directory_ / "collector.log");
    if (!log) {
        return tl::unexpected(log.error());
    }
    auto process = spawn_process(
        {(programs_ / "grapevine").string(), "collect", "--json", "--listen", listen_, "--store", directory_.string()});
    if (!process) {
        return tl::unexpected(process.error());
    }
    log_ = std::move(*log);
    process_ = std::move(*process);
    line_.clear();
    state_ = State::starting;
    started_ = runtime_.now();
    const auto watched = [this](int fd, io::Runtime::Work work) -> std::optional<io::WatchId> {
        const auto id = runtime_.watch(fd, std::move(work));
        return id ? std::optional(*id) : std::nullopt;
    };
    out_watch_ = watched(process_.out.get(), [this] { on_output(); });
    err_watch_ = watched(process_.err.get(), [this] { on_errors(); });
    exit_watch_ = watched(process_.pidfd.get(), [this] { on_exit(); });
    return {};
}

void CollectorChild::on_output() {
    std::array<char, 4096> chunk;
    const auto text = read_some(process_.out.get(), chunk);
    if (!text) {
        runtime_.unwatch(*std::exchange(out_watch_, std::nullopt));
        return;
    }
    if (state_ != State::starting || line_.size() + text->size() > kReadyLineMax) {
        return;
    }
    line_ += *text;
    if (const std::size_t end = line_.find('\n'); end != std::string::npos) {
        on_ready(std::string_view(line_).substr(0, end));
    }
}

void CollectorChild::on_ready(std::string_view line) {
    const auto object = io::parse_json_object("collector", line);
    const auto url = object ? io::string_member(*object, "url") : std::nullopt;
    constexpr std::string_view kScheme = "http://";
    if (!url || !url->starts_with(kScheme)) {
        log_.append("grapevine up: not a ready line on stdout\n");
        return;
    }
    url_ = *url;
    listen_ = url->substr(kScheme.size());
    state_ = State::ready;
    if (timer_) {
        runtime_.cancel(*std::exchange(timer_, std::nullopt));
    }
    decide();
}

void CollectorChild::on_errors() {
    std::array<char, 4096> chunk;
    const auto text = read_some(process_.err.get(), chunk);
    if (!text) {
        runtime_.unwatch(*std::exchange(err_watch_, std::nullopt));
        return;
    }
    log_.append(*text);
}

void CollectorChild::on_exit() {
    int status = 0;
    if (::waitpid(process_.pid, &status, WNOHANG) != process_.pid) {
        return;
    }
    std::array<char, 4096> chunk;
    for (auto text = read_some(process_.err.get(), chunk); text && !text->empty();
         text = read_some(process_.err.get(), chunk)) {
        log_.append(*text);
    }
    close();
    const State before = std::exchange(state_, State::absent);
    if (before == State::stopping) {
        runtime_.post(std::exchange(done_, {}));
        return;
    }
    const bool again = !url_.empty();
    say_("collector: ended, " + describe_wait_status(status) +
         (again ? "; starting it again" : "; going on without, see " + (directory_ / "collector.log").string()));
    if (again) {
        again_ = runtime_.now() - started_ > kStable ? kAgainFirst : again_;
        start_again();
    }
    decide();
}

void CollectorChild::start_again() {
    timer_ = runtime_.at(runtime_.now() + again_, base::Duration::zero(), [this] {
        timer_.reset();
        if (!launch()) {
            start_again();
        }
    });
    again_ = std::min(again_ * 2, kAgainMost);
}

void CollectorChild::close() {
    for (auto* watch : {&out_watch_, &err_watch_, &exit_watch_}) {
        if (*watch) {
            runtime_.unwatch(*std::exchange(*watch, std::nullopt));
        }
    }
    if (timer_) {
        runtime_.cancel(*std::exchange(timer_, std::nullopt));
    }
    process_ = {};
}

void CollectorChild::decide() {
    if (decided_) {
        runtime_.post(std::exchange(decided_, {}));
    }
}

void CollectorChild::end_with(int signal) const {
    if (process_.pid != 0) {
        ::kill(process_.pid, signal);
    }
}

void CollectorChild::stop(std::function<void()> done) {
    if (timer_) {
        runtime_.cancel(*std::exchange(timer_, std::nullopt));
    }
    decided_ = {};
    if (process_.pid == 0) {
        state_ = State::absent;
        runtime_.post(std::move(done));
        return;
    }
    done_ = std::move(done);
    state_ = State::stopping;
    end_with(SIGTERM);
    end_with(SIGCONT);  // A stopped process could not hear the first.
    timer_ = runtime_.at(runtime_.now() + kStopGrace, base::Duration::zero(), [this] {
        timer_.reset();
        end_with(SIGKILL);
    });
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
