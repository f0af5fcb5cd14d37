#pragma once

// One connection: an ngtcp2_conn, its TLS session during the handshake, its streams and datagrams.
//
// Rules
// - Callbacks of ngtcp2 only record (events, flags); whatever ends the connection is done after the call has returned.
// - Once ended() is true the connection does nothing more. The endpoint takes ending(), announces Closed, and keeps a
//   Lingering in its place.
// - An outgoing connection shows ngtcp2 one fixed path and translates here: dialling needs many addresses, and a client
//   must not care when its own address changes. The server sees the change and validates it (RFC 9000 section 9).
//   An incoming connection shows ngtcp2 the true path from the end of the handshake on. During it, ngtcp2 would take
//   packets from the first address only; here the address may move (duplicates of an Initial come on every path that
//   the client tries, and the first may be a one-way street), but not before the old one has been quiet for
//   kInitialRtt.
// - The TLS session is released when the handshake is complete, with Config::zero_rtt as soon as the tickets have come
//   (or did not within kTicketWait): an idle connection costs ngtcp2's state alone.
// - Early data (connection_early.cpp): streams that were opened in a dial keep their refs whatever becomes of it. If
// the
//   server rejects it, or the dial starts again with other candidates, they are opened once more in the same order,
//   which gives them the same ids, and everything written is sent from the start.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ngtcp2/ngtcp2.h>

#include "base/bounded.hpp"
#include "base/result.hpp"
#include "quic/address.hpp"
#include "quic/deadlines.hpp"
#include "quic/dial.hpp"
#include "quic/shared.hpp"
#include "quic/streams.hpp"
#include "quic/train.hpp"

namespace grapevine::quic {

// How long a handshake waits for its first answer before it tries again is three times this (RFC 9002 section 6.2.2).
// The RFC's and iroh's 333 ms cost a full second for one lost packet; 100 ms makes it 0.3 s, and is above the round
// trip of almost every path, so that it seldom repeats a packet in vain.
inline constexpr base::Duration kInitialRtt = base::Duration(std::chrono::milliseconds(100));
// Bytes of a packet that are not DATAGRAM payload: short header with a 20-byte id, 4-byte number, frame header, AEAD
// tag.
inline constexpr std::size_t kDatagramOverhead = 1 + 20 + 4 + 3 + 16;
inline constexpr std::size_t kReasonBytesMax = 256;
// A datagram with an Initial packet is at least this long (RFC 9000 section 14.1).
inline constexpr std::size_t kInitialBytesMin = 1200;
// A client that hears from the server this long after the handshake without having got a ticket expects none.
inline constexpr base::Duration kTicketWait = base::Duration(std::chrono::seconds(1));

// How a connection ended and what remains to be said.
struct Ending {
    CloseReason reason;
    base::Bytes packet;       // CONNECTION_CLOSE, if the peer should hear it.
    Destination destination;  // Where to.
    base::Duration linger{};  // Three PTO; zero: forget at once.
    bool silent = false;      // It never amounted to a connection (an Initial that did not decrypt): no event.
    bool retry_dial = false;  // The candidate that answered would not do, and others are left.
};

// What the first datagram of an incoming connection told the endpoint.
struct Accepting {
    ngtcp2_pkt_hd header;
    ngtcp2_cid original_dcid;
    bool after_retry = false;
    base::SocketAddr local;
    base::SocketAddr remote;
};

enum class Attempt : std::uint8_t { first, again };

// What a dial needs; kept to start again with fewer candidates.
struct Dialing {
    base::EndpointId peer;
    std::string alpn;
    Candidates candidates;
    base::TimePoint started;
    Attempt attempt = Attempt::first;  // Only the first carries early data.
};

struct ReceivedPacket {
    base::SocketAddr local;
    base::SocketAddr remote;
    Ecn ecn = Ecn::not_ect;
    base::ByteView payload;
};

class Connection {
public:
    static base::Result<std::unique_ptr<Connection>> dial(Shared& shared, ConnectionRef ref, Dialing dialing,
                                                          base::TimePoint now);
    static base::Result<std::unique_ptr<Connection>> accept(Shared& shared, ConnectionRef ref,
                                                            const Accepting& accepting, base::TimePoint now);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Inputs.
    void receive(const ReceivedPacket& packet, base::TimePoint now);
    void on_unreachable(const base::SocketAddr& remote);
    void on_stateless_reset();
    void expire(base::TimePoint now);
    void write(Train& train, base::TimePoint now);
    void close(CloseCause cause, std::uint64_t code, std::string_view reason, base::TimePoint now);

    // The application's side of streams and datagrams; see Endpoint.
    base::Result<StreamRef> open_stream(Direction direction);
    base::Result<std::size_t> write_stream(StreamRef ref, base::ByteView data, bool fin);
    void reset_stream(StreamRef ref, std::uint64_t code);
    void stop_sending(StreamRef ref, std::uint64_t code);
    void consume(StreamRef ref, std::size_t bytes);
    base::Status send_datagram(base::ByteView data);
    void ping() { ping_wanted_ = true; }
    // For a dial that starts again: what was written so far goes over to the new attempt.
    [[nodiscard]] StreamTable take_streams();
    void adopt_streams(StreamTable streams);

    // State.
    [[nodiscard]] ConnectionRef ref() const { return ref_; }
    [[nodiscard]] Origin origin() const { return origin_; }
    [[nodiscard]] bool established() const { return established_; }
    [[nodiscard]] bool announced() const { return announced_; }  // Connected was told.
    // Something that the application wants sent, and may be.
    [[nodiscard]] bool has_data() const { return established_ && (!datagrams_.empty() || streams_.any_ready()); }
    [[nodiscard]] bool ended() const { return ending_.has_value(); }
    [[nodiscard]] Ending& ending() { return *ending_; }
    [[nodiscard]] const Dialing& dialing() const { return *dialing_; }
    [[nodiscard]] ConnectionStats stats() const;
    [[nodiscard]] base::TimePoint last_received() const { return last_received_; }
    // When write() or expire() is due. Never before `now`: see connection_write.cpp.
    [[nodiscard]] Armed deadline(base::TimePoint now) const;

    CidOwner cids;
    Armed armed;
    bool dirty = false;  // In the endpoint's list of connections that flush() must visit.

private:
    friend struct Callbacks;
    Connection(Shared& shared, ConnectionRef ref, Origin origin, base::TimePoint now);
    base::Status start_dial(base::TimePoint now);
    base::Status start_accept(const Accepting& accepting, base::TimePoint now);
    ngtcp2_settings make_settings(base::TimePoint now) const;
    ngtcp2_transport_params make_params() const;
    ngtcp2_tstamp stamp(base::TimePoint now);

    // Early data.
    void offer_early_data();
    [[nodiscard]] bool may_use_streams() const { return established_ || announced_ || early_offered_; }
    int announce_early();
    void settle_early_data();
    void open_again();
    void open_again(Stream& stream);
    void collect_tickets();
    void finish_tls(base::TimePoint now);

    // Callbacks.
    int on_handshake_completed();
    [[nodiscard]] bool admit_peer();
    void announce();
    int on_stream_data(StreamRef ref, base::ByteView data, bool fin);
    void on_stream_reset(StreamRef ref, std::uint64_t code);
    void on_stream_stopped(Stream& stream, std::uint64_t code);
    void on_stream_closed(StreamRef ref, std::optional<std::uint64_t> code);
    void on_acknowledged(StreamRef ref, std::size_t bytes);
    void on_server_hello();
    void on_path_validated(const ngtcp2_path& path);

    // Ending.
    void fail(int rv, base::TimePoint now);
    void fail_tls(base::TimePoint now);
    void follow_handshake(const ReceivedPacket& packet, base::TimePoint now);
    void on_peer_closed();
    void blame_candidate();
    void end_unanswered();
    void end(CloseReason reason);
    void end_with_packet(CloseReason reason, const ngtcp2_ccerr& error, base::TimePoint now);
    [[nodiscard]] base::Duration linger_time() const;

    // Writing.
    bool write_burst(Train& train, ngtcp2_tstamp ts, base::TimePoint now);
    ngtcp2_ssize write_packet(std::span<std::uint8_t> room, ngtcp2_tstamp ts, Destination& destination);
    ngtcp2_ssize write_datagram(std::span<std::uint8_t> room, ngtcp2_tstamp ts, ngtcp2_path* path,
                                ngtcp2_pkt_info* info);
    ngtcp2_ssize write_stream_frame(Stream* stream, std::span<std::uint8_t> room, ngtcp2_tstamp ts, ngtcp2_path* path,
                                    ngtcp2_pkt_info* info);
    bool skip_stream(Stream& stream, ngtcp2_ssize rv);
    [[nodiscard]] bool early_data_must_wait() const;
    [[nodiscard]] ngtcp2_ssize fill_up_initial(std::span<std::uint8_t> room, std::size_t bytes) const;
    [[nodiscard]] Destination destination(const ngtcp2_path& path, std::uint8_t ecn) const;

    void forget_stream(StreamRef ref);

    Shared& shared_;
    const ConnectionRef ref_;
    const Origin origin_;
    telemetry::Life life_;
    telemetry::Life starting_;  // Kind::dial or Kind::handshake, until the handshake is over.
    ngtcp2_conn* conn_ = nullptr;
    std::unique_ptr<TlsSession> tls_;
    PostHandshake post_handshake_;
    std::unique_ptr<Dialing> dialing_;  // Outgoing only, until the handshake is over.

    base::EndpointId peer_;
    bool peer_counted_ = false;
    bool refused_ = false;  // Too many connections with this peer.
    bool established_ = false;
    bool announced_ = false;      // Connected was said.
    bool early_offered_ = false;  // Outgoing: a ticket is at hand, so streams may be used before the handshake is over.
    EarlyData early_data_ = EarlyData::none;
    base::TimePoint established_at_{};
    bool answered_ = false;      // Something from the peer has authenticated.
    bool winner_known_ = false;  // Outgoing: remote_ is the address that answered, for good.
    bool ping_wanted_ = false;
    bool reset_seen_ = false;
    bool pacing_ = false;  // The last write stopped with more to send.
    bool wants_bidi_ = false;
    bool wants_uni_ = false;
    std::string alpn_;
    base::SocketAddr remote_;
    base::SocketAddr local_;  // Incoming, during the handshake.
    StreamTable streams_;
    base::BoundedQueue<base::Bytes> datagrams_;
    std::optional<Ending> ending_;

    ngtcp2_tstamp last_stamp_ = 0;
    ngtcp2_tstamp expiry_ = UINT64_MAX;
    base::TimePoint created_;
    base::TimePoint last_received_;
    std::uint64_t bytes_sent_ = 0;
    std::uint64_t bytes_received_ = 0;
    std::uint64_t frames_lost_ = 0;
};

// The callbacks of ngtcp2, which lead to the methods above.
const ngtcp2_callbacks& callbacks(Origin origin);
// True if a packet has authenticated since the last call; see connection_callbacks.cpp.
bool take_authenticated();

}  // namespace grapevine::quic
