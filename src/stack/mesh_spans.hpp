#pragma once

// Tells of the frames of the mesh service as spans (ping, hello), makes the frames that carry their contexts, and reads
// from the answers what the peer's clock shows. Without a recorder the frames are bare, and each call costs a branch.

#include <cstddef>
#include <cstdint>
#include <map>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "node/node.hpp"
#include "quic/endpoint.hpp"
#include "stack/connection_spans.hpp"
#include "stack/types.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/recorder.hpp"
#include "wire/mesh.hpp"

namespace grapevine::stack {

class MeshSpans {
public:
    static constexpr std::size_t kPingsMax = 64;  // Told of at a time.

    // `recorder` may be null; all outlive this.
    MeshSpans(telemetry::Recorder* recorder, node::Node& node, const quic::Endpoint& endpoint,
              const ConnectionSpans& connections);
    ~MeshSpans();
    MeshSpans(const MeshSpans&) = delete;
    MeshSpans& operator=(const MeshSpans&) = delete;

    // The asker's side: from the question to its answer or failure.
    void ping_asked(RequestId request, const base::EndpointId& peer);
    wire::Ping ping(RequestId request, std::uint64_t nonce);
    void pong_came(RequestId request, const base::EndpointId& peer, const wire::Pong& pong, base::TimePoint now);
    void ping_over(const PingDone& done);
    // The open span of a ping that waits for this peer; null: none.
    [[nodiscard]] const telemetry::OpenSpan* asking(const base::EndpointId& peer) const;

    // The other side. The span ends with the answer's sending, which is the caller's.
    telemetry::OpenSpan ping_came(quic::ConnectionRef connection, const base::EndpointId& peer, const wire::Ping& ping,
                                  base::TimePoint now);
    [[nodiscard]] wire::Pong pong(const wire::Ping& ping, const telemetry::OpenSpan& span) const;

    // The dialler's hello, and the answer to it. `ours_sent_unix_ns`: when the hello that is answered left; 0:
    // untraced.
    [[nodiscard]] wire::Hello hello(const wire::Hello& own, quic::ConnectionRef connection) const;
    telemetry::OpenSpan hello_came(quic::ConnectionRef connection, const base::EndpointId& peer,
                                   const wire::Hello& hello, std::uint64_t ours_sent_unix_ns, base::TimePoint now);
    [[nodiscard]] wire::Hello hello_back(const wire::Hello& own, const wire::Hello& theirs,
                                         const telemetry::OpenSpan& span) const;

    void end(telemetry::OpenSpan span) {
        if (recorder_ != nullptr) recorder_->end(std::move(span));
    }
    // Round trips of pings, in milliseconds, each with the trace of one of them.
    [[nodiscard]] const telemetry::Histogram& rtt_ms() const { return rtt_ms_; }

private:
    struct Asked {
        base::EndpointId peer;
        telemetry::OpenSpan span;
        std::uint64_t sent_unix_ns = 0;
    };
    [[nodiscard]] std::optional<telemetry::ClockOffset> offset_of(quic::ConnectionRef connection,
                                                                  const base::EndpointId& peer,
                                                                  const base::TraceContext& context,
                                                                  base::TimePoint now);
    [[nodiscard]] std::optional<wire::AnswerTimes> times_for(const base::TraceContext& asked) const;

    telemetry::Recorder* recorder_;
    node::Node& node_;
    const quic::Endpoint& endpoint_;
    const ConnectionSpans& connections_;
    std::map<RequestId, Asked> pings_;
    std::uint64_t came_unix_ns_ = 0;  // The frame that is being answered.
    telemetry::Histogram rtt_ms_;
};

}  // namespace grapevine::stack
