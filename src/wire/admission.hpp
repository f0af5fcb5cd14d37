#pragma once

// The authority's words about a closed mesh: a ticket, which says that a node may be in it or visit it, and the list of
// tickets that are revoked. Both are signed with the mesh's authority key (Ed25519), which no node holds.
//
// An envelope is, as that of a statement: kind u8, authority's id (32 bytes), body (length and bytes), signature (64
// bytes) over the domain string and the body. The domains are "grapevine admission ticket 1" and "grapevine revocation
// list 1", so that neither is ever taken for the other or for a statement. The kinds differ from those of statements,
// since a list travels on the mesh's topic, too.
//
// Body of a ticket, in postcard: version u8 · mesh · node id (32 bytes) · use u8 · list of types · expiry u64 · serial
// u64. Body of a list: version u8 · mesh · list version u64 · count, then for each ticket revoked, by serial: the
// serial's distance from the one before (the first: from 0) u64 · expiry u64. Expiries are in seconds since the epoch.
//
// Rules, with their reasons:
//  1. There is one form only: shortest varints, types and serials in strictly ascending order, nothing after the last
//     field and nothing after the signature. A statement ignores fields that it does not know; here a field may narrow
//     what is allowed, and whoever overlooks it would allow too much. So a new field is a new version.
//  2. Every ticket expires, at kExpiryMax at the latest: a key that was lost must not open a mesh for ever, and a list
//     of revocations can forget what has expired.
//  3. A member's ticket names at most kTicketTypesMax node types; none: any. A visitor has no type in the mesh.
//  4. A list has at most kRevokedMax tickets: with the longest name and the worst serials it still is one gossip
//     message. Serials may be random or counted; counted ones need fewer bytes.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/ed25519.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/verification_memo.hpp"

namespace grapevine::wire {

inline constexpr std::uint8_t kAdmissionVersion = 1;
inline constexpr std::uint8_t kRevocationListKind = 0x10;  // Of an envelope; see digest.hpp for the others.
inline constexpr std::uint8_t kAdmissionTicketKind = 0x11;
inline constexpr std::size_t kTicketTypesMax = 8;
inline constexpr std::size_t kRevokedMax = 256;
inline constexpr std::size_t kAdmissionTicketMax = 726;       // Bytes: the longest names, eight types.
inline constexpr std::size_t kRevocationListMax = 4057;       // Bytes: what iroh-gossip carries, kGossipContentMax.
inline constexpr std::uint64_t kExpiryMax = 253'402'300'799;  // The last second of the year 9999.

enum class AdmissionUse : std::uint8_t { member = 0, visitor = 1 };
std::string_view name(AdmissionUse use);

struct AdmissionTicket {
    std::uint8_t version = kAdmissionVersion;
    std::string mesh;
    base::EndpointId node;
    AdmissionUse use = AdmissionUse::member;
    std::vector<std::string> types;  // Sorted, without duplicates. Empty: any; always so for a visitor.
    std::uint64_t expires_unix_s = 0;
    std::uint64_t serial = 0;
    friend bool operator==(const AdmissionTicket&, const AdmissionTicket&) = default;
};

struct RevokedTicket {
    std::uint64_t serial = 0;
    std::uint64_t expires_unix_s = 0;  // As the ticket says.
    friend auto operator<=>(const RevokedTicket&, const RevokedTicket&) = default;
};

struct RevocationList {
    std::uint8_t version = kAdmissionVersion;
    std::string mesh;
    std::uint64_t list_version = 0;      // At least 1; the higher wins.
    std::vector<RevokedTicket> revoked;  // Sorted by serial, each serial once.
    [[nodiscard]] bool contains(std::uint64_t serial) const;
    friend bool operator==(const RevocationList&, const RevocationList&) = default;
};

// What an authority signed, with its bytes as signed.
template <typename T>
struct Signed {
    base::EndpointId authority;
    T value;
    base::Bytes envelope;
    friend bool operator==(const Signed&, const Signed&) = default;
};
using SignedTicket = Signed<AdmissionTicket>;
using SignedRevocations = Signed<RevocationList>;

// Rules 2 to 4 and those of names. The error names the field and the rule, without saying of what it is a field.
base::Status check(const AdmissionTicket& ticket);
base::Status check(const RevocationList& list);
base::Status check_expiry(std::uint64_t expires_unix_s);

// The value must pass check() (our own bug otherwise).
SignedTicket sign_ticket(const base::SecretKey& authority, AdmissionTicket ticket);
SignedRevocations sign_revocations(const base::SecretKey& authority, RevocationList list);

enum class AdmissionFault : std::uint8_t {
    malformed,
    oversized,
    unknown_version,
    unknown_kind,
    bad_name,
    bad_signature,
};
inline constexpr std::size_t kAdmissionFaults = 6;
std::string_view name(AdmissionFault fault);

// Why an envelope is refused, for counting by cause.
struct AdmissionError {
    AdmissionFault fault = AdmissionFault::malformed;
    std::string message;
};

// Size, form, version, names and rules, all but the signature: for checks that are cheaper than that. Nothing here is
// to be believed before signature_holds().
tl::expected<SignedTicket, AdmissionError> read_ticket(base::ByteView envelope);
tl::expected<SignedRevocations, AdmissionError> read_revocations(base::ByteView envelope);

// Whether the authority named in the envelope signed it; which authority counts is for the caller to say. A signature
// that `memo` knows is not verified again; one that holds is added.
[[nodiscard]] bool signature_holds(const SignedTicket& ticket, base::VerificationMemo* memo = nullptr);
[[nodiscard]] bool signature_holds(const SignedRevocations& list, base::VerificationMemo* memo = nullptr);

// Both steps.
tl::expected<SignedTicket, AdmissionError> open_ticket(base::ByteView envelope, base::VerificationMemo* memo = nullptr);
tl::expected<SignedRevocations, AdmissionError> open_revocations(base::ByteView envelope,
                                                                 base::VerificationMemo* memo = nullptr);

// As text, for files and command lines: "admit" or "revoke" and the envelope in base32. The prefix is exact, the rest
// may have any case, and white space around it is ignored. Parsing opens, too: a text with a changed letter is refused.
std::string admission_text(const SignedTicket& ticket);
base::Result<SignedTicket> parse_admission_text(std::string_view text);
std::string revocations_text(const SignedRevocations& list);
base::Result<SignedRevocations> parse_revocations_text(std::string_view text);

}  // namespace grapevine::wire
