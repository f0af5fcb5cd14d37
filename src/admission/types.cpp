#include "admission/types.hpp"

namespace grapevine::admission {

namespace {

template <typename T>
constexpr bool mirrors(T value, wire::AdmissionFault fault) {
    return static_cast<std::uint8_t>(value) == static_cast<std::uint8_t>(fault);
}
static_assert(mirrors(Cause::malformed, wire::AdmissionFault::malformed) &&
              mirrors(Cause::bad_signature, wire::AdmissionFault::bad_signature) &&
              mirrors(Cause::no_ticket, static_cast<wire::AdmissionFault>(wire::kAdmissionFaults)));
static_assert(mirrors(ListRefusal::malformed, wire::AdmissionFault::malformed) &&
              mirrors(ListRefusal::bad_signature, wire::AdmissionFault::bad_signature) &&
              mirrors(ListRefusal::open_mesh, static_cast<wire::AdmissionFault>(wire::kAdmissionFaults)));

}  // namespace

std::string_view name(Cause cause) {
    static constexpr std::array<std::string_view, kCauses> kNames{
        "malformed",     "oversized", "unknown_version", "unknown_kind",      "bad_name",
        "bad_signature", "no_ticket", "other_mesh",      "other_node",        "wrong_use",
        "wrong_type",    "expired",   "revoked",         "foreign_authority", "holders_full",
    };
    return cause < Cause::count_ ? kNames[static_cast<std::size_t>(cause)] : "unknown";
}

std::string_view name(ListRefusal refusal) {
    static constexpr std::array<std::string_view, kListRefusals> kNames{
        "malformed", "oversized",  "unknown_version",   "unknown_kind", "bad_name", "bad_signature",
        "open_mesh", "other_mesh", "foreign_authority", "older",        "known",    "conflicting",
    };
    return refusal < ListRefusal::count_ ? kNames[static_cast<std::size_t>(refusal)] : "unknown";
}

}  // namespace grapevine::admission
