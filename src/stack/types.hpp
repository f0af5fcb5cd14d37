#pragma once

// The vocabulary of one whole node: its configuration, the events it reports and the views it gives.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "delivery/publication_types.hpp"
#include "delivery/types.hpp"
#include "node/types.hpp"
#include "quic/types.hpp"
#include "telemetry/laws.hpp"
#include "telemetry/recorder.hpp"
#include "wire/addr.hpp"
#include "wire/digest.hpp"

namespace grapevine::stack {

using node::AdmissionEvent;
using node::AdmissionNews;
using node::DirectoryChanged;
using node::DirectoryRow;
using node::EntryChange;
using node::Figure;
using node::MeshConfig;
using node::MeshNeighborChanged;
using node::NeighborChange;
using node::RevocationsLearned;
using node::SeedRetry;
using node::SuspicionChanged;
using node::SuspicionStep;
using node::SyncRef;
using node::TicketReplaced;
using node::TopicNeighborChanged;
using node::TopicReceived;
using node::WatchedChanged;
using node::WatchLied;
using node::WatchSource;
using node::WatchSourceChanged;
// More of something lives, or lives longer, than the law of its kind in the ledger allows; and it does no more.
using telemetry::LawBroken;
using telemetry::LawKept;

struct Config {
    quic::Config quic;                        // `alpns` holds the application's own; the stack adds gossip and mesh.
    std::optional<MeshConfig> mesh;           // Absent: a plain endpoint (gossip on topics of its own, streams).
    bool gossip = true;                       // Serve /iroh-gossip/1.
    telemetry::Recorder* recorder = nullptr;  // Outlives the stack; null: nothing is recorded.
};

// A question to the stack that is answered later by an event.
struct RequestId {
    std::uint64_t value = 0;
    friend auto operator<=>(const RequestId&, const RequestId&) = default;
};

struct PingDone {
    RequestId request;
    base::EndpointId peer;
    std::optional<base::Duration> rtt;  // Absent: failed, and `error` says why.
    std::string error;
};
struct Left {};  // The graceful leave is over: everything that could be said was said.

// Connections and streams of the application's own ALPNs, as the QUIC endpoint reports them.
using AppEvent = quic::Event;

// What delivery has to say to the application.
using DeliveryReport = std::variant<delivery::Finished, delivery::RoomAgain, delivery::Handle, delivery::HandlerLate>;

// What the fabric has to say: the end of a question, meshes that come and go, gateways that lie.
using FabricReport = std::variant<fabric::Done, fabric::MeshAppeared, fabric::MeshGone, fabric::Lied>;

// Content that others published for the whole mesh, or that was missed.
using PublicationReport = std::variant<delivery::Published, delivery::Missed>;

// What is heard of meshes that are watched through a gateway.
using WatchReport = std::variant<WatchedChanged, WatchSourceChanged, WatchLied>;

// A stream of bytes that was opened by name: by us, where it has the number of the message that asked for it, or by
// somebody else, where it has that of the handle.
enum class StreamSide : std::uint8_t { ours, theirs };
struct ByteStreamRef {
    StreamSide side = StreamSide::ours;
    std::uint64_t value = 0;
    friend auto operator<=>(const ByteStreamRef&, const ByteStreamRef&) = default;
};
struct StreamBytes {  // Counts against the peer's window until it is consumed.
    ByteStreamRef stream;
    base::Bytes data;
    bool fin = false;  // The peer has finished; `data` may be empty.
};
struct StreamRoom {  // After write() took less than it was given.
    ByteStreamRef stream;
};
// reset: by the peer; reset_here: by us. lost: its session ended, or whoever opened it gave up before it was taken.
enum class StreamEnding : std::uint8_t { finished, reset, reset_here, lost, leaving };
struct StreamOver {  // Exactly once for each stream that was open.
    ByteStreamRef stream;
    StreamEnding ending = StreamEnding::finished;
    std::uint32_t code = 0;  // Of a reset.
};
using ByteStreamEvent = std::variant<StreamBytes, StreamRoom, StreamOver>;

using Event =
    std::variant<DirectoryChanged, SuspicionChanged, SeedRetry, PingDone, Left, TopicNeighborChanged,
                 MeshNeighborChanged, TopicReceived, AdmissionNews, RevocationsLearned, TicketReplaced, LawBroken,
                 LawKept, DeliveryReport, FabricReport, PublicationReport, WatchReport, ByteStreamEvent, AppEvent>;

// The report of this kind in an event, or null.
template <typename T, typename Report = DeliveryReport>
const T* report_in(const Event& event) {
    const auto* report = std::get_if<Report>(&event);
    return report == nullptr ? nullptr : std::get_if<T>(report);
}

// One gossip neighbour.
struct NeighborRow {
    base::EndpointId id;
    std::string name;
    base::SocketAddr remote;
    base::Duration rtt{};
    base::Duration silence{};  // Since the last authenticated packet.
    bool eager = false;
    quic::Origin origin = quic::Origin::outgoing;
};

}  // namespace grapevine::stack
