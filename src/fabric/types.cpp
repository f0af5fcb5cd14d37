#include "fabric/types.hpp"

namespace grapevine::fabric {

std::string_view name(Occasion occasion) {
    switch (occasion) {
        case Occasion::first: return "first";
        case Occasion::change: return "change";
        case Occasion::introduction: return "introduction";
        case Occasion::refresh: return "refresh";
        case Occasion::correction: return "correction";
    }
    return "unknown";
}

std::string_view name(Refusal refusal) {
    static constexpr std::array<std::string_view, kRefusals> kNames{
        "malformed",     "oversized",       "unknown_version", "unknown_kind",  "bad_signature", "bad_name",
        "other_fabric",  "duplicate",       "not_newer",       "after_removal", "own_echo",      "implausible",
        "not_a_gateway", "other_authority", "not_admitted",    "rate_limited",  "table_full",    "speakers_full",
    };
    return refusal < Refusal::count_ ? kNames[static_cast<std::size_t>(refusal)] : "unknown";
}

std::string_view name(GoneCause cause) {
    switch (cause) {
        case GoneCause::stale: return "stale";
        case GoneCause::displaced: return "displaced";
        case GoneCause::moved: return "moved";
    }
    return "unknown";
}

}  // namespace grapevine::fabric
