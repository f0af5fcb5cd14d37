#pragma once

// The side of the authority: what the holder of a mesh's secret key makes, away from any node. Pure functions; the
// key's file and the clock are the caller's.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ed25519.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "wire/admission.hpp"

namespace grapevine::admission {

// A revoked ticket stays in the list for a day after its expiry: a node whose clock is behind by less still believes in
// the ticket. Our own choice.
inline constexpr std::uint64_t kRevokedKeptS = 86'400;

// Signs the ticket, its types sorted and each named once. Errors name the node and the rule: names, types, and an
// expiry that has passed already. Serials are the caller's, each given once in a mesh: counted, or random, in which
// case 64 bits make an equal one a matter of billions of tickets.
base::Result<wire::SignedTicket> make_ticket(const base::SecretKey& authority, wire::AdmissionTicket ticket,
                                             base::WallTime wall);

// The list after `previous` (none: the first one): its version is higher by one, `added` are revoked as well, and what
// expired kRevokedKeptS ago has left. A serial that is there already keeps the later expiry. Errors: a previous list of
// another mesh or authority; a full list, which says when there will be room; an expiry that is none.
base::Result<wire::SignedRevocations> next_revocations(const base::SecretKey& authority, std::string_view mesh,
                                                       const std::optional<wire::SignedRevocations>& previous,
                                                       const std::vector<wire::RevokedTicket>& added,
                                                       base::WallTime wall);

// How to revoke a ticket.
[[nodiscard]] inline wire::RevokedTicket revocation_of(const wire::AdmissionTicket& ticket) {
    return {ticket.serial, ticket.expires_unix_s};
}

// For people, one row a fact.
struct TextRow {
    std::string label;
    std::string value;
    friend bool operator==(const TextRow&, const TextRow&) = default;
};
std::vector<TextRow> describe(const wire::SignedTicket& ticket, base::WallTime wall);
std::vector<TextRow> describe(const wire::SignedRevocations& list, base::WallTime wall);

}  // namespace grapevine::admission
