#pragma once

// The mesh service, ALPN grapevine/mesh/1: hello, ping, echo and directory exchange over connections dialled on demand.
//
// Rules
//  1. The dialler's first stream carries Hello; nothing else is served before both sides have said theirs.
//  2. A Hello of another version is answered by Refused, counted, and the connection closed. One of another mesh makes
//     its sender a visitor: what a visitor may ask is answered, a directory exchange is not.
//  3. Every stream has a deadline, ours and the peer's: a stream that never ends is reset.
//  4. A connection that has had no stream for kMeshIdle, and is not in use for deliveries, is closed.
//  5. Requests to one peer that wait for its connection are bounded by kMeshRequestsMax.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "delivery/types.hpp"
#include "quic/endpoint.hpp"
#include "stack/mesh_spans.hpp"
#include "stack/types.hpp"
#include "telemetry/ledger.hpp"
#include "wire/mesh.hpp"

namespace grapevine::stack {

inline constexpr base::Duration kMeshIdle = std::chrono::seconds(10);
inline constexpr base::Duration kMeshStreamMax = std::chrono::seconds(10);
inline constexpr base::Duration kPingMax = std::chrono::seconds(5);
inline constexpr std::size_t kMeshRequestsMax = 32;
inline constexpr std::size_t kMeshConnectionsMax = 256;

struct SyncOpened {  // By the peer; its first turn follows.
    SyncRef sync;
    base::EndpointId peer;
};
struct SyncReceived {
    SyncRef sync;
    wire::SyncTurn turn;
};
struct SyncEnded {  // Over, well or not; `error` is empty when the stream ended as agreed.
    SyncRef sync;
    std::string error;
};
struct SessionDialled {
    quic::ConnectionRef connection;
    base::EndpointId peer;
};
// As what a peer is here (rule 2).
enum class Standing : std::uint8_t { member, visitor };
// The session that we dialled for want_session(), greeted.
struct SessionUp {
    base::EndpointId peer;
    quic::ConnectionRef connection;
    std::uint64_t incarnation = 0;
};
// It came to nothing, or ended.
struct SessionDown {
    base::EndpointId peer;
    delivery::SessionEnd end = delivery::SessionEnd::lost;
    std::string error;
};
// Any session, whoever dialled it.
struct SessionEnded {
    quic::ConnectionRef connection;
};
using SessionEffect =
    std::variant<SyncOpened, SyncReceived, SyncEnded, PingDone, SessionDialled, SessionUp, SessionDown, SessionEnded>;
using SessionEffects = std::vector<SessionEffect>;

struct SessionCounters {
    std::uint64_t dials = 0, members_greeted = 0, visitors_greeted = 0;
    std::uint64_t refused_visitor = 0, refused_version = 0, refused_by_peer = 0;
    std::uint64_t pings_answered = 0, echoes_answered = 0, syncs_served = 0, bad_frames = 0, stream_timeouts = 0;
    std::uint64_t requests_dropped = 0, connections_refused = 0;
    std::uint64_t frames_sent = 0, frames_received = 0, bytes_sent = 0, bytes_received = 0;
};

class MeshSessions {
public:
    using Candidates = std::function<std::vector<base::SocketAddr>(const base::EndpointId&)>;

    // All outlive the sessions.
    MeshSessions(quic::Endpoint& endpoint, telemetry::Ledger& ledger, MeshSpans& spans, wire::Hello own,
                 Candidates candidates);

    void ping(RequestId request, const base::EndpointId& peer, std::uint64_t nonce, base::TimePoint now,
              SessionEffects& out);
    void open_sync(SyncRef sync, const base::EndpointId& peer, wire::SyncTurn turn, base::TimePoint now,
                   SessionEffects& out);
    using Last = node::Last;
    void send_sync(SyncRef sync, const wire::SyncTurn& turn, Last last);
    // A session to the peer, for as long as it is wanted: SessionUp follows unless it was told before, and SessionDown
    // when it ends or comes to nothing.
    void want_session(const base::EndpointId& peer, base::TimePoint now, SessionEffects& out);
    void release_session(const base::EndpointId& peer, base::TimePoint now);
    // Whether a new stream of the peer begins with a frame of delivery. If so it is no exchange of ours any more, and
    // the session is in use until release().
    struct Sender {
        base::EndpointId peer;
        std::uint64_t incarnation = 0;
    };
    std::optional<Sender> hand_over(const quic::StreamData& event);
    void release(quic::ConnectionRef connection, base::TimePoint now);
    // Somebody else found that the peer broke a rule on this session.
    void end(quic::ConnectionRef connection, std::string_view rule, base::TimePoint now, SessionEffects& out) {
        violate(connection, rule, now, out);
    }
    // Gives up an exchange that broke the rules.
    void abort_sync(SyncRef sync);

    void on_connected(const quic::Connected& event, base::TimePoint now, SessionEffects& out);
    void on_stream_opened(const quic::StreamOpened& event, base::TimePoint now);
    void on_stream_data(const quic::StreamData& event, base::TimePoint now, SessionEffects& out);
    void on_stream_ended(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now,
                         SessionEffects& out);
    void on_writable(quic::ConnectionRef connection, quic::StreamRef stream);
    void on_closed(const quic::Closed& event, base::TimePoint now, SessionEffects& out);
    void on_deadline(base::TimePoint now, SessionEffects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    [[nodiscard]] bool owns(quic::ConnectionRef connection) const { return sessions_.contains(connection); }
    [[nodiscard]] const SessionCounters& counters() const { return counters_; }

private:
    struct PingRequest {
        RequestId request;
        std::uint64_t nonce = 0;
        base::TimePoint asked;
    };
    struct SyncRequest {
        SyncRef sync;
        wire::SyncTurn turn;
    };
    using Request = std::variant<PingRequest, SyncRequest>;

    enum class Role { hello, ping, sync, unknown };
    struct Exchange {  // One stream.
        Role role = Role::unknown;
        wire::MeshFrameReader reader;
        base::Bytes pending;
        bool fin = false;
        base::TimePoint deadline;
        std::optional<PingRequest> ping;
        std::optional<SyncRef> sync;
        telemetry::Life life;
    };
    struct Session {  // One connection.
        base::EndpointId peer;
        quic::Origin origin = quic::Origin::outgoing;
        bool connected = false;
        bool greeted = false;  // Both hellos were said.
        Standing standing = Standing::visitor;
        std::uint64_t incarnation = 0;
        bool wanted = false;    // By us, for deliveries.
        bool told_up = false;   // By SessionUp.
        bool refused = false;   // By the peer.
        std::size_t users = 0;  // Streams of the peer that carry deliveries.
        base::TimePoint idle_since;
        std::uint64_t hello_sent_unix_ns = 0;  // Ours, if it was traced.
        std::map<quic::StreamRef, Exchange> exchanges;
        std::vector<Request> waiting;
        telemetry::Life life;
        [[nodiscard]] bool is_idle() const { return connected && exchanges.empty() && !wanted && users == 0; }
    };

    void request(const base::EndpointId& peer, Request request, base::TimePoint now, SessionEffects& out);
    Session* session_to(const base::EndpointId& peer, base::TimePoint now, std::string& error, SessionEffects& out);
    void begin(quic::ConnectionRef connection, Session& session, Request& request, base::TimePoint now,
               SessionEffects& out);
    void begin_waiting(quic::ConnectionRef connection, Session& session, base::TimePoint now, SessionEffects& out);
    static void fail_request(const base::EndpointId& peer, const Request& request, const std::string& error,
                             SessionEffects& out);
    void fail_exchange(const Session& session, const Exchange& exchange, const std::string& error, SessionEffects& out);
    void send(quic::ConnectionRef connection, quic::StreamRef stream, Exchange& exchange, const wire::MeshFrame& frame,
              Last last);
    void push(quic::ConnectionRef connection, quic::StreamRef stream, Exchange& exchange);
    void end_exchange(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now);
    void take_frames(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now, SessionEffects& out);
    void on_frame(quic::ConnectionRef connection, quic::StreamRef stream, wire::MeshFrame& frame, base::TimePoint now,
                  SessionEffects& out);
    void on_hello(quic::ConnectionRef connection, quic::StreamRef stream, const wire::Hello& hello,
                  telemetry::OpenSpan& span, base::TimePoint now, SessionEffects& out);
    void on_pong(quic::ConnectionRef connection, quic::StreamRef stream, const wire::Pong& pong, base::TimePoint now,
                 SessionEffects& out);
    void on_turn(quic::ConnectionRef connection, quic::StreamRef stream, wire::SyncTurn& turn, base::TimePoint now,
                 SessionEffects& out);
    void refuse(quic::ConnectionRef connection, quic::StreamRef stream, wire::RefusalCode code, std::string text);
    void refuse_sync(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now);
    void violate(quic::ConnectionRef connection, std::string_view rule, base::TimePoint now, SessionEffects& out);
    void end_session(quic::ConnectionRef connection, const std::string& error, SessionEffects& out);
    static void tell_up(quic::ConnectionRef connection, Session& session, SessionEffects& out);
    [[nodiscard]] static delivery::SessionEnd end_of(const Session& session);
    void end_fin(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now, SessionEffects& out);
    [[nodiscard]] std::vector<std::pair<quic::ConnectionRef, quic::StreamRef>> late_streams(base::TimePoint now) const;
    [[nodiscard]] std::vector<quic::ConnectionRef> idle_sessions(base::TimePoint now) const;
    static void expire_waiting(Session& session, base::TimePoint now, SessionEffects& out);
    Exchange* find(quic::ConnectionRef connection, quic::StreamRef stream);
    Session& add_session(quic::ConnectionRef connection);
    Exchange& add_exchange(Session& session, quic::StreamRef stream);

    quic::Endpoint& endpoint_;
    telemetry::Ledger& ledger_;
    MeshSpans& spans_;
    wire::Hello own_;
    Candidates candidates_;
    std::map<quic::ConnectionRef, Session> sessions_;
    std::map<base::EndpointId, quic::ConnectionRef> by_peer_;  // The one that we dialled.
    std::map<SyncRef, std::pair<quic::ConnectionRef, quic::StreamRef>> by_sync_;
    std::uint64_t next_sync_ = 1;
    SessionCounters counters_;
};

}  // namespace grapevine::stack
