// Other meshes as the application sees them: which there are, who is in those that are watched, and who tells.

#include <utility>

#include "base/overloaded.hpp"
#include "grapevine/convert.hpp"
#include "grapevine/mesh_part.hpp"
#include "io/node_views.hpp"

namespace grapevine {

namespace {

using Kind = WatchEvent::Kind;

static_assert(static_cast<int>(node::WatchedChange::joined) == static_cast<int>(Kind::joined));
static_assert(static_cast<int>(node::WatchedChange::withdrawn) == static_cast<int>(Kind::withdrawn));
static_assert(static_cast<int>(node::WatchState::down) == static_cast<int>(MeshSource::State::down));

constexpr const char* kSite = "fabric.watch";

WatchEvent convert(const stack::WatchedChanged& changed) {
    WatchEvent event;
    event.kind = static_cast<Kind>(changed.change);
    event.mesh = changed.mesh;
    event.id = changed.id.hex();
    event.name = changed.name;
    for (const base::EndpointId& accuser : changed.accusers) {
        event.accusers.push_back(accuser.hex());
    }
    return event;
}

WatchEvent convert(const stack::WatchSourceChanged& changed) {
    WatchEvent event;
    event.kind = Kind::source;
    event.mesh = changed.source.mesh;
    event.id = changed.source.gateway ? changed.source.gateway->hex() : "";
    event.detail = std::string(node::name(changed.source.state));
    if (!changed.source.text.empty()) {
        event.detail += ": " + changed.source.text;
    }
    return event;
}

WatchEvent convert(const stack::WatchLied& lied) {
    WatchEvent event;
    event.kind = Kind::gateway_lied;
    event.mesh = lied.mesh;
    event.id = lied.gateway.hex();
    event.detail = lied.rule;
    return event;
}

}  // namespace

Status MeshPart::watch_mesh(std::string_view mesh) {
    const auto status = host_.stack().watch(mesh, host_.now());
    host_.touch();
    return status ? Status{} : Status(tl::unexpected(lift(status.error())));
}

void MeshPart::unwatch_mesh(std::string_view mesh) {
    host_.stack().unwatch(mesh, host_.now());
    host_.touch();
}

Status MeshPart::watch_meshes() {
    const auto status = host_.stack().watch_meshes(host_.now());
    host_.touch();
    return status ? Status{} : Status(tl::unexpected(lift(status.error())));
}

void MeshPart::unwatch_meshes() {
    host_.stack().unwatch_meshes(host_.now());
    host_.touch();
}

std::vector<MeshSource> MeshPart::mesh_sources() const {
    std::vector<MeshSource> sources;
    for (const stack::WatchSource& known : host_.stack().watch_sources()) {
        MeshSource source;
        source.mesh = known.mesh;
        source.state = static_cast<MeshSource::State>(known.state);
        source.gateway_id = known.gateway ? known.gateway->hex() : "";
        source.text = known.text;
        source.since = std::chrono::duration_cast<std::chrono::milliseconds>(host_.now() - known.since);
        sources.push_back(std::move(source));
    }
    return sources;
}

void MeshPart::take_watch(const stack::WatchReport& report) {
    const WatchEvent event = std::visit([](const auto& seen) { return convert(seen); }, report);
    if (event.kind == Kind::source || event.kind == Kind::gateway_lied) {
        const auto level = event.kind == Kind::gateway_lied ? io::LogLevel::warn : io::LogLevel::info;
        host_.runtime().log().write(level, kSite, "watching mesh %s, gateway %s: %s", event.mesh.c_str(),
                                    event.id.empty() ? "none" : event.id.substr(0, 10).c_str(), event.detail.c_str());
    }
    if (on_watch_) {
        on_watch_(event);
    }
}

void MeshPart::take_fabric(const stack::FabricReport& report) {
    WatchEvent event;
    if (const auto* appeared = std::get_if<fabric::MeshAppeared>(&report)) {
        event.kind = Kind::mesh_appeared;
        event.mesh = appeared->mesh;
    } else if (const auto* gone = std::get_if<fabric::MeshGone>(&report)) {
        event.kind = Kind::mesh_gone;
        event.mesh = gone->mesh;
    } else {
        return;
    }
    if (on_watch_) {
        on_watch_(event);
    }
}

}  // namespace grapevine
