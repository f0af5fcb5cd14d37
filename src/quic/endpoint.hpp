#pragma once

// A QUIC v1 endpoint (RFC 9000, 9001, 9002, 9221) over ngtcp2 and GnuTLS with raw public keys (RFC 7250), sans-IO.
//
// The endpoint is a value that is fed datagrams and time and asked for datagrams, events and its next deadline. It
// reads no clock, opens no socket, owns no thread. One endpoint belongs to one loop.
//
// Use: after every batch of inputs (on_datagram, on_deadline, connect, write, close ...) call flush() once, then
// poll_event() until empty, then arm one timer for next_deadline(). Packets are aggregated for GSO, and acknowledged at
// once per flush() (ack threshold 1), so that an idle node needs no delayed-ACK timer.
//
// Identity: mutual raw public keys, Ed25519. A dialled connection fails with CloseCause::wrong_peer unless the key
// equals the dialled id byte for byte.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/ed25519.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "quic/types.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::quic {

class Endpoint {
public:
    // `rng` and `ledger` outlive the endpoint. Every id, token and padding is drawn from `rng`, so that a simulated
    // endpoint replays; TLS itself uses GnuTLS's own randomness.
    Endpoint(const Config& config, const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger);
    ~Endpoint();
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;

    // Starts a handshake with `peer` at one to eight candidate addresses; the first that answers wins. Errors: no
    // candidate, our own id, a limit reached, an ALPN of 0 or over 31 bytes (GnuTLS's limit). Everything later is an
    // event.
    base::Result<ConnectionRef> connect(const base::EndpointId& peer, const std::vector<base::SocketAddr>& candidates,
                                        std::string_view alpn, base::TimePoint now);

    void on_datagram(const ReceivedDatagram& datagram, base::TimePoint now);
    // A hint from the kernel (ICMP): nobody listens at `remote`. Never closes a connection by itself; fails a dial's
    // candidate early.
    void on_unreachable(const base::SocketAddr& remote, base::TimePoint now);
    void on_deadline(base::TimePoint now);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    using TransmitSink = std::function<void(const Transmit&)>;
    // Writes what congestion control and pacing allow.
    void flush(base::TimePoint now, const TransmitSink& sink);
    // Only for connections with stream data or datagrams to send. What else there is to say (acknowledgements, credit,
    // retransmissions, handshakes) is left to the next flush(), which must come within a millisecond or so: peers
    // count on our acknowledgements within 25 ms (RFC 9000 section 13.2.1).
    void flush_data(base::TimePoint now, const TransmitSink& sink);
    [[nodiscard]] std::optional<Event> poll_event();

    // Errors: unknown or closing connection, or no stream credit (code exhausted; StreamsAvailable follows).
    base::Result<StreamRef> open_stream(ConnectionRef connection, Direction direction);
    // Takes as much as the send buffer has room for and returns that; less than given means StreamWritable will follow.
    // `fin` ends the stream, and counts only when everything was taken. Unknown stream: error.
    base::Result<std::size_t> write(ConnectionRef connection, StreamRef stream, base::ByteView data, bool fin);
    void reset_stream(ConnectionRef connection, StreamRef stream, std::uint64_t code);
    void stop_sending(ConnectionRef connection, StreamRef stream, std::uint64_t code);
    // Received data is credited to the peer's flow control only when consumed: call once the application has used it.
    void consume(ConnectionRef connection, StreamRef stream, std::size_t bytes);
    base::Status send_datagram(ConnectionRef connection, base::ByteView data);

    // An ack-eliciting PING now: the failure detector's probe. An answer shows as stats().last_received.
    void ping(ConnectionRef connection);
    // Sends CONNECTION_CLOSE with an application code; the reason is cut to 256 bytes. Unsent stream data is lost.
    void close(ConnectionRef connection, std::uint64_t code, std::string_view reason, base::TimePoint now);
    // Closes everything and refuses new connections.
    void shutdown(std::uint64_t code, std::string_view reason, base::TimePoint now);

    [[nodiscard]] std::optional<ConnectionStats> stats(ConnectionRef connection) const;
    // The one of stats() that is asked for often.
    [[nodiscard]] std::optional<base::TimePoint> last_received(ConnectionRef connection) const;
    [[nodiscard]] std::vector<ConnectionRef> connections() const;
    [[nodiscard]] const Counters& counters() const;
    [[nodiscard]] const base::EndpointId& id() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace grapevine::quic
