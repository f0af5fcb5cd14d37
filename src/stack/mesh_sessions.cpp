#include "stack/mesh_sessions.hpp"

#include <algorithm>
#include <utility>

#include "admission/types.hpp"
#include "wire/delivery.hpp"

namespace grapevine::stack {

MeshSessions::MeshSessions(quic::Endpoint& endpoint, telemetry::Ledger& ledger, MeshSpans& spans,
                           admission::RateLimits& limits, wire::Hello own, Candidates candidates, Doorman doorman)
    : endpoint_(endpoint),
      ledger_(ledger),
      spans_(spans),
      limits_(limits),
      own_(std::move(own)),
      candidates_(std::move(candidates)),
      doorman_(std::move(doorman)) {}

MeshSessions::Session& MeshSessions::add_session(quic::ConnectionRef connection) {
    Session& session = sessions_[connection];
    if (!session.life) session.life = telemetry::Life(ledger_, telemetry::Kind::mesh_session);
    return session;
}

MeshSessions::Session* MeshSessions::session_to(const base::EndpointId& peer, base::TimePoint now, std::string& error,
                                                SessionEffects& out) {
    const auto it = by_peer_.find(peer);
    if (it != by_peer_.end()) return &sessions_.at(it->second);
    const auto candidates = candidates_(peer);
    if (candidates.empty() || sessions_.size() >= kMeshConnectionsMax) {
        error = candidates.empty() ? "unreachable: no address is known" : "busy: too many mesh connections";
        return nullptr;
    }
    const auto connection = endpoint_.connect(peer, candidates, wire::kMeshAlpn, now);
    if (!connection) {
        error = connection.error().message;
        return nullptr;
    }
    ++counters_.dials;
    out.push_back(SessionDialled{*connection, peer});
    by_peer_[peer] = *connection;
    Session& session = add_session(*connection);
    session.peer = peer;
    session.idle_since = now;
    return &session;
}

void MeshSessions::want_session(const base::EndpointId& peer, base::TimePoint now, SessionEffects& out) {
    std::string error;
    Session* session = session_to(peer, now, error, out);
    if (session == nullptr) {
        out.push_back(SessionDown{peer, delivery::SessionEnd::unreachable, std::move(error)});
        return;
    }
    session->wanted = true;
    if (session->greeted) tell_up(by_peer_.at(peer), *session, now, out);
}

// Once for each session: one that was released and is wanted again had never gone.
void MeshSessions::tell_up(quic::ConnectionRef connection, Session& session, base::TimePoint now, SessionEffects& out) {
    if (!session.probe_at) session.probe_at = now + kMeshSilence;
    if (!std::exchange(session.told_up, true)) out.push_back(SessionUp{session.peer, connection, session.incarnation});
}

void MeshSessions::release_session(const base::EndpointId& peer, base::TimePoint now) {
    const auto it = by_peer_.find(peer);
    if (it == by_peer_.end()) return;
    Session& session = sessions_.at(it->second);
    session.wanted = false;
    session.probe_at.reset();
    session.probed_at.reset();
    session.idle_since = now;
}

std::optional<MeshSessions::Sender> MeshSessions::hand_over(const quic::StreamData& event) {
    const auto it = sessions_.find(event.connection);
    if (it == sessions_.end() || !it->second.greeted || event.data.empty()) return std::nullopt;
    Session& session = it->second;
    if (session.standing == Standing::host) return std::nullopt;
    const auto exchange = session.exchanges.find(event.stream);
    if (exchange == session.exchanges.end() || !std::holds_alternative<Unknown>(exchange->second.purpose))
        return std::nullopt;
    if (!exchange->second.reader.at_boundary() || !wire::is_delivery_tag(event.data.front())) return std::nullopt;
    session.exchanges.erase(exchange);
    ++session.users;
    return Sender{session.peer, session.incarnation};
}

void MeshSessions::retain(quic::ConnectionRef connection) {
    const auto it = sessions_.find(connection);
    if (it != sessions_.end()) ++it->second.users;
}

void MeshSessions::release(quic::ConnectionRef connection, base::TimePoint now) {
    const auto it = sessions_.find(connection);
    if (it == sessions_.end() || it->second.users == 0) return;
    --it->second.users;
    it->second.idle_since = now;
}

void MeshSessions::on_connected(const quic::Connected& event, base::TimePoint now, SessionEffects& out) {
    const bool incoming = event.origin == quic::Origin::incoming;
    if (incoming && (sessions_.size() >= kMeshConnectionsMax || ungreeted() >= kUngreetedMax)) {
        ++counters_.connections_refused;
        return endpoint_.close(event.connection, kCloseRefused, "busy", now);
    }
    Session& session = add_session(event.connection);
    session.peer = event.peer;
    session.origin = event.origin;
    session.connected = true;
    session.idle_since = now;
    if (event.origin == quic::Origin::incoming) return;
    const auto stream = endpoint_.open_stream(event.connection, quic::Direction::bidirectional);
    if (!stream) return violate(event.connection, "no stream for the hello", now, out);
    Exchange& exchange = add_exchange(session, *stream);
    exchange.purpose = Greeting{};
    exchange.deadline = now + kPingMax;
    wire::Hello own = own_;
    own.ticket = doorman_.ticket_for(event.peer);
    const wire::Hello hello = spans_.hello(own, event.connection);
    session.hello_sent_unix_ns = hello.context.sent_unix_ns;
    send(event.connection, *stream, exchange, hello, Last::yes);
}

// Rules 1 and 2.
void MeshSessions::on_hello(quic::ConnectionRef connection, quic::StreamRef stream, const wire::Hello& hello,
                            telemetry::OpenSpan& span, base::TimePoint now, SessionEffects& out) {
    const Session& session = sessions_.at(connection);
    if (session.greeted || session.turned_away) return violate(connection, "a second hello", now, out);
    if (!passes(session, hello, now)) {
        ++counters_.refused_rate;
        span.fail("busy");
        return turn_away(connection, stream, wire::RefusalCode::busy, "too many hellos", now, out);
    }
    const auto caller = session.origin == quic::Origin::outgoing ? node::Caller::us : node::Caller::them;
    auto judgement = doorman_.judge(session.peer, hello, caller, now);
    if (judgement.standing == Standing::outsider) {
        ++counters_.refused_outsider;
        span.fail("not admitted");
        out.push_back(SessionDenied{session.peer, std::move(judgement.why)});
        return turn_away(connection, stream, wire::RefusalCode::not_admitted, std::string(admission::kDenialText), now,
                         out);
    }
    if (hello.version != own_.version) {
        ++counters_.refused_version;
        span.fail("bad version");
        return refuse(connection, stream, wire::RefusalCode::bad_version,
                      "version " + std::to_string(own_.version) + " is spoken here");
    }
    welcome(connection, stream, hello, judgement.standing, span, now, out);
}

void MeshSessions::welcome(quic::ConnectionRef connection, quic::StreamRef stream, const wire::Hello& hello,
                           Standing standing, telemetry::OpenSpan& span, base::TimePoint now, SessionEffects& out) {
    Session& session = sessions_.at(connection);
    session.standing = standing;
    ++(standing == Standing::member ? counters_.members_greeted : counters_.visitors_greeted);
    session.incarnation = hello.incarnation;
    session.greeted = true;
    end_former_life(session, now, out);
    if (session.origin == quic::Origin::incoming) {
        Exchange& exchange = session.exchanges.at(stream);
        exchange.purpose = Greeting{};
        wire::Hello own = own_;
        own.ticket = doorman_.ticket_for(session.peer);
        send(connection, stream, exchange, spans_.hello_back(own, hello, span), Last::yes);
        out.push_back(SessionBegan{session.peer, standing});
        return;
    }
    out.push_back(SessionBegan{session.peer, standing});
    if (session.wanted) tell_up(connection, session, now, out);
    begin_waiting(connection, session, now, out);
}

void MeshSessions::refuse(quic::ConnectionRef connection, quic::StreamRef stream, wire::RefusalCode code,
                          std::string text) {
    Exchange* exchange = find(connection, stream);
    if (exchange != nullptr) send(connection, stream, *exchange, wire::Refused{code, std::move(text)}, Last::yes);
}

void MeshSessions::violate(quic::ConnectionRef connection, std::string_view rule, base::TimePoint now,
                           SessionEffects& out) {
    ++counters_.bad_frames;
    endpoint_.close(connection, kCloseViolation, rule, now);
    end_session(connection, "protocol violation: " + std::string(rule), now, out);
}

void MeshSessions::end_session(quic::ConnectionRef connection, const std::string& error, base::TimePoint now,
                               SessionEffects& out) {
    const auto it = sessions_.find(connection);
    if (it == sessions_.end()) return;
    Session session = std::move(it->second);
    sessions_.erase(it);
    const auto peer = by_peer_.find(session.peer);
    if (peer != by_peer_.end() && peer->second == connection) by_peer_.erase(peer);
    for (const auto& request : session.waiting)
        fail_request(session.peer, request, error, out);
    std::vector<Question> again;
    for (auto& [stream, exchange] : session.exchanges) {
        auto* question = std::get_if<Question>(&exchange.purpose);
        if (question == nullptr || question->sessions_lost > 0 || session.refused) {
            fail_exchange(session, exchange, error, out);
            continue;
        }
        by_try_.erase(question->id);
        ++question->sessions_lost;
        again.push_back(std::move(*question));
    }
    const auto standing = session.greeted ? std::optional(session.standing) : std::nullopt;
    out.push_back(SessionEnded{connection, session.peer, standing});
    if (session.wanted || session.told_up) out.push_back(SessionDown{session.peer, end_of(session), error});
    for (Question& question : again)  // Rule 5.
        request(session.peer, std::move(question), now, out);
}

// Whether something may have been delivered on it decides what becomes of messages.
delivery::SessionEnd MeshSessions::end_of(const Session& session) {
    if (session.refused) return delivery::SessionEnd::refused;
    return session.greeted ? delivery::SessionEnd::lost : delivery::SessionEnd::unreachable;
}

void MeshSessions::on_closed(const quic::Closed& event, base::TimePoint now, SessionEffects& out) {
    std::string error = "unreachable: " + std::string(quic::name(event.reason.cause));
    if (!event.reason.text.empty()) error += ": " + event.reason.text;
    end_session(event.connection, error, now, out);
}

// Rules 3, 4 and 6.
void MeshSessions::on_deadline(base::TimePoint now, SessionEffects& out) {
    for (const auto& [connection, stream] : late_streams(now)) {
        Exchange* exchange = find(connection, stream);
        if (exchange == nullptr) continue;
        ++counters_.stream_timeouts;
        if (std::holds_alternative<Greeting>(exchange->purpose) && !sessions_.at(connection).greeted) {
            violate(connection, "no hello in time", now, out);
            continue;
        }
        fail_exchange(sessions_.at(connection), *exchange, std::string(kDeadlinePassed), out);
        endpoint_.reset_stream(connection, stream, kCloseViolation);
        endpoint_.stop_sending(connection, stream, kCloseViolation);
        end_exchange(connection, stream, now);
    }
    end_lost(now, out);
    for (const auto connection : idle_sessions(now)) {
        endpoint_.close(connection, kCloseIdle, "idle", now);
        end_session(connection, "idle", now, out);
    }
    for (auto& [connection, session] : sessions_)
        expire_waiting(session, now, out);
}

std::vector<std::pair<quic::ConnectionRef, quic::StreamRef>> MeshSessions::late_streams(base::TimePoint now) const {
    std::vector<std::pair<quic::ConnectionRef, quic::StreamRef>> late;
    for (const auto& [connection, session] : sessions_)
        for (const auto& [stream, exchange] : session.exchanges)
            if (exchange.deadline <= now) late.emplace_back(connection, stream);
    return late;
}

std::vector<quic::ConnectionRef> MeshSessions::idle_sessions(base::TimePoint now) const {
    std::vector<quic::ConnectionRef> idle;
    for (const auto& [connection, session] : sessions_)
        if (session.is_idle() && session.idle_since + kMeshIdle <= now) idle.push_back(connection);
    return idle;
}

// Pings that wait for a connection longer than they may take.
void MeshSessions::expire_waiting(Session& session, base::TimePoint now, SessionEffects& out) {
    std::erase_if(session.waiting, [&](const Request& request) {
        const auto* ping = std::get_if<PingRequest>(&request);
        if (ping == nullptr || ping->asked + kPingMax > now) return false;
        fail_request(session.peer, request, std::string(kDeadlinePassed), out);
        return true;
    });
}

std::optional<base::TimePoint> MeshSessions::next_deadline() const {
    std::optional<base::TimePoint> deadline;
    for (const auto& [connection, session] : sessions_) {
        for (const auto& [stream, exchange] : session.exchanges)
            deadline = base::earliest(deadline, exchange.deadline);
        for (const auto& request : session.waiting)
            if (const auto* ping = std::get_if<PingRequest>(&request))
                deadline = base::earliest(deadline, ping->asked + kPingMax);
        if (session.is_idle()) deadline = base::earliest(deadline, session.idle_since + kMeshIdle);
        deadline = base::earliest(deadline, session.probe_at);
    }
    return deadline;
}

}  // namespace grapevine::stack
