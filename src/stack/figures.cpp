// The counters of the stack's own parts and of its endpoint, with their names.

#include "stack/stack_impl.hpp"

namespace grapevine::stack {

namespace {

void append(std::vector<Figure>& figures, const quic::Counters& c) {
    const Figure own[] = {
        {"quic.datagrams_received", c.datagrams_received},
        {"quic.datagrams_sent", c.datagrams_sent},
        {"quic.bytes_received", c.bytes_received},
        {"quic.bytes_sent", c.bytes_sent},
        {"quic.handshakes_started", c.handshakes_started},
        {"quic.handshakes_completed", c.handshakes_completed},
        {"quic.handshakes_failed", c.handshakes_failed},
        {"quic.retries_sent", c.retries_sent},
        {"quic.version_negotiations_sent", c.version_negotiations_sent},
        {"quic.stateless_resets_sent", c.stateless_resets_sent},
        {"quic.resets_received", c.resets_received},
        {"quic.dropped_malformed", c.dropped_malformed},
        {"quic.dropped_unknown_connection", c.dropped_unknown_connection},
        {"quic.dropped_bad_token", c.dropped_bad_token},
        {"quic.dropped_connection_limit", c.dropped_connection_limit},
        {"quic.dropped_handshake_limit", c.dropped_handshake_limit},
        {"quic.dropped_peer_limit", c.dropped_peer_limit},
        {"quic.dropped_datagram_queue", c.dropped_datagram_queue},
        {"quic.wrong_peer", c.wrong_peer},
        {"quic.path_changes", c.path_changes},
    };
    figures.insert(figures.end(), std::begin(own), std::end(own));
}

void append(std::vector<Figure>& figures, const LinkCounters& c) {
    const Figure own[] = {
        {"links.messages_sent", c.messages_sent},
        {"links.messages_received", c.messages_received},
        {"links.bytes_sent", c.bytes_sent},
        {"links.bytes_received", c.bytes_received},
        {"links.dials", c.dials},
        {"links.dial_failures", c.dial_failures},
        {"links.superseded", c.superseded},
        {"links.dropped_queue_full", c.dropped_queue_full},
        {"links.dropped_pending_full", c.dropped_pending_full},
        {"links.dropped_no_address", c.dropped_no_address},
        {"links.dropped_peer_limit", c.dropped_peer_limit},
        {"links.dropped_oversize", c.dropped_oversize},
        {"links.bad_frames", c.bad_frames},
        {"links.bad_headers", c.bad_headers},
    };
    figures.insert(figures.end(), std::begin(own), std::end(own));
}

void append(std::vector<Figure>& figures, const SessionCounters& c) {
    const Figure own[] = {
        {"mesh.dials", c.dials},
        {"mesh.hellos_accepted", c.hellos_accepted},
        {"mesh.refused_wrong_mesh", c.refused_wrong_mesh},
        {"mesh.refused_version", c.refused_version},
        {"mesh.refused_by_peer", c.refused_by_peer},
        {"mesh.pings_answered", c.pings_answered},
        {"mesh.echoes_answered", c.echoes_answered},
        {"mesh.syncs_served", c.syncs_served},
        {"mesh.bad_frames", c.bad_frames},
        {"mesh.stream_timeouts", c.stream_timeouts},
        {"mesh.requests_dropped", c.requests_dropped},
        {"mesh.connections_refused", c.connections_refused},
    };
    figures.insert(figures.end(), std::begin(own), std::end(own));
}

}  // namespace

std::vector<Figure> Stack::Impl::figures() const {
    std::vector<Figure> figures;
    append(figures, endpoint_.counters());
    append(figures, links_.counters());
    if (sessions_) append(figures, sessions_->counters());
    for (auto& figure : node_.figures())
        figures.push_back(std::move(figure));
    return figures;
}

}  // namespace grapevine::stack
