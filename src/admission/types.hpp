#pragma once

// The values of admission: the policy of one mesh, who asks, what is answered, and what follows from it.

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/verification_memo.hpp"
#include "wire/admission.hpp"

namespace grapevine::admission {

using Use = wire::AdmissionUse;

// All that an outsider is ever told, whatever was wrong: who guesses must not learn how near the guess was.
inline constexpr std::string_view kDenialText = "not admitted";

// Who may be in this mesh, and by what this node itself is. A value that can be replaced while the mesh runs.
struct Policy {
    std::string mesh;
    std::string type;                           // Of this node.
    std::optional<base::EndpointId> authority;  // Absent: the mesh is open.
    base::Bytes own_ticket;                     // The envelope; empty in an open mesh, and only there.
    friend bool operator==(const Policy&, const Policy&) = default;
};

struct Config {
    std::size_t members_max = 16384;  // Holders of a grant, as many as the directory has entries;
    std::size_t visitors_max = 4096;  // apart, so that visitors never keep a member out.
    // How often the wall clock is looked at while a grant can expire: often enough that a clock which jumps forward is
    // noticed within a minute, and no more than once a second where it stands still or goes back. Our own choice.
    base::Duration recheck_min = std::chrono::seconds(1);
    base::Duration recheck_max = std::chrono::minutes(1);
    std::size_t verified_max = 1024;  // Of the own memo.
    // Shared by the nodes of one process, outlives them; null: this node has a memo of its own.
    base::VerificationMemo* verified = nullptr;
};

// Somebody who asks, its id proven by its connection or by its signature.
struct Applicant {
    base::EndpointId id;
    Use wanted = Use::member;
    std::string_view type;  // A valid name. Without meaning for a visitor.
    base::ByteView ticket;  // The envelope as it came; empty: none.
};

// Yes. An open mesh's grant has neither expiry nor serial.
struct Grant {
    Use use = Use::member;
    std::vector<std::string> types;  // What a member may be; empty: anything.
    std::optional<std::uint64_t> expires_unix_s;
    std::optional<std::uint64_t> serial;
    friend bool operator==(const Grant&, const Grant&) = default;
};

// Why not, in the order of the checks. The first six mirror wire::AdmissionFault.
enum class Cause : std::uint8_t {
    malformed,
    oversized,
    unknown_version,
    unknown_kind,
    bad_name,
    bad_signature,  // Checked last.
    no_ticket,
    other_mesh,
    other_node,
    wrong_use,
    wrong_type,
    expired,
    revoked,
    foreign_authority,
    holders_full,
    count_,
};
inline constexpr std::size_t kCauses = static_cast<std::size_t>(Cause::count_);
std::string_view name(Cause cause);

// No. The message is for this node's own log; whoever asked is told kDenialText.
struct Denial {
    Cause cause = Cause::no_ticket;
    std::string message;
    friend bool operator==(const Denial&, const Denial&) = default;
};

using Verdict = std::variant<Grant, Denial>;

// One who holds a grant. A node may be both, by two tickets.
struct Holder {
    base::EndpointId id;
    Use use = Use::member;
    friend auto operator<=>(const Holder&, const Holder&) = default;
};

// Why a list of revocations was not taken. The first six mirror wire::AdmissionFault.
enum class ListRefusal : std::uint8_t {
    malformed,
    oversized,
    unknown_version,
    unknown_kind,
    bad_name,
    bad_signature,
    open_mesh,
    other_mesh,
    foreign_authority,
    older,        // Than the one that is known: ordinary, on a new link.
    known,        // The very one: ordinary, too.
    conflicting,  // The version that is known, with other content: the authority's key was used twice for one version.
    count_,
};
inline constexpr std::size_t kListRefusals = static_cast<std::size_t>(ListRefusal::count_);
std::string_view name(ListRefusal refusal);

// A newer list counts from now on: say it to the mesh, and on new links.
struct RevocationsChanged {
    base::Bytes envelope;
    friend bool operator==(const RevocationsChanged&, const RevocationsChanged&) = default;
};
// A list was refused for a reason that is not ordinary: whoever handed it on is at fault, or the authority.
struct RevocationsRefused {
    ListRefusal refusal = ListRefusal::malformed;
    friend bool operator==(const RevocationsRefused&, const RevocationsRefused&) = default;
};
// Their tickets are revoked: close their sessions and drop their entries.
struct Revoked {
    std::vector<Holder> holders;  // Ascending.
    friend bool operator==(const Revoked&, const Revoked&) = default;
};
struct GrantExpired {
    Holder holder;
    friend bool operator==(const GrantExpired&, const GrantExpired&) = default;
};
// The new policy does not admit whom the old one did.
struct GrantWithdrawn {
    Holder holder;
    Cause cause = Cause::no_ticket;
    friend bool operator==(const GrantWithdrawn&, const GrantWithdrawn&) = default;
};
// The own ticket has expired or was revoked: others refuse this node until it has a new one. Said once a ticket.
struct OwnTicketLost {
    Cause cause = Cause::expired;
    friend bool operator==(const OwnTicketLost&, const OwnTicketLost&) = default;
};

using Effect =
    std::variant<RevocationsChanged, RevocationsRefused, Revoked, GrantExpired, GrantWithdrawn, OwnTicketLost>;
using Effects = std::vector<Effect>;

struct Counters {
    std::array<std::uint64_t, kCauses> denied{};
    std::array<std::uint64_t, kListRefusals> lists_refused{};
    std::uint64_t granted = 0;
    std::uint64_t unrecorded = 0;  // Granted in an open mesh whose table of holders was full.
    std::uint64_t lists_accepted = 0;
    std::uint64_t revoked = 0;    // Grants that ended so,
    std::uint64_t expired = 0;    // so,
    std::uint64_t withdrawn = 0;  // and by a new policy.

    [[nodiscard]] std::uint64_t operator[](Cause cause) const { return denied[static_cast<std::size_t>(cause)]; }
    [[nodiscard]] std::uint64_t operator[](ListRefusal refusal) const {
        return lists_refused[static_cast<std::size_t>(refusal)];
    }
    friend bool operator==(const Counters&, const Counters&) = default;
};

}  // namespace grapevine::admission
