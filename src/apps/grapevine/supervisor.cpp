#include "apps/grapevine/supervisor.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <boost/json.hpp>

#include "apps/grapevine/child_log.hpp"
#include "apps/grapevine/spawn_process.hpp"
#include "io/files.hpp"

namespace grapevine::apps {
namespace {

constexpr std::array<std::string_view, 4> kProgramTypes{"broker", "gateway", "compute", "registry"};

using Chunk = std::array<char, 4096>;

enum class ReadState : std::uint8_t { data, nothing_now, end };

// One read of a non-blocking descriptor; `out` is a part of `chunk`.
ReadState read_some(int fd, Chunk& chunk, std::string_view& out) {
    const ssize_t size = ::read(fd, chunk.data(), chunk.size());
    if (size > 0) {
        out = std::string_view(chunk.data(), static_cast<std::size_t>(size));
        return ReadState::data;
    }
    return size < 0 && (errno == EAGAIN || errno == EINTR) ? ReadState::nothing_now : ReadState::end;
}

std::string text_at(const boost::json::object& object, std::string_view key) {
    const boost::json::value* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string{};
}

}  // namespace

struct Supervisor::Entry {
    Child child;
    SpawnedProcess process;
    ChildLog log;
    std::string line;  // What stdout has said of the ready line.
    std::optional<io::WatchId> exit_watch;
    std::optional<io::WatchId> out_watch;
    std::optional<io::WatchId> err_watch;
    std::optional<io::TaskId> kill_task;
    bool restart = false;
};

std::string describe_wait_status(int status) {
    if (WIFSIGNALED(status)) {
        const int signal = WTERMSIG(status);
        const char* name = ::strsignal(signal);
        return "signal " + std::to_string(signal) + (name != nullptr ? " (" + std::string(name) + ")" : "");
    }
    return "exit code " + std::to_string(WEXITSTATUS(status));
}

Supervisor::Supervisor(io::Runtime& runtime, std::filesystem::path programs, Listener listener)
    : runtime_(runtime), programs_(std::move(programs)), listener_(std::move(listener)) {}

Supervisor::~Supervisor() {
    for (auto& [id, entry] : entries_) {
        if (entry->child.alive()) {
            ::kill(entry->child.pid, SIGKILL);
        }
    }
    for (auto& [id, entry] : entries_) {
        if (entry->child.alive()) {
            ::waitpid(entry->child.pid, nullptr, 0);
        }
        close(*entry);
    }
}

std::vector<std::string> Supervisor::command_of(const NodeSpec& spec) const {
    const bool own_program = std::find(kProgramTypes.begin(), kProgramTypes.end(), spec.type) != kProgramTypes.end();
    std::vector<std::string> command;
    if (own_program) {
        command = {(programs_ / spec.type).string()};
    } else {
        command = {(programs_ / "grapevine").string(), "node", "--type", spec.type};
    }
    const std::vector<std::string> rest{
        "--mesh", spec.mesh, "--bind", spec.bind, "--data-dir", spec.data_dir.string(), "--config", "/dev/null"};
    command.insert(command.end(), rest.begin(), rest.end());
    for (const std::string& seed : spec.seeds) {
        command.insert(command.end(), {"--seed", seed});
    }
    return command;
}

base::Result<ChildId> Supervisor::spawn(NodeSpec spec) {
    if (entries_.size() >= kChildrenMax) {
        return base::fail(base::ErrorCode::exhausted, "nodes: at most " + std::to_string(kChildrenMax));
    }
    auto entry = std::make_unique<Entry>();
    entry->child.id = ChildId{next_id_++};
    entry->child.spec = std::move(spec);
    if (const auto launched = launch(*entry); !launched) {
        return tl::unexpected(launched.error());
    }
    const ChildId id = entry->child.id;
    Entry& kept = *entries_.emplace(id, std::move(entry)).first->second;
    watch(kept);
    return id;
}

base::Status Supervisor::launch(Entry& entry) {
    const NodeSpec& spec = entry.child.spec;
    const std::vector<std::string> command = command_of(spec);
    if (::access(command[0].c_str(), X_OK) != 0) {
        return tl::unexpected(io::system_error(command[0], "execute", errno));
    }
    if (const auto made = io::make_private_dir("data directory", spec.data_dir); !made) {
        return made;
    }
    auto log = ChildLog::open(spec.data_dir / "node.log");
    if (!log) {
        return tl::unexpected(log.error());
    }
    auto process = spawn_process(command);
    if (!process) {
        return tl::unexpected(process.error());
    }
    entry.log = std::move(*log);
    entry.process = std::move(*process);
    entry.line.clear();
    entry.child.pid = entry.process.pid;
    entry.child.state = ChildState::starting;
    entry.child.started = runtime_.now();
    return {};
}

// The callbacks hold the id: a child that is gone by then is not found. The descriptors are fresh, so watching can fail
// only for want of kernel memory; the child then shows as starting for ever, and is still killed at the end.
void Supervisor::watch(Entry& entry) {
    const ChildId id = entry.child.id;
    const auto watched = [this](int fd, io::Runtime::Work work) -> std::optional<io::WatchId> {
        const auto watch_id = runtime_.watch(fd, std::move(work));
        return watch_id ? std::optional(*watch_id) : std::nullopt;
    };
    entry.out_watch = watched(entry.process.out.get(), [this, id] { on_output(id); });
    entry.err_watch = watched(entry.process.err.get(), [this, id] { on_errors(id); });
    entry.exit_watch = watched(entry.process.pidfd.get(), [this, id] { on_exit(id); });
}

void Supervisor::on_output(ChildId id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) {
        return;
    }
    Entry& entry = *found->second;
    Chunk chunk;
    std::string_view text;
    if (read_some(entry.process.out.get(), chunk, text) == ReadState::end && entry.out_watch) {
        runtime_.unwatch(*entry.out_watch);  // The process itself is watched by its pidfd.
        entry.out_watch.reset();
    }
    if (entry.child.state != ChildState::starting || entry.line.size() + text.size() > kReadyLineMax) {
        return;
    }
    entry.line.append(text);
    if (const std::size_t end = entry.line.find('\n'); end != std::string::npos) {
        handle_ready_line(entry, std::string_view(entry.line).substr(0, end));
    }
}

void Supervisor::handle_ready_line(Entry& entry, std::string_view line) {
    boost::json::error_code error;
    const boost::json::value value = boost::json::parse({line.data(), line.size()}, error);
    if (error || !value.is_object() || text_at(value.get_object(), "event") != "ready") {
        entry.log.append("grapevine up: not a ready line on stdout\n");
        return;
    }
    const boost::json::object& object = value.get_object();
    entry.child.name = text_at(object, "name");
    entry.child.endpoint_id = text_at(object, "id");
    entry.child.ticket = text_at(object, "ticket");
    entry.child.state = ChildState::ready;
    listener_(entry.child, Event::ready);
}

void Supervisor::on_errors(ChildId id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) {
        return;
    }
    Entry& entry = *found->second;
    Chunk chunk;
    std::string_view text;
    if (read_some(entry.process.err.get(), chunk, text) == ReadState::end && entry.err_watch) {
        runtime_.unwatch(*entry.err_watch);
        entry.err_watch.reset();
    }
    entry.log.append(text);
}

void Supervisor::drain_errors(Entry& entry) {
    Chunk chunk;
    std::string_view text;
    while (read_some(entry.process.err.get(), chunk, text) == ReadState::data) {
        entry.log.append(text);
    }
}

void Supervisor::on_exit(ChildId id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) {
        return;
    }
    Entry& entry = *found->second;
    if (::waitpid(entry.child.pid, &entry.child.wait_status, WNOHANG) != entry.child.pid) {
        return;
    }
    drain_errors(entry);
    close(entry);
    entry.child.state = ChildState::ended;
    entry.log.append("grapevine up: ended, " + describe_wait_status(entry.child.wait_status) + "\n");
    const bool again = std::exchange(entry.restart, false) && !all_ended_;
    listener_(entry.child, Event::ended);
    if (again) {
        if (const auto started = restart_same_identity(id); !started) {
            runtime_.log().write(io::LogLevel::error, "supervisor", "restart: %s", started.error().message.c_str());
        }
    }
    finish_if_all_ended();
}

void Supervisor::close(Entry& entry) {
    for (auto* watch_id : {&entry.exit_watch, &entry.out_watch, &entry.err_watch}) {
        if (*watch_id) {
            runtime_.unwatch(**watch_id);
            watch_id->reset();
        }
    }
    if (entry.kill_task) {
        runtime_.cancel(*entry.kill_task);
        entry.kill_task.reset();
    }
    entry.process = {};
}

void Supervisor::send_signal(ChildId id, int signal) {
    const auto found = entries_.find(id);
    if (found != entries_.end() && found->second->child.alive()) {
        ::kill(found->second->child.pid, signal);
    }
}

void Supervisor::kill(ChildId id) {
    send_signal(id, SIGKILL);
}

void Supervisor::stop(ChildId id) {
    const auto found = entries_.find(id);
    if (found == entries_.end() || !found->second->child.alive() || found->second->kill_task) {
        return;
    }
    Entry& entry = *found->second;
    entry.child.state = ChildState::stopping;
    send_signal(id, SIGTERM);
    send_signal(id, SIGCONT);  // A stopped process could not hear the first.
    entry.kill_task = runtime_.at(runtime_.now() + kStopGrace, base::Duration::zero(), [this, id] { kill(id); });
}

base::Status Supervisor::restart_same_identity(ChildId id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) {
        return base::fail(base::ErrorCode::not_found, "node " + std::to_string(id.value) + ": no such node");
    }
    Entry& entry = *found->second;
    if (entry.child.alive()) {
        entry.restart = true;
        stop(id);
        return {};
    }
    auto launched = launch(entry);
    if (launched) {
        watch(entry);
    }
    return launched;
}

void Supervisor::stop_all(std::function<void()> done) {
    all_ended_ = std::move(done);
    for (const auto& [id, entry] : entries_) {
        stop(id);
    }
    finish_if_all_ended();
}

void Supervisor::finish_if_all_ended() {
    const bool alive =
        std::any_of(entries_.begin(), entries_.end(), [](const auto& item) { return item.second->child.alive(); });
    if (!alive && all_ended_) {
        runtime_.post(std::exchange(all_ended_, {}));
    }
}

void Supervisor::forget(ChildId id) {
    const auto found = entries_.find(id);
    if (found != entries_.end() && !found->second->child.alive()) {
        entries_.erase(found);
    }
}

const Child* Supervisor::find(ChildId id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second->child;
}

std::vector<const Child*> Supervisor::children() const {
    std::vector<const Child*> out;
    for (const auto& [id, entry] : entries_) {
        out.push_back(&entry->child);
    }
    return out;
}

}  // namespace grapevine::apps
