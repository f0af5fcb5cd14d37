#pragma once

// The inside of Stack: who owns what, and how events and effects travel between the parts.

#include <deque>
#include <map>
#include <set>
#include <vector>

#include "admission/rate_limits.hpp"
#include "node/node.hpp"
#include "quic/endpoint.hpp"
#include "stack/byte_streams.hpp"
#include "stack/connection_spans.hpp"
#include "stack/delivery_streams.hpp"
#include "stack/frame_spans.hpp"
#include "stack/gossip_links.hpp"
#include "stack/local_streams.hpp"
#include "stack/mesh_sessions.hpp"
#include "stack/mesh_spans.hpp"
#include "stack/payload_streams.hpp"
#include "stack/stack.hpp"
#include "stack/stories.hpp"
#include "stack/why.hpp"

namespace grapevine::stack {

inline constexpr base::Duration kLeaveMin = std::chrono::milliseconds(100);  // For the last words to be acknowledged.
inline constexpr base::Duration kLeaveMax = std::chrono::milliseconds(1000);
// For deliveries in hand, before the goodbye; and for all together.
inline constexpr base::Duration kLeaveHandlersMax = std::chrono::milliseconds(1000);
inline constexpr base::Duration kLeaveTotalMax = std::chrono::milliseconds(1400);
inline constexpr std::size_t kAppConnectionsMax = 4096;
inline constexpr RequestId kIntroduction{0};  // Of the pings that introduce; callers' begin with 1.

class Stack::Impl {
public:
    Impl(const Config& config, const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger);

    // Runs `input(effects)` on the node and carries out what it asks for.
    template <typename Input>
    void drive(base::TimePoint now, Input input) {
        node::Effects effects;
        input(effects);
        execute(effects, now);
    }

    void execute(node::Effects& effects, base::TimePoint now);
    void apply(SessionEffects& effects, base::TimePoint now);
    void apply(DeliveryEffects& effects, base::TimePoint now);
    void send(const delivery::SendOpenStream& open, DeliveryEffects& out);
    void send(delivery::SendLarge& large, DeliveryEffects& out);
    void say(const delivery::SendOutcome& outcome, DeliveryEffects& out);
    void pump(base::TimePoint now);  // QUIC's events, until there are none.
    void on_deadline(base::TimePoint now);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;
    // A dial is on its way: who wants to know.
    void note_dial(quic::ConnectionRef connection, const base::EndpointId& peer, std::string_view alpn,
                   base::TimePoint now);
    // stack_leaving.cpp
    void leave(base::TimePoint now);
    void note_in_hand(base::TimePoint now);
    [[nodiscard]] std::vector<NeighborRow> neighbors(base::TimePoint now) const;
    [[nodiscard]] std::vector<Figure> figures() const;
    [[nodiscard]] std::vector<telemetry::Metric> metrics(base::TimePoint now) const;
    // stack_why.cpp
    [[nodiscard]] Why why(std::string_view name, base::TimePoint now) const;
    // stack_laws.cpp: at most one check in Laws::kCheckEvery, on whatever wake-up there is.
    void check_laws(base::TimePoint now);
    [[nodiscard]] telemetry::Allowances allowances() const;

    Config config_;
    telemetry::Ledger& ledger_;
    base::Rng& rng_;
    delivery::Incarnation incarnation_;
    quic::Endpoint endpoint_;
    node::Node node_;
    ConnectionSpans connection_spans_;
    MeshSpans mesh_spans_;
    base::TimePoint now_;  // Of the current input, for candidates().
    admission::RateLimits limits_;
    std::optional<base::TopicId> mesh_topic_, backbone_topic_;
    GossipLinks links_;
    std::optional<MeshSessions> sessions_;
    DeliveryStreams deliveries_;
    ByteStreams byte_streams_;
    LocalStreams local_streams_;
    PayloadStreams payload_streams_;
    std::set<ByteStreamRef> own_streams_;  // Of the node itself, open.
    Stories stories_;
    std::map<quic::ConnectionRef, telemetry::Life> app_;
    telemetry::Laws laws_;
    std::deque<Event> events_;
    std::vector<base::SocketAddr> addrs_;
    std::optional<wire::Load> load_;  // As the edge measured it last.
    std::uint64_t next_request_ = 1;
    std::optional<base::TimePoint> leaving_since_;
    std::optional<base::TimePoint> emptied_at_;  // While leaving: when no delivery was in hand any more.
    std::optional<base::TimePoint> goodbye_at_;
    bool left_ = false;

private:
    void execute_one(node::Effect& effect, base::TimePoint now);
    void emit(Event event, base::TimePoint now);
    void apply(LinkEffects& effects, base::TimePoint now);
    void send(node::SendMessage& message, base::TimePoint now, LinkEffects& out);
    // Whether the peer may still send so many frames.
    [[nodiscard]] bool passes(const base::EndpointId& peer, admission::FrameClass frames, base::TimePoint now) {
        return limits_.take(peer, frames, now) == base::Admitted::yes;
    }
    bool refuse_stream(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now);
    [[nodiscard]] bool is_own_topic(const base::TopicId& topic) const {
        return mesh_topic_ == topic || backbone_topic_ == topic;
    }
    void on_introduction(const PingDone& done, base::TimePoint now, node::Effects& out);
    // stack_delivery.cpp
    void report(delivery::Finished& finished, DeliveryEffects& out);
    void report(delivery::Handle& handle);
    void report(delivery::HandlerLate& late);
    template <typename Streams>
    bool on_stream_event(Streams& streams, quic::Event& event, base::TimePoint now);
    void begin_stream(const MeshSessions::Sender& sender, const quic::StreamData& event, base::TimePoint now,
                      DeliveryEffects& out);
    bool on_delivery_event(quic::Event& event, base::TimePoint now);
    void write_on(base::TimePoint now);
    // stack_watch.cpp: streams of the node itself.
    void carry(const node::TakeStream& taken, base::TimePoint now, DeliveryEffects& out);
    void carry(const node::StreamDecided& decided, base::TimePoint now, DeliveryEffects& out);
    void carry(node::SayOnStream& said, base::TimePoint now, DeliveryEffects& out);
    void carry(const node::ResetStream& reset, DeliveryEffects& out);
    void on_stream(ByteStreamEvent& event, base::TimePoint now, node::Effects& out);
    void end_own_stream(const node::OwnStream& stream, std::string_view why, base::TimePoint now);
    // Handles an input within a span, if there is one, and ends it.
    template <typename Input>
    void within(telemetry::OpenSpan span, Input input) {
        if (!span.context().is_valid()) return input();
        node_.within(&span);
        input();
        node_.within(nullptr);
        config_.recorder->end(std::move(span));
    }
    // What a dial was made for, as long as that is open.
    [[nodiscard]] const telemetry::OpenSpan* cause_of(std::string_view alpn, const base::EndpointId& peer) const;
    [[nodiscard]] std::optional<base::Duration> rtt_of(const base::EndpointId& peer) const;
    [[nodiscard]] std::optional<base::SocketAddr> delivers_to(const base::EndpointId& peer) const;
    void on_event(quic::Event& event, base::TimePoint now);
    void on_connected(const quic::Connected& event, base::TimePoint now);
    void on_closed(const quic::Closed& event, base::TimePoint now);
    template <typename E>
    void on_stream_end(const E& event, base::TimePoint now);
    void say_goodbye(base::TimePoint now);
    void finish_leaving(base::TimePoint now);
    [[nodiscard]] std::optional<base::TimePoint> goodbye_deadline() const;
    [[nodiscard]] std::optional<base::TimePoint> leave_deadline() const;
    void report_heard(base::TimePoint now);
    // stack_why.cpp
    void identify(Why& why, base::TimePoint now) const;
    void tell_of(Why& why, const base::EndpointId& id, base::TimePoint now) const;
};

}  // namespace grapevine::stack
