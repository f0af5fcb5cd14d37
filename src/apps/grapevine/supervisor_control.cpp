#include "apps/grapevine/supervisor_control.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "apps/grapevine/supervisor_views.hpp"
#include "base/overloaded.hpp"

namespace grapevine::apps {
namespace {

// Names in the run directory that are no mesh's.
constexpr std::array<std::string_view, 2> kTakenNames{"collector", "lock"};

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) {
        out += (out.empty() ? "" : ", ") + word;
    }
    return out;
}

}  // namespace

base::Result<std::unique_ptr<SupervisorControl>> SupervisorControl::start(io::Runtime& runtime, Cluster& cluster) {
    std::unique_ptr<SupervisorControl> control(new SupervisorControl(runtime, cluster));
    if (const auto begun = control->begin(); !begun) {
        return tl::unexpected(begun.error());
    }
    return control;
}

// The types that have a program, and those that this run was started with.
SupervisorControl::SupervisorControl(io::Runtime& runtime, Cluster& cluster)
    : runtime_(runtime),
      cluster_(cluster),
      types_(kProgramTypes.begin(), kProgramTypes.end()),
      jobs_(runtime, cluster, [this](io::ClientId client, const std::string& line) { server_->answer(client, line); }) {
    for (const TypeCount& type : cluster.spec().per_mesh) {
        if (std::find(types_.begin(), types_.end(), type.type) == types_.end()) {
            types_.push_back(type.type);
        }
    }
}

base::Status SupervisorControl::begin() {
    auto server = io::ControlServer::listen(runtime_, cluster_.spec().root, *this, ledger_, io::ControlServer::kIdle,
                                            io::ControlPeer::supervisor);
    if (!server) {
        return tl::unexpected(server.error());
    }
    server_ = std::move(*server);
    cluster_.nodes().on_log([this](const Child& child, std::string_view text) {
        followers_.on_log(child.id, text, [&](io::ClientId client, const std::optional<std::string>& line) {
            server_->tell(client, encode_log_line(child, line));
        });
    });
    enter_registry();
    return {};
}

// One that cannot be found is still reached by its directory.
void SupervisorControl::enter_registry() {
    const auto registry = io::SupervisorRegistry::open();
    base::Status added = registry ? base::Status() : base::Status(tl::unexpected(registry.error()));
    if (registry) {
        registry_ = *registry;
        added = registry_->add({cluster_.spec().root.string(), ::getpid(), runtime_.wall_now().unix_ms});
    }
    if (!added) {
        runtime_.log().write(io::LogLevel::warn, "supervisor.registry", "%s", added.error().message.c_str());
    }
}

SupervisorControl::~SupervisorControl() {
    cluster_.nodes().on_log({});
    if (registry_) {
        registry_->remove(::getpid());
    }
}

base::Status SupervisorControl::on_line(io::ClientId client, std::string_view line) {
    const auto request = decode_supervisor_request(line);
    if (!request) {
        return tl::unexpected(request.error());
    }
    if (cluster_.stopping()) {
        return base::fail(base::ErrorCode::busy, "supervisor: is ending");
    }
    return std::visit(base::Overloaded{[&](const ListRequest&) -> base::Status {
                                           server_->answer(client, encode_list(cluster_, *server_, runtime_.now()));
                                           return {};
                                       },
                                       [&](const EventsRequest&) -> base::Status {
                                           followers_.remove(client);
                                           server_->start_watching(client, R"({"ok":true,"watching":true})");
                                           return {};
                                       },
                                       [&](const auto& wanted) { return carry_out(client, wanted); }},
                      *request);
}

void SupervisorControl::on_gone(io::ClientId client) {
    jobs_.forget(client);
    followers_.remove(client);
}

void SupervisorControl::on_event(Cluster::Event event, const Child* child) {
    if (const auto line = encode_event(event, child, runtime_.wall_now())) {
        server_->publish(*line);
    }
    if (child != nullptr) {
        jobs_.on_child(child->id);
    }
}

base::Status SupervisorControl::check_place(const std::string& mesh, const std::string& type) const {
    if (std::find(kTakenNames.begin(), kTakenNames.end(), mesh) != kTakenNames.end()) {
        return base::invalid("mesh '" + mesh + "': is a name that the run directory has for itself");
    }
    if (std::find(types_.begin(), types_.end(), type) == types_.end()) {
        return base::invalid("type '" + type + "': is none of " + joined(types_));
    }
    return {};
}

base::Status SupervisorControl::check_room(std::size_t count) const {
    const std::size_t room = cluster_.nodes().room();
    if (count <= room) {
        return {};
    }
    return base::fail(base::ErrorCode::exhausted, "supervisor: " + std::to_string(Supervisor::kChildrenMax - room) +
                                                      " nodes run, " + std::to_string(count) +
                                                      " more are asked for, at most " +
                                                      std::to_string(Supervisor::kChildrenMax));
}

base::Status SupervisorControl::carry_out(io::ClientId client, const SpawnRequest& wanted) {
    base::Status ok = check_place(wanted.mesh, wanted.type);
    ok = ok ? check_room(wanted.count) : ok;
    if (!ok) {
        return ok;
    }
    Job job{JobKind::spawn, {}, {}};
    for (std::size_t i = 0; i < wanted.count; ++i) {
        if (const auto id = cluster_.add(wanted.mesh, wanted.type, wanted.budgets)) {
            job.nodes.push_back({*id, 0});
        }
    }
    cluster_.start_waiting();
    jobs_.add(client, std::move(job));
    return {};
}

// What is on its way out is missing already, unless it comes again.
base::Status SupervisorControl::carry_out(io::ClientId client, const BootstrapRequest& wanted) {
    Job job{JobKind::bootstrap, {}, {}};
    std::vector<std::pair<std::string, TypeCount>> missing;
    std::size_t count = 0;
    for (const MeshLayout& layout : wanted.meshes) {
        for (const TypeCount& type : layout.per_mesh) {
            if (auto ok = check_place(layout.mesh, type.type); !ok) {
                return ok;
            }
            std::size_t present = 0;
            for (const Child* child : cluster_.nodes().children()) {
                if (child->spec.mesh == layout.mesh && child->spec.type == type.type && child->alive() &&
                    !child->asked_to_end()) {
                    job.present.push_back(child->id);
                    ++present;
                }
            }
            missing.emplace_back(layout.mesh, TypeCount{type.type, type.count - std::min(type.count, present)});
            count += missing.back().second.count;
        }
    }
    if (auto ok = check_room(count); !ok) {
        return ok;
    }
    for (const auto& [mesh, type] : missing) {
        for (std::size_t i = 0; i < type.count; ++i) {
            if (const auto id = cluster_.add(mesh, type.type, {})) {
                job.nodes.push_back({*id, 0});
            }
        }
    }
    cluster_.start_waiting();
    jobs_.add(client, std::move(job));
    return {};
}

base::Result<const Child*> SupervisorControl::find(const std::string& name, Among among) const {
    return find_child(cluster_.nodes().children(), name, among, runtime_.now());
}

base::Status SupervisorControl::carry_out(io::ClientId client, const ActionRequest& wanted) {
    const auto child = find(wanted.node, wanted.action == Action::restart ? Among::any : Among::alive);
    if (!child) {
        return tl::unexpected(child.error());
    }
    return act(client, **child, wanted.action);
}

base::Status SupervisorControl::act(io::ClientId client, const Child& child, Action action) {
    Supervisor& nodes = cluster_.nodes();
    const ChildId id = child.id;
    // One that waits to be started is in the life that is meant already.
    const std::uint32_t next_life = child.restarts + (child.state == ChildState::waiting ? 0U : 1U);
    switch (action) {
        case Action::stop:
            jobs_.add(client, {JobKind::end, {{id, child.restarts}}, {}});
            nodes.stop(id);
            return {};
        case Action::kill:
            jobs_.add(client, {JobKind::end, {{id, child.restarts}}, {}});
            nodes.kill(id);
            return {};
        case Action::restart:
            if (!child.alive()) {
                if (auto ok = check_room(1); !ok) {
                    return ok;
                }
            }
            nodes.restart(id);
            jobs_.add(client, {JobKind::restart, {{id, next_life}}, {}});
            return {};
        case Action::wedge:
        case Action::resume:
            if (auto done = action == Action::wedge ? nodes.wedge(id) : nodes.resume(id); !done) {
                return done;
            }
            server_->answer(client, encode_node(child, runtime_.now()));
            return {};
    }
    return base::fail("request: not carried out");
}

base::Status SupervisorControl::carry_out(io::ClientId client, const LogsRequest& wanted) {
    const auto child = find(wanted.node, Among::any);
    if (!child) {
        return tl::unexpected(child.error());
    }
    LogTail tail = read_log_tail((*child)->spec.data_dir / "node.log", wanted.lines);
    if (wanted.follow == Follow::yes) {
        followers_.add(client, (*child)->id, tail.begun);
        server_->start_watching(client, encode_logs(**child, tail, runtime_.now()), io::Feed::own);
        return {};
    }
    if (!tail.begun.empty() && wanted.lines > 0) {
        tail.lines.push_back(std::move(tail.begun));
    }
    server_->answer(client, encode_logs(**child, tail, runtime_.now()));
    return {};
}

}  // namespace grapevine::apps
