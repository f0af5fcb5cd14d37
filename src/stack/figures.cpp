// The counters of the stack's own parts and of its endpoint, with their names.

#include <chrono>

#include "stack/stack_impl.hpp"
#include "telemetry/metric_catalogue.hpp"

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
        {"quic.dropped_event_queue", c.dropped_event_queue},
        {"quic.dropped_wrong_path", c.dropped_wrong_path},
        {"quic.dropped_rate_limit", c.dropped_rate_limit},
        {"quic.dropped_shutdown", c.dropped_shutdown},
        {"quic.dials_retried", c.dials_retried},
        {"quic.tickets_received", c.tickets_received},
        {"quic.tickets_dropped", c.tickets_dropped},
        {"quic.early_data_accepted", c.early_data_accepted},
        {"quic.early_data_rejected", c.early_data_rejected},
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
        {"mesh.members_greeted", c.members_greeted},
        {"mesh.visitors_greeted", c.visitors_greeted},
        {"mesh.refused_visitor", c.refused_visitor},
        {"mesh.refused_version", c.refused_version},
        {"mesh.refused_by_peer", c.refused_by_peer},
        {"mesh.refused_outsider", c.refused_outsider},
        {"mesh.refused_host", c.refused_host},
        {"mesh.refused_rate", c.refused_rate},
        {"mesh.revocations_received", c.revocations_received},
        {"mesh.closed_by_admission", c.closed_by_admission},
        {"mesh.pings_answered", c.pings_answered},
        {"mesh.echoes_answered", c.echoes_answered},
        {"mesh.syncs_served", c.syncs_served},
        {"mesh.questions_served", c.questions_served},
        {"mesh.bad_frames", c.bad_frames},
        {"mesh.stream_timeouts", c.stream_timeouts},
        {"mesh.requests_dropped", c.requests_dropped},
        {"mesh.connections_refused", c.connections_refused},
        {"mesh.silent", c.silent},
        {"mesh.frames_sent", c.frames_sent},
        {"mesh.frames_received", c.frames_received},
        {"mesh.bytes_sent", c.bytes_sent},
        {"mesh.bytes_received", c.bytes_received},
    };
    figures.insert(figures.end(), std::begin(own), std::end(own));
}

void append(std::vector<Figure>& figures, const admission::RateCounters& c) {
    for (std::size_t i = 0; i < admission::kFrameClasses; ++i) {
        const auto frames = static_cast<admission::FrameClass>(i);
        figures.push_back({"rates.refused." + std::string(admission::name(frames)), c.refused[i]});
    }
    figures.push_back({"rates.displaced", c.displaced});
}

void append(std::vector<Figure>& figures, const DeliveryCounters& c) {
    const Figure own[] = {
        {"delivery.frames_sent", c.frames_sent},
        {"delivery.frames_received", c.frames_received},
        {"delivery.bytes_sent", c.bytes_sent},
        {"delivery.bytes_received", c.bytes_received},
        {"delivery.dropped_no_stream", c.dropped_no_stream},
        {"delivery.violations", c.violations},
    };
    figures.insert(figures.end(), std::begin(own), std::end(own));
}

void append(std::vector<Figure>& figures, const ByteStreamCounters& c) {
    const Figure own[] = {
        {"streams.opened", c.opened},
        {"streams.accepted", c.accepted},
        {"streams.finished", c.finished},
        {"streams.reset", c.reset},
        {"streams.lost", c.lost},
        {"streams.busy_peer", c.busy_peer},
        {"streams.busy_all", c.busy_all},
        {"streams.no_credit", c.no_credit},
        {"streams.timeouts", c.timeouts},
        {"streams.violations", c.violations},
        {"streams.bytes_sent", c.bytes_sent},
        {"streams.bytes_received", c.bytes_received},
    };
    figures.insert(figures.end(), std::begin(own), std::end(own));
}

void append(std::vector<Figure>& figures, const PayloadCounters& c) {
    const Figure own[] = {
        {"payloads.sent", c.sent},
        {"payloads.received", c.received},
        {"payloads.bytes_sent", c.bytes_sent},
        {"payloads.bytes_received", c.bytes_received},
        {"payloads.not_wanted", c.not_wanted},
        {"payloads.no_credit", c.no_credit},
        {"payloads.timeouts", c.timeouts},
        {"payloads.violations", c.violations},
    };
    figures.insert(figures.end(), std::begin(own), std::end(own));
}

}  // namespace

namespace {

void add_load(std::vector<telemetry::Metric>& all, const wire::Load& load) {
    namespace metrics = telemetry::metrics;
    const auto cores = [](std::uint32_t millicores) { return static_cast<double>(millicores) / 1000; };
    const auto gigabytes = [](std::uint32_t kib) { return static_cast<double>(kib) * 1024 / 1e9; };
    telemetry::add_point(all, metrics::kCpuUsed, {{}, cores(load.cpu_millicores)});
    telemetry::add_point(all, metrics::kRamUsed, {{}, gigabytes(load.memory_kib)});
    if (load.cpu_budget_millicores > 0)
        telemetry::add_point(all, metrics::kCpuBudget, {{}, cores(load.cpu_budget_millicores)});
    if (load.memory_budget_kib > 0)
        telemetry::add_point(all, metrics::kRamBudget, {{}, gigabytes(load.memory_budget_kib)});
}

}  // namespace

// What a metric shows and a counter cannot: distributions, and the state of the moment.
std::vector<telemetry::Metric> Stack::Impl::metrics(base::TimePoint now) const {
    namespace metrics = telemetry::metrics;
    const auto milliseconds = [](base::Duration d) { return std::chrono::duration<double, std::milli>(d).count(); };
    std::vector<telemetry::Metric> all = telemetry::metrics_of(figures());
    telemetry::add_point(all, metrics::kPeerRtt, {{}, mesh_spans_.rtt_ms()});
    if (config_.mesh) telemetry::add_point(all, metrics::kHops, {{}, node_.delivery_hops()});
    if (load_) add_load(all, *load_);
    for (const NeighborRow& row : neighbors(now)) {
        const telemetry::Attributes peer{{"peer_id", row.id.hex()}, {"peer_name", row.name}};
        telemetry::add_point(all, metrics::kPeerSmoothedRtt, {peer, milliseconds(row.rtt)});
        telemetry::add_point(all, metrics::kPeerSilence, {peer, milliseconds(row.silence)});
    }
    return all;
}

std::vector<Figure> Stack::Impl::figures() const {
    std::vector<Figure> figures;
    append(figures, endpoint_.counters());
    figures.push_back({"quic.handshakes_untold", connection_spans_.refused_untold()});
    append(figures, links_.counters());
    figures.push_back({"links.queued", links_.queued()});
    if (sessions_) append(figures, sessions_->counters());
    if (sessions_) append(figures, deliveries_.counters());
    if (sessions_) append(figures, byte_streams_.counters());
    if (sessions_) append(figures, payload_streams_.counters());
    if (sessions_) figures.push_back({"payloads.live", payload_streams_.streams()});
    const StoryCounters& stories = stories_.counters();
    figures.insert(figures.end(), {{"stories.subjects", stories_.size()},
                                   {"stories.events_forgotten", stories.events_forgotten},
                                   {"stories.subjects_forgotten", stories.subjects_forgotten},
                                   {"stories.dials_unwatched", stories.dials_unwatched}});
    if (sessions_) figures.push_back({"streams.live", byte_streams_.live() + local_streams_.live()});
    if (sessions_) append(figures, limits_.counters());
    for (auto& figure : node_.figures())
        figures.push_back(std::move(figure));
    return figures;
}

}  // namespace grapevine::stack
