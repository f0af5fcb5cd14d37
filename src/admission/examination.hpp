#pragma once

// One ticket against the rules of a closed mesh: a pure function but for the memo of verified signatures.

#include <string_view>

#include "admission/types.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/verification_memo.hpp"
#include "wire/admission.hpp"

namespace grapevine::admission {

struct Rules {
    std::string_view mesh;
    base::EndpointId authority;
    const wire::RevocationList* revoked = nullptr;  // Null: no list is known.
};

// In this order, each failure with a cause of its own: size and form, mesh, id, use, type, expiry, revocation,
// authority, signature. What is cheap comes first; the signature comes last, since it costs more than all the others
// together and only a ticket that would be good with it is worth that.
//
// A member's ticket also lets its holder visit: whoever may be in the mesh may ask it for a name. The types of a ticket
// bind members only.
tl::expected<wire::SignedTicket, Denial> examine(const Rules& rules, const Applicant& applicant, base::WallTime wall,
                                                 base::VerificationMemo& memo);

}  // namespace grapevine::admission
