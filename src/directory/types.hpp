#pragma once

// The values of the directory: its settings, what it knows of a member, what it has to say.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/token_bucket.hpp"
#include "base/trace_context.hpp"
#include "base/verification_memo.hpp"
#include "wire/digest.hpp"

namespace grapevine::directory {

enum class Cause : std::uint8_t;

// Gives the trace context that a statement of this node carries: it is signed with the rest, so it is asked for just
// before. `about`: the accused, or this node itself. What the directory does never depends on it.
class Contexts {
public:
    virtual ~Contexts() = default;
    virtual base::TraceContext statement(Cause cause, const base::EndpointId& about) = 0;
};

// Says whether the author of a digest may be in this mesh, by what it shows of itself. Asked last, when the signature
// holds; whom it stops admitting, its owner tells by Directory::expel().
class Admission {
public:
    virtual ~Admission() = default;
    virtual bool admits(const base::EndpointId& author, const wire::Digest& digest, base::TimePoint now) = 0;
};

// Hears what the directory takes for true, in the bytes that were signed: words of others that it accepted, and its
// own. What the directory does never depends on it.
class Witness {
public:
    virtual ~Witness() = default;
    // `about`: whose entry it concerns, the author of a digest or the accused of an accusation.
    virtual void accepted(const base::EndpointId& about, base::ByteView envelope, base::TimePoint now) = 0;
};

using base::RateLimit;  // Of statements.

struct Config {
    std::string mesh;
    std::string type;
    // Wall time of the start: a restarted node's statements are newer than those of its earlier life without any state
    // on disk. Where the clock went back, rule 6 of directory.hpp repairs it.
    base::WallTime started;

    base::Duration gossip_interval = std::chrono::seconds(2);  // MESH_GOSSIP_INTERVAL_MS; at least 200 ms.
    base::Duration staleness = std::chrono::seconds(30);       // MESH_STALENESS_MS.
    // A refresh comes between 0.9 and 1.0 of staleness / refreshes: three of them, and time for the last to arrive, fit
    // into the window, and as few as that allows, since each wakes the whole mesh.
    double refreshes = 3.15;
    double load_change = 0.05;                                        // Of the budget: what is worth saying at once.
    base::Duration urgent_interval = std::chrono::milliseconds(500);  // Least time between refutations.

    // Lifeguard (Dadgar, Phillips, Currey 2018), section IV-B: the timeout falls from max to min with the logarithm of
    // the number of independent accusers, and is min from `suspicion_accusers` on. 2.5 s leave a wrongly accused node
    // several round trips over lossy links; our own choice.
    base::Duration suspicion_max = std::chrono::milliseconds(2500);
    base::Duration suspicion_min = std::chrono::seconds(1);
    std::size_t suspicion_accusers = 3;
    std::size_t suspicions_max = 4096;

    // Local health: see rule 9 of directory.hpp.
    base::Duration doubt_window = std::chrono::seconds(2);
    base::Duration doubt_max = std::chrono::seconds(5);

    // Shared by the nodes of one process, outlives them; null: every signature is verified here.
    base::VerificationMemo* verified = nullptr;
    Contexts* contexts = nullptr;    // Outlives the directory; null: no statement carries a context.
    Admission* admission = nullptr;  // The same; null: everybody may be in the mesh.
    Witness* witness = nullptr;      // The same; null: nobody hears.

    std::size_t entries_max = 16384;
    std::size_t tombstones_max = 16384;
    std::size_t deaths_max = 256;     // History kept for display.
    std::size_t forwards_max = 4096;  // Statements learned by sync that wait to be broadcast.
    std::size_t forwards_per_batch = 32;
    base::Duration forward_interval = std::chrono::milliseconds(50);
    RateLimit digests_per_signer{10, 20};
    RateLimit accusations_per_signer{8, 64};
    RateLimit contests{8, 32};  // Statements against zombies offered by sync peers.
};

inline constexpr std::size_t kAccusersMax = 8;  // Kept of one suspicion.
inline constexpr std::size_t kHeldAccusationsMax = 32;
inline constexpr std::size_t kProofBytesMax = 1280;  // Of a leaving statement, with a ticket, kept with its tombstone.
// How far above the own sequence an accusation may claim it to be: ten years in milliseconds. A liar cannot use it up.
inline constexpr std::uint64_t kSequenceLeadMax = 315'360'000'000;

// How a statement came, and how an entry is known.
enum class Source : std::uint8_t {
    self,
    gossip,
    sync,       // From a sync peer: new to this part of the mesh, so it is broadcast on.
    bootstrap,  // From a sync peer while this node was a newcomer: the mesh knows it already.
};
std::string_view name(Source source);

enum class RemovalCause : std::uint8_t { left, died, stale, displaced, expelled, unlisted };
std::string_view name(RemovalCause cause);

enum class Change : std::uint8_t { refreshed, changed };  // refreshed: nothing but sequence, counters and load.

// Why a statement was refused. The first six mirror wire::StatementFault.
enum class Refusal : std::uint8_t {
    malformed,
    oversized,
    unknown_version,
    unknown_kind,
    bad_signature,
    bad_name,
    other_mesh,
    duplicate,        // The very statement that is known already.
    not_newer,        // A digest at or below the known sequence.
    after_removal,    // A digest at or below the sequence with which the entry was removed.
    own_echo,         // This node's own words, come back.
    self_accusation,  // Somebody accuses itself.
    unknown_accuser,
    unknown_accused,
    stale_accusation,  // About a sequence that the accused has moved on from.
    implausible,       // Claims a sequence of ours that we cannot have used.
    rate_limited,
    directory_full,
    suspicions_full,
    not_admitted,  // The author may not be in this mesh, or not any more.
    count_,
};
inline constexpr std::size_t kRefusals = static_cast<std::size_t>(Refusal::count_);
std::string_view name(Refusal refusal);

struct Accuser {
    base::EndpointId id;
    wire::AccusationReason reason = wire::AccusationReason::silent;
    wire::AccusationPhase phase = wire::AccusationPhase::suspected;
    friend bool operator==(const Accuser&, const Accuser&) = default;
};

// One line of `ls`.
struct Row {
    std::string name;
    base::EndpointId id;
    std::string mesh;
    std::string type;
    std::vector<wire::TransportAddr> addrs;
    std::vector<base::EndpointId> neighbors;
    wire::Load load;
    wire::Sequence sequence;
    std::uint64_t started_unix_ms = 0;
    std::uint64_t messages_sent = 0;
    std::uint64_t messages_received = 0;
    base::Duration age{};  // Since the last digest, by this node's monotonic clock; zero for this node itself.
    Source known_by = Source::gossip;
    std::vector<Accuser> suspected_by;
    friend bool operator==(const Row&, const Row&) = default;
};

// A removal that was not a graceful leave, kept for display.
struct Death {
    base::EndpointId id;
    std::string name;
    RemovalCause cause = RemovalCause::died;
    base::TimePoint at;
    std::vector<Accuser> accusers;
    friend bool operator==(const Death&, const Death&) = default;
};

// Why a statement is broadcast.
enum class Cause : std::uint8_t {
    passed_on,  // The words of others, or proof of what was said before.
    first,      // Of this node itself; see voice.hpp.
    change,
    refresh,
    urgent,
    leaving,
    accusation,  // Of a neighbour.
    confirmation,
};
std::string_view name(Cause cause);

// Broadcast these bytes to the mesh, exactly as they are.
struct BroadcastStatement {
    base::Bytes envelope;
    Cause cause = Cause::passed_on;
    base::TraceContext context{};  // As Contexts gave it.
    friend bool operator==(const BroadcastStatement&, const BroadcastStatement&) = default;
};
struct EntryAdded {
    base::EndpointId id;
    Source source = Source::gossip;
    friend bool operator==(const EntryAdded&, const EntryAdded&) = default;
};
struct EntryUpdated {
    base::EndpointId id;
    Source source = Source::gossip;
    Change change = Change::refreshed;
    friend bool operator==(const EntryUpdated&, const EntryUpdated&) = default;
};
struct EntryRemoved {
    base::EndpointId id;
    RemovalCause cause = RemovalCause::stale;
    std::vector<Accuser> accusers;           // Only of the dead.
    std::vector<wire::TransportAddr> addrs;  // Where it last was, for whoever remembers peers.
    friend bool operator==(const EntryRemoved&, const EntryRemoved&) = default;
};
struct Suspected {
    base::EndpointId accused;
    Accuser accuser;
    friend bool operator==(const Suspected&, const Suspected&) = default;
};
enum class Refutation : std::uint8_t { newer_digest, heard_directly, withdrawn };
// A suspicion ended well.
struct Refuted {
    base::EndpointId accused;
    Refutation by = Refutation::newer_digest;
    friend bool operator==(const Refuted&, const Refuted&) = default;
};
// Somebody thinks that this node is dead; it has been, or is about to be, refuted.
struct SelfAccused {
    Accuser accuser;
    friend bool operator==(const SelfAccused&, const SelfAccused&) = default;
};
// A statement was refused. `from` is the neighbour that handed it on, not necessarily its author.
struct Refused {
    base::EndpointId from;
    Refusal refusal = Refusal::malformed;
    friend bool operator==(const Refused&, const Refused&) = default;
};

using Effect =
    std::variant<BroadcastStatement, EntryAdded, EntryUpdated, EntryRemoved, Suspected, Refuted, SelfAccused, Refused>;
using Effects = std::vector<Effect>;

struct Counters {
    std::array<std::uint64_t, kRefusals> refused{};
    std::uint64_t accepted = 0;
    std::uint64_t emitted_first = 0;
    std::uint64_t emitted_change = 0;
    std::uint64_t emitted_refresh = 0;
    std::uint64_t emitted_urgent = 0;  // Refutations and jumps.
    std::uint64_t refutations = 0;     // Accusations against this node that were answered.
    std::uint64_t sequence_jumps = 0;
    std::uint64_t accusations_made = 0;
    std::uint64_t accusations_held = 0;     // Not made at once, since this node doubted its own connectivity.
    std::uint64_t accusations_dropped = 0;  // Held too long, or too many.
    std::uint64_t confirmations_made = 0;
    std::uint64_t verdicts_postponed = 0;
    std::uint64_t contests_made = 0;
    std::uint64_t died = 0;
    std::uint64_t left = 0;
    std::uint64_t stale = 0;
    std::uint64_t displaced = 0;
    std::uint64_t expelled = 0;
    std::uint64_t unlisted = 0;
    std::uint64_t returned = 0;  // Entries that came back from the dead.
    std::uint64_t forwarded = 0;
    std::uint64_t forwards_spared = 0;   // The mesh had it already.
    std::uint64_t forwards_dropped = 0;  // forwards_max reached.
    std::uint64_t tombstones_displaced = 0;
    std::uint64_t orphans_displaced = 0;

    [[nodiscard]] std::uint64_t operator[](Refusal refusal) const { return refused[static_cast<std::size_t>(refusal)]; }
    friend bool operator==(const Counters&, const Counters&) = default;
};

}  // namespace grapevine::directory
