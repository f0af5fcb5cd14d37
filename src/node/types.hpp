#pragma once

// The vocabulary of a node at the level of messages: its configuration, what it asks the layer below to do, what it
// reports to the layer above.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/verification_memo.hpp"
#include "delivery/types.hpp"
#include "fabric/question.hpp"
#include "telemetry/metric_catalogue.hpp"
#include "wire/addr.hpp"
#include "wire/digest.hpp"
#include "wire/gossip.hpp"
#include "wire/mesh.hpp"

namespace grapevine::node {

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
};

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

// To the layer above.
enum class EntryChange : std::uint8_t { joined, updated, left, died, stale };
struct DirectoryChanged {
    EntryChange change = EntryChange::joined;
    base::EndpointId id;
    std::string name;
    std::vector<base::EndpointId> accusers;  // For died: who accused it.
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

using Effect = std::variant<SendMessage, FinishTopic, DropPeer, AbandonPeer, ProbePeer, OpenSync, SendSync, AbortSync,
                            DirectoryChanged, SuspicionChanged, SeedRetry, TopicNeighborChanged, MeshNeighborChanged,
                            TopicReceived, delivery::WantSession, delivery::ReleaseSession, delivery::SendDeliver,
                            delivery::SendOpenStream, delivery::SendOutcome, delivery::SendWindow, delivery::Finished,
                            delivery::RoomAgain, delivery::Handle, delivery::HandlerLate, fabric::SendQuestion,
                            fabric::DropQuestion, fabric::Answer, fabric::Done, fabric::MeshAppeared, fabric::MeshGone,
                            fabric::Lied>;
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
    std::string known_via;  // "self", "gossip", "sync".
    std::vector<base::EndpointId> suspected_by;
};

// A named counter ("gossip.duplicates"); telemetry/metric_catalogue.hpp says what each is exported as.
using telemetry::Figure;

}  // namespace grapevine::node
