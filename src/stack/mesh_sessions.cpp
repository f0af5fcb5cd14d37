#include "stack/mesh_sessions.hpp"

#include <algorithm>
#include <utility>

#include "base/overloaded.hpp"
#include "wire/delivery.hpp"

namespace grapevine::stack {

namespace {

using base::Overloaded;

constexpr std::uint64_t kCloseIdle = 0;
constexpr std::uint64_t kCloseViolation = 1;
constexpr std::uint64_t kCloseRefused = 2;

}  // namespace

MeshSessions::MeshSessions(quic::Endpoint& endpoint, telemetry::Ledger& ledger, MeshSpans& spans, wire::Hello own,
                           Candidates candidates)
    : endpoint_(endpoint), ledger_(ledger), spans_(spans), own_(std::move(own)), candidates_(std::move(candidates)) {}

MeshSessions::Session& MeshSessions::add_session(quic::ConnectionRef connection) {
    Session& session = sessions_[connection];
    if (!session.life) session.life = telemetry::Life(ledger_, telemetry::Kind::mesh_session);
    return session;
}

MeshSessions::Exchange& MeshSessions::add_exchange(Session& session, quic::StreamRef stream) {
    Exchange& exchange = session.exchanges[stream];
    if (!exchange.life) exchange.life = telemetry::Life(ledger_, telemetry::Kind::mesh_exchange);
    return exchange;
}

MeshSessions::Exchange* MeshSessions::find(quic::ConnectionRef connection, quic::StreamRef stream) {
    const auto session = sessions_.find(connection);
    if (session == sessions_.end()) return nullptr;
    const auto exchange = session->second.exchanges.find(stream);
    return exchange == session->second.exchanges.end() ? nullptr : &exchange->second;
}

void MeshSessions::ping(RequestId id, const base::EndpointId& peer, std::uint64_t nonce, base::TimePoint now,
                        SessionEffects& out) {
    request(peer, PingRequest{id, nonce, now}, now, out);
}

void MeshSessions::open_sync(SyncRef sync, const base::EndpointId& peer, wire::SyncTurn turn, base::TimePoint now,
                             SessionEffects& out) {
    request(peer, SyncRequest{sync, std::move(turn)}, now, out);
}

void MeshSessions::request(const base::EndpointId& peer, Request request, base::TimePoint now, SessionEffects& out) {
    std::string error;
    Session* session = session_to(peer, now, error, out);
    if (session == nullptr) return fail_request(peer, request, error, out);
    if (session->greeted) return begin(by_peer_.at(peer), *session, request, now, out);
    if (session->waiting.size() >= kMeshRequestsMax) {
        ++counters_.requests_dropped;
        return fail_request(peer, request, "peer busy: too many requests wait for its connection", out);
    }
    session->waiting.push_back(std::move(request));
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
    if (session->greeted) tell_up(by_peer_.at(peer), *session, out);
}

// Once for each session: one that was released and is wanted again had never gone.
void MeshSessions::tell_up(quic::ConnectionRef connection, Session& session, SessionEffects& out) {
    if (!std::exchange(session.told_up, true)) out.push_back(SessionUp{session.peer, connection, session.incarnation});
}

void MeshSessions::release_session(const base::EndpointId& peer, base::TimePoint now) {
    const auto it = by_peer_.find(peer);
    if (it == by_peer_.end()) return;
    Session& session = sessions_.at(it->second);
    session.wanted = false;
    session.idle_since = now;
}

std::optional<MeshSessions::Sender> MeshSessions::hand_over(const quic::StreamData& event) {
    const auto it = sessions_.find(event.connection);
    if (it == sessions_.end() || !it->second.greeted || event.data.empty()) return std::nullopt;
    Session& session = it->second;
    const auto exchange = session.exchanges.find(event.stream);
    if (exchange == session.exchanges.end() || exchange->second.role != Role::unknown) return std::nullopt;
    if (!exchange->second.reader.at_boundary() || !wire::is_delivery_tag(event.data.front())) return std::nullopt;
    session.exchanges.erase(exchange);
    ++session.users;
    return Sender{session.peer, session.incarnation};
}

void MeshSessions::release(quic::ConnectionRef connection, base::TimePoint now) {
    const auto it = sessions_.find(connection);
    if (it == sessions_.end() || it->second.users == 0) return;
    --it->second.users;
    it->second.idle_since = now;
}

void MeshSessions::fail_request(const base::EndpointId& peer, const Request& request, const std::string& error,
                                SessionEffects& out) {
    std::visit(
        Overloaded{[&](const PingRequest& ping) { out.push_back(PingDone{ping.request, peer, std::nullopt, error}); },
                   [&](const SyncRequest& sync) { out.push_back(SyncEnded{sync.sync, error}); }},
        request);
}

void MeshSessions::fail_exchange(const Session& session, const Exchange& exchange, const std::string& error,
                                 SessionEffects& out) {
    if (exchange.ping) out.push_back(PingDone{exchange.ping->request, session.peer, std::nullopt, error});
    if (exchange.sync) {
        by_sync_.erase(*exchange.sync);
        out.push_back(SyncEnded{*exchange.sync, error});
    }
}

void MeshSessions::begin(quic::ConnectionRef connection, Session& session, Request& request, base::TimePoint now,
                         SessionEffects& out) {
    if (session.standing == Standing::visitor && std::holds_alternative<SyncRequest>(request))
        return fail_request(session.peer, request, "the peer is of another mesh", out);
    const auto stream = endpoint_.open_stream(connection, quic::Direction::bidirectional);
    if (!stream) return fail_request(session.peer, request, stream.error().message, out);
    Exchange& exchange = add_exchange(session, *stream);
    exchange.deadline = now + kMeshStreamMax;
    std::visit(Overloaded{[&](const PingRequest& ping) {
                              exchange.role = Role::ping;
                              exchange.ping = ping;
                              exchange.deadline = ping.asked + kPingMax;
                              send(connection, *stream, exchange, spans_.ping(ping.request, ping.nonce), Last::yes);
                          },
                          [&](const SyncRequest& sync) {
                              exchange.role = Role::sync;
                              exchange.sync = sync.sync;
                              by_sync_[sync.sync] = {connection, *stream};
                              send(connection, *stream, exchange, sync.turn, Last::no);
                          }},
               request);
}

void MeshSessions::begin_waiting(quic::ConnectionRef connection, Session& session, base::TimePoint now,
                                 SessionEffects& out) {
    auto waiting = std::exchange(session.waiting, {});
    for (auto& request : waiting)
        begin(connection, session, request, now, out);
}

void MeshSessions::send(quic::ConnectionRef connection, quic::StreamRef stream, Exchange& exchange,
                        const wire::MeshFrame& frame, Last last) {
    const base::Bytes bytes = wire::encode(frame);
    ++counters_.frames_sent;
    counters_.bytes_sent += bytes.size();
    exchange.pending.insert(exchange.pending.end(), bytes.begin(), bytes.end());
    exchange.fin = last == Last::yes;
    push(connection, stream, exchange);
}

void MeshSessions::push(quic::ConnectionRef connection, quic::StreamRef stream, Exchange& exchange) {
    const auto taken = endpoint_.write(connection, stream, exchange.pending, exchange.fin);
    if (!taken) return;
    exchange.pending.erase(exchange.pending.begin(), exchange.pending.begin() + static_cast<std::ptrdiff_t>(*taken));
}

void MeshSessions::send_sync(SyncRef sync, const wire::SyncTurn& turn, Last last) {
    const auto it = by_sync_.find(sync);
    if (it == by_sync_.end()) return;
    Exchange* exchange = find(it->second.first, it->second.second);
    if (exchange != nullptr) send(it->second.first, it->second.second, *exchange, turn, last);
}

void MeshSessions::abort_sync(SyncRef sync) {
    const auto it = by_sync_.find(sync);
    if (it == by_sync_.end()) return;
    const auto [connection, stream] = it->second;
    endpoint_.reset_stream(connection, stream, kCloseViolation);
    endpoint_.stop_sending(connection, stream, kCloseViolation);
    ++counters_.bad_frames;
    by_sync_.erase(it);
    sessions_.at(connection).exchanges.erase(stream);
}

void MeshSessions::on_connected(const quic::Connected& event, base::TimePoint now, SessionEffects& out) {
    if (event.origin == quic::Origin::incoming && sessions_.size() >= kMeshConnectionsMax) {
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
    exchange.role = Role::hello;
    exchange.deadline = now + kPingMax;
    const wire::Hello hello = spans_.hello(own_, event.connection);
    session.hello_sent_unix_ns = hello.context.sent_unix_ns;
    send(event.connection, *stream, exchange, hello, Last::yes);
}

void MeshSessions::on_stream_opened(const quic::StreamOpened& event, base::TimePoint now) {
    const auto it = sessions_.find(event.connection);
    if (it == sessions_.end()) return;
    if (!event.stream.is_bidirectional())
        return endpoint_.stop_sending(event.connection, event.stream, kCloseViolation);
    Exchange& exchange = add_exchange(it->second, event.stream);
    exchange.deadline = now + kMeshStreamMax;
}

void MeshSessions::on_stream_data(const quic::StreamData& event, base::TimePoint now, SessionEffects& out) {
    endpoint_.consume(event.connection, event.stream, event.data.size());
    Exchange* exchange = find(event.connection, event.stream);
    if (exchange == nullptr) return;
    counters_.bytes_received += event.data.size();
    exchange->reader.feed(event.data);
    take_frames(event.connection, event.stream, now, out);
    if (event.fin) end_fin(event.connection, event.stream, now, out);
}

// The peer has finished its half. An answer that is still owed will not come.
void MeshSessions::end_fin(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now,
                           SessionEffects& out) {
    Exchange* exchange = find(connection, stream);
    if (exchange == nullptr) return;
    if (exchange->pending.empty() && exchange->fin) {
        if (exchange->ping) fail_exchange(sessions_.at(connection), *exchange, "the peer ended the stream", out);
        if (exchange->sync) fail_exchange(sessions_.at(connection), *exchange, "", out);
        end_exchange(connection, stream, now);
        return;
    }
    // The peer is done while we are not: finish our half as well.
    exchange->fin = true;
    if (exchange->sync) fail_exchange(sessions_.at(connection), *exchange, "", out);
    push(connection, stream, *exchange);
    if (exchange->pending.empty()) end_exchange(connection, stream, now);
}

void MeshSessions::end_exchange(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now) {
    const auto it = sessions_.find(connection);
    if (it == sessions_.end()) return;
    const auto exchange = it->second.exchanges.find(stream);
    if (exchange == it->second.exchanges.end()) return;
    if (exchange->second.sync) by_sync_.erase(*exchange->second.sync);
    it->second.exchanges.erase(exchange);
    it->second.idle_since = now;
}

void MeshSessions::take_frames(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now,
                               SessionEffects& out) {
    while (Exchange* exchange = find(connection, stream)) {
        auto frame = exchange->reader.next();
        if (!frame) return violate(connection, frame.error().message, now, out);
        if (!*frame) return;
        ++counters_.frames_received;
        on_frame(connection, stream, **frame, now, out);
    }
}

void MeshSessions::on_frame(quic::ConnectionRef connection, quic::StreamRef stream, wire::MeshFrame& frame,
                            base::TimePoint now, SessionEffects& out) {
    Session& session = sessions_.at(connection);
    Exchange& exchange = session.exchanges.at(stream);
    if (auto* hello = std::get_if<wire::Hello>(&frame)) {
        auto span = spans_.hello_came(connection, session.peer, *hello, session.hello_sent_unix_ns, now);
        on_hello(connection, stream, *hello, span, now, out);
        return spans_.end(std::move(span));
    }
    if (const auto* refused = std::get_if<wire::Refused>(&frame)) {
        ++counters_.refused_by_peer;
        session.refused = true;
        const std::string reason = "refused by the peer: " + refused->text;
        endpoint_.close(connection, kCloseRefused, "refused", now);
        return end_session(connection, reason, out);
    }
    if (!session.greeted) return violate(connection, "a frame came before the hello", now, out);
    if (const auto* ping = std::get_if<wire::Ping>(&frame)) {
        ++counters_.pings_answered;
        auto span = spans_.ping_came(connection, session.peer, *ping, now);
        send(connection, stream, exchange, spans_.pong(*ping, span), Last::yes);
        return spans_.end(std::move(span));
    }
    if (const auto* pong = std::get_if<wire::Pong>(&frame)) return on_pong(connection, stream, *pong, now, out);
    if (auto* echo = std::get_if<wire::Echo>(&frame)) {
        ++counters_.echoes_answered;
        return send(connection, stream, exchange, std::move(*echo), Last::yes);
    }
    on_turn(connection, stream, std::get<wire::SyncTurn>(frame), now, out);
}

// Rules 1 and 2.
void MeshSessions::on_hello(quic::ConnectionRef connection, quic::StreamRef stream, const wire::Hello& hello,
                            telemetry::OpenSpan& span, base::TimePoint now, SessionEffects& out) {
    Session& session = sessions_.at(connection);
    if (session.greeted) return violate(connection, "a second hello", now, out);
    if (hello.version != own_.version) {
        ++counters_.refused_version;
        span.fail("bad version");
        return refuse(connection, stream, wire::RefusalCode::bad_version,
                      "version " + std::to_string(own_.version) + " is spoken here");
    }
    session.standing = hello.mesh == own_.mesh ? Standing::member : Standing::visitor;
    ++(session.standing == Standing::member ? counters_.members_greeted : counters_.visitors_greeted);
    session.incarnation = hello.incarnation;
    session.greeted = true;
    if (session.origin == quic::Origin::incoming) {
        Exchange& exchange = session.exchanges.at(stream);
        exchange.role = Role::hello;
        return send(connection, stream, exchange, spans_.hello_back(own_, hello, span), Last::yes);
    }
    if (session.wanted) tell_up(connection, session, out);
    begin_waiting(connection, session, now, out);
}

void MeshSessions::refuse(quic::ConnectionRef connection, quic::StreamRef stream, wire::RefusalCode code,
                          std::string text) {
    Exchange* exchange = find(connection, stream);
    if (exchange != nullptr) send(connection, stream, *exchange, wire::Refused{code, std::move(text)}, Last::yes);
}

void MeshSessions::on_pong(quic::ConnectionRef connection, quic::StreamRef stream, const wire::Pong& pong,
                           base::TimePoint now, SessionEffects& out) {
    Session& session = sessions_.at(connection);
    Exchange& exchange = session.exchanges.at(stream);
    if (!exchange.ping || exchange.ping->nonce != pong.nonce)
        return violate(connection, "a pong that nobody asked for", now, out);
    spans_.pong_came(exchange.ping->request, session.peer, pong, now);
    out.push_back(PingDone{exchange.ping->request, session.peer, now - exchange.ping->asked, {}});
    exchange.ping.reset();
}

void MeshSessions::refuse_sync(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now) {
    ++counters_.refused_visitor;
    endpoint_.reset_stream(connection, stream, kCloseRefused);
    endpoint_.stop_sending(connection, stream, kCloseRefused);
    end_exchange(connection, stream, now);
}

void MeshSessions::on_turn(quic::ConnectionRef connection, quic::StreamRef stream, wire::SyncTurn& turn,
                           base::TimePoint now, SessionEffects& out) {
    Session& session = sessions_.at(connection);
    Exchange& exchange = session.exchanges.at(stream);
    if (!exchange.sync) {
        if (exchange.role != Role::unknown) return;
        if (session.standing == Standing::visitor) return refuse_sync(connection, stream, now);
        exchange.role = Role::sync;
        exchange.sync = SyncRef{next_sync_};
        next_sync_ += 2;
        by_sync_[*exchange.sync] = {connection, stream};
        ++counters_.syncs_served;
        out.push_back(SyncOpened{*exchange.sync, session.peer});
    }
    out.push_back(SyncReceived{*exchange.sync, std::move(turn)});
}

void MeshSessions::violate(quic::ConnectionRef connection, std::string_view rule, base::TimePoint now,
                           SessionEffects& out) {
    ++counters_.bad_frames;
    endpoint_.close(connection, kCloseViolation, rule, now);
    end_session(connection, "protocol violation: " + std::string(rule), out);
}

void MeshSessions::end_session(quic::ConnectionRef connection, const std::string& error, SessionEffects& out) {
    const auto it = sessions_.find(connection);
    if (it == sessions_.end()) return;
    const Session session = std::move(it->second);
    sessions_.erase(it);
    const auto peer = by_peer_.find(session.peer);
    if (peer != by_peer_.end() && peer->second == connection) by_peer_.erase(peer);
    for (const auto& request : session.waiting)
        fail_request(session.peer, request, error, out);
    for (const auto& [stream, exchange] : session.exchanges)
        fail_exchange(session, exchange, error, out);
    out.push_back(SessionEnded{connection});
    if (session.wanted || session.told_up) out.push_back(SessionDown{session.peer, end_of(session), error});
}

// Whether something may have been delivered on it decides what becomes of messages.
delivery::SessionEnd MeshSessions::end_of(const Session& session) {
    if (session.refused) return delivery::SessionEnd::refused;
    return session.greeted ? delivery::SessionEnd::lost : delivery::SessionEnd::unreachable;
}

void MeshSessions::on_stream_ended(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now,
                                   SessionEffects& out) {
    Exchange* exchange = find(connection, stream);
    if (exchange == nullptr) return;
    fail_exchange(sessions_.at(connection), *exchange, "the peer reset the stream", out);
    end_exchange(connection, stream, now);
}

void MeshSessions::on_writable(quic::ConnectionRef connection, quic::StreamRef stream) {
    Exchange* exchange = find(connection, stream);
    if (exchange != nullptr) push(connection, stream, *exchange);
}

void MeshSessions::on_closed(const quic::Closed& event, base::TimePoint, SessionEffects& out) {
    std::string error = "unreachable: " + std::string(quic::name(event.reason.cause));
    if (!event.reason.text.empty()) error += ": " + event.reason.text;
    end_session(event.connection, error, out);
}

// Rules 3 and 4.
void MeshSessions::on_deadline(base::TimePoint now, SessionEffects& out) {
    for (const auto& [connection, stream] : late_streams(now)) {
        Exchange* exchange = find(connection, stream);
        if (exchange == nullptr) continue;
        ++counters_.stream_timeouts;
        if (exchange->role == Role::hello && !sessions_.at(connection).greeted) {
            violate(connection, "no hello in time", now, out);
            continue;
        }
        fail_exchange(sessions_.at(connection), *exchange, "deadline passed", out);
        endpoint_.reset_stream(connection, stream, kCloseViolation);
        endpoint_.stop_sending(connection, stream, kCloseViolation);
        end_exchange(connection, stream, now);
    }
    for (const auto connection : idle_sessions(now)) {
        endpoint_.close(connection, kCloseIdle, "idle", now);
        end_session(connection, "idle", out);
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
        fail_request(session.peer, request, "deadline passed", out);
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
    }
    return deadline;
}

}  // namespace grapevine::stack
