#include "apps/grapevine/exec_jobs.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "apps/grapevine/child_process.hpp"
#include "apps/grapevine/read_some.hpp"
#include "apps/grapevine/spawn_process.hpp"
#include "apps/grapevine/terminal.hpp"

namespace grapevine::apps {
namespace {

constexpr std::size_t kComplaintsMax = 4096;  // Bytes of stderr that are kept: the last.

Answer failure(std::string_view text) {
    return {Answer::Verdict::failed, {text.begin(), text.end()}};
}

std::string last_line(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
        text.remove_suffix(1);
    }
    const std::size_t newline = text.rfind('\n');
    return std::string(newline == std::string_view::npos ? text : text.substr(newline + 1));
}

std::string milliseconds_text(base::Duration time) {
    const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    return duration_text(static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0)));
}

}  // namespace

class ExecJobs::Job {
public:
    using Done = std::function<void(Answer)>;  // Destroys the job.

    Job(io::Runtime& runtime, const ExecOptions& options, SpawnedProcess process, std::vector<std::uint8_t> payload,
        Done done)
        : runtime_(runtime),
          options_(options),
          process_(std::move(process)),
          payload_(std::move(payload)),
          done_(std::move(done)) {}

    ~Job() {
        unwatch();
        if (process_.pid != 0) {
            ::kill(process_.pid, SIGKILL);  // It may not lead its group yet.
            static_cast<void>(reap());
        }
    }
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    // Gives false when the kernel will not watch it.
    bool start(base::Duration time_left) {
        const base::Duration limit = std::min(options_.time_max, time_left);
        timer_ = runtime_.at(runtime_.now() + limit, base::Duration::zero(),
                             [this, limit] { fail("no answer within " + milliseconds_text(limit) + ": killed"); });
        const bool watched = watch(in_watch_, process_.in, [this] { close_input(); }) &&
                             watch(out_watch_, process_.out, [this] { on_output(); }) &&
                             watch(err_watch_, process_.err, [this] { on_errors(); }) &&
                             watch(exit_watch_, process_.pidfd, [this] { on_exit(); });
        if (watched) {
            feed();
        }
        return watched;
    }

private:
    bool watch(std::optional<io::WatchId>& slot, const io::Fd& fd, io::Runtime::Work work) {
        const auto id = runtime_.watch(fd.get(), std::move(work));
        if (id) {
            slot = *id;
        }
        return id.has_value();
    }

    void unwatch(std::optional<io::WatchId>& slot) {
        if (slot) {
            runtime_.unwatch(*std::exchange(slot, std::nullopt));
        }
    }

    void unwatch() {
        for (auto* slot : {&in_watch_, &out_watch_, &err_watch_, &exit_watch_}) {
            unwatch(*slot);
        }
        runtime_.cancel(timer_);
    }

    void feed() {
        while (in_watch_ && fed_ < payload_.size()) {
            const ssize_t put = ::write(process_.in.get(), payload_.data() + fed_, payload_.size() - fed_);
            if (put > 0) {
                fed_ += static_cast<std::size_t>(put);
            } else if (put < 0 && errno == EAGAIN) {
                return runtime_.when_writable(*in_watch_, [this] { feed(); });
            } else if (put < 0 && errno != EINTR) {
                break;  // It closed its stdin: what it did not want is thrown away.
            }
        }
        close_input();
    }

    void close_input() {
        unwatch(in_watch_);
        process_.in.reset();
    }

    void on_output() {
        Chunk chunk;
        const auto text = read_some(process_.out.get(), chunk);
        if (!text) {
            return unwatch(out_watch_);
        }
        reply_.insert(reply_.end(), text->begin(), text->end());
        if (reply_.size() > options_.output_max) {
            fail("more than " + std::to_string(options_.output_max) + " bytes of output: killed");
        }
    }

    void on_errors() {
        Chunk chunk;
        const auto text = read_some(process_.err.get(), chunk);
        if (!text) {
            return unwatch(err_watch_);
        }
        keep_complaint(*text);
    }

    void keep_complaint(std::string_view text) {
        complaints_ += text;
        if (complaints_.size() > kComplaintsMax) {
            complaints_.erase(0, complaints_.size() - kComplaintsMax);
        }
    }

    void on_exit() {
        siginfo_t info{};
        if (::waitid(P_PID, static_cast<id_t>(process_.pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
            info.si_pid == 0) {
            return;
        }
        const int status = reap();
        drain(process_.out.get(),
              [this](std::string_view text) { reply_.insert(reply_.end(), text.begin(), text.end()); });
        drain(process_.err.get(), [this](std::string_view text) { keep_complaint(text); });
        if (status != 0) {
            const std::string line = last_line(complaints_);
            return fail(line.empty() ? describe_wait_status(status) : line);
        }
        if (reply_.size() > options_.output_max) {
            return fail("more than " + std::to_string(options_.output_max) + " bytes of output");
        }
        finish({Answer::Verdict::done, std::move(reply_)});
    }

    // Its number, and so its group's, is nobody else's until it has been waited for.
    int reap() {
        int status = 0;
        ::kill(-process_.pid, SIGKILL);
        ::waitpid(process_.pid, &status, 0);
        process_.pid = 0;
        return status;
    }

    void fail(const std::string& text) { finish(failure(text)); }

    // This object is gone afterwards.
    void finish(Answer answer) {
        const Done done = std::exchange(done_, {});
        done(std::move(answer));
    }

    io::Runtime& runtime_;
    const ExecOptions& options_;
    SpawnedProcess process_;
    std::vector<std::uint8_t> payload_;
    Done done_;
    std::size_t fed_ = 0;
    std::vector<std::uint8_t> reply_;
    std::string complaints_;
    std::optional<io::WatchId> in_watch_, out_watch_, err_watch_, exit_watch_;
    io::TaskId timer_;
};

ExecJobs::ExecJobs(io::Runtime& runtime, ExecOptions options) : runtime_(runtime), options_(std::move(options)) {}
ExecJobs::~ExecJobs() = default;

void ExecJobs::run(const Incoming& incoming, Answerer answer) {
    if (jobs_.size() >= options_.jobs_max) {
        return answer({Answer::Verdict::refused, {}});
    }
    auto process = spawn_process({"/bin/sh", "-c", options_.command}, ChildInput::pipe,
                                 {"GRAPEVINE_FROM=" + incoming.from_id, "GRAPEVINE_NAME=" + incoming.name,
                                  std::string("GRAPEVINE_KIND=") + (incoming.is_request ? "request" : "send")});
    if (!process) {
        return answer(failure(process.error().message));
    }
    const std::uint64_t id = ++last_id_;
    const auto done = [this, id, answer](Answer given) {
        const auto job = jobs_.extract(id);  // Lives until the end of this call.
        answer(std::move(given));
    };
    const auto job =
        jobs_.emplace(id, std::make_unique<Job>(runtime_, options_, std::move(*process), incoming.payload, done));
    if (!job.first->second->start(incoming.time_left)) {
        done(failure("the process cannot be watched"));
    }
}

}  // namespace grapevine::apps
