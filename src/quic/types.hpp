#pragma once

// The vocabulary of the QUIC endpoint: ids, datagrams in and out, events, limits.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/socket_addr.hpp"
#include "base/time.hpp"

namespace grapevine::quic {

// A connection of this endpoint. Never reused, so a late holder finds nothing instead of somebody else's connection.
struct ConnectionRef {
    std::uint64_t value = 0;
    friend auto operator<=>(const ConnectionRef&, const ConnectionRef&) = default;
};

// A stream of one connection: the QUIC stream id (RFC 9000 section 2.1).
struct StreamRef {
    std::int64_t value = -1;
    [[nodiscard]] bool is_bidirectional() const { return (value & 2) == 0; }
    friend auto operator<=>(const StreamRef&, const StreamRef&) = default;
};

enum class Ecn : std::uint8_t { not_ect = 0, ect1 = 1, ect0 = 2, ce = 3 };

// One received UDP payload, or a GRO train of several: pieces of `segment_bytes`, the last may be shorter.
// segment_bytes 0 means a single datagram.
struct ReceivedDatagram {
    base::SocketAddr local;
    base::SocketAddr remote;
    Ecn ecn = Ecn::not_ect;
    base::ByteView payload;
    std::size_t segment_bytes = 0;
};

// One train to send: pieces of `segment_bytes`, the last may be shorter; valid only during the call that hands it out.
struct Transmit {
    base::SocketAddr local;  // Unspecified: let the kernel choose.
    base::SocketAddr remote;
    Ecn ecn = Ecn::not_ect;
    base::ByteView payload;
    std::size_t segment_bytes = 0;
};

enum class Origin : std::uint8_t { outgoing, incoming };
enum class Direction : std::uint8_t { bidirectional, unidirectional };

enum class CloseCause : std::uint8_t {
    application_local,   // close() here.
    application_remote,  // CONNECTION_CLOSE of the application from the peer, with its code and reason.
    transport_local,     // We found a protocol violation.
    transport_remote,    // The peer reported a transport error; code is the QUIC error.
    tls,                 // The handshake failed: alert, wrong key, no common ALPN.
    wrong_peer,          // The key that answered is not the id that was dialled.
    idle_timeout,
    handshake_timeout,
    stateless_reset,
    unreachable,  // No candidate address answered.
    version,      // No common QUIC version.
    endpoint_shutdown,
};

std::string_view name(CloseCause cause);

struct CloseReason {
    CloseCause cause = CloseCause::application_local;
    std::uint64_t code = 0;
    std::string text;  // The peer's words: untrusted, at most 256 bytes are kept.
};

// What became of early data (0-RTT) on a connection.
enum class EarlyData : std::uint8_t {
    none,      // Not offered, or not used.
    accepted,  // Incoming: the connection was announced for it, see Connected.
    rejected,  // Outgoing: the server did not take it; what had been written was sent again, in order, after all.
};

// Events, in the order in which they happened on a connection. Connected is the first for a connection that reached
// the end of its handshake; Closed is the last for each connection, and comes exactly once, connected or not.
//
// An incoming connection whose early data is accepted is Connected with the first of that data, before the end of its
// handshake. The peer's key is proven by the session that is resumed, but what comes until ConnectionStats says
// handshake_complete may be a recording that somebody else plays: do nothing for it that must not be done twice.
struct Connected {
    ConnectionRef connection;
    base::EndpointId peer;
    std::string alpn;
    Origin origin = Origin::outgoing;
    base::SocketAddr remote;
    EarlyData early_data = EarlyData::none;
};
struct StreamOpened {  // By the peer.
    ConnectionRef connection;
    StreamRef stream;
};
struct StreamData {
    ConnectionRef connection;
    StreamRef stream;
    base::Bytes data;
    bool fin = false;  // The last data of this stream; data may be empty.
};
struct StreamWritable {  // After write() took less than it was given.
    ConnectionRef connection;
    StreamRef stream;
};
struct StreamReset {  // The peer gave up sending (RESET_STREAM).
    ConnectionRef connection;
    StreamRef stream;
    std::uint64_t code = 0;
};
// The peer does not want more (STOP_SENDING). ngtcp2 tells of it late: with code 0 when more is written, else with the
// peer's code just before StreamClosed.
struct StreamStopped {
    ConnectionRef connection;
    StreamRef stream;
    std::uint64_t code = 0;
};
// Both directions are over and acknowledged; nothing more comes of this stream. Data of it that was not consumed still
// counts against the connection's window and the peer's number of streams until consume().
struct StreamClosed {
    ConnectionRef connection;
    StreamRef stream;
};
struct StreamsAvailable {  // The peer raised its stream limit after open_stream() failed for want of credit.
    ConnectionRef connection;
    Direction direction = Direction::bidirectional;
};
struct DatagramReceived {  // RFC 9221.
    ConnectionRef connection;
    base::Bytes data;
};
struct PathChanged {  // The peer's address moved and was validated.
    ConnectionRef connection;
    base::SocketAddr remote;
};
// A handshake that somebody else began and that came to nothing. Until it is over nobody has proven who they are, and
// often not even that `remote` is theirs.
struct FailedHandshake {
    base::SocketAddr remote;
    base::TimePoint began;
};
struct Closed {
    ConnectionRef connection;
    CloseReason reason;
    std::optional<FailedHandshake> failed_handshake = std::nullopt;  // Incoming, and never Connected.
};

using Event = std::variant<Connected, StreamOpened, StreamData, StreamWritable, StreamReset, StreamStopped,
                           StreamClosed, StreamsAvailable, DatagramReceived, PathChanged, Closed>;

// Every limit of the endpoint, with its default and reason.
struct Limits {
    std::size_t connections_max = 4096;
    std::size_t connections_per_peer_max = 16;
    std::size_t handshakes_max = 256;         // Incoming, not yet finished. Beyond it Initials are dropped and counted.
    std::size_t retry_above_handshakes = 64;  // From here on every new Initial must first prove its address (Retry).
    std::uint64_t streams_bidi_max = 100;     // As iroh grants.
    std::uint64_t streams_uni_max = 100;
    std::uint64_t stream_window_bytes = 1'250'000;  // As iroh.
    std::uint64_t connection_window_bytes = 16U << 20U;
    std::size_t send_buffer_bytes = 1U << 20U;  // Per stream: unacknowledged and unsent bytes that write() accepts.
    std::size_t datagram_queue_max = 64;        // Outgoing RFC 9221 datagrams per connection; drop-oldest beyond.
    std::size_t events_max = 65536;             // Undelivered events; beyond it reading stops (flow control).
};

struct Config {
    std::vector<std::string> alpns;  // Served, in order of preference. None: no connection is accepted. See check().
    base::Duration idle_timeout = base::Duration(std::chrono::seconds(30));  // As iroh.
    base::Duration keep_alive = base::Duration(std::chrono::seconds(5));     // As iroh; zero switches it off.
    base::Duration handshake_timeout = base::Duration(std::chrono::seconds(10));
    // Gives out and keeps session tickets (tickets.hpp), accepts early data, and lets a dial with a ticket at hand
    // carry some: open_stream() and write() then work at once after connect(). Early data lacks forward secrecy with
    // respect to the ticket's key, and may be replayed: one process takes the same ticket once only, but a copy that
    // overtakes the original is taken in its place, and the original's data then comes again after its handshake.
    bool zero_rtt = false;
    Limits limits;
};

// Error (invalid): an ALPN that GnuTLS cannot serve (not 1 to 31 bytes), or more than 8 of them.
base::Status check(const Config& config);

// What the endpoint counted since it was made. Every drop has a cause.
struct Counters {
    std::uint64_t datagrams_received = 0, datagrams_sent = 0, bytes_received = 0, bytes_sent = 0;
    std::uint64_t handshakes_started = 0, handshakes_completed = 0, handshakes_failed = 0;
    std::uint64_t retries_sent = 0, version_negotiations_sent = 0, stateless_resets_sent = 0, resets_received = 0;
    std::uint64_t dropped_malformed = 0, dropped_unknown_connection = 0, dropped_bad_token = 0;
    std::uint64_t dropped_connection_limit = 0, dropped_handshake_limit = 0, dropped_peer_limit = 0;
    std::uint64_t dropped_datagram_queue = 0, wrong_peer = 0, path_changes = 0;
    std::uint64_t dropped_event_queue = 0;  // Datagrams (UDP or RFC 9221) refused because events wait to be polled.
    std::uint64_t dropped_wrong_path = 0;   // From an address that is not the one the dial settled on.
    std::uint64_t dropped_rate_limit = 0;   // Answers (reset, version negotiation, Retry) not sent: too many.
    std::uint64_t dropped_shutdown = 0;     // New connections refused after shutdown().
    std::uint64_t dials_retried = 0;        // Started again because a wrong candidate had answered.
    std::uint64_t tickets_received = 0;     // Session tickets kept for the next dial.
    std::uint64_t tickets_dropped = 0;      // Received or given out, and pushed out by newer ones; or too large.
    std::uint64_t early_data_accepted = 0, early_data_rejected = 0;  // Connections, both origins.
};

// The state of a connection, for display and for the failure detector.
struct ConnectionStats {
    base::EndpointId peer;
    std::string alpn;
    Origin origin = Origin::outgoing;
    base::SocketAddr remote;
    base::TimePoint created;
    base::TimePoint last_received;  // Last packet that authenticated.
    base::Duration smoothed_rtt{};
    std::uint64_t bytes_sent = 0, bytes_received = 0, packets_lost = 0;
    std::size_t streams_open = 0;
    bool handshake_complete = false;  // The peer is here and now, and nothing is a replay.
    EarlyData early_data = EarlyData::none;
};

}  // namespace grapevine::quic
