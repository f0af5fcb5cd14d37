#pragma once

// Every span that a node can make, by name. docs/telemetry.md describes them with their attributes.

#include "telemetry/span.hpp"

namespace grapevine::telemetry::spans {

// Start and stop. The boot spans are children of kReady.
inline constexpr SpanSpec kReady{"mesh.node.ready", Target::node, Level::info};
inline constexpr SpanSpec kSettingsLoaded{"mesh.boot.settings_loaded", Target::node, Level::info};
inline constexpr SpanSpec kTelemetryStarted{"mesh.boot.telemetry_started", Target::node, Level::info};
inline constexpr SpanSpec kMeshConfigured{"mesh.boot.mesh_configured", Target::node, Level::info};
inline constexpr SpanSpec kIdentityLoaded{"mesh.boot.identity_loaded", Target::node, Level::info};
inline constexpr SpanSpec kIdentityMinted{"mesh.boot.identity_minted", Target::node, Level::info};
inline constexpr SpanSpec kEndpointCreated{"mesh.boot.endpoint_created", Target::node, Level::info};
inline constexpr SpanSpec kAlpnRegistered{"mesh.boot.alpn_registered", Target::node, Level::info};
inline constexpr SpanSpec kGossipStarted{"mesh.boot.gossip_started", Target::node, Level::info};
inline constexpr SpanSpec kAcceptLoopStarted{"mesh.boot.accept_loop_started", Target::node, Level::info};
inline constexpr SpanSpec kControlStarted{"mesh.boot.control_started", Target::node, Level::info};
inline constexpr SpanSpec kAnnounced{"mesh.boot.announced", Target::node, Level::info};
inline constexpr SpanSpec kStopping{"mesh.node.stopping", Target::node, Level::info};

// Connections. Connected wraps the handshake, disconnected the closing with its real reason.
inline constexpr SpanSpec kPeerDialled{"mesh.peer.connected", Target::peer, Level::info, SpanKind::client};
inline constexpr SpanSpec kPeerAccepted{"mesh.peer.connected", Target::peer, Level::info, SpanKind::server};
inline constexpr SpanSpec kPeerDisconnected{"mesh.peer.disconnected", Target::peer, Level::info};
inline constexpr SpanSpec kPeerFailed{"mesh.peer.connect_failed", Target::peer, Level::info, SpanKind::client};
inline constexpr SpanSpec kPeerRefused{"mesh.peer.connect_failed", Target::peer, Level::info, SpanKind::server};

// Gossip. A statement that changes a state is INFO (joined, leaving, accusation, refutation), a refresh is DEBUG.
inline constexpr SpanSpec kSubscribed{"mesh.gossip.subscribed", Target::gossip, Level::info};
inline constexpr SpanSpec kJoined{"mesh.gossip.joined", Target::gossip, Level::info};
inline constexpr SpanSpec kNeighborUp{"mesh.gossip.neighbor_up", Target::gossip, Level::info};
inline constexpr SpanSpec kNeighborDown{"mesh.gossip.neighbor_down", Target::gossip, Level::info};
inline constexpr SpanSpec kBroadcastChange{"mesh.gossip.broadcast", Target::gossip, Level::info, SpanKind::producer};
inline constexpr SpanSpec kBroadcastRefresh{"mesh.gossip.broadcast", Target::gossip, Level::debug, SpanKind::producer};
inline constexpr SpanSpec kAcceptChange{"mesh.gossip.accept", Target::gossip, Level::info, SpanKind::consumer};
inline constexpr SpanSpec kAcceptRefresh{"mesh.gossip.accept", Target::gossip, Level::debug, SpanKind::consumer};
inline constexpr SpanSpec kFrameSent{"mesh.frame.sent", Target::gossip, Level::trace, SpanKind::producer};
inline constexpr SpanSpec kFrameReceived{"mesh.frame.received", Target::gossip, Level::trace, SpanKind::consumer};

// Members.
inline constexpr SpanSpec kDiscovered{"mesh.peer.discovered", Target::directory, Level::info};
inline constexpr SpanSpec kLeft{"mesh.peer.left", Target::directory, Level::info};
inline constexpr SpanSpec kSuspected{"mesh.peer.suspected", Target::directory, Level::info};
inline constexpr SpanSpec kRefuted{"mesh.peer.refuted", Target::directory, Level::info};
inline constexpr SpanSpec kDied{"mesh.peer.died", Target::directory, Level::info};
inline constexpr SpanSpec kPruned{"mesh.staleness.pruned", Target::directory, Level::info};

inline constexpr SpanSpec kSeedRetry{"mesh.seed.retry", Target::paths, Level::info, SpanKind::client};
inline constexpr SpanSpec kDirectorySync{"mesh.directory.sync", Target::sync, Level::info, SpanKind::client};
inline constexpr SpanSpec kDirectorySyncServed{"mesh.directory.sync", Target::sync, Level::info, SpanKind::server};

// The mesh service.
inline constexpr SpanSpec kHelloReceived{"mesh.peer.hello_received", Target::mesh, Level::debug};
inline constexpr SpanSpec kPing{"mesh.ping", Target::mesh, Level::info, SpanKind::client};
inline constexpr SpanSpec kPingAnswered{"mesh.ping.answered", Target::mesh, Level::info, SpanKind::server};

// Messages by name, and who is meant by one.
inline constexpr SpanSpec kDeliver{"mesh.deliver", Target::delivery, Level::info, SpanKind::client};
inline constexpr SpanSpec kHandle{"mesh.deliver.handle", Target::delivery, Level::info, SpanKind::server};
inline constexpr SpanSpec kResolve{"mesh.resolve", Target::fabric, Level::info, SpanKind::client};
inline constexpr SpanSpec kResolveAnswered{"mesh.resolve.answer", Target::fabric, Level::info, SpanKind::server};

// Content for a whole mesh.
inline constexpr SpanSpec kPublish{"mesh.publish", Target::delivery, Level::info, SpanKind::producer};
inline constexpr SpanSpec kPublishFetch{"mesh.publish.fetch", Target::delivery, Level::info, SpanKind::consumer};

inline constexpr SpanSpec kLawBroken{"mesh.ledger.law_broken", Target::ledger, Level::error};

}  // namespace grapevine::telemetry::spans
