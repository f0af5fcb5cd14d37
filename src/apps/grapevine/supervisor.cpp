#include "apps/grapevine/supervisor.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

#include "io/files.hpp"
#include "io/json.hpp"

namespace grapevine::apps {
std::string_view name(ChildState state) {
    switch (state) {
        case ChildState::waiting:
        case ChildState::starting: return "starting";
        case ChildState::ready: return "ready";
        case ChildState::wedged: return "wedged";
        case ChildState::stopping: return "stopping";
        case ChildState::ended: break;
    }
    return "ended";
}

std::string label(const Child& child) {
    return child.name.empty() ? child.spec.mesh + "." + child.spec.data_dir.filename().string() : child.name;
}

std::string describe_end(const Child& child) {
    std::string how = child.trouble.empty() ? describe_wait_status(child.wait_status) : child.trouble;
    switch (child.wish) {
        case Wish::stop: return "stopped on request, " + how;
        case Wish::kill: return "killed on request, " + how;
        case Wish::restart: return "restarted on request, " + how;
        case Wish::none: break;
    }
    return how;
}

struct Supervisor::Entry {
    Child child;
    std::unique_ptr<ChildProcess> process;  // Kept after its end, for what was asked of it then does no harm.
};

Supervisor::Supervisor(io::Runtime& runtime, std::filesystem::path programs, Listener listener)
    : runtime_(runtime), programs_(std::move(programs)), listener_(std::move(listener)) {}

// All are killed before the first is waited for.
Supervisor::~Supervisor() {
    for (auto& [id, entry] : entries_) {
        if (entry->process) {
            entry->process->signal(SIGKILL);
        }
    }
}

std::vector<std::string> Supervisor::command_of(const NodeSpec& spec, const Seeds& seeds) const {
    const bool own_program = std::find(kProgramTypes.begin(), kProgramTypes.end(), spec.type) != kProgramTypes.end();
    std::vector<std::string> command;
    if (own_program) {
        command = {(programs_ / spec.type).string()};
    } else {
        command = {(programs_ / "grapevine").string(), "node", "--type", spec.type};
    }
    const auto append = [&command](std::string flag, std::string value) {
        command.push_back(std::move(flag));
        command.push_back(std::move(value));
    };
    append("--mesh", spec.mesh);
    append("--bind", spec.bind);
    append("--data-dir", spec.data_dir.string());
    append("--config", "/dev/null");
    for (const std::string& seed : seeds.mesh) {
        append("--seed", seed);
    }
    for (const std::string& seed : seeds.fabric) {
        append("--fabric-seed", seed);
    }
    if (!spec.authority.empty()) {
        append("--authority", spec.authority);
        for (const std::filesystem::path& ticket : spec.tickets) {
            append("--ticket", ticket.string());
        }
    }
    if (spec.budgets.cpu_millicores != 0) {
        append("--cpu-budget", std::to_string(spec.budgets.cpu_millicores));
    }
    if (spec.budgets.memory_kib != 0) {
        append("--memory-budget", std::to_string(spec.budgets.memory_kib));
    }
    return command;
}

Supervisor::Entry* Supervisor::entry(ChildId id) {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : found->second.get();
}

std::size_t Supervisor::room() const {
    const auto alive =
        std::count_if(entries_.begin(), entries_.end(), [](const auto& item) { return item.second->child.alive(); });
    return kChildrenMax - std::min(kChildrenMax, static_cast<std::size_t>(alive));
}

base::Result<ChildId> Supervisor::add(NodeSpec spec) {
    if (room() == 0) {
        return base::fail(base::ErrorCode::exhausted,
                          "supervisor: " + std::to_string(kChildrenMax) + " nodes run, and that is the most");
    }
    auto made = std::make_unique<Entry>();
    made->child.id = {next_id_++};
    made->child.spec = std::move(spec);
    const ChildId id = made->child.id;
    entries_.emplace(id, std::move(made));
    return id;
}

void Supervisor::admit(ChildId id, std::string authority, std::vector<std::filesystem::path> tickets) {
    if (Entry* found = entry(id); found != nullptr && found->child.state == ChildState::waiting) {
        found->child.spec.authority = std::move(authority);
        found->child.spec.tickets = std::move(tickets);
    }
}

void Supervisor::start(ChildId id, const Seeds& seeds) {
    Entry* found = entry(id);
    if (found == nullptr || found->child.state != ChildState::waiting) {
        return;
    }
    if (const auto launched = launch(*found, seeds); !launched) {
        end_without_process(*found, launched.error().message);
        return;
    }
    listener_(found->child, Event::started);
}

// The handlers hold the id: a child that is forgotten by then is not found.
base::Status Supervisor::launch(Entry& entry, const Seeds& seeds) {
    const NodeSpec& spec = entry.child.spec;
    if (auto made = io::make_private_dir("data directory", spec.data_dir); !made) {
        return made;
    }
    const ChildId id = entry.child.id;
    auto process = ChildProcess::start(runtime_, command_of(spec, seeds), spec.data_dir / "node.log",
                                       {[this, id](std::string_view line) { on_ready_line(id, line); },
                                        [this, id](int wait_status) { on_exit(id, wait_status); },
                                        [this, id](std::string_view text) {
                                            if (const Child* child = find(id); child != nullptr && log_listener_) {
                                                log_listener_(*child, text);
                                            }
                                        }});
    if (!process) {
        return tl::unexpected(process.error());
    }
    entry.process = std::move(*process);
    entry.child.pid = entry.process->pid();
    entry.child.state = ChildState::starting;
    entry.child.started = entry.process->started();
    return {};
}

// The word of it comes in a turn of its own, so that who asked for the start or the stop is done with it first.
void Supervisor::end_without_process(Entry& entry, std::string trouble) {
    entry.child.state = ChildState::ended;
    entry.child.ended = runtime_.now();
    entry.child.trouble = std::move(trouble);
    runtime_.post([this, id = entry.child.id] {
        if (const Child* child = find(id); child != nullptr && !child->alive()) {
            listener_(*child, Event::ended);
            forget_old();
            finish_if_all_ended();
        }
    });
}

void Supervisor::give_up(ChildId id, std::string trouble) {
    if (Entry* found = entry(id); found != nullptr && found->child.state == ChildState::waiting) {
        end_without_process(*found, std::move(trouble));
    }
}

void Supervisor::on_ready_line(ChildId id, std::string_view line) {
    Entry* found = entry(id);
    if (found == nullptr || found->child.state != ChildState::starting) {
        return;
    }
    const auto object = io::parse_json_object("ready line", line);
    if (!object || io::string_member(*object, "event") != "ready") {
        found->process->note("not a ready line on stdout");
        return;
    }
    found->child.name = io::string_member(*object, "name").value_or("");
    found->child.endpoint_id = io::string_member(*object, "id").value_or("");
    found->child.ticket = io::string_member(*object, "ticket").value_or("");
    found->child.state = ChildState::ready;
    listener_(found->child, Event::ready);
}

void Supervisor::on_exit(ChildId id, int wait_status) {
    Entry* found = entry(id);
    if (found == nullptr) {
        return;
    }
    found->child.wait_status = wait_status;
    found->child.ended = runtime_.now();
    found->child.state = ChildState::ended;
    const bool again = found->child.wish == Wish::restart && !all_ended_;
    listener_(found->child, Event::ended);
    if (again) {
        come_again(id);
    }
    forget_old();
    finish_if_all_ended();
}

void Supervisor::come_again(ChildId id) {
    Entry* found = entry(id);
    if (found == nullptr || found->child.alive() || all_ended_) {
        return;
    }
    Child& child = found->child;
    if (room() == 0) {
        child.wish = Wish::none;
        child.trouble = std::to_string(kChildrenMax) + " nodes run, and that is the most";
        return;
    }
    child.state = ChildState::waiting;
    child.wish = Wish::none;
    child.trouble.clear();
    ++child.restarts;
    listener_(child, Event::waits);
}

void Supervisor::begin_end(Entry& entry, Wish wish) {
    Child& child = entry.child;
    child.wish = wish;
    if (child.state == ChildState::waiting) {
        return end_without_process(entry, "before it was started");
    }
    const bool first = std::exchange(child.state, ChildState::stopping) != ChildState::stopping;
    wish == Wish::kill ? entry.process->signal(SIGKILL) : entry.process->terminate();
    if (first) {
        listener_(child, Event::stopping);
    }
}

void Supervisor::stop(ChildId id) {
    if (Entry* found = entry(id); found != nullptr && found->child.alive()) {
        begin_end(*found, Wish::stop);
    }
}

void Supervisor::kill(ChildId id) {
    if (Entry* found = entry(id); found != nullptr && found->child.alive()) {
        begin_end(*found, Wish::kill);
    }
}

void Supervisor::restart(ChildId id) {
    Entry* found = entry(id);
    if (found == nullptr || found->child.state == ChildState::waiting) {
        return;
    }
    found->child.alive() ? begin_end(*found, Wish::restart) : come_again(id);
}

base::Status Supervisor::wedge(ChildId id) {
    Entry* found = entry(id);
    if (found == nullptr || found->child.state != ChildState::ready) {
        const bool early = found != nullptr && found->child.state < ChildState::ready;
        return base::fail(early ? base::ErrorCode::busy : base::ErrorCode::invalid,
                          (found != nullptr ? label(found->child) : "node") + ": is not ready, so cannot be wedged");
    }
    found->process->signal(SIGSTOP);
    found->child.state = ChildState::wedged;
    listener_(found->child, Event::wedged);
    return {};
}

base::Status Supervisor::resume(ChildId id) {
    Entry* found = entry(id);
    if (found == nullptr || found->child.state != ChildState::wedged) {
        return base::invalid((found != nullptr ? label(found->child) : "node") + ": is not wedged");
    }
    found->process->signal(SIGCONT);
    found->child.state = ChildState::ready;
    listener_(found->child, Event::resumed);
    return {};
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

// The one that ended first goes first.
void Supervisor::forget_old() {
    for (;;) {
        auto oldest = entries_.end();
        std::size_t ended = 0;
        for (auto it = entries_.begin(); it != entries_.end(); ++it) {
            if (it->second->child.alive()) {
                continue;
            }
            ++ended;
            const bool older = oldest == entries_.end() || it->second->child.ended < oldest->second->child.ended;
            oldest = older ? it : oldest;
        }
        if (ended <= kEndedMax) {
            return;
        }
        entries_.erase(oldest);
    }
}

const Child* Supervisor::find(ChildId id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second->child;
}

std::vector<const Child*> Supervisor::children() const {
    std::vector<const Child*> out;
    out.reserve(entries_.size());
    for (const auto& [id, entry] : entries_) {
        out.push_back(&entry->child);
    }
    return out;
}

}  // namespace grapevine::apps
