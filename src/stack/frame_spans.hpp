#pragma once

// One span for each gossip frame, at TRACE. Filtered out, or without a recorder, a frame costs a branch.

#include <string_view>

#include "base/ids.hpp"
#include "telemetry/catalogue.hpp"
#include "telemetry/recorder.hpp"
#include "wire/gossip.hpp"

namespace grapevine::stack {

// "join", "shuffle", "gossip", "i_have" and so on.
std::string_view frame_kind(const wire::TopicMessage& message);

telemetry::OpenSpan frame_span(telemetry::Recorder& recorder, const telemetry::SpanSpec& spec,
                               const base::EndpointId& peer, const wire::TopicMessage& message);

inline telemetry::OpenSpan frame_sent(telemetry::Recorder* recorder, const base::EndpointId& peer,
                                      const wire::TopicMessage& message) {
    if (recorder == nullptr || !recorder->wants(telemetry::spans::kFrameSent)) return {};
    return frame_span(*recorder, telemetry::spans::kFrameSent, peer, message);
}

inline telemetry::OpenSpan frame_received(telemetry::Recorder* recorder, const base::EndpointId& peer,
                                          const wire::TopicMessage& message) {
    if (recorder == nullptr || !recorder->wants(telemetry::spans::kFrameReceived)) return {};
    return frame_span(*recorder, telemetry::spans::kFrameReceived, peer, message);
}

}  // namespace grapevine::stack
