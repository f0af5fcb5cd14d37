#include "grapevine/node_events.hpp"

#include <variant>

#include "base/encoding.hpp"
#include "base/overloaded.hpp"

namespace grapevine {

namespace {

using Kind = NodeEvent::Kind;

constexpr std::size_t kAdmissionTextMax = 256;

Kind kind_of(stack::EntryChange change) {
    switch (change) {
        case stack::EntryChange::joined: return Kind::joined;
        case stack::EntryChange::updated: return Kind::updated;
        case stack::EntryChange::left: return Kind::left;
        case stack::EntryChange::died: return Kind::died;
        case stack::EntryChange::stale: return Kind::stale;
        case stack::EntryChange::expelled: return Kind::expelled;
    }
    return Kind::updated;
}

const char* text_of(Kind kind) {
    switch (kind) {
        case Kind::joined: return "joined";
        case Kind::updated: return "updated";
        case Kind::left: return "left";
        case Kind::died: return "died";
        case Kind::stale: return "stale";
        case Kind::expelled: return "not admitted any more";
        case Kind::suspected: return "suspected";
        case Kind::refuted: return "refuted";
        case Kind::neighbor_up: return "neighbor up";
        case Kind::neighbor_down: return "neighbor down";
        case Kind::seed_retry: return "seed retry";
    }
    return "event";
}

const char* text_of(wire::AccusationReason reason) {
    switch (reason) {
        case wire::AccusationReason::silent: return "silent";
        case wire::AccusationReason::unreachable: return "unreachable";
        case wire::AccusationReason::connection_lost: return "connection lost";
    }
    return "silent";
}

NodeEvent convert(const stack::DirectoryChanged& event) {
    std::string accusers;
    for (const base::EndpointId& id : event.accusers) {
        accusers += (accusers.empty() ? "accused by " : ", ") + id.short_hex();
    }
    return {kind_of(event.change), event.id.hex(), event.name, accusers};
}

NodeEvent convert(const stack::SuspicionChanged& event) {
    const bool suspected = event.step == stack::SuspicionStep::suspected;
    return {suspected ? Kind::suspected : Kind::refuted, event.accused.hex(), event.name,
            std::string(text_of(event.reason)) + ", by " + event.accuser.short_hex()};
}

NodeEvent convert(const stack::MeshNeighborChanged& event) {
    const bool up = event.change == stack::NeighborChange::up;
    return {up ? Kind::neighbor_up : Kind::neighbor_down, event.peer.hex(), "", ""};
}

NodeEvent convert(const stack::SeedRetry& event) {
    const auto delay = std::chrono::duration_cast<std::chrono::milliseconds>(event.delay).count();
    return {Kind::seed_retry, event.seed.hex(), "",
            "attempt " + std::to_string(event.attempt) + " in " + std::to_string(delay) + " ms: " + event.reason};
}

io::LogLevel level_of(Kind kind) {
    switch (kind) {
        case Kind::updated: return io::LogLevel::trace;
        case Kind::neighbor_up:
        case Kind::neighbor_down:
        case Kind::seed_retry: return io::LogLevel::debug;
        default: return io::LogLevel::info;
    }
}

// The log's site, which begins with its target.
const char* site_of(Kind kind) {
    switch (kind) {
        case Kind::neighbor_up:
        case Kind::neighbor_down: return "gossip";
        case Kind::seed_retry: return "paths.seed";
        default: return "directory";
    }
}

void log_admission(io::Log& log, const stack::AdmissionNews& news) {
    const std::string text = base::printable(news.text, kAdmissionTextMax);
    switch (news.event) {
        case stack::AdmissionEvent::denied:
            log.write(io::LogLevel::warn, "node.admission", "denied: %s", text.c_str());
            break;
        case stack::AdmissionEvent::put_out:
            log.write(io::LogLevel::info, "node.admission", "%s is put out: %s", news.peer.short_hex().c_str(),
                      text.c_str());
            break;
        case stack::AdmissionEvent::own_ticket:
            log.write(io::LogLevel::error, "node.admission", "%s", text.c_str());
            break;
    }
}

}  // namespace

std::optional<NodeEvent> to_node_event(const stack::Event& event) {
    using Maybe = std::optional<NodeEvent>;
    return std::visit(base::Overloaded{[](const stack::DirectoryChanged& e) { return Maybe(convert(e)); },
                                       [](const stack::SuspicionChanged& e) { return Maybe(convert(e)); },
                                       [](const stack::MeshNeighborChanged& e) { return Maybe(convert(e)); },
                                       [](const stack::SeedRetry& e) { return Maybe(convert(e)); },
                                       [](const auto&) { return Maybe(); }},
                      event);
}

namespace {

void log_fabric(io::Log& log, const stack::FabricReport& report) {
    constexpr const char* kSite = "fabric";
    std::visit(base::Overloaded{[](const fabric::Done&) {},
                                [&](const fabric::MeshAppeared& e) {
                                    log.write(io::LogLevel::info, kSite, "mesh %s appeared", e.mesh.c_str());
                                },
                                [&](const fabric::MeshGone& e) {
                                    log.write(io::LogLevel::info, kSite, "mesh %s is gone: %s", e.mesh.c_str(),
                                              std::string(fabric::name(e.cause)).c_str());
                                },
                                [&](const fabric::Lied& e) {
                                    log.write(io::LogLevel::warn, kSite,
                                              "gateway %s gave an answer that is not true: %s",
                                              e.gateway.short_hex().c_str(), std::string(fabric::name(e.lie)).c_str());
                                }},
               report);
}

}  // namespace

void log_event(io::Log& log, const stack::Event& event) {
    if (const auto* news = std::get_if<stack::AdmissionNews>(&event)) {
        return log_admission(log, *news);
    }
    if (!log.enabled(io::LogLevel::info)) {
        return;
    }
    if (const auto* report = std::get_if<stack::FabricReport>(&event)) {
        return log_fabric(log, *report);
    }
    const auto* changed = std::get_if<stack::DirectoryChanged>(&event);
    if (changed != nullptr && !log.enabled(telemetry::Target::directory, level_of(kind_of(changed->change)))) {
        return;
    }
    if (const auto seen = to_node_event(event)) {
        log.write(level_of(seen->kind), site_of(seen->kind), "%s %s%s%s", text_of(seen->kind),
                  seen->name.empty() ? seen->id.c_str() : seen->name.c_str(), seen->detail.empty() ? "" : ": ",
                  seen->detail.c_str());
    }
}

}  // namespace grapevine
