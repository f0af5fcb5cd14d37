#include "stack/frame_spans.hpp"

#include "base/overloaded.hpp"

namespace grapevine::stack {

namespace {

struct KindOf {
    std::string_view operator()(const wire::Join&) const { return "join"; }
    std::string_view operator()(const wire::ForwardJoin&) const { return "forward_join"; }
    std::string_view operator()(const wire::Shuffle&) const { return "shuffle"; }
    std::string_view operator()(const wire::ShuffleReply&) const { return "shuffle_reply"; }
    std::string_view operator()(const wire::Neighbor&) const { return "neighbor"; }
    std::string_view operator()(const wire::Disconnect&) const { return "disconnect"; }
    std::string_view operator()(const wire::Gossip&) const { return "gossip"; }
    std::string_view operator()(const wire::Prune&) const { return "prune"; }
    std::string_view operator()(const wire::Graft&) const { return "graft"; }
    std::string_view operator()(const wire::IHave&) const { return "i_have"; }
};

}  // namespace

std::string_view frame_kind(const wire::TopicMessage& message) {
    return std::visit([](const auto& part) { return std::visit(KindOf{}, part); }, message);
}

telemetry::OpenSpan frame_span(telemetry::Recorder& recorder, const telemetry::SpanSpec& spec,
                               const base::EndpointId& peer, const wire::TopicMessage& message) {
    telemetry::OpenSpan span = recorder.begin(spec);
    if (span) span.set("peer_id", peer.hex()).set("frame_kind", frame_kind(message));
    return span;
}

}  // namespace grapevine::stack
