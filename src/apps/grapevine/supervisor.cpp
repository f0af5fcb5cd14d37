#include "apps/grapevine/supervisor.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include <boost/json.hpp>

#include "io/files.hpp"

namespace grapevine::apps {
namespace {

constexpr std::array<std::string_view, 4> kProgramTypes{"broker", "gateway", "compute", "registry"};

std::string text_at(const boost::json::object& object, std::string_view key) {
    const boost::json::value* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string{};
}

}  // namespace

struct Supervisor::Entry {
    Child child;
    std::unique_ptr<ChildProcess> process;  // Kept after its end, for what was asked of it then does no harm.
    bool restart = false;
};

Supervisor::Supervisor(io::Runtime& runtime, std::filesystem::path programs, Listener listener)
    : runtime_(runtime), programs_(std::move(programs)), listener_(std::move(listener)) {}

// All are killed before the first is waited for.
Supervisor::~Supervisor() {
    for (auto& [id, entry] : entries_) {
        entry->process->signal(SIGKILL);
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
    for (const std::string& seed : spec.fabric_seeds) {
        command.insert(command.end(), {"--fabric-seed", seed});
    }
    if (!spec.authority.empty()) {
        command.insert(command.end(), {"--authority", spec.authority, "--ticket", spec.ticket.string()});
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
    entries_.emplace(id, std::move(entry));
    return id;
}

// The handlers hold the id: a child that is forgotten by then is not found.
base::Status Supervisor::launch(Entry& entry) {
    const NodeSpec& spec = entry.child.spec;
    if (auto made = io::make_private_dir("data directory", spec.data_dir); !made) {
        return made;
    }
    const ChildId id = entry.child.id;
    auto process = ChildProcess::start(runtime_, command_of(spec), spec.data_dir / "node.log",
                                       {[this, id](std::string_view line) { on_ready_line(id, line); },
                                        [this, id](int wait_status) { on_exit(id, wait_status); }});
    if (!process) {
        return tl::unexpected(process.error());
    }
    entry.process = std::move(*process);
    entry.child.pid = entry.process->pid();
    entry.child.state = ChildState::starting;
    entry.child.started = entry.process->started();
    return {};
}

void Supervisor::on_ready_line(ChildId id, std::string_view line) {
    const auto found = entries_.find(id);
    if (found == entries_.end() || found->second->child.state != ChildState::starting) {
        return;
    }
    Entry& entry = *found->second;
    boost::json::error_code error;
    const boost::json::value value = boost::json::parse({line.data(), line.size()}, error);
    if (error || !value.is_object() || text_at(value.get_object(), "event") != "ready") {
        entry.process->note("not a ready line on stdout");
        return;
    }
    const boost::json::object& object = value.get_object();
    entry.child.name = text_at(object, "name");
    entry.child.endpoint_id = text_at(object, "id");
    entry.child.ticket = text_at(object, "ticket");
    entry.child.state = ChildState::ready;
    listener_(entry.child, Event::ready);
}

void Supervisor::on_exit(ChildId id, int wait_status) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) {
        return;
    }
    Entry& entry = *found->second;
    entry.child.wait_status = wait_status;
    entry.child.state = ChildState::ended;
    const bool again = std::exchange(entry.restart, false) && !all_ended_;
    listener_(entry.child, Event::ended);
    if (again) {
        if (const auto started = restart_same_identity(id); !started) {
            runtime_.log().write(io::LogLevel::error, "supervisor", "restart: %s", started.error().message.c_str());
        }
    }
    finish_if_all_ended();
}

void Supervisor::send_signal(ChildId id, int signal) {
    if (const auto found = entries_.find(id); found != entries_.end()) {
        found->second->process->signal(signal);
    }
}

void Supervisor::kill(ChildId id) {
    send_signal(id, SIGKILL);
}

void Supervisor::stop(ChildId id) {
    const auto found = entries_.find(id);
    if (found != entries_.end() && found->second->child.alive()) {
        found->second->child.state = ChildState::stopping;
        found->second->process->terminate();
    }
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
    return launch(entry);
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
