// What happens on sessions of the mesh service: requests of ours, frames that come, streams that end.

#include <utility>

#include "base/overloaded.hpp"
#include "stack/mesh_sessions.hpp"

namespace grapevine::stack {

using base::Overloaded;

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

void MeshSessions::ask(fabric::TryId id, const base::EndpointId& peer, wire::Resolve question, base::TimePoint now,
                       SessionEffects& out) {
    request(peer, Question{id, std::move(question)}, now, out);
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

void MeshSessions::fail_request(const base::EndpointId& peer, const Request& request, const std::string& error,
                                SessionEffects& out) {
    std::visit(
        Overloaded{[&](const PingRequest& ping) { out.push_back(PingDone{ping.request, peer, std::nullopt, error}); },
                   [&](const SyncRequest& sync) { out.push_back(SyncEnded{sync.sync, error}); },
                   [&](const Question& question) { out.push_back(QuestionFailed{question.id, error}); }},
        request);
}

// Whatever is still owed on the stream will not come.
void MeshSessions::fail_exchange(const Session& session, Exchange& exchange, const std::string& error,
                                 SessionEffects& out) {
    std::visit(
        Overloaded{
            [&](const PingRequest& ping) { out.push_back(PingDone{ping.request, session.peer, std::nullopt, error}); },
            [&](const SyncRef& sync) {
                by_sync_.erase(sync);
                out.push_back(SyncEnded{sync, error});
            },
            [&](const Question& question) {
                by_try_.erase(question.id);
                out.push_back(QuestionFailed{question.id, error});
            },
            [&](const fabric::AskRef& ref) {
                by_ask_.erase(ref);
                out.push_back(AskerGone{ref, session.peer});
            },
            [](const auto&) {},
        },
        exchange.purpose);
    exchange.purpose = Settled{};
}

void MeshSessions::begin(quic::ConnectionRef connection, Session& session, Request& request, base::TimePoint now,
                         SessionEffects& out) {
    if (session.standing != Standing::member && std::holds_alternative<SyncRequest>(request))
        return fail_request(session.peer, request, "the peer is of another mesh", out);
    const auto stream = endpoint_.open_stream(connection, quic::Direction::bidirectional);
    if (!stream) return fail_request(session.peer, request, stream.error().message, out);
    Exchange& exchange = add_exchange(session, *stream);
    exchange.deadline = now + kMeshStreamMax;
    open(connection, *stream, exchange, request);
}

// The request's first frame.
void MeshSessions::open(quic::ConnectionRef connection, quic::StreamRef stream, Exchange& exchange, Request& request) {
    std::visit(Overloaded{[&](const PingRequest& ping) {
                              exchange.purpose = ping;
                              exchange.deadline = ping.asked + kPingMax;
                              send(connection, stream, exchange, spans_.ping(ping.request, ping.nonce), Last::yes);
                          },
                          [&](const SyncRequest& sync) {
                              exchange.purpose = sync.sync;
                              by_sync_[sync.sync] = {connection, stream};
                              send(connection, stream, exchange, sync.turn, Last::no);
                          },
                          [&](Question& question) {
                              by_try_[question.id] = {connection, stream};
                              exchange.purpose = question;
                              send(connection, stream, exchange, std::move(question.resolve), Last::yes);
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

void MeshSessions::drop_question(fabric::TryId id, base::TimePoint now) {
    for (auto& [connection, session] : sessions_)
        std::erase_if(session.waiting, [&](const Request& request) {
            const auto* question = std::get_if<Question>(&request);
            return question != nullptr && question->id == id;
        });
    const auto it = by_try_.find(id);
    if (it == by_try_.end()) return;
    const auto [connection, stream] = it->second;
    endpoint_.reset_stream(connection, stream, kCloseIdle);
    endpoint_.stop_sending(connection, stream, kCloseIdle);
    end_exchange(connection, stream, now);
}

void MeshSessions::answer(fabric::AskRef ref, const wire::Resolved& answer) {
    const auto it = by_ask_.find(ref);
    if (it == by_ask_.end()) return;
    const auto [connection, stream] = it->second;
    by_ask_.erase(it);
    Exchange* exchange = find(connection, stream);
    if (exchange == nullptr) return;
    exchange->purpose = Settled{};
    send(connection, stream, *exchange, answer, Last::yes);
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
    if (std::holds_alternative<fabric::AskRef>(exchange->purpose)) return;  // Our answer is still to come.
    Session& session = sessions_.at(connection);
    const bool well = std::holds_alternative<SyncRef>(exchange->purpose);
    if (exchange->pending.empty() && exchange->fin) {
        fail_exchange(session, *exchange, well ? "" : "the peer ended the stream", out);
        return end_exchange(connection, stream, now);
    }
    // The peer is done while we are not: finish our half as well.
    exchange->fin = true;
    if (well) fail_exchange(session, *exchange, "", out);
    push(connection, stream, *exchange);
    if (exchange->pending.empty()) end_exchange(connection, stream, now);
}

void MeshSessions::end_exchange(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now) {
    const auto it = sessions_.find(connection);
    if (it == sessions_.end()) return;
    const auto exchange = it->second.exchanges.find(stream);
    if (exchange == it->second.exchanges.end()) return;
    std::visit(Overloaded{[&](const SyncRef& sync) { by_sync_.erase(sync); },
                          [&](const Question& question) { by_try_.erase(question.id); },
                          [&](const fabric::AskRef& ref) { by_ask_.erase(ref); }, [](const auto&) {}},
               exchange->second.purpose);
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
        return end_session(connection, reason, now, out);
    }
    if (!session.greeted) return violate(connection, "a frame came before the hello", now, out);
    if (!is_served(session, exchange, frame, now)) {
        fail_exchange(session, exchange, "too many frames", out);
        return refuse_stream(connection, stream, now);
    }
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
    if (auto* question = std::get_if<wire::Resolve>(&frame))
        return on_question(connection, stream, *question, now, out);
    if (auto* answer = std::get_if<wire::Resolved>(&frame)) return on_answer(connection, stream, *answer, now, out);
    if (auto* list = std::get_if<wire::Revocations>(&frame)) {
        ++counters_.revocations_received;
        out.push_back(RevocationsCame{session.peer, std::move(list->envelope)});
        return;
    }
    on_turn(connection, stream, std::get<wire::SyncTurn>(frame), now, out);
}

void MeshSessions::on_pong(quic::ConnectionRef connection, quic::StreamRef stream, const wire::Pong& pong,
                           base::TimePoint now, SessionEffects& out) {
    Session& session = sessions_.at(connection);
    Exchange& exchange = session.exchanges.at(stream);
    const auto* ping = std::get_if<PingRequest>(&exchange.purpose);
    if (ping == nullptr || ping->nonce != pong.nonce)
        return violate(connection, "a pong that nobody asked for", now, out);
    spans_.pong_came(ping->request, session.peer, pong, now);
    out.push_back(PingDone{ping->request, session.peer, now - ping->asked, {}});
    exchange.purpose = Settled{};
}

void MeshSessions::on_question(quic::ConnectionRef connection, quic::StreamRef stream, wire::Resolve& question,
                               base::TimePoint now, SessionEffects& out) {
    Session& session = sessions_.at(connection);
    Exchange& exchange = session.exchanges.at(stream);
    if (!std::holds_alternative<Unknown>(exchange.purpose))
        return violate(connection, "a question on a stream that is in use", now, out);
    const fabric::AskRef ref{next_ask_++};
    exchange.purpose = ref;
    by_ask_[ref] = {connection, stream};
    ++counters_.questions_served;
    out.push_back(QuestionCame{ref, session.peer, std::move(question)});
}

void MeshSessions::on_answer(quic::ConnectionRef connection, quic::StreamRef stream, wire::Resolved& answer,
                             base::TimePoint now, SessionEffects& out) {
    Exchange& exchange = sessions_.at(connection).exchanges.at(stream);
    const auto* question = std::get_if<Question>(&exchange.purpose);
    if (question == nullptr) return violate(connection, "an answer that nobody asked for", now, out);
    by_try_.erase(question->id);
    out.push_back(QuestionAnswered{question->id, std::move(answer)});
    exchange.purpose = Settled{};
}

void MeshSessions::on_turn(quic::ConnectionRef connection, quic::StreamRef stream, wire::SyncTurn& turn,
                           base::TimePoint, SessionEffects& out) {
    Session& session = sessions_.at(connection);
    Exchange& exchange = session.exchanges.at(stream);
    if (std::holds_alternative<Unknown>(exchange.purpose)) {
        const SyncRef opened{next_sync_};
        next_sync_ += 2;
        exchange.purpose = opened;
        by_sync_[opened] = {connection, stream};
        ++counters_.syncs_served;
        out.push_back(SyncOpened{opened, session.peer});
    }
    const auto* sync = std::get_if<SyncRef>(&exchange.purpose);
    if (sync != nullptr) out.push_back(SyncReceived{*sync, std::move(turn)});
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

}  // namespace grapevine::stack
