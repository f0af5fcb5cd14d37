#pragma once

// The values of the backbone: its settings, what a node says of its own mesh, what it has to say of others.

#include <array>
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
#include "base/token_bucket.hpp"
#include "base/trace_context.hpp"
#include "base/verification_memo.hpp"
#include "wire/addr.hpp"
#include "wire/digest.hpp"
#include "wire/summary.hpp"

namespace grapevine::fabric {

// Why a summary is said.
enum class Occasion : std::uint8_t {
    first,         // This gateway came on duty.
    change,        // Of the gateways, the authority, the ticket, the types or their counts.
    introduction,  // Somebody is new on the backbone and has heard nothing yet.
    refresh,
    correction,  // An earlier life had a higher sequence.
};
std::string_view name(Occasion occasion);

// Gives the trace context that a summary of this node carries: it is signed with the rest, so it is asked for just
// before. What the backbone does never depends on it.
class Contexts {
public:
    virtual ~Contexts() = default;
    virtual base::TraceContext summary(Occasion occasion) = 0;
};

// Who may speak for a closed mesh, and who is in it. The answers may change with time; they are asked for each
// statement.
enum class Admission : std::uint8_t { admitted, refused };
class Admits {
public:
    virtual ~Admits() = default;
    // Whether `signer` is a member of the mesh that `authority` closes, by the ticket that came with its summary.
    virtual Admission speaker(const base::EndpointId& signer, std::string_view mesh, const base::EndpointId& authority,
                              base::ByteView ticket) = 0;
    // Whether the author of a digest is a member of the digest's mesh, which `authority` closes.
    virtual Admission member(const wire::Statement& digest, const base::EndpointId& authority) = 0;
};

// "This mesh is closed, by this authority, whatever anybody says."
struct Pin {
    std::string mesh;
    base::EndpointId authority;
};

struct BackboneConfig {
    std::string fabric = "default";
    std::string mesh;
    // Wall time of the start, which is the first sequence: as directory::Config::started.
    base::WallTime started;
    std::vector<wire::EndpointAddr> seeds;  // Of the fabric.
    std::vector<Pin> pins;

    // The contract's figures (docs/design/0002-fabric.md). Summaries are refreshed more slowly than digests since they
    // cross all meshes, and say only where to ask.
    base::Duration refresh = std::chrono::seconds(60);
    double refreshes = 3.15;  // Of them fit into the staleness window: three, and time for the last to arrive.
    base::Duration change_interval = std::chrono::seconds(2);  // Least time between two summaries of this node.
    // A change of nothing but counts waits for the refresh, or this long if a type's members more than halved or grew
    // by half: our own choices. announcer.hpp, rule 3, has the reason.
    base::Duration count_interval = std::chrono::seconds(10);
    double count_change = 0.5;
    // How long a gateway waits for each that comes before it in the order of duty; some round trips of gossip.
    base::Duration turn = std::chrono::seconds(1);
    // Newcomers: a few are greeted at once, then one summary in ten seconds, so that an endless row of invented
    // gateways cannot make every mesh shout. A newcomer waits for its greetings at most that long.
    base::Duration introduction_spread = std::chrono::milliseconds(500);
    base::Duration introduction_interval = std::chrono::seconds(10);
    std::uint32_t introductions_burst = 3;
    // A seed of the fabric that no summary names is tried again after the first, and doubling up to the second: as the
    // seeds of a mesh are (paths/seeds.hpp). Our own choices.
    base::Duration seed_retry_min = std::chrono::seconds(5);
    base::Duration seed_retry_max = std::chrono::seconds(60);

    // Policy of a full table (mesh_table.hpp); our own choices.
    base::Duration probation = std::chrono::minutes(2);
    base::Duration used_for = std::chrono::minutes(10);
    // Long enough that a recorded summary is of little use, short enough for a gateway that comes back with a clock
    // behind: nobody tells it how high its sequence was.
    base::Duration grave_life = std::chrono::minutes(10);
    std::size_t meshes_max = 1024;
    std::size_t speakers_max = 6;  // Of a mesh: both sides of a split one.
    std::size_t graves_max = 4096;
    base::RateLimit summaries_per_signer{1, 8};
    base::RateLimit new_speakers{50, 2048};  // All together; the burst is a whole fabric that greets a newcomer.

    base::VerificationMemo* verified = nullptr;  // Shared, outlives the backbone; null: every signature is verified.
    Contexts* contexts = nullptr;                // Null: no summary carries a context.
    Admits* admits = nullptr;                    // Null: nobody is admitted to a closed mesh.
};

inline constexpr std::size_t kBootstrapMax = 16;  // Peers named in one JoinBackbone.

// What this node knows of its own mesh. Gateways: those on duty, in order of duty, with the addresses of their digests;
// this node is one of them or is not on duty. All members should tell the same, hence what the directory holds of this
// node too, not what the node itself knows better.
struct OwnFacts {
    std::vector<wire::EndpointAddr> gateways;
    std::vector<wire::TypeCount> members;
    std::optional<base::EndpointId> authority;
    base::Bytes ticket;  // This node's own.
    friend bool operator==(const OwnFacts&, const OwnFacts&) = default;
};

// Why a summary was refused. The first six mirror wire::StatementFault.
enum class Refusal : std::uint8_t {
    malformed,
    oversized,
    unknown_version,
    unknown_kind,
    bad_signature,
    bad_name,
    other_fabric,
    duplicate,        // The sequence that is known already.
    not_newer,        // Below it.
    after_removal,    // Not above the sequence with which the signer's entry was removed.
    own_echo,         // This node's own words, come back.
    implausible,      // A sequence of ours that leaves no room above it.
    not_a_gateway,    // The signer does not name itself.
    other_authority,  // Than the pinned one, or the first that was heard.
    not_admitted,
    rate_limited,
    table_full,
    speakers_full,
    count_,
};
inline constexpr std::size_t kRefusals = static_cast<std::size_t>(Refusal::count_);
std::string_view name(Refusal refusal);

enum class GoneCause : std::uint8_t { stale, displaced, moved };
std::string_view name(GoneCause cause);

// Broadcast these bytes on the backbone's topic, exactly as they are.
struct Broadcast {
    base::Bytes envelope;
    Occasion occasion = Occasion::first;
    base::TraceContext context{};  // As Contexts gave it.
    friend bool operator==(const Broadcast&, const Broadcast&) = default;
};
// Subscribe to the topic, through these peers. Comes again, with all of them, when this node's fellows change, and with
// the seeds that nobody names while there are such.
struct JoinBackbone {
    base::TopicId topic;
    std::vector<wire::EndpointAddr> peers;  // At most kBootstrapMax.
    friend bool operator==(const JoinBackbone&, const JoinBackbone&) = default;
};
struct LeaveBackbone {
    base::TopicId topic;
    friend bool operator==(const LeaveBackbone&, const LeaveBackbone&) = default;
};
struct MeshAppeared {
    std::string mesh;
    friend bool operator==(const MeshAppeared&, const MeshAppeared&) = default;
};
// Its gateways, members or authority are others than before.
struct MeshChanged {
    std::string mesh;
    friend bool operator==(const MeshChanged&, const MeshChanged&) = default;
};
struct MeshGone {
    std::string mesh;
    GoneCause cause = GoneCause::stale;
    friend bool operator==(const MeshGone&, const MeshGone&) = default;
};
// Somebody speaks for this node's own mesh whom this part of it does not know: the mesh may be split, and these are
// gateways of the other part, through which it can be joined again.
struct OwnMeshElsewhere {
    std::vector<wire::EndpointAddr> gateways;
    friend bool operator==(const OwnMeshElsewhere&, const OwnMeshElsewhere&) = default;
};
// A summary was refused. `from` is the neighbour that handed it on, not necessarily its author.
struct Refused {
    base::EndpointId from;
    Refusal refusal = Refusal::malformed;
    friend bool operator==(const Refused&, const Refused&) = default;
};

using Effect = std::variant<Broadcast, JoinBackbone, LeaveBackbone, MeshAppeared, MeshChanged, MeshGone,
                            OwnMeshElsewhere, Refused>;
using Effects = std::vector<Effect>;

// Gateways that know of each other: one group for a whole mesh, several for a split one. Ask those that come first.
struct Side {
    std::vector<wire::EndpointAddr> gateways;
    friend bool operator==(const Side&, const Side&) = default;
};

// One line of what is known of the meshes.
struct MeshRow {
    std::string mesh;
    std::vector<Side> sides;
    std::vector<wire::TypeCount> members;  // As the first side said last.
    std::optional<base::EndpointId> authority;
    base::Duration age{};  // Since it was last heard of.
    friend bool operator==(const MeshRow&, const MeshRow&) = default;
};

struct Counters {
    std::array<std::uint64_t, kRefusals> refused{};
    std::array<std::uint64_t, 5> said{};  // By Occasion.
    std::uint64_t accepted = 0;
    std::uint64_t sequence_jumps = 0;
    std::uint64_t fellows_heard = 0;  // Summaries of the own mesh that said what this node would have said.
    std::uint64_t appeared = 0;
    std::uint64_t gone_stale = 0;
    std::uint64_t gone_displaced = 0;
    std::uint64_t gone_moved = 0;
    std::uint64_t speakers_displaced = 0;
    std::uint64_t speakers_superseded = 0;
    std::uint64_t graves_displaced = 0;

    [[nodiscard]] std::uint64_t operator[](Refusal refusal) const { return refused[static_cast<std::size_t>(refusal)]; }
    [[nodiscard]] std::uint64_t operator[](Occasion occasion) const { return said[static_cast<std::size_t>(occasion)]; }
    friend bool operator==(const Counters&, const Counters&) = default;
};

}  // namespace grapevine::fabric
