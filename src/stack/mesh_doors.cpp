// Who is kept out of sessions, and how: those turned away, those put out, those over their limits.

#include <algorithm>
#include <utility>

#include "admission/types.hpp"
#include "base/overloaded.hpp"
#include "stack/mesh_sessions.hpp"

namespace grapevine::stack {

using base::Overloaded;

// Who dialled us reads why; whom we dialled has no more to say to us than we to it.
void MeshSessions::turn_away(quic::ConnectionRef connection, quic::StreamRef stream, wire::RefusalCode code,
                             std::string text, base::TimePoint now, SessionEffects& out) {
    Session& session = sessions_.at(connection);
    session.turned_away = true;
    session.refused = true;
    if (session.origin == quic::Origin::incoming) return refuse(connection, stream, code, std::move(text));
    endpoint_.close(connection, kCloseRefused, text, now);
    end_session(connection, "the peer is not admitted to this mesh", now, out);
}

bool MeshSessions::passes(const Session& session, const wire::MeshFrame& frame, base::TimePoint now) {
    using admission::FrameClass;
    const auto takes = [&](FrameClass frames) {
        return limits_.take(session.peer, frames, now) == base::Admitted::yes;
    };
    return std::visit(Overloaded{[&](const wire::Hello&) { return takes(FrameClass::hello); },
                                 [&](const wire::Ping&) { return takes(FrameClass::probe); },
                                 [&](const wire::Echo&) { return takes(FrameClass::probe); },
                                 [&](const wire::SyncTurn&) { return takes(FrameClass::exchange); },
                                 [&](const wire::Resolve&) { return takes(FrameClass::question); },
                                 [&](const wire::Revocations&) { return takes(FrameClass::revocations); },
                                 [](const auto&) { return true; }},
                      frame);
}

// Rule 9.
std::size_t MeshSessions::ungreeted() const {
    return static_cast<std::size_t>(std::count_if(sessions_.begin(), sessions_.end(), [](const auto& item) {
        return item.second.origin == quic::Origin::incoming && !item.second.greeted;
    }));
}

void MeshSessions::close_sessions(const std::optional<base::EndpointId>& peer, base::TimePoint now,
                                  SessionEffects& out) {
    std::vector<quic::ConnectionRef> ended;
    for (const auto& [connection, session] : sessions_)
        if (!peer || session.peer == *peer) ended.push_back(connection);
    for (const auto connection : ended) {
        ++counters_.closed_by_admission;
        sessions_.at(connection).refused = peer.has_value();
        endpoint_.close(connection, kCloseRefused, admission::kDenialText, now);
        end_session(connection, "not admitted any more", now, out);
    }
}

void MeshSessions::give_up(const base::EndpointId& peer, base::TimePoint now, SessionEffects& out) {
    const auto found = by_peer_.find(peer);
    if (found == by_peer_.end()) return;
    const auto connection = found->second;
    endpoint_.close(connection, kCloseIdle, "no answer", now);
    end_session(connection, "the peer did not answer", now, out);
}

void MeshSessions::say_revocations(const base::EndpointId& peer, const base::Bytes& envelope, base::TimePoint now) {
    const auto found = std::find_if(sessions_.rbegin(), sessions_.rend(),
                                    [&](const auto& item) { return item.second.peer == peer && item.second.greeted; });
    if (found == sessions_.rend()) return;
    const auto stream = endpoint_.open_stream(found->first, quic::Direction::bidirectional);
    if (!stream) return;
    Exchange& exchange = add_exchange(found->second, *stream);
    exchange.purpose = Settled{};
    exchange.deadline = now + kMeshStreamMax;
    send(found->first, *stream, exchange, wire::Revocations{envelope}, Last::yes);
}

bool MeshSessions::is_served(const Session& session, const Exchange& exchange, const wire::MeshFrame& frame,
                             base::TimePoint now) {
    if (!passes(session, frame, now)) {
        ++counters_.refused_rate;
        return false;
    }
    const bool asks = std::holds_alternative<Unknown>(exchange.purpose);
    if (session.standing == Standing::host && asks) {
        ++counters_.refused_host;
        return false;
    }
    if (session.standing != Standing::member && asks && std::holds_alternative<wire::SyncTurn>(frame)) {
        ++counters_.refused_visitor;
        return false;
    }
    return true;
}

void MeshSessions::refuse_stream(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now) {
    endpoint_.reset_stream(connection, stream, kCloseRefused);
    endpoint_.stop_sending(connection, stream, kCloseRefused);
    end_exchange(connection, stream, now);
}

}  // namespace grapevine::stack
