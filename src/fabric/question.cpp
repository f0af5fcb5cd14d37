#include "fabric/question.hpp"

namespace grapevine::fabric {

std::string_view name(Verdict verdict) {
    if (verdict == Verdict::deadline) return "deadline";
    return wire::name(static_cast<wire::ResolveCode>(verdict));
}

std::string_view name(Origin origin) {
    switch (origin) {
        case Origin::own_mesh: return "own_mesh";
        case Origin::cache: return "cache";
        case Origin::asked: return "asked";
        case Origin::nowhere: return "nowhere";
    }
    return "unknown";
}

std::string_view name(Lie lie) {
    static constexpr std::array<std::string_view, kLies> kNames{
        "bad_statement", "bad_signature", "other_mesh", "other_type",   "other_digits",
        "left",          "too_old",       "replayed",   "not_admitted", "nothing_found"};
    return lie < Lie::count_ ? kNames[static_cast<std::size_t>(lie)] : "unknown";
}

std::string_view name(StepEnd end) {
    switch (end) {
        case StepEnd::answered: return "answered";
        case StepEnd::lied: return "lied";
        case StepEnd::failed: return "failed";
        case StepEnd::overdue: return "overdue";
        case StepEnd::passed_over: return "passed_over";
    }
    return "unknown";
}

}  // namespace grapevine::fabric
