#pragma once

// Node processes and their lives: start, stop, kill, restart, and word of each that is ready or has ended.
//
// Rules:
// - A child never outlives the supervisor, whatever ends that (child_process.hpp).
// - Each child has its own process group, so that Ctrl-C at a terminal reaches the supervisor alone, which then asks
//   each child once; a node takes a second signal as "at once".
// - Children inherit the environment without the MESH_* variables, except those of the log, and no configuration file:
//   what a child is was said by its NodeSpec and nothing else.
// - stderr goes to <data dir>/node.log.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "apps/grapevine/child_process.hpp"
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
    std::vector<std::string> fabric_seeds{};
    std::string bind = "127.0.0.1:0";
    std::filesystem::path data_dir;
    std::string authority{};         // Of a closed mesh: the public id,
    std::filesystem::path ticket{};  // and the node's ticket.
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

class Supervisor {
public:
    static constexpr std::size_t kChildrenMax = 256;

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
    // SIGTERM, then SIGKILL after ChildProcess::kStopGrace.
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
    void on_ready_line(ChildId id, std::string_view line);
    void on_exit(ChildId id, int wait_status);
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
