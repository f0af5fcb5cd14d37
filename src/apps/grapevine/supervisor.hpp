#pragma once

// Node processes and their lives: added, started, stopped, killed, wedged, restarted, and word of each change.
//
// Rules:
// 1. A child never outlives the supervisor, whatever ends that (child_process.hpp).
// 2. Each child has its own process group, so that Ctrl-C at a terminal reaches the supervisor alone, which then asks
//    each child once; a node takes a second signal as "at once".
// 3. Children inherit the environment without the MESH_* variables, except those of the log, and no configuration file:
//    what a child is was said by its NodeSpec and Seeds and nothing else.
// 4. stderr goes to <data dir>/node.log.
// 5. At most kChildrenMax that have not ended. Of those that ended the last kEndedMax are remembered, with their logs.
// 6. A child that was asked to end (Wish) stays ended until it is asked to come again.

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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

// What a node states of itself; 0 leaves it to its program.
struct Budgets {
    std::uint32_t cpu_millicores = 0;
    std::uint32_t memory_kib = 0;
    friend bool operator==(const Budgets&, const Budgets&) = default;
};

struct NodeSpec {
    std::string mesh;
    std::string type;
    Budgets budgets{};
    std::string bind = "127.0.0.1:0";
    std::filesystem::path data_dir;
    std::string authority{};                       // Of a closed mesh: the public id,
    std::vector<std::filesystem::path> tickets{};  // and the node's own ticket, and those for visits.
};

// Tickets by which a node enters its mesh and, a gateway, the fabric. They change from life to life: a port is of one
// life only.
struct Seeds {
    std::vector<std::string> mesh;
    std::vector<std::string> fabric;
};

// waiting: has no process yet. wedged: its process is stopped (SIGSTOP) and shows no sign of life.
enum class ChildState : std::uint8_t { waiting, starting, ready, wedged, stopping, ended };

// What was asked of it last and holds until it comes again.
enum class Wish : std::uint8_t { none, stop, kill, restart };

struct Child {
    ChildId id;
    NodeSpec spec;
    ChildState state = ChildState::waiting;
    Wish wish = Wish::none;
    pid_t pid = 0;            // Of its present or last process.
    base::TimePoint started;  // Of that.
    base::TimePoint ended;    // Once it has.
    std::uint32_t restarts = 0;
    std::string name;  // These three from the ready line; kept after the end.
    std::string endpoint_id;
    std::string ticket;
    int wait_status = 0;  // waitpid's, once ended.
    std::string trouble;  // Instead of that: why it has no process.

    [[nodiscard]] bool alive() const { return state != ChildState::ended; }
    [[nodiscard]] bool asked_to_end() const { return wish == Wish::stop || wish == Wish::kill; }
};

// Those with a program of their own; another type runs as `grapevine node --type`.
inline constexpr std::array<std::string_view, 4> kProgramTypes{"broker", "gateway", "compute", "registry"};

// "starting" also of one that waits.
std::string_view name(ChildState state);
// Its name, or "mesh1.broker-2" until it has said its own.
std::string label(const Child& child);
// How a child ended: "killed on request, signal 9 (Killed)".
std::string describe_end(const Child& child);

class Supervisor {
public:
    static constexpr std::size_t kChildrenMax = 256;
    static constexpr std::size_t kEndedMax = 256;

    // waits: a child was added or is to come again; it starts with start().
    enum class Event : std::uint8_t { waits, started, ready, stopping, wedged, resumed, ended };
    using Listener = std::function<void(const Child&, Event)>;
    using LogListener = std::function<void(const Child&, std::string_view text)>;

    // `programs`: the folder with the node types' programs and the grapevine command. `listener` may call back in.
    Supervisor(io::Runtime& runtime, std::filesystem::path programs, Listener listener);
    // Kills and reaps whatever still runs.
    ~Supervisor();
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    // Error: exhausted.
    base::Result<ChildId> add(NodeSpec spec);
    // Starts a waiting one. One that cannot be started ends, in a turn of its own: no such program, data directory
    // cannot be made, no process to be had.
    void start(ChildId id, const Seeds& seeds);
    // Admits a waiting one to its closed mesh.
    void admit(ChildId id, std::string authority, std::vector<std::filesystem::path> tickets);
    // Ends a waiting one.
    void give_up(ChildId id, std::string trouble);

    // SIGTERM, then SIGKILL after ChildProcess::kStopGrace. A waiting one ends at once.
    void stop(ChildId id);
    void kill(ChildId id);
    // Ends it as stop() does, if it runs; then it waits to be started again in its data directory and so with its key.
    void restart(ChildId id);
    // As after an end that was asked for by restart(): of an ended one.
    void come_again(ChildId id);
    // SIGSTOP and SIGCONT. Error: it is in a state where that makes no sense (invalid; busy while it starts).
    base::Status wedge(ChildId id);
    base::Status resume(ChildId id);
    // Stops all; `done` follows when the last has been waited for.
    void stop_all(std::function<void()> done);

    // What children write to their logs, as it comes.
    void on_log(LogListener listener) { log_listener_ = std::move(listener); }

    [[nodiscard]] const Child* find(ChildId id) const;
    [[nodiscard]] std::vector<const Child*> children() const;
    // How many more can be added.
    [[nodiscard]] std::size_t room() const;

private:
    struct Entry;

    Entry* entry(ChildId id);
    base::Status launch(Entry& entry, const Seeds& seeds);
    void end_without_process(Entry& entry, std::string trouble);
    void begin_end(Entry& entry, Wish wish);
    void on_ready_line(ChildId id, std::string_view line);
    void on_exit(ChildId id, int wait_status);
    void forget_old();
    [[nodiscard]] std::vector<std::string> command_of(const NodeSpec& spec, const Seeds& seeds) const;
    void finish_if_all_ended();

    io::Runtime& runtime_;
    std::filesystem::path programs_;
    Listener listener_;
    LogListener log_listener_;
    std::map<ChildId, std::unique_ptr<Entry>> entries_;
    std::function<void()> all_ended_;
    std::uint32_t next_id_ = 1;
};

}  // namespace grapevine::apps
