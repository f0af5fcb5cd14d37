#include "stack/connection_spans.hpp"

#include <algorithm>

#include "base/encoding.hpp"

namespace grapevine::stack {

namespace spans = telemetry::spans;
using telemetry::OpenSpan;

namespace {

// The connection's text is the peer's: untrusted.
void give_reason(OpenSpan& span, const quic::CloseReason& reason) {
    if (!span) return;
    span.set("reason", quic::name(reason.cause)).set("code", static_cast<std::int64_t>(reason.code));
    if (!reason.text.empty()) span.set("text", base::printable(reason.text));
}

std::uint64_t began_unix_ns(std::uint64_t unix_now, base::TimePoint began, base::TimePoint now) {
    const auto age = static_cast<std::uint64_t>(std::max<base::Duration::rep>(0, (now - began).count()));
    return unix_now - std::min(unix_now, age);
}

bool is_orderly(quic::CloseCause cause) {
    return cause == quic::CloseCause::application_local || cause == quic::CloseCause::application_remote ||
           cause == quic::CloseCause::endpoint_shutdown;
}

}  // namespace

void ConnectionSpans::describe(OpenSpan& span, const Known& known) const {
    if (!span) return;
    node_.describe(span, known.peer);
    span.set("direction", known.origin == quic::Origin::outgoing ? "outgoing" : "incoming");
    span.set("alpn", base::printable(known.alpn));
}

void ConnectionSpans::dialled(quic::ConnectionRef connection, const base::EndpointId& peer, std::string_view alpn) {
    if (!wants() || known_.size() >= kConnectionsMax) return;
    Known& known = known_[connection];
    known.peer = peer;
    known.alpn = alpn;
    known.since_unix_ns = recorder_->unix_ns();
}

OpenSpan ConnectionSpans::connected(const quic::Connected& event, const OpenSpan* cause, base::TimePoint now) {
    if (!wants()) return {};
    const std::uint64_t unix_now = recorder_->unix_ns();
    const auto found = known_.find(event.connection);
    std::uint64_t start = found == known_.end() ? 0 : found->second.since_unix_ns;
    if (start == 0) {  // Incoming: from its first packet.
        const auto stats = endpoint_.stats(event.connection);
        start = began_unix_ns(unix_now, stats ? stats->created : now, now);
    }
    const auto& spec = event.origin == quic::Origin::outgoing ? spans::kPeerDialled : spans::kPeerAccepted;
    OpenSpan span = cause != nullptr ? recorder_->begin(spec, *cause, start) : recorder_->begin_at(spec, start);
    Known known{event.peer, event.alpn, unix_now, true, event.origin, event.remote, span.context()};
    describe(span, known);
    if (span) span.set("remote", event.remote.text());
    if (found != known_.end() || known_.size() < kConnectionsMax) known_[event.connection] = std::move(known);
    return span;
}

OpenSpan ConnectionSpans::closed(const quic::Closed& event, const CauseOf& cause_of, base::TimePoint now) {
    const auto found = known_.find(event.connection);
    if (found == known_.end()) return event.failed_handshake ? refused(event, now) : OpenSpan();
    const Known known = std::move(found->second);
    known_.erase(found);
    if (!wants()) return {};
    if (!known.connected) return failed(event, known, cause_of(known.alpn, known.peer));
    OpenSpan span = recorder_->begin(spans::kPeerDisconnected);
    if (!span) return span;
    describe(span, known);
    give_reason(span, event.reason);
    const std::uint64_t unix_now = recorder_->unix_ns();
    const std::uint64_t lasted = unix_now > known.since_unix_ns ? unix_now - known.since_unix_ns : 0;
    span.set("remote", known.remote.text()).set("lasted_ms", static_cast<double>(lasted) / 1e6);
    span.link(known.context);
    if (!is_orderly(event.reason.cause)) span.fail(quic::name(event.reason.cause));
    return span;
}

OpenSpan ConnectionSpans::failed(const quic::Closed& event, const Known& known, const OpenSpan* cause) {
    OpenSpan span = cause != nullptr ? recorder_->begin(spans::kPeerFailed, *cause, known.since_unix_ns)
                                     : recorder_->begin_at(spans::kPeerFailed, known.since_unix_ns);
    describe(span, known);
    give_reason(span, event.reason);
    span.fail(quic::name(event.reason.cause));
    return span;
}

OpenSpan ConnectionSpans::refused(const quic::Closed& event, base::TimePoint now) {
    if (!wants()) return {};
    if (!refused_limit_.take(now)) {
        ++refused_untold_;
        return {};
    }
    const quic::FailedHandshake& handshake = *event.failed_handshake;
    OpenSpan span = recorder_->begin_at(spans::kPeerRefused, began_unix_ns(recorder_->unix_ns(), handshake.began, now));
    if (!span) return span;
    span.set("direction", "incoming").set("remote", handshake.remote.text());
    give_reason(span, event.reason);
    span.fail(quic::name(event.reason.cause));
    return span;
}

base::TraceContext ConnectionSpans::outgoing(quic::ConnectionRef connection) const {
    const auto found = known_.find(connection);
    return found == known_.end() ? base::TraceContext{} : recorder_->outgoing(found->second.context);
}

}  // namespace grapevine::stack
