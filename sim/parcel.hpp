#pragma once

// What travels between simulated machines, and what a world schedules for itself.

#include <cstdint>
#include <string_view>
#include <variant>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/socket_addr.hpp"
#include "base/time.hpp"
#include "node/types.hpp"
#include "quic/types.hpp"

namespace grapevine::sim {

// A connection between two processes in MessageWorld: unique in the run, never reused.
using LinkId = std::uint64_t;
// A directory exchange in MessageWorld, likewise.
using ExchangeId = std::uint64_t;

// Packets of MessageWorld.
struct Dial {};
struct DialAccepted {};
struct GossipMessage {
    base::TopicId topic;
    wire::TopicMessage message;
    std::uint64_t sequence = 0;  // In its direction of the link.
};
struct ProbeMessage {};
struct ProbeAnswer {};
struct CloseMessage {
    std::uint64_t sequence = 0;  // Of the messages that come first.
};
struct ResetMessage {};
struct ExchangeTurn {
    ExchangeId exchange = 0;
    wire::SyncTurn turn;
    std::uint32_t number = 0;  // In its direction.
    node::Last last = node::Last::no;
};
struct ExchangeAborted {
    ExchangeId exchange = 0;
};
using Message = std::variant<Dial, DialAccepted, GossipMessage, ProbeMessage, ProbeAnswer, CloseMessage, ResetMessage,
                             ExchangeTurn, ExchangeAborted>;
std::string_view name(const Message& message);

struct MessageBody {
    LinkId link = 0;
    Message message;
};
// Packets of StackWorld: one UDP payload.
struct DatagramBody {
    base::SocketAddr from;
    base::SocketAddr to;
    quic::Ecn ecn = quic::Ecn::not_ect;
    base::Bytes payload;
};

struct Packet {
    std::size_t from = 0;
    std::size_t to = 0;
    std::size_t bytes = 0;
    std::variant<MessageBody, DatagramBody> body;
};

// Timers of MessageWorld's transport, and the kernel's answers.
struct DialRetry {
    LinkId link = 0;
    std::uint32_t attempt = 0;
};
struct ProbeRetry {
    LinkId link = 0;
    base::TimePoint sent;
    std::uint32_t attempt = 0;
};
struct MessageRetry {
    MessageBody body;
    base::TimePoint sent;
    std::uint32_t attempt = 0;
};
struct IdleCheck {
    LinkId link = 0;
};
struct ExchangeTimeout {
    ExchangeId exchange = 0;
};
struct LinkFailed {  // Learned within the process, not from the network.
    LinkId link = 0;
};
struct NobodyThere {
    LinkId link = 0;
    base::SocketAddr addr;
};
struct OwnEvent {
    std::size_t node = 0;  // Whose event it is.
    std::size_t peer = 0;
    std::uint32_t incarnation = 0;  // Of the node: an event for an earlier process is void.
    std::variant<DialRetry, ProbeRetry, MessageRetry, IdleCheck, ExchangeTimeout, LinkFailed, NobodyThere> what;
};

}  // namespace grapevine::sim
