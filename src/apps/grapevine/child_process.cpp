#include "apps/grapevine/child_process.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "apps/grapevine/read_some.hpp"
#include "io/files.hpp"

namespace grapevine::apps {
std::string describe_wait_status(int status) {
    if (WIFSIGNALED(status)) {
        const int signal = WTERMSIG(status);
        const char* name = ::strsignal(signal);
        return "signal " + std::to_string(signal) + (name != nullptr ? " (" + std::string(name) + ")" : "");
    }
    return "exit code " + std::to_string(WEXITSTATUS(status));
}

base::Result<std::unique_ptr<ChildProcess>> ChildProcess::start(io::Runtime& runtime,
                                                                const std::vector<std::string>& command,
                                                                const std::filesystem::path& log, Handlers handlers) {
    if (::access(command[0].c_str(), X_OK) != 0) {
        return tl::unexpected(io::system_error(command[0], "execute", errno));
    }
    auto opened = ChildLog::open(log);
    if (!opened) {
        return tl::unexpected(opened.error());
    }
    auto process = spawn_process(command);
    if (!process) {
        return tl::unexpected(process.error());
    }
    std::unique_ptr<ChildProcess> child(
        new ChildProcess(runtime, std::move(*process), std::move(*opened), std::move(handlers)));
    child->watch();
    return child;
}

ChildProcess::ChildProcess(io::Runtime& runtime, SpawnedProcess process, ChildLog log, Handlers handlers)
    : runtime_(runtime),
      process_(std::move(process)),
      log_(std::move(log)),
      handlers_(std::move(handlers)),
      started_(runtime.now()) {}

ChildProcess::~ChildProcess() {
    if (running()) {
        signal(SIGKILL);
        ::waitpid(process_.pid, nullptr, 0);
    }
    unwatch();
}

// The descriptors are fresh, so watching can fail only for want of kernel memory; the child then never gets ready, and
// is still killed at the end.
void ChildProcess::watch() {
    const auto watched = [this](int fd, io::Runtime::Work work) -> std::optional<io::WatchId> {
        const auto id = runtime_.watch(fd, std::move(work));
        return id ? std::optional(*id) : std::nullopt;
    };
    out_watch_ = watched(process_.out.get(), [this] { on_output(); });
    err_watch_ = watched(process_.err.get(), [this] { on_errors(); });
    exit_watch_ = watched(process_.pidfd.get(), [this] { on_exit(); });
}

void ChildProcess::unwatch() {
    for (auto* watch : {&out_watch_, &err_watch_, &exit_watch_}) {
        if (*watch) {
            runtime_.unwatch(*std::exchange(*watch, std::nullopt));
        }
    }
    if (kill_task_) {
        runtime_.cancel(*std::exchange(kill_task_, std::nullopt));
    }
}

void ChildProcess::on_output() {
    Chunk chunk;
    const auto text = read_some(process_.out.get(), chunk);
    if (!text) {
        runtime_.unwatch(*std::exchange(out_watch_, std::nullopt));  // The process itself is watched by its pidfd.
        return;
    }
    keep_line(*text);
    if (const auto line = first_line()) {
        const auto handler = std::exchange(handlers_.on_first_line, {});
        handler(*line);
    }
}

void ChildProcess::keep_line(std::string_view text) {
    if (!handlers_.on_first_line) {
        return;
    }
    line_ += text;
    if (line_.size() > kFirstLineMax && line_.find('\n') > kFirstLineMax) {
        handlers_.on_first_line = {};
        line_ = {};
    }
}

std::optional<std::string> ChildProcess::first_line() const {
    const std::size_t end = handlers_.on_first_line ? line_.find('\n') : std::string::npos;
    return end != std::string::npos ? std::optional(line_.substr(0, end)) : std::nullopt;
}

void ChildProcess::on_errors() {
    Chunk chunk;
    const auto text = read_some(process_.err.get(), chunk);
    if (!text) {
        runtime_.unwatch(*std::exchange(err_watch_, std::nullopt));
        return;
    }
    keep_log(*text);
}

void ChildProcess::keep_log(std::string_view text) {
    log_.append(text);
    if (handlers_.on_log && !text.empty()) {
        handlers_.on_log(text);
    }
}

void ChildProcess::on_exit() {
    int status = 0;
    if (::waitpid(process_.pid, &status, WNOHANG) != process_.pid) {
        return;
    }
    drain(process_.out.get(), [this](std::string_view text) { keep_line(text); });
    drain(process_.err.get(), [this](std::string_view text) { keep_log(text); });
    unwatch();
    process_ = {};
    note("ended, " + describe_wait_status(status));
    const auto line = first_line();
    const Handlers handlers = std::exchange(handlers_, {});
    // From here on this object may be gone.
    if (line) {
        handlers.on_first_line(*line);
    }
    handlers.on_exit(status);
}

void ChildProcess::signal(int number) const {
    if (running()) {
        ::kill(process_.pid, number);
    }
}

void ChildProcess::terminate() {
    if (!running() || kill_task_) {
        return;
    }
    signal(SIGTERM);
    signal(SIGCONT);  // A stopped process could not hear the first.
    kill_task_ = runtime_.at(runtime_.now() + kStopGrace, base::Duration::zero(), [this] { signal(SIGKILL); });
}

}  // namespace grapevine::apps
