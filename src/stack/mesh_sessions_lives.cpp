// rule 7: sessions whose peer's life is over.

#include <vector>

#include "stack/mesh_sessions.hpp"

namespace grapevine::stack {

namespace {

constexpr std::uint64_t kCloseOver = 0;

}  // namespace

void MeshSessions::end_former_life(const Session& session, base::TimePoint now, SessionEffects& out) {
    const auto dialled = by_peer_.find(session.peer);
    if (dialled == by_peer_.end()) return;
    const quic::ConnectionRef connection = dialled->second;
    const Session& former = sessions_.at(connection);
    if (!former.greeted || former.incarnation == session.incarnation) return;
    endpoint_.close(connection, kCloseOver, "another life", now);
    end_session(connection, "the peer has started again", now, out);
}

// A peer that is heard puts the next look off.
bool MeshSessions::is_lost(quic::ConnectionRef connection, Session& session, base::TimePoint now) {
    if (!session.probe_at || *session.probe_at > now) return false;
    const base::TimePoint heard = endpoint_.last_received(connection).value_or(now);
    if (session.probed_at && heard <= *session.probed_at) return true;
    session.probed_at.reset();
    session.probe_at = heard + kMeshSilence;
    if (*session.probe_at > now) return false;
    endpoint_.ping(connection);
    session.probed_at = now;
    session.probe_at = now + kMeshSilence;
    return false;
}

void MeshSessions::end_lost(base::TimePoint now, SessionEffects& out) {
    std::vector<quic::ConnectionRef> lost;
    for (auto& [connection, session] : sessions_)
        if (is_lost(connection, session, now)) lost.push_back(connection);
    for (const auto connection : lost) {
        ++counters_.silent;
        endpoint_.close(connection, kCloseOver, "silent", now);
        end_session(connection, "unreachable: silent", now, out);
    }
}

}  // namespace grapevine::stack
