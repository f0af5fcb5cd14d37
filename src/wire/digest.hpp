#pragma once

// What a node says about itself and about others on its mesh's topic: signed, sequenced statements.
//
// An envelope is: kind u8, signer id (32 bytes), body (length and bytes), signature (64 bytes) over
// "grapevine statement 1" || kind || body. The body is kept as it came, so that whoever forwards it forwards exactly
// what was signed; bytes after the known fields are ignored, which is how fields are added without a new version. An
// envelope has one form only: its length is the shortest varint and nothing follows the signature, so that nobody can
// make a second message of a signed one.
//
// Body of a digest (kind 1), in postcard: version u8 · mesh · type · sequence u64 · presence u8 · started u64 · list of
// addresses · list of neighbour ids (32 bytes each) · messages sent u64 · received u64 · CPU, memory, CPU budget,
// memory budget u32 · context · ticket. Body of an accusation (kind 2): version u8 · mesh · accused id (32 bytes) ·
// sequence u64 · phase u8 · reason u8 · context. The context (wire/trace_codec.hpp) is that of the span in which the
// author said it, and only there if there is one: it is signed with the rest, so that nobody on the way can move a
// statement to another trace. The ticket is the author's admission to a closed mesh, `01` and the bytes of its envelope
// (wire/admission.hpp); in an open mesh there is nothing. Where a ticket follows, an absent context is `00`. With the
// longest names and ticket, and as many direct addresses and neighbours as are allowed, a digest is still a statement.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/ed25519.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/trace_context.hpp"
#include "base/verification_memo.hpp"
#include "wire/addr.hpp"

namespace grapevine::wire {

inline constexpr std::uint8_t kDigestVersion = 1;
inline constexpr std::uint8_t kDigestKind = 1;  // Of an envelope.
inline constexpr std::uint8_t kAccusationKind = 2;
inline constexpr std::size_t kNameMax = 63;  // [a-z0-9][a-z0-9-]{0,62}: meshes and node types.
inline constexpr std::size_t kDigestAddrsMax = 8;
inline constexpr std::size_t kDigestNeighborsMax = 16;
inline constexpr std::size_t kStatementMax =
    2048;  // Bytes of one envelope. Target for a digest: 512 with seven neighbours.

// [a-z0-9][a-z0-9-]{0,62}; the error names `what` ("mesh", "type") and the rule.
base::Result<std::string> parse_name(std::string_view what, std::string_view text);

// Grows by one with every statement of a node about itself; the larger wins, whatever any clock says.
struct Sequence {
    std::uint64_t value = 0;
    friend auto operator<=>(const Sequence&, const Sequence&) = default;
};

enum class Presence : std::uint8_t { present = 0, leaving = 1 };

struct Load {
    std::uint32_t cpu_millicores = 0;         // Own process, averaged since the last digest.
    std::uint32_t memory_kib = 0;             // Own process, resident.
    std::uint32_t cpu_budget_millicores = 0;  // 0: none stated.
    std::uint32_t memory_budget_kib = 0;
    friend bool operator==(const Load&, const Load&) = default;
};

struct Digest {
    std::uint8_t version = kDigestVersion;
    std::string mesh;
    std::string type;
    Sequence sequence;
    Presence presence = Presence::present;
    std::uint64_t started_unix_ms = 0;        // For display only.
    std::vector<TransportAddr> addrs;         // At most kDigestAddrsMax.
    std::vector<base::EndpointId> neighbors;  // Active view, at most kDigestNeighborsMax.
    std::uint64_t messages_sent = 0;
    std::uint64_t messages_received = 0;
    Load load;
    base::TraceContext context{};
    base::Bytes ticket{};  // Unexamined, at most kAdmissionTicketMax; empty: none.
    friend bool operator==(const Digest&, const Digest&) = default;
};

enum class AccusationPhase : std::uint8_t { suspected = 0, confirmed = 1 };
enum class AccusationReason : std::uint8_t { silent = 0, unreachable = 1, connection_lost = 2 };

// "I, the signer, can no longer hear `accused`, whose sequence I know to be `sequence`."
struct Accusation {
    std::uint8_t version = kDigestVersion;
    std::string mesh;
    base::EndpointId accused;
    Sequence sequence;
    AccusationPhase phase = AccusationPhase::suspected;
    AccusationReason reason = AccusationReason::silent;
    base::TraceContext context{};
    friend bool operator==(const Accusation&, const Accusation&) = default;
};

using Claim = std::variant<Digest, Accusation>;

// A statement whose signature was checked, with its bytes as signed.
struct Statement {
    base::EndpointId signer;
    Claim claim;
    base::Bytes envelope;
    friend bool operator==(const Statement&, const Statement&) = default;
};

// Signs a claim. Names must be valid (our own bug otherwise). A digest's addresses are sorted, and lists over their
// limit are cut, in the envelope and in the claim returned.
Statement sign(const base::SecretKey& key, Claim claim);

enum class StatementFault : std::uint8_t {
    malformed,
    oversized,
    unknown_version,
    unknown_kind,
    bad_signature,
    bad_name
};
inline constexpr std::size_t kStatementFaults = 6;
std::string_view name(StatementFault fault);

// Why a statement is refused, for counting by cause.
struct StatementError {
    StatementFault fault = StatementFault::malformed;
    std::string message;
};
// Checks size, form, version and names first, because they are cheap, and the signature last; nothing is returned
// unless all hold.
// A signature that `memo` knows is not verified again; one that holds is added.
tl::expected<Statement, StatementError> open_statement(base::ByteView envelope, base::VerificationMemo* memo = nullptr);

// Who says a statement, and in which span: for tracing only, since the signature is not verified. Nothing for what has
// not the form of a statement.
struct StatementOrigin {
    base::EndpointId signer;
    base::TraceContext context;
};
std::optional<StatementOrigin> origin_of(base::ByteView envelope);

}  // namespace grapevine::wire
