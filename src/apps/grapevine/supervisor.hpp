#pragma once

// Node processes and their lives: start, stop, kill, restart, and word of each that is ready or has ended.
//
// Rules:
// - A child never outlives the supervisor: it asks the kernel for SIGKILL at its parent's death before it becomes the
// node,
//   and looks whether the parent is already gone. So also kill -9 of the supervisor leaves nothing behind.
// - Each child has its own process group, so that Ctrl-C at a terminal reaches the supervisor alone, which then asks
// each
//   child once; a node takes a second signal as "at once".
// - Children inherit the environment without the MESH_* variables, except those of the log, and no configuration file:
//   what a child is was said by its NodeSpec and nothing else.
// - The pid of a child is used only while it has not been waited for, so it cannot belong to another process.
// - stdout is read up to kReadyLineMax for the ready line; stderr goes to <data dir>/node.log, which is bounded.
// - A child that is still there kStopGrace after SIGTERM is killed.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.hpp"
#include "base/time.hpp"
#include "io/runtime.hpp"

namespace grapevine::apps {

struct ChildId {
    std::uint32_t value = 0;
    friend auto operator<=>(const ChildId&, const ChildId&) = default;
};

struct NodeSpec {
    std::string mesh;
    std::string type;
    std::vector<std::string> seeds;
    std::string bind = "127.0.0.1:0";
    std::filesystem::path data_dir;
};

enum class ChildState : std::uint8_t { starting, ready, stopping, ended };

struct Child {
    ChildId id;
    NodeSpec spec;
    ChildState state = ChildState::starting;
    pid_t pid = 0;
    base::TimePoint started;
    std::string name;  // These three from the ready line; kept after the end.
    std::string endpoint_id;
    std::string ticket;
    int wait_status = 0;  // waitpid's, once ended.

    [[nodiscard]] bool alive() const { return state != ChildState::ended; }
};

// "exit code 1", "signal 9 (Killed)".
std::string describe_wait_status(int status);

class Supervisor {
public:
    static constexpr std::size_t kChildrenMax = 256;
    static constexpr std::size_t kReadyLineMax = 16 * 1024;
    static constexpr base::Duration kStopGrace = std::chrono::seconds(2);

    enum class Event : std::uint8_t { ready, ended };
    using Listener = std::function<void(const Child&, Event)>;

    // `programs`: the folder with the node types' programs and the grapevine command. `listener` may call back in.
    Supervisor(io::Runtime& runtime, std::filesystem::path programs, Listener listener);
    // Kills and reaps whatever still runs.
    ~Supervisor();
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    // Errors: no such program, data directory cannot be made, kChildrenMax reached, no process to be had.
    base::Result<ChildId> spawn(NodeSpec spec);
    // SIGTERM, then SIGKILL after kStopGrace.
    void stop(ChildId id);
    void kill(ChildId id);
    void send_signal(ChildId id, int signal);
    // Ends the child as stop() does, if it runs, and starts it again in its data directory and so with its key.
    base::Status restart_same_identity(ChildId id);
    // Stops all; `done` follows when the last has been waited for.
    void stop_all(std::function<void()> done);
    // Forgets a child that has ended.
    void forget(ChildId id);

    [[nodiscard]] const Child* find(ChildId id) const;
    [[nodiscard]] std::vector<const Child*> children() const;

private:
    struct Entry;

    base::Status launch(Entry& entry);
    void watch(Entry& entry);
    void on_output(ChildId id);
    void on_errors(ChildId id);
    static void drain_errors(Entry& entry);
    void on_exit(ChildId id);
    void handle_ready_line(Entry& entry, std::string_view line);
    void close(Entry& entry);
    [[nodiscard]] std::vector<std::string> command_of(const NodeSpec& spec) const;
    void finish_if_all_ended();

    io::Runtime& runtime_;
    std::filesystem::path programs_;
    Listener listener_;
    std::map<ChildId, std::unique_ptr<Entry>> entries_;
    std::function<void()> all_ended_;
    std::uint32_t next_id_ = 1;
};

}  // namespace grapevine::apps
