#pragma once

// A child of `up` from its start to its end: reads its first line, keeps what it says on stderr, ends it, reaps it.
//
// Rules:
// - It dies with this process and has its own process group (spawn_process.hpp).
// - Its pid is used only while it has not been waited for, so it cannot belong to another process.
// - The first line of stdout is read up to kFirstLineMax; what follows is read and thrown away. stderr goes to the log,
//   which is bounded, to the last byte that was there when the child ended.
// - One that is still there kStopGrace after it was asked to end is killed.

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "apps/grapevine/child_log.hpp"
#include "apps/grapevine/spawn_process.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "io/runtime.hpp"

namespace grapevine::apps {

// "exit code 1", "signal 9 (Killed)"; of a status as waitpid gives it.
std::string describe_wait_status(int status);

class ChildProcess {
public:
    static constexpr base::Duration kStopGrace = std::chrono::seconds(2);
    static constexpr std::size_t kFirstLineMax = 16 * 1024;

    // The first two may destroy the child. on_exit comes last and once; not when the child is destroyed. on_log gets
    // what was written to the log.
    struct Handlers {
        std::function<void(std::string_view line)> on_first_line;
        std::function<void(int wait_status)> on_exit;
        std::function<void(std::string_view text)> on_log{};
    };

    // `runtime` outlives the child. Errors: no such program, the log cannot be opened, no process to be had.
    static base::Result<std::unique_ptr<ChildProcess>> start(io::Runtime& runtime,
                                                             const std::vector<std::string>& command,
                                                             const std::filesystem::path& log, Handlers handlers);
    // Kills and reaps it if it still runs.
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    [[nodiscard]] bool running() const { return process_.pid != 0; }
    [[nodiscard]] pid_t pid() const { return process_.pid; }  // 0 once it has been waited for.
    [[nodiscard]] base::TimePoint started() const { return started_; }
    void signal(int number) const;
    // SIGTERM, and SIGKILL after kStopGrace. Once; more calls do nothing.
    void terminate();
    // A line of our own among what the child says.
    void note(const std::string& text) { keep_log("grapevine up: " + text + "\n"); }

private:
    ChildProcess(io::Runtime& runtime, SpawnedProcess process, ChildLog log, Handlers handlers);
    void watch();
    void on_output();
    void keep_line(std::string_view text);
    [[nodiscard]] std::optional<std::string> first_line() const;
    void keep_log(std::string_view text);
    void on_errors();
    void on_exit();
    void unwatch();

    io::Runtime& runtime_;
    SpawnedProcess process_;
    ChildLog log_;
    Handlers handlers_;
    base::TimePoint started_;
    std::string line_;
    std::optional<io::WatchId> out_watch_, err_watch_, exit_watch_;
    std::optional<io::TaskId> kill_task_;
};

}  // namespace grapevine::apps
