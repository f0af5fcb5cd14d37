#pragma once

// Every metric that a node exports, and how the figures that its parts keep ("quic.dropped_bad_token") become points of
// them. docs/telemetry.md describes them. Names are the reference's where it has them; units are UCUM. What was refused
// or lost is in one metric, mesh.drops, by layer and cause, so that one query shows all of it.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/metrics.hpp"

namespace grapevine::telemetry {

// A named counter of a part of the node, as the control socket shows it.
struct Figure {
    std::string name;
    std::uint64_t value = 0;
};

namespace metrics {

// Traffic of the mesh.
inline constexpr MetricSpec kBytesSent{"mesh.bytes_sent", "By", "Bytes of frames sent, by kind of operation."};
inline constexpr MetricSpec kBytesReceived{"mesh.bytes_received", "By", "Bytes of frames received."};
inline constexpr MetricSpec kFramesSent{"mesh.frames_sent", "{frame}", "Frames sent, by kind of operation."};
inline constexpr MetricSpec kFramesReceived{"mesh.frames_received", "{frame}", "Frames received."};
inline constexpr MetricSpec kDrops{"mesh.drops", "{item}", "What was refused or lost, by layer and cause."};
inline constexpr MetricSpec kQueueDepth{"mesh.queue.depth", "{item}", "What waits in a queue now.", Instrument::gauge};
inline constexpr MetricSpec kQueueBytes{"mesh.queue.size", "By", "What a queue occupies now.", Instrument::gauge};

// Peers.
inline constexpr MetricSpec kPeerRtt{"mesh.peer.rtt_ms", "ms", "Round trips of pings to mesh services.",
                                     Instrument::histogram};
inline constexpr MetricSpec kPeerSmoothedRtt{"mesh.peer.srtt_ms", "ms",
                                             "Smoothed round trip of the link to a neighbour.", Instrument::gauge};
inline constexpr MetricSpec kPeerSilence{"mesh.peer.silence_ms", "ms", "Since a neighbour was last heard.",
                                         Instrument::gauge};
inline constexpr MetricSpec kPeers{"mesh.peers", "{peer}", "Peers in a topic's views.", Instrument::gauge};
inline constexpr MetricSpec kDials{"mesh.dials", "{dial}", "Connections dialled, by protocol."};
inline constexpr MetricSpec kDialFailures{"mesh.dial_failures", "{dial}", "Dials that came to nothing."};
inline constexpr MetricSpec kHandshakes{"mesh.handshakes", "{handshake}", "QUIC handshakes, by what became of them."};
inline constexpr MetricSpec kSuperseded{"mesh.links.superseded", "{connection}", "Links replaced by a newer one."};
inline constexpr MetricSpec kSeedRetries{"mesh.seed.attempts", "{attempt}",
                                         "Attempts to join through a seed, by result."};
inline constexpr MetricSpec kRemembered{"mesh.remembered.peers", "{peer}", "Lost members that are tried again.",
                                        Instrument::gauge};
inline constexpr MetricSpec kRememberedTries{"mesh.remembered.attempts", "{attempt}", "Tries of lost members."};
inline constexpr MetricSpec kProbes{"mesh.probes", "{probe}", "Probes sent to silent neighbours."};
inline constexpr MetricSpec kSilences{"mesh.silences", "{event}", "Neighbours called silent, and heard again."};
inline constexpr MetricSpec kHints{"mesh.unreachable_hints", "{hint}", "Hints of the kernel that nobody listens."};
inline constexpr MetricSpec kStalls{"mesh.loop.stalls", "{event}", "Moments in which this node itself was late."};
inline constexpr MetricSpec kEndpoints{"mesh.endpoints", "{endpoint}", "Endpoints with a known address.",
                                       Instrument::gauge};
inline constexpr MetricSpec kHellos{"mesh.hellos", "{hello}", "Hellos accepted."};
inline constexpr MetricSpec kAdmissions{"mesh.admissions", "{event}", "What the gatekeeper of a mesh did."};
inline constexpr MetricSpec kGrants{"mesh.grants", "{grant}", "Peers that are admitted to a closed mesh.",
                                    Instrument::gauge};
inline constexpr MetricSpec kServed{"mesh.requests_served", "{request}", "Requests of peers answered, by kind."};
inline constexpr MetricSpec kLedgerBroken{"mesh.ledger.laws_broken", "{law}", "Laws of the ledger broken now.",
                                          Instrument::gauge};
inline constexpr MetricSpec kLedgerBreaches{"mesh.ledger.breaches", "{event}", "Times that a law was broken."};

// Gossip.
inline constexpr MetricSpec kGossipSent{"mesh.gossip.sent", "{message}", "Payload messages sent."};
inline constexpr MetricSpec kGossipReceived{"mesh.gossip.received", "{message}", "Payload messages received."};
inline constexpr MetricSpec kGossipDuplicates{"mesh.gossip.duplicates", "{message}", "Payload received again."};
inline constexpr MetricSpec kGossipDeliveries{"mesh.gossip.deliveries", "{message}", "Messages delivered, once each."};
inline constexpr MetricSpec kRmr{"mesh.gossip.rmr", "1", "Relative message redundancy: duplicates per delivery.",
                                 Instrument::gauge};
inline constexpr MetricSpec kLdh{"mesh.gossip.ldh", "{hop}", "Last delivery hop: the most hops of a delivery here.",
                                 Instrument::gauge};
inline constexpr MetricSpec kHopLast{"mesh.gossip.hop_last", "{hop}", "Hops of the latest delivery.",
                                     Instrument::gauge};
inline constexpr MetricSpec kHops{"mesh.gossip.hops", "{hop}", "Hops of deliveries on the mesh's topic.",
                                  Instrument::histogram};
inline constexpr MetricSpec kGossipControl{"mesh.gossip.control", "{message}", "Control messages of Plumtree, by way."};
inline constexpr MetricSpec kGossipRepairs{"mesh.gossip.tree_changes", "{event}",
                                           "Changes of the broadcast tree, by kind."};
inline constexpr MetricSpec kMembershipEvents{"mesh.membership.events", "{event}", "What HyParView did, by kind."};

// Deliveries.
inline constexpr MetricSpec kDeliveries{"mesh.deliver.messages", "{message}",
                                        "Messages of this node that ended, by outcome."};
inline constexpr MetricSpec kDeliverWrites{"mesh.deliver.writes", "{message}", "Messages written, by attempt."};
inline constexpr MetricSpec kStreamSteps{"mesh.stream.steps", "{stream}", "Streams by name, by what became of them."};
inline constexpr MetricSpec kDeliverTaken{"mesh.deliver.taken", "{message}", "Messages for this node, by step."};

// Meshes that are watched through a gateway.
inline constexpr MetricSpec kWatchSteps{"mesh.watch.steps", "{stream}",
                                        "Watches of directories, here and by others, by what became of them."};

// Content for a whole mesh.
inline constexpr MetricSpec kPublications{"mesh.publish.publications", "{publication}",
                                          "Publications, by step: published here, announced by others, fetched, and "
                                          "missed by cause."};
inline constexpr MetricSpec kPublicationChunks{"mesh.publish.chunks", "{chunk}",
                                               "Pieces of content that peers asked this node for, by answer."};

// Other meshes.
inline constexpr MetricSpec kFabricMeshes{"mesh.fabric.meshes", "{mesh}", "Other meshes that gateways told of.",
                                          Instrument::gauge};
inline constexpr MetricSpec kFabricSummaries{"mesh.fabric.summaries", "{summary}",
                                             "Summaries of meshes, by way: said or accepted."};
inline constexpr MetricSpec kFabricQuestions{"mesh.fabric.questions", "{question}",
                                             "Names of other meshes looked for by this node, by outcome."};
inline constexpr MetricSpec kFabricAsked{"mesh.fabric.asked", "{question}",
                                         "Questions by way: sent to gateways, answered from the cache, or of peers."};

// The directory.
inline constexpr MetricSpec kDirectorySize{"mesh.directory.size", "{node}", "Members known, this node included.",
                                           Instrument::gauge};
inline constexpr MetricSpec kSuspicions{"mesh.directory.suspicions", "{node}", "Members under suspicion.",
                                        Instrument::gauge};
inline constexpr MetricSpec kStatements{"mesh.directory.statements", "{statement}",
                                        "Statements accepted, forwarded and said, by kind."};
inline constexpr MetricSpec kMembers{"mesh.directory.members", "{event}", "Members removed and returned, by cause."};
inline constexpr MetricSpec kSyncs{"mesh.directory.syncs", "{exchange}",
                                   "Directory exchanges, by what became of them."};
inline constexpr MetricSpec kSyncsOpen{"mesh.directory.syncs_open", "{exchange}", "Directory exchanges under way.",
                                       Instrument::gauge};

// The transport and the sockets.
inline constexpr MetricSpec kQuicDatagrams{"mesh.quic.datagrams", "{datagram}", "UDP payloads of QUIC, by direction."};
inline constexpr MetricSpec kQuicBytes{"mesh.quic.bytes", "By", "Bytes of UDP payloads of QUIC, by direction."};
inline constexpr MetricSpec kQuicAnswers{"mesh.quic.answers", "{packet}", "Stateless packets, by kind."};
inline constexpr MetricSpec kQuicPaths{"mesh.quic.path_changes", "{event}", "Peers whose address moved."};
inline constexpr MetricSpec kQuicEarly{"mesh.quic.early_data", "{connection}",
                                       "Connections with early data, by result."};
inline constexpr MetricSpec kQuicTickets{"mesh.quic.tickets", "{ticket}", "Session tickets kept."};
inline constexpr MetricSpec kUdpTrains{"mesh.udp.trains", "{train}", "Trains of datagrams (GSO, GRO), by direction."};
inline constexpr MetricSpec kUdpDatagrams{"mesh.udp.datagrams", "{datagram}", "Datagrams, by direction."};
inline constexpr MetricSpec kUdpBytes{"mesh.udp.bytes", "By", "Bytes of datagrams, by direction."};
inline constexpr MetricSpec kUdpCalls{"mesh.udp.calls", "{call}", "System calls for datagrams, by direction."};
inline constexpr MetricSpec kUdpDeferred{"mesh.udp.deferred", "{train}", "Trains that had to wait for the socket."};
inline constexpr MetricSpec kUdpSockets{"mesh.udp.sockets", "{socket}", "UDP sockets, and how many have a feature.",
                                        Instrument::gauge};

// The process.
inline constexpr MetricSpec kWakeups{"mesh.loop.wakeups", "{turn}", "Turns of the event loop."};
inline constexpr MetricSpec kTurns{"mesh.node.turns", "{turn}", "Turns in which this node did something."};
inline constexpr MetricSpec kCpuUsed{"mesh.node.cpu_used_cores", "{core}", "Cores used of late.", Instrument::gauge};
inline constexpr MetricSpec kCpuBudget{"mesh.node.cpu_budget_cores", "{core}", "Cores that it may use.",
                                       Instrument::gauge};
inline constexpr MetricSpec kRamUsed{"mesh.node.ram_used_gb", "GBy", "Resident memory.", Instrument::gauge};
inline constexpr MetricSpec kRamBudget{"mesh.node.ram_budget_gb", "GBy", "Memory that it may use.", Instrument::gauge};

// Telemetry of telemetry.
inline constexpr MetricSpec kRecords{"mesh.telemetry.records", "{record}", "Spans and log records kept, by signal."};
inline constexpr MetricSpec kUnsampled{"mesh.telemetry.spans_unsampled", "{span}", "Spans that sampling left out."};
inline constexpr MetricSpec kExported{"mesh.export.items", "{item}", "Items that a receiver took, by signal."};
inline constexpr MetricSpec kExportBatches{"mesh.export.batches", "{batch}", "Batches exported, by result."};
inline constexpr MetricSpec kExportBytes{"mesh.export.bytes", "By", "Bytes of requests to the receiver."};
inline constexpr MetricSpec kExportConnections{"mesh.export.connections", "{connection}", "Connections made, by kind."};
inline constexpr MetricSpec kExportConnected{"mesh.export.connected", "{connection}", "Connections to receivers now.",
                                             Instrument::gauge};

}  // namespace metrics

// One metric for each spec that occurs, its points in the order of the figures. A figure that the table does not know
// is not exported: see unmapped().
std::vector<Metric> metrics_of(std::span<const Figure> figures);
// The figures without a row: a test keeps this empty.
std::vector<std::string> unmapped(std::span<const Figure> figures);

// Adds a point to the metric of this spec, which is made if need be.
void add_point(std::vector<Metric>& metrics, const MetricSpec& spec, Point point);

}  // namespace grapevine::telemetry
