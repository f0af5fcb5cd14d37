#include "apps/grapevine/node_watcher.hpp"

#include <utility>

namespace grapevine::apps {
namespace {

using Kind = WatchEvent::Kind;
using Said = console::MeshEvent::Kind;

std::vector<base::EndpointId> ids_of(const std::vector<std::string>& texts) {
    std::vector<base::EndpointId> ids;
    for (const std::string& text : texts) {
        if (const auto id = base::EndpointId::parse(text)) {
            ids.push_back(*id);
        }
    }
    return ids;
}

// Nothing for what only the rows tell.
std::optional<Said> kind_of(Kind kind) {
    switch (kind) {
        case Kind::joined: return Said::joined;
        case Kind::left: return Said::left;
        case Kind::died: return Said::died;
        case Kind::stale: return Said::stale;
        case Kind::unlisted: return Said::unlisted;
        case Kind::suspected: return Said::suspected;
        case Kind::refuted: return Said::refuted;
        default: return std::nullopt;
    }
}

console::DirectoryRow to_row(const DirectoryEntry& entry, const base::EndpointId& id, base::TimePoint now) {
    console::DirectoryRow row;
    row.id = id;
    row.suspected_by = ids_of(entry.suspected_by);
    console::Digest& digest = row.digest;
    digest.name = entry.name;
    digest.mesh = entry.mesh;
    digest.type = entry.type;
    digest.addrs = entry.addresses;
    digest.neighbors = ids_of(entry.neighbors);
    digest.load = {entry.cpu_millicores, entry.cpu_budget_millicores, entry.memory_kib, entry.memory_budget_kib};
    digest.sequence = entry.sequence;
    digest.started_unix_ms = entry.started_unix_ms;
    digest.messages_sent = entry.messages_sent;
    digest.messages_received = entry.messages_received;
    digest.heard = now - entry.age;
    digest.via = console::KnownVia::watch;
    return row;
}

}  // namespace

NodeWatcher::NodeWatcher(Node& node) : node_(node) {
    node_.on_watch([this](const WatchEvent& event) { on_event(event); });
}

NodeWatcher::~NodeWatcher() {
    node_.on_watch({});
}

base::Status NodeWatcher::watch(const std::string& mesh) {
    const auto status = node_.watch_mesh(mesh);
    return status ? base::Status{} : base::fail(base::ErrorCode::failed, status.error().message);
}

std::optional<console::MeshWatcher::Source> NodeWatcher::source(const std::string& mesh) const {
    for (const MeshSource& known : node_.mesh_sources()) {
        if (known.mesh != mesh) {
            continue;
        }
        Source source;
        source.state = static_cast<State>(known.state);
        source.text = known.text;
        if (const auto id = base::EndpointId::parse(known.gateway_id)) {
            source.gateway = *id;
        }
        return source;
    }
    return std::nullopt;
}

std::vector<console::DirectoryRow> NodeWatcher::rows(const std::string& mesh, base::TimePoint now) const {
    std::vector<console::DirectoryRow> rows;
    for (const DirectoryEntry& entry : node_.watched(mesh)) {
        if (const auto id = base::EndpointId::parse(entry.id)) {
            rows.push_back(to_row(entry, *id, now));
        }
    }
    return rows;
}

void NodeWatcher::on_event(const WatchEvent& event) {
    const Listener& to = listener_;
    if (event.kind == Kind::mesh_appeared || event.kind == Kind::mesh_gone) {
        return to.meshes ? to.meshes() : void();
    }
    if (event.kind == Kind::source) {
        return to.source ? to.source(event.mesh) : void();
    }
    const auto kind = kind_of(event.kind);
    if (!kind) {
        return to.rows ? to.rows(event.mesh) : void();
    }
    const auto id = base::EndpointId::parse(event.id);
    if (id && to.event) {
        to.event(event.mesh, {*kind, *id, event.name, ids_of(event.accusers), event.detail});
    }
}

}  // namespace grapevine::apps
