#pragma once

// Tells of connections as spans: mesh.peer.connected wraps a handshake, from the dial or the first packet to what the
// node made of the new connection; mesh.peer.connect_failed one that came to nothing; mesh.peer.disconnected what the
// node did about an end, with its real reason. Without a recorder each call costs a branch.
//
// A handshake that somebody else began and that failed is told too, but at most kRefusedBurst at once and then one in
// kRefusedInterval; the rest are only counted. Whoever sends bad Initials may choose their rate and the addresses that
// they claim; the records of the exporter, which the oldest leave first, are kept for what the node itself did. Waiting
// for a proven address would be no bound (an attacker has one, too) and would hide the commonest mistakes: a client
// without a protocol in common fails on its first packet.
//
// A dial is a child of what asked for it as long as that is open (a join, a ping); what is done because of a connection
// or its end is a child of its span.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "node/node.hpp"
#include "quic/endpoint.hpp"
#include "quic/rate_limit.hpp"
#include "telemetry/catalogue.hpp"
#include "telemetry/recorder.hpp"

namespace grapevine::stack {

class ConnectionSpans {
public:
    // Connections followed at a time, as many as the endpoint holds; of more the end is not told.
    static constexpr std::size_t kConnectionsMax = 4096;
    // Guesses: all that a person reads, and at most 60 a minute of 2048 records (RecorderConfig::spans_max).
    static constexpr std::uint64_t kRefusedBurst = 16;
    static constexpr base::Duration kRefusedInterval = std::chrono::seconds(1);

    // `recorder` may be null; all outlive this.
    ConnectionSpans(telemetry::Recorder* recorder, const node::Node& node, const quic::Endpoint& endpoint)
        : recorder_(recorder), node_(node), endpoint_(endpoint) {}

    void dialled(quic::ConnectionRef connection, const base::EndpointId& peer, std::string_view alpn);
    // Begun for the caller, who ends it when the event is handled; empty if not wanted. `cause` may be null.
    telemetry::OpenSpan connected(const quic::Connected& event, const telemetry::OpenSpan* cause, base::TimePoint now);
    // `cause_of` tells the cause of a dial by its protocol and peer.
    using CauseOf = std::function<const telemetry::OpenSpan*(std::string_view alpn, const base::EndpointId& peer)>;
    telemetry::OpenSpan closed(const quic::Closed& event, const CauseOf& cause_of, base::TimePoint now);
    // Failed handshakes of others that got no span, because there were too many.
    [[nodiscard]] std::uint64_t refused_untold() const { return refused_untold_; }

    // As it leaves now with a frame over this connection; invalid if nothing was recorded.
    [[nodiscard]] base::TraceContext outgoing(quic::ConnectionRef connection) const;

private:
    struct Known {
        base::EndpointId peer;
        std::string alpn;
        std::uint64_t since_unix_ns = 0;  // The dial; once connected, the moment of that.
        bool connected = false;
        quic::Origin origin = quic::Origin::outgoing;
        base::SocketAddr remote;
        base::TraceContext context;  // Of its mesh.peer.connected.
    };
    [[nodiscard]] bool wants() const {
        return recorder_ != nullptr && recorder_->wants(telemetry::spans::kPeerDialled);
    }
    void describe(telemetry::OpenSpan& span, const Known& known) const;
    telemetry::OpenSpan failed(const quic::Closed& event, const Known& known, const telemetry::OpenSpan* cause);
    telemetry::OpenSpan refused(const quic::Closed& event, base::TimePoint now);

    telemetry::Recorder* recorder_;
    const node::Node& node_;
    const quic::Endpoint& endpoint_;
    std::map<quic::ConnectionRef, Known> known_;
    quic::RateLimit refused_limit_{kRefusedBurst, kRefusedInterval};
    std::uint64_t refused_untold_ = 0;
};

}  // namespace grapevine::stack
