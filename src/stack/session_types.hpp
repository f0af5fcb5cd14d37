#pragma once

// The vocabulary of sessions of the mesh service: what they report, their limits and counters.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "delivery/types.hpp"
#include "fabric/question.hpp"
#include "quic/types.hpp"
#include "stack/types.hpp"
#include "wire/mesh.hpp"

namespace grapevine::stack {

inline constexpr base::Duration kMeshIdle = std::chrono::seconds(10);
inline constexpr base::Duration kMeshStreamMax = std::chrono::seconds(10);
inline constexpr base::Duration kMeshSilence = std::chrono::milliseconds(1500);  // Twice that is a link's detection.
inline constexpr base::Duration kPingMax = std::chrono::seconds(5);
inline constexpr std::size_t kMeshRequestsMax = 32;
inline constexpr std::size_t kMeshConnectionsMax = 256;
inline constexpr std::size_t kUngreetedMax = 128;
inline constexpr std::string_view kDeadlinePassed = "deadline passed";  // The error of a request without an answer.

// Codes with which sessions and their streams are closed.
inline constexpr std::uint64_t kCloseIdle = 0;
inline constexpr std::uint64_t kCloseViolation = 1;
inline constexpr std::uint64_t kCloseRefused = 2;

using node::Standing;
// What the node says of peers (mesh_sessions.hpp, rule 2).
struct Doorman {
    std::function<node::Judgement(const base::EndpointId&, const wire::Hello&, node::Caller, base::TimePoint)> judge;
    std::function<base::Bytes(const base::EndpointId&)> ticket_for;  // What our hello to the peer shows.
};
// Both hellos are said, whoever dialled.
struct SessionBegan {
    base::EndpointId peer;
    Standing standing = Standing::visitor;
};
// A hello was not good enough.
struct SessionDenied {
    base::EndpointId peer;
    std::string why;
};
struct RevocationsCame {
    base::EndpointId peer;
    base::Bytes envelope;
};

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

// The peer asks where somebody is. Answered by MeshSessions::answer, unless AskerGone comes first.
struct QuestionCame {
    fabric::AskRef ref;
    base::EndpointId peer;
    wire::Resolve question;
};
struct AskerGone {
    fabric::AskRef ref;
    base::EndpointId peer;
};
// What became of a question of ours: exactly one of the two, unless it was dropped.
struct QuestionAnswered {
    fabric::TryId id;
    wire::Resolved answer;
};
struct QuestionFailed {
    fabric::TryId id;
    std::string error;
};

struct SessionDialled {
    quic::ConnectionRef connection;
    base::EndpointId peer;
};
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
    base::EndpointId peer;
    std::optional<Standing> standing;  // Absent: it had not begun.
};

using SessionEffect = std::variant<SyncOpened, SyncReceived, SyncEnded, QuestionCame, AskerGone, QuestionAnswered,
                                   QuestionFailed, PingDone, SessionDialled, SessionBegan, SessionDenied,
                                   RevocationsCame, SessionUp, SessionDown, SessionEnded>;
using SessionEffects = std::vector<SessionEffect>;

struct SessionCounters {
    std::uint64_t dials = 0, members_greeted = 0, visitors_greeted = 0;
    std::uint64_t refused_visitor = 0, refused_version = 0, refused_by_peer = 0, refused_outsider = 0;
    std::uint64_t refused_host = 0, refused_rate = 0, revocations_received = 0, closed_by_admission = 0;
    std::uint64_t pings_answered = 0, echoes_answered = 0, syncs_served = 0, questions_served = 0;
    std::uint64_t bad_frames = 0, stream_timeouts = 0;
    std::uint64_t requests_dropped = 0, connections_refused = 0, silent = 0;
    std::uint64_t frames_sent = 0, frames_received = 0, bytes_sent = 0, bytes_received = 0;
};

}  // namespace grapevine::stack
