#include "console/world_types.hpp"

namespace grapevine::console {

std::string_view name(NodeState state) {
    switch (state) {
        case NodeState::member: return "member";
        case NodeState::suspected: return "suspected";
        case NodeState::dead: return "dead";
        case NodeState::left: return "left";
        case NodeState::unknown: break;
    }
    return "unknown";
}

std::string_view name(ProcessState state) {
    switch (state) {
        case ProcessState::none: break;
        case ProcessState::starting: return "starting";
        case ProcessState::ready: return "ready";
        case ProcessState::stopping: return "stopping";
        case ProcessState::wedged: return "wedged";
        case ProcessState::ended: return "ended";
    }
    return "";
}

std::string_view name(KnownVia via) {
    switch (via) {
        case KnownVia::self: return "self";
        case KnownVia::gossip: return "gossip";
        case KnownVia::sync: return "sync";
        case KnownVia::watch: break;
    }
    return "watch";
}

std::string_view name(SourceState state) {
    return state == SourceState::up ? "up" : "down";
}

std::string_view name(Severity severity) {
    switch (severity) {
        case Severity::info: return "info";
        case Severity::warning: return "warning";
        case Severity::critical: return "critical";
        case Severity::unknown: break;
    }
    return "unknown";
}

std::string_view name(LinkKind kind) {
    return kind == LinkKind::overlay ? "overlay" : "delivery";
}

std::string_view name(Ends ends) {
    switch (ends) {
        case Ends::both: return "both";
        case Ends::a: return "a";
        case Ends::b: return "b";
        case Ends::none: break;
    }
    return "none";
}

std::string_view name(Eager eager) {
    switch (eager) {
        case Eager::both: return "both";
        case Eager::a: return "a";
        case Eager::b: return "b";
        case Eager::neither: return "neither";
        case Eager::unknown: break;
    }
    return "unknown";
}

}  // namespace grapevine::console
