#include "stack/mesh_spans.hpp"

#include <chrono>

namespace grapevine::stack {

namespace spans = telemetry::spans;
using telemetry::OpenSpan;

namespace {

constexpr double kRttBounds[] = {0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000};

}  // namespace

MeshSpans::MeshSpans(telemetry::Recorder* recorder, node::Node& node, const quic::Endpoint& endpoint,
                     const ConnectionSpans& connections)
    : recorder_(recorder), node_(node), endpoint_(endpoint), connections_(connections), rtt_ms_(kRttBounds) {}

MeshSpans::~MeshSpans() {
    for (auto& [request, asked] : pings_) {
        asked.span.fail("the node is gone");
        recorder_->end(std::move(asked.span));
    }
}

void MeshSpans::ping_asked(RequestId request, const base::EndpointId& peer) {
    if (recorder_ == nullptr || !recorder_->wants(spans::kPing) || pings_.size() >= kPingsMax) return;
    Asked& asked = pings_[request];
    asked.peer = peer;
    asked.span = recorder_->begin(spans::kPing);
    node_.describe(asked.span, peer);
}

wire::Ping MeshSpans::ping(RequestId request, std::uint64_t nonce) {
    const auto it = pings_.find(request);
    if (it == pings_.end()) return wire::Ping{nonce};
    wire::Ping ping{nonce, recorder_->outgoing(it->second.span)};
    it->second.sent_unix_ns = ping.context.sent_unix_ns;
    return ping;
}

void MeshSpans::pong_came(RequestId request, const base::EndpointId& peer, const wire::Pong& pong,
                          base::TimePoint now) {
    const auto it = pings_.find(request);
    if (it == pings_.end()) return;
    it->second.span.link(pong.context);
    if (!pong.times || it->second.sent_unix_ns == 0) return;
    node_.clocks().on_round_trip(peer, it->second.sent_unix_ns, pong.times->received_unix_ns, pong.times->sent_unix_ns,
                                 recorder_->unix_ns(), now);
    const auto offset = node_.clocks().estimate(peer, now);
    if (!offset) return;
    it->second.span.set("clock.offset_ms", static_cast<double>(offset->offset_ns) / 1e6);
    it->second.span.set("clock.error_ms", static_cast<double>(offset->error_ns) / 1e6);
}

void MeshSpans::ping_over(const PingDone& done) {
    const auto it = pings_.find(done.request);
    const bool traced = it != pings_.end();
    if (done.rtt) {
        const double rtt = std::chrono::duration<double, std::milli>(*done.rtt).count();
        rtt_ms_.record(rtt, traced ? it->second.span.context() : base::TraceContext{},
                       traced ? recorder_->unix_ns() : 0);
        if (traced) it->second.span.set("rtt_ms", rtt);
    }
    if (!traced) return;
    if (!done.rtt) it->second.span.fail(done.error);
    recorder_->end(std::move(it->second.span));
    pings_.erase(it);
}

const OpenSpan* MeshSpans::asking(const base::EndpointId& peer) const {
    for (const auto& [request, asked] : pings_)
        if (asked.peer == peer) return &asked.span;
    return nullptr;
}

std::optional<telemetry::ClockOffset> MeshSpans::offset_of(quic::ConnectionRef connection, const base::EndpointId& peer,
                                                           const base::TraceContext& context, base::TimePoint now) {
    const auto stats = endpoint_.stats(connection);
    if (context.is_valid() && context.sent_unix_ns != 0 && stats)
        node_.clocks().on_message(peer, context.sent_unix_ns, recorder_->unix_ns(), stats->smoothed_rtt, now);
    return node_.clocks().estimate(peer, now);
}

OpenSpan MeshSpans::ping_came(quic::ConnectionRef connection, const base::EndpointId& peer, const wire::Ping& ping,
                              base::TimePoint now) {
    if (recorder_ == nullptr) return {};
    came_unix_ns_ = recorder_->unix_ns();
    const auto offset = offset_of(connection, peer, ping.context, now);
    OpenSpan span = recorder_->begin_remote(spans::kPingAnswered, ping.context, offset, came_unix_ns_);
    node_.describe(span, peer);
    return span;
}

// Only who asked in a trace is told the times: an untraced frame stays what it was.
std::optional<wire::AnswerTimes> MeshSpans::times_for(const base::TraceContext& asked) const {
    if (recorder_ == nullptr || !asked.is_valid()) return std::nullopt;
    return wire::AnswerTimes{came_unix_ns_, recorder_->unix_ns()};
}

wire::Pong MeshSpans::pong(const wire::Ping& ping, const OpenSpan& span) const {
    wire::Pong pong{ping.nonce};
    if (span.context().is_valid()) pong.context = recorder_->outgoing(span);
    pong.times = times_for(ping.context);
    return pong;
}

wire::Hello MeshSpans::hello(const wire::Hello& own, quic::ConnectionRef connection) const {
    wire::Hello hello = own;
    if (recorder_ != nullptr) hello.context = connections_.outgoing(connection);
    return hello;
}

OpenSpan MeshSpans::hello_came(quic::ConnectionRef connection, const base::EndpointId& peer, const wire::Hello& hello,
                               std::uint64_t ours_sent_unix_ns, base::TimePoint now) {
    if (recorder_ == nullptr) return {};
    came_unix_ns_ = recorder_->unix_ns();
    if (hello.times && ours_sent_unix_ns != 0)
        node_.clocks().on_round_trip(peer, ours_sent_unix_ns, hello.times->received_unix_ns, hello.times->sent_unix_ns,
                                     came_unix_ns_, now);
    // The times of an answer's context are on our own clock: it is a child of what we sent.
    const auto offset = offset_of(connection, peer, hello.times ? base::TraceContext{} : hello.context, now);
    OpenSpan span = recorder_->begin_remote(spans::kHelloReceived, hello.context, offset, came_unix_ns_);
    if (span) span.set("peer_id", peer.hex()).set("peer_mesh_id", hello.mesh).set("peer_node_type", hello.type);
    return span;
}

wire::Hello MeshSpans::hello_back(const wire::Hello& own, const wire::Hello& theirs, const OpenSpan& span) const {
    wire::Hello hello = own;
    if (span.context().is_valid()) hello.context = recorder_->outgoing(span);
    hello.times = times_for(theirs.context);
    return hello;
}

}  // namespace grapevine::stack
