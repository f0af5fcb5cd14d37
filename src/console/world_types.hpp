#pragma once

// What the console shows, as values: the rows of nodes, links, meshes, sources and alerts, events and samples of
// messages. docs/design/0003-console.md says what each member means.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace grapevine::console {

// The two clocks, as they were read together. Ages are counted on the first, the second is for people.
struct Moment {
    base::TimePoint now;
    base::WallTime wall;
};

enum class NodeState : std::uint8_t { member, suspected, dead, left, unknown };
// Of one that runs here; none: it does not, or nobody says.
enum class ProcessState : std::uint8_t { none, starting, ready, stopping, wedged, ended };
enum class KnownVia : std::uint8_t { self, gossip, sync, watch };
enum class SourceState : std::uint8_t { up, down };
enum class Severity : std::uint8_t { info, warning, critical, unknown };
enum class LinkKind : std::uint8_t { overlay, delivery };
// Which ends of a link say something, or are eager.
enum class Ends : std::uint8_t { none, a, b, both };
// Of eagerness: unknown while the end that says the link is not asked.
enum class Eager : std::uint8_t { neither, a, b, both, unknown };

std::string_view name(NodeState state);
std::string_view name(ProcessState state);  // Empty for none.
std::string_view name(KnownVia via);
std::string_view name(SourceState state);
std::string_view name(Severity severity);
std::string_view name(LinkKind kind);
std::string_view name(Ends ends);
std::string_view name(Eager eager);

struct Load {
    std::uint32_t cpu_millicores = 0;
    std::uint32_t cpu_budget_millicores = 0;
    std::uint32_t memory_kib = 0;
    std::uint32_t memory_budget_kib = 0;
    friend bool operator==(const Load&, const Load&) = default;
};

// What a node's newest digest says, and when it came.
struct Digest {
    std::string name;
    std::string mesh;
    std::string type;
    std::vector<std::string> addrs;
    std::vector<base::EndpointId> neighbors;
    Load load;
    std::uint64_t sequence = 0;
    std::uint64_t started_unix_ms = 0;
    std::uint64_t messages_sent = 0;
    std::uint64_t messages_received = 0;
    base::TimePoint heard{};  // On the console's clock.
    KnownVia via = KnownVia::gossip;
    base::EndpointId source{};  // Whose word it is.
    friend bool operator==(const Digest&, const Digest&) = default;
};

struct NodeRow {
    Digest digest;
    NodeState state = NodeState::unknown;
    ProcessState process = ProcessState::none;
    bool here = false;
    std::vector<base::EndpointId> suspected_by;
    std::size_t peers = 0;
    std::uint64_t since_unix_ms = 0;  // Of the state.
    friend bool operator==(const NodeRow&, const NodeRow&) = default;
};

// a < b.
struct LinkId {
    base::EndpointId a, b;
    LinkKind kind = LinkKind::overlay;
    friend auto operator<=>(const LinkId&, const LinkId&) = default;
};
struct LinkRow {
    std::string mesh;  // Of a link between meshes that of a.
    Ends said_by = Ends::none;
    Eager eager = Eager::unknown;
    double rate = 0;  // Of deliveries, a second.
    friend bool operator==(const LinkRow&, const LinkRow&) = default;
};

struct MeshRow {
    std::size_t members = 0;
    std::size_t suspected = 0;
    std::size_t viewers = 0;  // Nodes whose directory of it is known.
    bool known = false;       // Otherwise all of it is unknown.
    bool split = false;       // The directories have disagreed for a while.
    std::uint64_t since_unix_ms = 0;
    friend bool operator==(const MeshRow&, const MeshRow&) = default;
};

struct SourceRow {
    SourceState state = SourceState::down;
    std::uint64_t since_unix_ms = 0;
    std::string text;
    friend bool operator==(const SourceRow&, const SourceRow&) = default;
};

struct AlertRow {
    Severity severity = Severity::warning;
    std::string kind;
    std::string subject;
    std::string text;
    std::uint64_t since_unix_ms = 0;
    friend bool operator==(const AlertRow&, const AlertRow&) = default;
};

struct TimelineEvent {
    std::uint64_t seq = 0;
    std::uint64_t unix_ms = 0;
    std::string kind;
    std::string node;  // An id, or a name where there is none yet; may be empty.
    std::string mesh;
    std::string text;
    std::vector<std::string> who;  // Ids.
    friend bool operator==(const TimelineEvent&, const TimelineEvent&) = default;
};

struct MessageSample {
    std::uint64_t seq = 0;
    std::uint64_t unix_ms = 0;
    std::string from;  // Ids; `to` is empty where nobody handled it, or nobody says who did.
    std::string to;
    std::string name;  // As it was addressed.
    std::optional<std::uint64_t> bytes;
    std::string path;
    std::uint64_t latency_us = 0;
    std::string outcome;
    std::string trace_id;
    friend bool operator==(const MessageSample&, const MessageSample&) = default;
};

}  // namespace grapevine::console
