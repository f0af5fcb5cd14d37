#pragma once

// The vocabulary of a node at the level of messages: its configuration, what it asks the layer below to do, what it
// reports to the layer above.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/verification_memo.hpp"
#include "delivery/publication_types.hpp"
#include "delivery/types.hpp"
#include "fabric/question.hpp"
#include "node/watch_types.hpp"
#include "telemetry/metric_catalogue.hpp"
#include "wire/addr.hpp"
#include "wire/digest.hpp"
#include "wire/gossip.hpp"
#include "wire/mesh.hpp"

namespace grapevine::node {

// Whose members speak for their mesh among others (mesh_fabric.hpp).
inline constexpr std::string_view kGatewayType = "gateway";

// The wall clock at a moment of the monotonic one.
using WallClock = std::function<base::WallTime(base::TimePoint)>;

// How the mesh is closed, and what this node shows of itself (admission/gatekeeper.hpp).
struct AdmissionConfig {
    std::optional<base::EndpointId> authority{};  // Absent: the mesh is open.
    base::Bytes ticket{};                         // The own one, as signed; of a closed mesh only.
    std::vector<base::Bytes> revocations{};       // Lists that are known at the start; the newest counts.
    std::map<std::string, base::Bytes> visits{};  // Tickets for other closed meshes, by their names.
    WallClock wall{};                             // Empty: started_unix_ms, advanced by the monotonic clock.
};

struct MeshConfig {
    std::string mesh;  // Checked by wire::parse_name before it gets here.
    std::string type;
    std::vector<wire::EndpointAddr> seeds;
    std::string fabric = "default";                // Of which meshes know each other (fabric/backbone.hpp).
    std::vector<wire::EndpointAddr> fabric_seeds;  // Gateways of any of its meshes.
    base::Duration gossip_interval = std::chrono::milliseconds(2000);
    base::Duration staleness = std::chrono::milliseconds(30000);
    std::uint64_t started_unix_ms = 0;  // Wall clock at start: first sequence number, and display.
    std::uint32_t cpu_budget_millicores = 0;
    std::uint32_t memory_budget_kib = 0;
    // Shared by the nodes of one process, outlives them; null: each verifies every signature itself.
    base::VerificationMemo* verified = nullptr;
    AdmissionConfig admission{};
};

// As what a peer is here, by its hello.
enum class Standing : std::uint8_t {
    member,
    visitor,
    host,      // Of another mesh, dialled by this node: it may ask nothing.
    outsider,  // Not admitted: nothing is said to it.
};
struct Judgement {
    Standing standing = Standing::outsider;
    std::string why{};  // Of an outsider, for this node's own log.
};
enum class Caller : std::uint8_t { us, them };  // Who dialled.

// A directory exchange. Those that we open have even numbers, those of peers odd ones.
struct SyncRef {
    std::uint64_t value = 0;
    friend auto operator<=>(const SyncRef&, const SyncRef&) = default;
};
enum class Last : std::uint8_t { no, yes };

// To the layer below.
struct SendMessage {
    base::EndpointId to;
    base::TopicId topic;
    wire::TopicMessage message;
};
struct FinishTopic {  // After our Disconnect of this topic.
    base::EndpointId peer;
    base::TopicId topic;
};
struct DropPeer {  // No topic needs the link any more.
    base::EndpointId peer;
};
struct AbandonPeer {  // The peer is dead or does not answer: close at once.
    base::EndpointId peer;
};
struct ProbePeer {  // Send an ack-eliciting packet over the link.
    base::EndpointId peer;
};
struct OpenSync {
    SyncRef sync;
    base::EndpointId peer;
    wire::SyncTurn turn;
};
struct SendSync {
    SyncRef sync;
    wire::SyncTurn turn;
    Last last = Last::no;
};
struct AbortSync {  // The peer broke a rule.
    SyncRef sync;
};
struct Introduce {  // Say hello to the peer in its present life: on_introduced or on_introduction_failed follows.
    base::EndpointId peer;
};
struct CloseSessions {  // It is not admitted, or not any more; without a peer: nobody is.
    std::optional<base::EndpointId> peer;
};
struct SayRevocations {  // On a session with the peer.
    base::EndpointId peer;
    base::Bytes envelope;
};

// To the layer above.
enum class EntryChange : std::uint8_t { joined, updated, left, died, stale, expelled };
struct DirectoryChanged {
    EntryChange change = EntryChange::joined;
    base::EndpointId id;
    std::string name;
    std::vector<base::EndpointId> accusers;  // For died: who accused it.
    std::string known_via{};                 // For joined: "gossip" or "sync".
    // For joined: who told of it, a neighbour or the other side of an exchange; absent for this node itself.
    std::optional<base::EndpointId> told_by{};
};
enum class SuspicionStep : std::uint8_t { suspected, refuted };
struct SuspicionChanged {
    SuspicionStep step = SuspicionStep::suspected;
    base::EndpointId accused;
    std::string name;
    base::EndpointId accuser;
    wire::AccusationReason reason = wire::AccusationReason::silent;
};
struct SeedRetry {
    base::EndpointId seed;
    std::uint32_t attempt = 0;
    base::Duration delay{};
    std::string reason;
};
// A closed mesh has a newer list of revocations: to be kept over a restart.
struct RevocationsLearned {
    base::Bytes envelope;
};
// This node has another ticket of its own: to be kept over a restart.
struct TicketReplaced {
    base::Bytes envelope;
};
// What whoever runs the node of a closed mesh wants to read in its log.
enum class AdmissionEvent : std::uint8_t {
    denied,      // Somebody was not admitted. Not every one is told; all are counted.
    put_out,     // A peer is not admitted any more.
    own_ticket,  // Others refuse this node from now on.
};
struct AdmissionNews {
    AdmissionEvent event = AdmissionEvent::denied;
    base::EndpointId peer;
    std::string text;
};
enum class NeighborChange : std::uint8_t { up, down };
struct TopicNeighborChanged {  // The application's topics.
    base::TopicId topic;
    NeighborChange change = NeighborChange::up;
    base::EndpointId peer;
};
struct MeshNeighborChanged {  // The mesh's own topic.
    NeighborChange change = NeighborChange::up;
    base::EndpointId peer;
};
struct TopicReceived {
    base::TopicId topic;
    base::EndpointId from;  // The previous hop, not the author: iroh-gossip signs nothing.
    base::Bytes content;
    std::uint16_t hops = 0;
};

using Effect =
    std::variant<SendMessage, FinishTopic, DropPeer, AbandonPeer, ProbePeer, OpenSync, SendSync, AbortSync, Introduce,
                 CloseSessions, SayRevocations, RevocationsLearned, TicketReplaced, AdmissionNews, DirectoryChanged,
                 SuspicionChanged, SeedRetry, TopicNeighborChanged, MeshNeighborChanged, TopicReceived,
                 delivery::WantSession, delivery::ReleaseSession, delivery::SendDeliver, delivery::SendOpenStream,
                 delivery::SendLarge, delivery::TakePayload, delivery::SendOutcome, delivery::SendWindow,
                 delivery::Finished, delivery::RoomAgain, delivery::Handle, delivery::HandlerLate, fabric::SendQuestion,
                 fabric::DropQuestion, fabric::Answer, fabric::Done, fabric::MeshAppeared, fabric::MeshGone,
                 fabric::Lied, delivery::Published, delivery::Missed, TakeStream, StreamDecided, SayOnStream,
                 ResetStream, WatchedChanged, WatchSourceChanged, WatchLied>;
using Effects = std::vector<Effect>;

// One row of the directory.
struct DirectoryRow {
    std::string name;
    base::EndpointId id;
    std::string mesh;
    std::string type;
    std::vector<wire::TransportAddr> addrs;
    std::vector<base::EndpointId> neighbors;
    wire::Load load;
    std::uint64_t sequence = 0;
    std::uint64_t started_unix_ms = 0;
    std::uint64_t messages_sent = 0;
    std::uint64_t messages_received = 0;
    base::Duration age{};   // Since its newest digest came in, on our monotonic clock.
    std::string known_via;  // "self", "gossip", "sync"; "watch" of another mesh.
    std::vector<base::EndpointId> suspected_by;
};

// A named counter ("gossip.duplicates"); telemetry/metric_catalogue.hpp says what each is exported as.
using telemetry::Figure;

}  // namespace grapevine::node
