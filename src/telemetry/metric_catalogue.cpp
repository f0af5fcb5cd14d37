#include "telemetry/metric_catalogue.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

namespace grapevine::telemetry {

namespace {

using namespace metrics;

struct Label {
    std::string_view key;
    std::string_view value;
};

struct Row {
    std::string_view figure;
    const MetricSpec* spec;
    std::array<Label, 3> labels{};  // An empty key: no more.
    double unit = 0;                // Of the figure; 0: an integer, exported as it is.
};

constexpr Row drop(std::string_view figure, std::string_view layer, std::string_view cause) {
    return {figure, &kDrops, {{{"layer", layer}, {"cause", cause}}}};
}
constexpr Row one(std::string_view figure, const MetricSpec& spec) {
    return {figure, &spec};
}
constexpr Row by(std::string_view figure, const MetricSpec& spec, std::string_view key, std::string_view value) {
    return {figure, &spec, {{{key, value}}}};
}

// Of the figures "gossip.x", and of "topic.<hex>.x": those carry their topic as a label besides.
constexpr Row kTopicRows[] = {
    one("payload_received", kGossipReceived),
    one("payload_sent", kGossipSent),
    one("duplicates", kGossipDuplicates),
    one("deliveries", kGossipDeliveries),
    {"rmr_ppm", &kRmr, {}, 1e-6},
    one("ldh_last", kHopLast),
    one("ldh_max", kLdh),
    by("control_received", kGossipControl, "direction", "received"),
    by("control_sent", kGossipControl, "direction", "sent"),
    by("grafts_sent", kGossipRepairs, "kind", "graft"),
    by("prunes_sent", kGossipRepairs, "kind", "prune"),
    by("optimizations", kGossipRepairs, "kind", "optimization"),
    drop("spoofed", "gossip", "spoofed"),
    drop("strangers", "gossip", "stranger"),
    drop("lazy_queue_dropped", "gossip", "lazy_queue_full"),
    drop("announcements_refused", "gossip", "announcements_full"),
    drop("unknown_topic", "gossip", "unknown_topic"),
    by("active_view", kPeers, "view", "active"),
    by("passive_view", kPeers, "view", "passive"),
    by("evictions", kMembershipEvents, "kind", "eviction"),
    by("isolations", kMembershipEvents, "kind", "isolation"),
    by("request_timeouts", kMembershipEvents, "kind", "request_timeout"),
    drop("refused_own_id", "membership", "own_id"),
    drop("refused_data_oversize", "membership", "data_oversize"),
    drop("refused_list_excess", "membership", "list_excess"),
};

constexpr Row kRows[] = {
    by("udp.trains_sent", kUdpTrains, "direction", "sent"),
    by("udp.trains_received", kUdpTrains, "direction", "received"),
    by("udp.datagrams_sent", kUdpDatagrams, "direction", "sent"),
    by("udp.datagrams_received", kUdpDatagrams, "direction", "received"),
    by("udp.bytes_sent", kUdpBytes, "direction", "sent"),
    by("udp.bytes_received", kUdpBytes, "direction", "received"),
    by("udp.read_calls", kUdpCalls, "direction", "received"),
    by("udp.send_calls", kUdpCalls, "direction", "sent"),
    one("udp.trains_deferred", kUdpDeferred),
    drop("udp.dropped_queue", "udp", "queue_full"),
    drop("udp.dropped_too_large", "udp", "too_large"),
    drop("udp.dropped_unreachable", "udp", "unreachable"),
    drop("udp.dropped_kernel", "udp", "kernel"),
    drop("udp.dropped_truncated", "udp", "truncated"),
    drop("udp.dropped_unroutable", "udp", "unroutable"),
    by("udp.unreachable_hints", kHints, "seen_by", "socket"),
    by("udp.sockets", kUdpSockets, "feature", "any"),
    by("udp.sockets_with_gso", kUdpSockets, "feature", "gso"),
    by("udp.sockets_with_gro", kUdpSockets, "feature", "gro"),
    by("udp.sockets_with_ecn", kUdpSockets, "feature", "ecn"),
    by("udp.sockets_with_error_queue", kUdpSockets, "feature", "error_queue"),
    one("loop.turns", kWakeups),
    one("host.turns", kTurns),
    one("ledger.laws_broken", kLedgerBroken),
    one("ledger.laws_broken_ever", kLedgerBreaches),
    drop("log.lines_suppressed", "log", "rate_limited"),

    by("quic.datagrams_received", kQuicDatagrams, "direction", "received"),
    by("quic.datagrams_sent", kQuicDatagrams, "direction", "sent"),
    by("quic.bytes_received", kQuicBytes, "direction", "received"),
    by("quic.bytes_sent", kQuicBytes, "direction", "sent"),
    by("quic.handshakes_started", kHandshakes, "result", "started"),
    by("quic.handshakes_completed", kHandshakes, "result", "completed"),
    by("quic.handshakes_failed", kHandshakes, "result", "failed"),
    drop("quic.handshakes_untold", "telemetry", "failed_handshakes"),
    by("quic.retries_sent", kQuicAnswers, "kind", "retry"),
    by("quic.version_negotiations_sent", kQuicAnswers, "kind", "version_negotiation"),
    by("quic.stateless_resets_sent", kQuicAnswers, "kind", "stateless_reset"),
    by("quic.resets_received", kQuicAnswers, "kind", "stateless_reset_received"),
    drop("quic.dropped_malformed", "quic", "malformed"),
    drop("quic.dropped_unknown_connection", "quic", "unknown_connection"),
    drop("quic.dropped_bad_token", "quic", "bad_token"),
    drop("quic.dropped_connection_limit", "quic", "connection_limit"),
    drop("quic.dropped_handshake_limit", "quic", "handshake_limit"),
    drop("quic.dropped_peer_limit", "quic", "peer_limit"),
    drop("quic.dropped_datagram_queue", "quic", "datagram_queue"),
    drop("quic.dropped_event_queue", "quic", "event_queue"),
    drop("quic.dropped_wrong_path", "quic", "wrong_path"),
    drop("quic.dropped_rate_limit", "quic", "rate_limit"),
    drop("quic.dropped_shutdown", "quic", "shutdown"),
    drop("quic.wrong_peer", "quic", "wrong_peer"),
    drop("quic.tickets_dropped", "quic", "ticket"),
    one("quic.path_changes", kQuicPaths),
    by("quic.dials_retried", kHandshakes, "result", "retried"),
    one("quic.tickets_received", kQuicTickets),
    by("quic.early_data_accepted", kQuicEarly, "result", "accepted"),
    by("quic.early_data_rejected", kQuicEarly, "result", "rejected"),

    by("links.messages_sent", kFramesSent, "op_kind", "gossip"),
    by("links.messages_received", kFramesReceived, "op_kind", "gossip"),
    by("links.bytes_sent", kBytesSent, "op_kind", "gossip"),
    by("links.bytes_received", kBytesReceived, "op_kind", "gossip"),
    by("links.dials", kDials, "op_kind", "gossip"),
    by("links.dial_failures", kDialFailures, "op_kind", "gossip"),
    one("links.superseded", kSuperseded),
    drop("links.dropped_queue_full", "links", "queue_full"),
    drop("links.dropped_pending_full", "links", "pending_full"),
    drop("links.dropped_no_address", "links", "no_address"),
    drop("links.dropped_peer_limit", "links", "peer_limit"),
    drop("links.dropped_oversize", "links", "oversize"),
    drop("links.bad_frames", "links", "bad_frame"),
    drop("links.bad_headers", "links", "bad_header"),
    by("links.queued", kQueueDepth, "queue", "links"),

    by("mesh.dials", kDials, "op_kind", "mesh"),
    by("mesh.members_greeted", kHellos, "standing", "member"),
    by("mesh.visitors_greeted", kHellos, "standing", "visitor"),
    drop("mesh.refused_visitor", "mesh", "visitor"),
    drop("mesh.refused_version", "mesh", "version"),
    drop("mesh.refused_by_peer", "mesh", "refused_by_peer"),
    drop("mesh.refused_outsider", "mesh", "outsider"),
    drop("mesh.refused_host", "mesh", "host"),
    drop("mesh.refused_rate", "mesh", "rate"),
    by("mesh.revocations_received", kAdmissions, "result", "list_received"),
    by("mesh.closed_by_admission", kAdmissions, "result", "session_closed"),
    drop("rates.displaced", "rates", "displaced"),
    by("admission.granted", kAdmissions, "result", "granted"),
    by("admission.lists_accepted", kAdmissions, "result", "list_accepted"),
    by("admission.revoked", kAdmissions, "result", "revoked"),
    by("admission.expired", kAdmissions, "result", "expired"),
    by("admission.withdrawn", kAdmissions, "result", "withdrawn"),
    by("admission.put_out", kAdmissions, "result", "put_out"),
    by("admission.introductions", kAdmissions, "result", "introduced"),
    by("admission.members", kGrants, "use", "member"),
    by("admission.visitors", kGrants, "use", "visitor"),
    drop("admission.strangers", "admission", "stranger"),
    drop("admission.introductions_failed", "admission", "introduction_failed"),
    drop("admission.held_dropped", "admission", "held_full"),
    drop("mesh.bad_frames", "mesh", "bad_frame"),
    drop("mesh.stream_timeouts", "mesh", "stream_timeout"),
    drop("mesh.requests_dropped", "mesh", "requests_full"),
    drop("mesh.connections_refused", "mesh", "connections_full"),
    drop("mesh.silent", "mesh", "silent"),
    by("mesh.pings_answered", kServed, "kind", "ping"),
    by("mesh.echoes_answered", kServed, "kind", "echo"),
    by("mesh.syncs_served", kServed, "kind", "sync"),
    by("mesh.questions_served", kServed, "kind", "question"),
    by("mesh.frames_sent", kFramesSent, "op_kind", "mesh"),
    by("mesh.frames_received", kFramesReceived, "op_kind", "mesh"),
    by("mesh.bytes_sent", kBytesSent, "op_kind", "mesh"),
    by("mesh.bytes_received", kBytesReceived, "op_kind", "mesh"),

    one("fabric.meshes", kFabricMeshes),
    by("fabric.said", kFabricSummaries, "way", "said"),
    by("fabric.accepted", kFabricSummaries, "way", "accepted"),
    by("fabric.ended.found", kFabricQuestions, "outcome", "found"),
    by("fabric.ended.unknown_mesh", kFabricQuestions, "outcome", "unknown_mesh"),
    by("fabric.ended.no_such_node", kFabricQuestions, "outcome", "no_such_node"),
    by("fabric.ended.ambiguous", kFabricQuestions, "outcome", "ambiguous"),
    by("fabric.ended.refused", kFabricQuestions, "outcome", "refused"),
    by("fabric.ended.busy", kFabricQuestions, "outcome", "busy"),
    by("fabric.ended.unreachable", kFabricQuestions, "outcome", "unreachable"),
    by("fabric.ended.deadline", kFabricQuestions, "outcome", "deadline"),
    by("fabric.sent", kFabricAsked, "way", "sent"),
    by("fabric.cache_hits", kFabricAsked, "way", "cache"),
    by("fabric.served", kFabricAsked, "way", "served"),
    by("fabric.in_flight", kQueueDepth, "queue", "questions"),
    drop("fabric.busy", "fabric", "busy"),
    drop("fabric.unanswered", "fabric", "unanswered"),

    by("delivery.ended.acknowledged", kDeliveries, "outcome", "acknowledged"),
    by("delivery.ended.unknown_mesh", kDeliveries, "outcome", "unknown_mesh"),
    by("delivery.ended.no_such_node", kDeliveries, "outcome", "no_such_node"),
    by("delivery.ended.ambiguous", kDeliveries, "outcome", "ambiguous"),
    by("delivery.ended.unreachable", kDeliveries, "outcome", "unreachable"),
    by("delivery.ended.refused", kDeliveries, "outcome", "refused"),
    by("delivery.ended.handler_failed", kDeliveries, "outcome", "handler_failed"),
    by("delivery.ended.too_large", kDeliveries, "outcome", "too_large"),
    by("delivery.ended.peer_busy", kDeliveries, "outcome", "peer_busy"),
    by("delivery.ended.deadline", kDeliveries, "outcome", "deadline"),
    by("delivery.ended.in_doubt", kDeliveries, "outcome", "in_doubt"),
    by("delivery.ended.cancelled", kDeliveries, "outcome", "cancelled"),
    by("delivery.written", kDeliverWrites, "attempt", "any"),
    by("delivery.written_again", kDeliverWrites, "attempt", "again"),
    by("delivery.waiting", kQueueDepth, "queue", "outbox"),
    by("delivery.waiting_bytes", kQueueBytes, "queue", "outbox"),
    drop("delivery.refused_full", "delivery", "outbox_full"),
    by("delivery.accepted", kDeliverTaken, "step", "accepted"),
    by("delivery.handed_over", kDeliverTaken, "step", "handed_over"),
    by("delivery.answered", kDeliverTaken, "step", "answered"),
    by("delivery.repeated", kDeliverTaken, "step", "repeated"),
    by("delivery.open", kQueueDepth, "queue", "inbox"),
    by("delivery.open_bytes", kQueueBytes, "queue", "inbox"),
    drop("delivery.no_handler", "delivery", "no_handler"),
    drop("delivery.late", "delivery", "deadline"),
    drop("delivery.busy.no_session", "delivery", "no_session"),
    drop("delivery.busy.senders", "delivery", "senders"),
    drop("delivery.busy.ids", "delivery", "ids"),
    drop("delivery.busy.open", "delivery", "open"),
    drop("delivery.busy.queue", "delivery", "queue"),
    drop("delivery.busy.replies", "delivery", "replies"),
    drop("delivery.busy.order", "delivery", "order"),
    drop("delivery.busy.leaving", "delivery", "leaving"),
    drop("delivery.busy.payloads", "delivery", "payloads"),
    by("delivery.frames_sent", kFramesSent, "op_kind", "delivery"),
    by("delivery.frames_received", kFramesReceived, "op_kind", "delivery"),
    by("delivery.bytes_sent", kBytesSent, "op_kind", "delivery"),
    by("delivery.bytes_received", kBytesReceived, "op_kind", "delivery"),
    drop("delivery.dropped_no_stream", "delivery", "no_stream"),
    drop("delivery.violations", "delivery", "violation"),
    by("streams.opened", kStreamSteps, "step", "opened"),
    by("streams.accepted", kStreamSteps, "step", "accepted"),
    by("streams.finished", kStreamSteps, "step", "finished"),
    by("streams.reset", kStreamSteps, "step", "reset"),
    by("streams.lost", kStreamSteps, "step", "lost"),
    by("streams.bytes_sent", kBytesSent, "op_kind", "stream"),
    by("streams.bytes_received", kBytesReceived, "op_kind", "stream"),
    by("streams.live", kQueueDepth, "queue", "streams"),
    by("payloads.sent", kFramesSent, "op_kind", "payload"),
    by("payloads.received", kFramesReceived, "op_kind", "payload"),
    by("payloads.bytes_sent", kBytesSent, "op_kind", "payload"),
    by("payloads.bytes_received", kBytesReceived, "op_kind", "payload"),
    by("payloads.live", kQueueDepth, "queue", "payloads"),
    by("stories.subjects", kQueueDepth, "queue", "stories"),
    drop("stories.events_forgotten", "stories", "old_event"),
    drop("stories.subjects_forgotten", "stories", "old_subject"),
    drop("stories.dials_unwatched", "stories", "dial"),
    by("delivery.large_bytes", kQueueBytes, "queue", "payloads"),
    drop("payloads.not_wanted", "payloads", "not_wanted"),
    drop("payloads.no_credit", "payloads", "no_credit"),
    drop("payloads.timeouts", "payloads", "timeout"),
    drop("payloads.violations", "payloads", "violation"),
    drop("streams.busy_peer", "streams", "busy_peer"),
    drop("streams.busy_all", "streams", "busy_all"),
    drop("streams.no_credit", "streams", "no_credit"),
    drop("streams.timeouts", "streams", "timeout"),
    drop("streams.violations", "streams", "violation"),

    by("publications.published", kPublications, "step", "published"),
    by("publications.announced", kPublications, "step", "announced"),
    by("publications.repeated", kPublications, "step", "repeated"),
    by("publications.fetched", kPublications, "step", "fetched"),
    by("publications.missed.late", kPublications, "step", "missed_late"),
    by("publications.missed.lied", kPublications, "step", "missed_lied"),
    by("publications.missed.busy", kPublications, "step", "missed_busy"),
    by("publications.chunks_given", kPublicationChunks, "answer", "given"),
    by("publications.chunks_denied", kPublicationChunks, "answer", "not_here"),
    by("publications.held", kPublicationChunks, "answer", "held"),
    by("publications.wanted", kQueueDepth, "queue", "publications"),
    by("publications.stored_bytes", kQueueBytes, "queue", "publications"),
    drop("publications.refused", "publications", "refused"),
    drop("publications.refused_announcements", "publications", "bounds"),
    drop("publications.refused.malformed", "publications", "malformed"),
    drop("publications.refused.oversized", "publications", "oversized"),
    drop("publications.refused.unknown_version", "publications", "unknown_version"),
    drop("publications.refused.unknown_kind", "publications", "unknown_kind"),
    drop("publications.refused.bad_signature", "publications", "bad_signature"),
    drop("publications.refused.bad_name", "publications", "bad_name"),
    drop("publications.refused.wrong_mesh", "publications", "wrong_mesh"),
    drop("publications.refused.not_admitted", "publications", "not_admitted"),
    drop("publications.lies", "publications", "lie"),
    drop("publications.not_given", "publications", "not_given"),
    drop("publications.not_asked", "publications", "outbox_full"),
    drop("publications.held_full", "publications", "held_full"),
    drop("publications.late_answers", "publications", "late_answer"),
    drop("publications.evicted", "publications", "store_full"),
    drop("publications.bad_questions", "publications", "bad_question"),
    drop("publications.strangers", "publications", "stranger"),

    by("watchers.taken", kWatchSteps, "step", "taken"),
    by("watchers.live", kQueueDepth, "queue", "watchers"),
    by("watchers.waiting_bytes", kQueueBytes, "queue", "watchers"),
    by("watchers.statements", kFramesSent, "op_kind", "watch"),
    by("watchers.bytes", kBytesSent, "op_kind", "watch"),
    drop("watchers.slow", "watchers", "slow"),
    drop("watchers.rubbish", "watchers", "rubbish"),
    by("watch.opened", kWatchSteps, "step", "opened"),
    by("watch.ended", kWatchSteps, "step", "ended"),
    by("watch.live", kQueueDepth, "queue", "watches"),
    by("watch.entries", kQueueDepth, "queue", "watched_members"),
    by("watch.frames", kFramesReceived, "op_kind", "watch"),
    by("watch.bytes", kBytesReceived, "op_kind", "watch"),
    drop("watch.refused_full", "watch", "full"),
    drop("watch.not_opened", "watch", "not_opened"),
    drop("watch.silent", "watch", "silent"),
    drop("watch.liars", "watch", "liar"),
    drop("watch.rounds_failed", "watch", "round"),

    one("paths.probes", kProbes),
    by("paths.silent", kSilences, "kind", "silent"),
    by("paths.recovered", kSilences, "kind", "recovered"),
    by("paths.unreachable_hints", kHints, "seen_by", "detector"),
    one("paths.stalls", kStalls),
    one("paths.endpoints_known", kEndpoints),
    drop("paths.endpoints_displaced", "paths", "address_book_full"),
    drop("paths.clock_claims_refused", "telemetry", "clock_claim"),
    by("paths.seed_attempts", kSeedRetries, "result", "tried"),
    by("paths.seed_failures", kSeedRetries, "result", "failed"),
    one("paths.remembered", kRemembered),
    one("paths.remembered_tried", kRememberedTries),

    by("sync.opened", kSyncs, "result", "opened"),
    by("sync.failed", kSyncs, "result", "failed"),
    drop("sync.refused", "sync", "syncs_full"),
    one("sync.open", kSyncsOpen),

    one("directory.size", kDirectorySize),
    one("directory.suspicions", kSuspicions),
    by("directory.accepted", kStatements, "kind", "accepted"),
    by("directory.forwarded", kStatements, "kind", "forwarded"),
    by("directory.emitted_first", kStatements, "kind", "first"),
    by("directory.emitted_change", kStatements, "kind", "change"),
    by("directory.emitted_refresh", kStatements, "kind", "refresh"),
    by("directory.emitted_urgent", kStatements, "kind", "urgent"),
    by("directory.refutations", kStatements, "kind", "refutation"),
    by("directory.accusations_made", kStatements, "kind", "accusation"),
    by("directory.accusations_held", kStatements, "kind", "accusation_held"),
    by("directory.confirmations_made", kStatements, "kind", "confirmation"),
    by("directory.died", kMembers, "cause", "died"),
    by("directory.left", kMembers, "cause", "left"),
    by("directory.stale", kMembers, "cause", "stale"),
    by("directory.displaced", kMembers, "cause", "displaced"),
    by("directory.expelled", kMembers, "cause", "expelled"),
    by("directory.returned", kMembers, "cause", "returned"),

    by("telemetry.spans_recorded", kRecords, "signal", "spans"),
    by("telemetry.logs_recorded", kRecords, "signal", "logs"),
    one("telemetry.spans_unsampled", kUnsampled),
    drop("telemetry.spans_dropped", "telemetry", "spans_full"),
    drop("telemetry.logs_dropped", "telemetry", "logs_full"),
    drop("telemetry.spans_abandoned", "telemetry", "span_abandoned"),
    drop("telemetry.attributes_cut", "telemetry", "attribute_cut"),
    by("telemetry.spans_waiting", kQueueDepth, "queue", "spans"),
    by("telemetry.logs_waiting", kQueueDepth, "queue", "logs"),
    by("telemetry.bytes_waiting", kQueueBytes, "queue", "telemetry"),
    by("export.batches_sent", kExportBatches, "result", "sent"),
    by("export.failed_status", kExportBatches, "result", "status"),
    by("export.failed_timeout", kExportBatches, "result", "timeout"),
    by("export.failed_transport", kExportBatches, "result", "transport"),
    by("export.retries", kExportBatches, "result", "retried"),
    by("export.batches_held", kQueueDepth, "queue", "export"),
    one("export.bytes_sent", kExportBytes),
    by("export.connections", kExportConnections, "kind", "made"),
    by("export.reconnects", kExportConnections, "kind", "again"),
    one("export.connected", kExportConnected),
};

struct Place {  // Where a figure belongs.
    const MetricSpec* spec = nullptr;
    Attributes attributes;
    double unit = 0;
};

Place place_of(const Row& row) {
    Place place{row.spec, {}, row.unit};
    for (const Label& label : row.labels)
        if (!label.key.empty()) place.attributes.push_back({label.key, std::string(label.value)});
    return place;
}

// Built for each batch: one a minute.
class Table {
public:
    explicit Table(std::span<const Row> rows) {
        for (const Row& row : rows)
            rows_.emplace(row.figure, &row);
    }
    [[nodiscard]] const Row* find(std::string_view figure) const {
        const auto it = rows_.find(figure);
        return it == rows_.end() ? nullptr : it->second;
    }

private:
    std::map<std::string_view, const Row*> rows_;
};

class Places {
public:
    Places() : rows_(kRows), topics_(kTopicRows) {}

    [[nodiscard]] std::optional<Place> find(std::string_view figure) const {
        if (const Row* row = rows_.find(figure)) return place_of(*row);
        if (auto place = of_topic(figure)) return place;
        if (auto place = of_refusal(figure)) return place;
        return of_export(figure);
    }

private:
    // "gossip.x", "topic.<hex>.x".
    [[nodiscard]] std::optional<Place> of_topic(std::string_view figure) const {
        std::string topic = "mesh";
        if (figure.starts_with("gossip.")) {
            figure.remove_prefix(7);
        } else if (figure.starts_with("topic.") && figure.find('.', 6) != std::string_view::npos) {
            topic = figure.substr(6, figure.find('.', 6) - 6);
            figure.remove_prefix(6 + topic.size() + 1);
        } else {
            return std::nullopt;
        }
        const Row* row = topics_.find(figure);
        if (row == nullptr) return std::nullopt;
        Place place = place_of(*row);
        place.attributes.push_back({"topic", std::move(topic)});
        return place;
    }

    // "directory.refused.x" and the like: a drop whose cause is the last word.
    static std::optional<Place> of_refusal(std::string_view figure) {
        struct Family {
            std::string_view prefix;
            std::string_view layer;
        };
        static constexpr Family kFamilies[] = {
            {"directory.refused.", "directory"},        {"fabric.refused.", "fabric"},
            {"admission.denied.", "admission"},         {"admission.foreign_denied.", "admission.foreign"},
            {"admission.list_refused.", "revocations"}, {"rates.refused.", "rates"},
            {"watchers.refused.", "watchers"}};
        for (const Family& family : kFamilies) {
            if (!figure.starts_with(family.prefix) || figure.size() == family.prefix.size()) continue;
            figure.remove_prefix(family.prefix.size());
            return Place{&kDrops, {{"layer", std::string(family.layer)}, {"cause", std::string(figure)}}, 0};
        }
        return std::nullopt;
    }

    // "export.<signal>_sent", "export.<signal>_dropped_<cause>".
    static std::optional<Place> of_export(std::string_view figure) {
        for (const std::string_view signal : {"spans", "logs", "points"}) {
            const std::string prefix = "export." + std::string(signal) + "_";
            if (!figure.starts_with(prefix)) continue;
            figure.remove_prefix(prefix.size());
            if (figure == "sent") return Place{&kExported, {{"signal", std::string(signal)}}, 0};
            if (!figure.starts_with("dropped_")) return std::nullopt;
            return Place{&kDrops,
                         {{"layer", std::string("export")},
                          {"cause", std::string(figure.substr(8))},
                          {"signal", std::string(signal)}},
                         0};
        }
        return std::nullopt;
    }

    Table rows_;
    Table topics_;
};

}  // namespace

void add_point(std::vector<Metric>& metrics, const MetricSpec& spec, Point point) {
    auto it = std::find_if(metrics.begin(), metrics.end(), [&](const Metric& metric) { return metric.spec == &spec; });
    if (it == metrics.end()) it = metrics.insert(it, Metric{&spec, {}});
    it->points.push_back(std::move(point));
}

std::vector<Metric> metrics_of(std::span<const Figure> figures) {
    const Places places;
    std::vector<Metric> metrics;
    for (const Figure& figure : figures) {
        auto place = places.find(figure.name);
        if (!place) continue;
        Point point{std::move(place->attributes), figure.value};
        if (place->unit != 0) point.value = static_cast<double>(figure.value) * place->unit;
        add_point(metrics, *place->spec, std::move(point));
    }
    return metrics;
}

std::vector<std::string> unmapped(std::span<const Figure> figures) {
    const Places places;
    std::vector<std::string> names;
    for (const Figure& figure : figures)
        if (!places.find(figure.name)) names.push_back(figure.name);
    return names;
}

}  // namespace grapevine::telemetry
