#pragma once

// The mesh service, ALPN grapevine/mesh/1: hello, ping, echo, directory exchange and questions of names over
// connections dialled on demand. What happens to sessions is in mesh_sessions.cpp, what on them in mesh_exchanges.cpp.
//
// Rules
//  1. The dialler's first stream carries Hello; nothing else is served before both sides have said theirs.
//  2. What a peer is, the node says by its hello (node/mesh_admission.hpp). An outsider is answered with Refused
//     {not_admitted}, in the same words whatever was wrong, before anything else is looked at; one that we dialled is
//     closed. Pings, questions and deliveries of a visitor are answered, directory exchanges are not; a host may ask
//     nothing. Who was turned away may not try again on the same connection. A Hello of another version is answered by
//     Refused, too.
//  3. Every stream has a deadline, ours and the peer's: a stream that never ends is reset.
//  4. A connection that has had no stream for kMeshIdle, and is not in use for deliveries, is closed.
//  5. A question whose session is lost before its answer is asked once more on a new one: the session may have been
//     with a former life of the peer, and questions change nothing.
//  6. Requests to one peer that wait for its connection are bounded by kMeshRequestsMax.
//  7. While a session is wanted, a peer that was silent for kMeshSilence is asked for a sign of life, and when none
//  comes
//     for as long again, the session is lost. QUIC would wait for its idle timeout of 30 s, and nothing else notices a
//     peer that has started again at another address. Nor is a session kept with a peer that greets as another life.
//  8. Each frame that a peer sends of its own accord passes the peer's rate limits before it is served. Over its limit
//     a hello is refused as busy, and any other frame's stream is reset.
//  9. At most kUngreetedMax connections of peers that said no hello yet are kept: whoever only connects does not take
//     the places of those that are known.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "admission/rate_limits.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "quic/endpoint.hpp"
#include "stack/mesh_spans.hpp"
#include "stack/session_types.hpp"
#include "telemetry/ledger.hpp"
#include "wire/mesh.hpp"

namespace grapevine::stack {

class MeshSessions {
public:
    using Candidates = std::function<std::vector<base::SocketAddr>(const base::EndpointId&)>;

    // All outlive the sessions.
    MeshSessions(quic::Endpoint& endpoint, telemetry::Ledger& ledger, MeshSpans& spans, admission::RateLimits& limits,
                 wire::Hello own, Candidates candidates, Doorman doorman);

    void ping(RequestId request, const base::EndpointId& peer, std::uint64_t nonce, base::TimePoint now,
              SessionEffects& out);
    void open_sync(SyncRef sync, const base::EndpointId& peer, wire::SyncTurn turn, base::TimePoint now,
                   SessionEffects& out);
    using Last = node::Last;
    void send_sync(SyncRef sync, const wire::SyncTurn& turn, Last last);
    // Gives up an exchange that broke the rules.
    void abort_sync(SyncRef sync);
    // Asks the peer; its fate is QuestionAnswered or QuestionFailed, unless it is dropped before.
    void ask(fabric::TryId id, const base::EndpointId& peer, wire::Resolve question, base::TimePoint now,
             SessionEffects& out);
    void drop_question(fabric::TryId id, base::TimePoint now);
    // To a question of a peer. No effect if the asker has gone.
    void answer(fabric::AskRef ref, const wire::Resolved& answer);
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
    void retain(quic::ConnectionRef connection);  // The same for a stream of ours.
    void release(quic::ConnectionRef connection, base::TimePoint now);
    // All sessions with the peer, whoever dialled them; without one, all that there are.
    void close_sessions(const std::optional<base::EndpointId>& peer, base::TimePoint now, SessionEffects& out);
    // The session that we dialled does not answer: the next request dials anew.
    void give_up(const base::EndpointId& peer, base::TimePoint now, SessionEffects& out);
    // On the newest session with the peer, if there is one.
    void say_revocations(const base::EndpointId& peer, const base::Bytes& envelope, base::TimePoint now);
    // Somebody else found that the peer broke a rule on this session.
    void end(quic::ConnectionRef connection, std::string_view rule, base::TimePoint now, SessionEffects& out) {
        violate(connection, rule, now, out);
    }

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
    struct Question {
        fabric::TryId id;
        wire::Resolve resolve;
        std::uint8_t sessions_lost = 0;  // While it waited for its answer.
    };
    using Request = std::variant<PingRequest, SyncRequest, Question>;

    // What a stream is for.
    struct Unknown {};  // The peer's, and it has not said yet.
    struct Greeting {};
    struct Settled {};  // Nothing is owed on it any more.
    using Purpose = std::variant<Unknown, Greeting, Settled, PingRequest, SyncRef, Question, fabric::AskRef>;
    struct Exchange {  // One stream.
        Purpose purpose;
        wire::MeshFrameReader reader;
        base::Bytes pending;
        bool fin = false;
        base::TimePoint deadline;
        telemetry::Life life;
    };
    struct Session {  // One connection.
        base::EndpointId peer;
        quic::Origin origin = quic::Origin::outgoing;
        bool connected = false;
        bool greeted = false;  // Both hellos were said.
        Standing standing = Standing::visitor;
        std::uint64_t incarnation = 0;
        bool wanted = false;       // By us, for deliveries.
        bool told_up = false;      // By SessionUp.
        bool refused = false;      // By the peer, or the peer by us.
        bool turned_away = false;  // Its hello was refused: it has nothing to say any more.
        std::size_t users = 0;     // Streams of the peer that carry deliveries, and streams by name.
        base::TimePoint idle_since;
        std::optional<base::TimePoint> probe_at;  // Rule 7; while it is wanted and greeted.
        std::optional<base::TimePoint> probed_at;
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
    void open(quic::ConnectionRef connection, quic::StreamRef stream, Exchange& exchange, Request& request);
    static void fail_request(const base::EndpointId& peer, const Request& request, const std::string& error,
                             SessionEffects& out);
    void fail_exchange(const Session& session, Exchange& exchange, const std::string& error, SessionEffects& out);
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
    void on_question(quic::ConnectionRef connection, quic::StreamRef stream, wire::Resolve& question,
                     base::TimePoint now, SessionEffects& out);
    void on_answer(quic::ConnectionRef connection, quic::StreamRef stream, wire::Resolved& answer, base::TimePoint now,
                   SessionEffects& out);
    void on_turn(quic::ConnectionRef connection, quic::StreamRef stream, wire::SyncTurn& turn, base::TimePoint now,
                 SessionEffects& out);
    void refuse(quic::ConnectionRef connection, quic::StreamRef stream, wire::RefusalCode code, std::string text);
    void refuse_stream(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now);
    void turn_away(quic::ConnectionRef connection, quic::StreamRef stream, wire::RefusalCode code, std::string text,
                   base::TimePoint now, SessionEffects& out);
    void welcome(quic::ConnectionRef connection, quic::StreamRef stream, const wire::Hello& hello, Standing standing,
                 telemetry::OpenSpan& span, base::TimePoint now, SessionEffects& out);
    // Rule 8.
    [[nodiscard]] bool passes(const Session& session, const wire::MeshFrame& frame, base::TimePoint now);
    // Whether a frame of a greeted peer may be served at all: rules 2 and 8.
    [[nodiscard]] bool is_served(const Session& session, const Exchange& exchange, const wire::MeshFrame& frame,
                                 base::TimePoint now);
    [[nodiscard]] std::size_t ungreeted() const;
    void violate(quic::ConnectionRef connection, std::string_view rule, base::TimePoint now, SessionEffects& out);
    void end_session(quic::ConnectionRef connection, const std::string& error, base::TimePoint now,
                     SessionEffects& out);
    static void tell_up(quic::ConnectionRef connection, Session& session, base::TimePoint now, SessionEffects& out);
    [[nodiscard]] bool is_lost(quic::ConnectionRef connection, Session& session, base::TimePoint now);
    void end_lost(base::TimePoint now, SessionEffects& out);
    void end_former_life(const Session& session, base::TimePoint now, SessionEffects& out);
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
    admission::RateLimits& limits_;
    wire::Hello own_;
    Candidates candidates_;
    Doorman doorman_;
    std::map<quic::ConnectionRef, Session> sessions_;
    std::map<base::EndpointId, quic::ConnectionRef> by_peer_;  // The one that we dialled.
    std::map<SyncRef, std::pair<quic::ConnectionRef, quic::StreamRef>> by_sync_;
    std::map<fabric::TryId, std::pair<quic::ConnectionRef, quic::StreamRef>> by_try_;
    std::map<fabric::AskRef, std::pair<quic::ConnectionRef, quic::StreamRef>> by_ask_;
    std::uint64_t next_sync_ = 1;
    std::uint64_t next_ask_ = 1;
    SessionCounters counters_;
};

}  // namespace grapevine::stack
