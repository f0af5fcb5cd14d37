// What nodes say as it happens: to the timeline, and at once to the directory of the one that says it.

#include <algorithm>

#include "console/world.hpp"

namespace grapevine::console {
namespace {

using Kind = MeshEvent::Kind;

constexpr std::size_t kShortId = 10;

const char* word_of(Kind kind) {
    switch (kind) {
        case Kind::joined: return "joined";
        case Kind::left: return "left";
        case Kind::died: return "died";
        case Kind::stale: return "stale";
        case Kind::expelled: return "expelled";
        case Kind::unlisted: return "unlisted";
        case Kind::suspected: return "suspected";
        case Kind::refuted: return "refuted";
        case Kind::neighbor_up: return "link_up";
        case Kind::neighbor_down: return "link_down";
        case Kind::mesh_appeared: return "mesh_appeared";
        case Kind::mesh_gone: return "mesh_gone";
        case Kind::law_broken: return "law_broken";
        case Kind::law_kept: return "law_kept";
    }
    return "";
}

bool goes(Kind kind) {
    return kind == Kind::left || kind == Kind::died || kind == Kind::stale || kind == Kind::expelled ||
           kind == Kind::unlisted;
}

const char* end_of(Kind kind) {
    switch (kind) {
        case Kind::died: return " died";
        case Kind::left: return " left";
        case Kind::stale: return " was not heard of for too long";
        case Kind::unlisted: return " is not listed by its gateway any more";
        default: return " is not admitted any more";
    }
}

std::string shown(const std::string& name, const base::EndpointId& id) {
    return name.empty() ? id.short_hex(kShortId) : name;
}

}  // namespace

void World::on_event(base::EndpointId viewer, const MeshEvent& event, const Moment& at) {
    const auto it = views_.find(viewer);
    if (it == views_.end()) {
        return;
    }
    if (event.kind == Kind::law_broken || event.kind == Kind::law_kept) {
        tell_law(event, viewer, it->second, at);
        return;
    }
    tell(event, viewer, it->second, at);
    apply(event, it->second, at);
    if (event.kind == Kind::neighbor_down && it->second.neighbors && it->second.neighbors->erase(event.id) > 0) {
        refresh(viewer, at);
        relink(viewer, at);
    }
    settle_links(at);
}

void World::apply(const MeshEvent& event, View& view, const Moment& at) {
    if (!view.known) {
        return;
    }
    if (goes(event.kind)) {
        if (view.members.erase(event.id) == 0) {
            return;
        }
        infos_[event.id].word = event.kind == Kind::died   ? Word::died
                                : event.kind == Kind::left ? Word::left
                                                           : Word::other;
        split_dirty_.emplace(view.mesh, at.now);
    } else if (event.kind == Kind::joined) {
        if (view.members.size() >= kNodesMax || !view.members.emplace(event.id, std::vector<Id>{}).second) {
            return;
        }
        split_dirty_.emplace(view.mesh, at.now);
    } else if (event.kind == Kind::suspected || event.kind == Kind::refuted) {
        const auto member = view.members.find(event.id);
        if (member == view.members.end()) {
            return;
        }
        auto& accusers = member->second;
        if (event.kind == Kind::refuted) {
            accusers.clear();
        } else if (!event.who.empty() && std::find(accusers.begin(), accusers.end(), event.who[0]) == accusers.end()) {
            accusers.push_back(event.who[0]);
        }
    } else {
        return;
    }
    refresh(event.id, at);
}

// One event for all that tell of it. Its key names what happened to whom, and the contrary what it undoes.
void World::tell(const MeshEvent& event, const Id& viewer, const View& view, const Moment& at) {
    const std::string word = word_of(event.kind);
    const std::string hex = event.id.hex();
    TimelineEvent out;
    out.kind = word;
    out.mesh = view.mesh;
    for (const Id& id : event.who) {
        out.who.push_back(id.hex());
    }
    const auto label = [&](const Id& id) {
        const NodeRow* row = nodes_.find(id);
        return shown(row != nullptr ? row->digest.name : std::string{}, id);
    };
    const std::string subject = event.name.empty() ? label(event.id) : event.name;
    std::string key = word + hex;
    std::string contrary;
    switch (event.kind) {
        case Kind::joined:
            contrary = "gone" + hex;
            out.node = hex;
            out.text = subject + " joined";
            break;
        case Kind::left:
        case Kind::died:
        case Kind::stale:
        case Kind::expelled:
        case Kind::unlisted:
            key = "gone" + hex;
            contrary = "joined" + hex;
            out.node = hex;
            out.text = subject + end_of(event.kind);
            for (std::size_t i = 0; i < event.who.size(); ++i) {
                out.text += (i == 0 ? ", accused by " : ", ") + label(event.who[i]);
            }
            break;
        case Kind::suspected:
            key += event.who.empty() ? "" : event.who[0].hex();
            contrary = "refuted" + hex;
            out.node = hex;
            out.text = (event.who.empty() ? std::string("somebody") : label(event.who[0])) + " suspects " + subject +
                       ": " + event.detail;
            break;
        case Kind::refuted:
            out.node = hex;
            out.text = subject + " refuted";
            for (const Id& id : event.who) {
                timeline_.forget("suspected" + hex + id.hex());
            }
            break;
        case Kind::neighbor_up:
        case Kind::neighbor_down: {
            const std::string pair = std::min(hex, viewer.hex()) + std::max(hex, viewer.hex());
            key = word + pair;
            contrary = (event.kind == Kind::neighbor_up ? "link_down" : "link_up") + pair;
            out.node = viewer.hex();
            out.who = {hex};
            out.text = label(viewer) + (event.kind == Kind::neighbor_up ? " linked with " : " lost its link with ") +
                       label(event.id);
            break;
        }
        default:
            key = word + event.detail + view.mesh;
            contrary = (event.kind == Kind::mesh_appeared ? "mesh_gone" : "mesh_appeared") + event.detail + view.mesh;
            out.node = viewer.hex();
            out.text = label(viewer) + (event.kind == Kind::mesh_appeared ? " hears of " : " hears no more of ") +
                       event.detail;
            break;
    }
    timeline_.add_once(key, contrary, std::move(out), at);
}

void World::tell_law(const MeshEvent& event, const Id& viewer, const View& view, const Moment& at) {
    const NodeRow* row = nodes_.find(viewer);
    const std::string label = shown(row != nullptr ? row->digest.name : std::string{}, viewer);
    const std::string subject = viewer.hex() + " " + event.name;
    const bool broken = event.kind == Kind::law_broken;
    if (broken) {
        set_alert("law_broken", subject, Severity::warning, label + ": " + event.detail, at);
    } else {
        clear_alert("law_broken", subject);
    }
    timeline_.add({0, 0, word_of(event.kind), viewer.hex(), view.mesh, label + ": " + event.detail, {}}, at);
}

}  // namespace grapevine::console
