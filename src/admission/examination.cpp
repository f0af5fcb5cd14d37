#include "admission/examination.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "admission/calendar.hpp"
#include "base/encoding.hpp"

namespace grapevine::admission {

namespace {

std::string quoted(std::string_view text) {
    return "'" + base::printable(text) + "'";
}

bool admits(const wire::AdmissionTicket& ticket, Use wanted) {
    return ticket.use == wanted || ticket.use == Use::member;
}

bool admits(const wire::AdmissionTicket& ticket, const Applicant& applicant) {
    return applicant.wanted == Use::visitor || ticket.types.empty() ||
           std::find(ticket.types.begin(), ticket.types.end(), applicant.type) != ticket.types.end();
}

// What the fields of a ticket say against it.
std::optional<Denial> objection(const Rules& rules, const Applicant& applicant, const wire::AdmissionTicket& ticket,
                                base::WallTime wall) {
    const auto deny = [&](Cause cause, const std::string& why) {
        return Denial{cause, "ticket " + std::to_string(ticket.serial) + ": " + why};
    };
    if (ticket.mesh != rules.mesh)
        return deny(Cause::other_mesh, "is for mesh " + quoted(ticket.mesh) + ", not " + quoted(rules.mesh));
    if (ticket.node != applicant.id)
        return deny(Cause::other_node, "is for node " + ticket.node.short_hex() + ", not " + applicant.id.short_hex());
    if (!admits(ticket, applicant.wanted)) return deny(Cause::wrong_use, "is a visitor's, not a member's");
    if (!admits(ticket, applicant)) return deny(Cause::wrong_type, "is not for type " + quoted(applicant.type));
    if (has_expired(ticket.expires_unix_s, wall))
        return deny(Cause::expired, "expired " + utc_text(ticket.expires_unix_s) +
                                        " by this node's clock, which says " + utc_text(wall.unix_ms / 1000));
    if (rules.revoked != nullptr && rules.revoked->contains(ticket.serial))
        return deny(Cause::revoked, "is revoked by list " + std::to_string(rules.revoked->list_version));
    return std::nullopt;
}

}  // namespace

tl::expected<wire::SignedTicket, Denial> examine(const Rules& rules, const Applicant& applicant, base::WallTime wall,
                                                 base::VerificationMemo& memo) {
    const auto refuse = [](Denial denial) { return tl::unexpected<Denial>(std::move(denial)); };
    if (applicant.ticket.empty()) return refuse({Cause::no_ticket, "no ticket"});
    auto ticket = wire::read_ticket(applicant.ticket);
    if (!ticket) return refuse({static_cast<Cause>(ticket.error().fault), ticket.error().message});
    if (auto denial = objection(rules, applicant, ticket->value, wall)) return refuse(*std::move(denial));
    const std::string which = "ticket " + std::to_string(ticket->value.serial) + ": ";
    if (ticket->authority != rules.authority)
        return refuse({Cause::foreign_authority, which + "is of authority " + ticket->authority.short_hex() + ", not " +
                                                     rules.authority.short_hex()});
    if (!wire::signature_holds(*ticket, &memo))
        return refuse({Cause::bad_signature, which + "is not signed by authority " + rules.authority.short_hex()});
    return *std::move(ticket);
}

}  // namespace grapevine::admission
