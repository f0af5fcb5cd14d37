#include "directory/types.hpp"

namespace grapevine::directory {

std::string_view name(Source source) {
    switch (source) {
        case Source::self: return "self";
        case Source::gossip: return "gossip";
        case Source::sync: return "sync";
        case Source::bootstrap: return "bootstrap";
    }
    return "unknown";
}

std::string_view name(RemovalCause cause) {
    switch (cause) {
        case RemovalCause::left: return "left";
        case RemovalCause::died: return "died";
        case RemovalCause::stale: return "stale";
        case RemovalCause::displaced: return "displaced";
        case RemovalCause::expelled: return "expelled";
        case RemovalCause::unlisted: return "unlisted";
    }
    return "unknown";
}

std::string_view name(Refusal refusal) {
    static constexpr std::array<std::string_view, kRefusals> kNames{
        "malformed",   "oversized",       "unknown_version", "unknown_kind",    "bad_signature",
        "bad_name",    "other_mesh",      "duplicate",       "not_newer",       "after_removal",
        "own_echo",    "self_accusation", "unknown_accuser", "unknown_accused", "stale_accusation",
        "implausible", "rate_limited",    "directory_full",  "suspicions_full", "not_admitted",
    };
    return refusal < Refusal::count_ ? kNames[static_cast<std::size_t>(refusal)] : "unknown";
}

std::string_view name(Cause cause) {
    constexpr std::string_view kNames[] = {"passed_on", "first",   "change",     "refresh",
                                           "urgent",    "leaving", "accusation", "confirmation"};
    return kNames[static_cast<std::size_t>(cause)];
}

}  // namespace grapevine::directory
