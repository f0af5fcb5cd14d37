#pragma once

/// A QUIC endpoint that is a key pair: dial and accept by public key, streams and datagrams on your own ALPNs, and
/// gossip topics, on the wire of iroh 1.x and iroh-gossip.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grapevine/loop.hpp"
#include "grapevine/result.hpp"

namespace grapevine {

class Endpoint;

/// A connection: a cheap value that stays valid as an id. Calls on a connection that is gone fail or do nothing.
struct Connection {
    Endpoint* endpoint = nullptr;
    std::uint64_t ref = 0;
    friend bool operator==(const Connection&, const Connection&) = default;
};

/// A stream of a connection, likewise a value.
struct Stream {
    Connection connection;
    std::int64_t ref = -1;
    friend bool operator==(const Stream&, const Stream&) = default;
};

/// What became of early data; see EndpointOptions::zero_rtt.
enum class EarlyData : std::uint8_t { none, accepted, rejected };

/// How far a connection is.
struct ConnectionState {
    bool handshake_complete = false;
    EarlyData early_data = EarlyData::none;
};

/// How a connection ended.
struct Closing {
    std::string cause;       ///< "application_remote", "idle_timeout", "wrong_peer", ...
    std::uint64_t code = 0;  ///< The application's or QUIC's error code.
    std::string reason;      ///< The peer's words, untrusted, at most 256 bytes.
};

/// What an application does with the connections of one ALPN. Implement what you need; it outlives the endpoint.
class Protocol {
public:
    virtual ~Protocol() = default;
    virtual void on_connected(Connection, const std::string& peer_id, bool incoming);
    virtual void on_stream(Stream);                                              ///< The peer opened it.
    virtual void on_data(Stream, std::span<const std::uint8_t> data, bool fin);  ///< Consumed when this returns.
    virtual void on_writable(Stream);                   ///< After write() took less than given.
    virtual void on_reset(Stream, std::uint64_t code);  ///< The peer reset or stopped the stream.
    virtual void on_streams_available(Connection);      ///< After open_*() lacked credit.
    virtual void on_datagram(Connection, std::span<const std::uint8_t> data);
    virtual void on_closed(Connection, const Closing&);  ///< Exactly once per connection.
};

/// What an application hears on a gossip topic.
class TopicListener {
public:
    virtual ~TopicListener() = default;
    virtual void on_received(const std::string& topic, std::span<const std::uint8_t> content,
                             const std::string& from_id);
    virtual void on_neighbor_up(const std::string& topic, const std::string& peer_id);
    virtual void on_neighbor_down(const std::string& topic, const std::string& peer_id);
};

struct EndpointOptions {
    std::vector<std::string> bind{};   ///< "IP:PORT", "[IP6]:PORT"; port 0 chooses. Empty: 0.0.0.0:0, [::]:0.
    std::filesystem::path key_file{};  ///< Read, or minted 0600 when absent. Empty: a fresh key in memory only.
    std::vector<std::string> alpns{};  ///< Served besides gossip, by preference: up to 7, each 1 to 31 bytes.
    /// Resumption with early data, in and out. Tickets of peers are kept in memory: 8 for each of 32 peers, used once.
    /// Out: after connect() to a peer whose ticket for this ALPN is at hand, open_*() and write() work at once, before
    /// on_connected, and the data goes out with the first packet; without a ticket open_*() fails until on_connected.
    /// If the peer rejects the early data, it is sent again on the same streams; see state().
    /// In: on_connected and the early data come before the handshake is complete. The peer id is right, but early data
    /// can be replayed by whoever recorded it, and may come twice: until state().handshake_complete do nothing that
    /// must not be done twice.
    bool zero_rtt = false;
};

class Endpoint {
public:
    /// Binds and starts. Errors name the key file or address at fault.
    static Result<std::unique_ptr<Endpoint>> create(Loop& loop, const EndpointOptions& options);
    virtual ~Endpoint();

    [[nodiscard]] std::string id() const;                      ///< 64 hex characters.
    [[nodiscard]] std::string ticket() const;                  ///< "endpoint..." as iroh writes it.
    [[nodiscard]] std::vector<std::string> addresses() const;  ///< "IP:PORT" at which it can be reached.

    /// Connections of `alpn` (one of options.alpns), in and out, go to `protocol`.
    Status serve(std::string_view alpn, Protocol& protocol);
    Result<Connection> connect(std::string_view ticket, std::string_view alpn, Protocol& protocol);
    [[nodiscard]] std::optional<ConnectionState> state(Connection connection) const;  ///< Nothing when it is gone.
    Result<Stream> open_bidirectional(Connection connection);
    Result<Stream> open_unidirectional(Connection connection);
    /// Takes what the send buffer has room for and returns how much; on_writable follows if that was less than given.
    Result<std::size_t> write(Stream stream, std::span<const std::uint8_t> data, bool fin = false);
    /// Stops the peer by flow control: what is in flight still comes, at most one window. resume() lets it go on.
    void pause(Stream stream);
    void resume(Stream stream);
    void reset(Stream stream, std::uint64_t code);
    void stop(Stream stream, std::uint64_t code);
    Status send_datagram(Connection connection, std::span<const std::uint8_t> data);
    void close(Connection connection, std::uint64_t code, std::string_view reason);

    /// Joins a topic (64 hex characters) through the given tickets, which are retried for ever.
    Status join(std::string_view topic, const std::vector<std::string>& tickets, TopicListener& listener);
    Status broadcast(std::string_view topic, std::span<const std::uint8_t> content);
    void leave(std::string_view topic);

    /// Says goodbye to peers and topics, then calls `done` (within 2 s). The endpoint must stay alive until then.
    void shutdown(std::function<void()> done);

    class Impl;

protected:
    explicit Endpoint(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace grapevine
