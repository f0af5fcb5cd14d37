#include "io/exporter.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/rng.hpp"
#include "io/exporter_lane.hpp"
#include "io/fd.hpp"
#include "io/http_client.hpp"
#include "otlp/encode.hpp"

namespace grapevine::io {

namespace {

HttpServer server_of(const SignalTarget& target) {
    return {target.https,
            target.host,
            target.port,
            {target.ca_file, target.client_certificate_file, target.client_key_file}};
}

std::size_t count_points(const std::vector<telemetry::Metric>& metrics) {
    std::size_t points = 0;
    for (const telemetry::Metric& metric : metrics)
        points += metric.points.size();
    return points;
}

// Takes the records of one batch a few at a time, so that a full batch is not in memory as values beside its encoding:
// what a node needs for that once, its allocator keeps.
template <typename Record>
class BatchReader {
public:
    using Take = std::vector<Record> (telemetry::Recorder::*)(std::size_t);

    BatchReader(telemetry::Recorder& recorder, Take take, std::size_t batch_max)
        : recorder_(recorder), take_(take), left_(batch_max) {}

    const Record* next() {
        if (at_ == slice_.size()) {
            slice_ = (recorder_.*take_)(std::min(left_, kSliceRecords));
            left_ -= slice_.size();
            at_ = 0;
        }
        if (slice_.empty()) return nullptr;
        ++taken_;
        return &slice_[at_++];
    }
    [[nodiscard]] std::size_t taken() const { return taken_; }

private:
    static constexpr std::size_t kSliceRecords = 16;
    telemetry::Recorder& recorder_;
    Take take_;
    std::size_t left_;
    std::vector<Record> slice_;
    std::size_t at_ = 0, taken_ = 0;
};

}  // namespace

class Exporter::Impl {
public:
    Impl(Runtime& runtime, const ExportConfig& config, telemetry::Resource resource, telemetry::Recorder& recorder,
         Collect collect);
    ~Impl() {
        runtime_.cancel(limit_);
        runtime_.cancel(report_);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void poke();
    void stop(base::Duration limit, std::function<void()> done);
    [[nodiscard]] std::vector<stack::Figure> figures() const;

private:
    using Lane = std::unique_ptr<ExportLane>;

    HttpClient& client(const SignalTarget& target);
    Lane make_lane(const ExportLane::Settings& settings, ExportLane::Source source);
    void make_spans_lane();
    void make_logs_lane();
    void make_metrics_lane();
    ExportBatch take_spans();
    ExportBatch take_logs();
    ExportBatch take_metrics();
    void on_records_flushed();
    void finish();
    void add_lane_figures(std::vector<stack::Figure>& out) const;

    Runtime& runtime_;
    const ExportConfig config_;
    const telemetry::Resource resource_;
    telemetry::Recorder& recorder_;
    const Collect collect_;
    const std::uint64_t start_unix_ns_;
    base::Rng rng_ = seeded_rng();
    std::vector<std::unique_ptr<HttpClient>> clients_;  // One a server; they outlive the lanes.
    Lane spans_, logs_, metrics_;                       // Absent: not exported.
    std::vector<ExportLane*> lanes_;
    int flushing_ = 0;  // Lanes of records that are not yet done.
    bool stopping_ = false;
    std::function<void()> done_;
    TaskId limit_;
    TaskId report_;
};

Exporter::Impl::Impl(Runtime& runtime, const ExportConfig& config, telemetry::Resource resource,
                     telemetry::Recorder& recorder, Collect collect)
    : runtime_(runtime),
      config_(config),
      resource_(std::move(resource)),
      recorder_(recorder),
      collect_(std::move(collect)),
      start_unix_ns_(recorder.unix_ns()) {
    if (config_.traces.enabled) make_spans_lane();
    if (config_.logs.enabled) make_logs_lane();
    if (config_.metrics.enabled && collect_) make_metrics_lane();
    for (const Lane* lane : {&spans_, &logs_, &metrics_})
        if (*lane) lanes_.push_back(lane->get());
    poke();
}

HttpClient& Exporter::Impl::client(const SignalTarget& target) {
    const HttpServer server = server_of(target);
    for (const auto& one : clients_)
        if (one->server() == server) return *one;
    return *clients_.emplace_back(std::make_unique<HttpClient>(runtime_, server));
}

Exporter::Impl::Lane Exporter::Impl::make_lane(const ExportLane::Settings& settings, ExportLane::Source source) {
    return std::make_unique<ExportLane>(runtime_, client(*settings.target), rng_.fork(), settings, std::move(source));
}

void Exporter::Impl::make_spans_lane() {
    spans_ = make_lane({"spans", &config_.traces, config_.span_delay, config_.span_batch_max, false},
                       {[this] { return recorder_.spans_waiting(); }, [this] { return take_spans(); }});
}

void Exporter::Impl::make_logs_lane() {
    logs_ = make_lane({"logs", &config_.logs, config_.log_delay, config_.log_batch_max, false},
                      {[this] { return recorder_.logs_waiting(); }, [this] { return take_logs(); }});
}

ExportBatch Exporter::Impl::take_spans() {
    const std::size_t expected = std::min(config_.span_batch_max, recorder_.spans_waiting());
    BatchReader<telemetry::Span> reader(recorder_, &telemetry::Recorder::take_spans, config_.span_batch_max);
    std::string body = otlp::encode_traces(resource_, expected, [&reader] { return reader.next(); });
    return {std::move(body), reader.taken()};
}

ExportBatch Exporter::Impl::take_logs() {
    const std::size_t expected = std::min(config_.log_batch_max, recorder_.logs_waiting());
    BatchReader<telemetry::LogRecord> reader(recorder_, &telemetry::Recorder::take_logs, config_.log_batch_max);
    std::string body = otlp::encode_logs(resource_, expected, [&reader] { return reader.next(); });
    return {std::move(body), reader.taken()};
}

void Exporter::Impl::make_metrics_lane() {
    metrics_ = make_lane({"points", &config_.metrics, config_.metric_interval, 0, true},
                         {[] { return std::size_t{0}; }, [this] { return take_metrics(); }});
}

ExportBatch Exporter::Impl::take_metrics() {
    const std::vector<telemetry::Metric> metrics = collect_();
    const std::size_t points = count_points(metrics);
    if (points == 0) return {};
    return {otlp::encode_metrics(resource_, metrics, start_unix_ns_, recorder_.unix_ns()), points};
}

void Exporter::Impl::poke() {
    if (stopping_) return;
    if (spans_) spans_->poke();
    if (logs_) logs_->poke();
}

void Exporter::Impl::stop(base::Duration limit, std::function<void()> done) {
    GRAPEVINE_ASSERT(!stopping_, "an exporter stops once");
    stopping_ = true;
    done_ = std::move(done);
    limit_ = runtime_.at(runtime_.now() + limit, base::Duration(0), [this] { finish(); });
    flushing_ = 1;  // Ourselves, so that lanes that are done at once do not run ahead.
    for (const Lane* lane : {&spans_, &logs_}) {
        if (!*lane) continue;
        ++flushing_;
        (*lane)->flush([this] { on_records_flushed(); });
    }
    on_records_flushed();
}

void Exporter::Impl::on_records_flushed() {
    if (--flushing_ > 0) return;
    if (!metrics_) return finish();
    metrics_->flush([this] { finish(); });
}

void Exporter::Impl::finish() {
    runtime_.cancel(limit_);
    for (ExportLane* lane : lanes_)
        lane->abandon();
    report_ = runtime_.at(runtime_.now(), base::Duration(0), [this] {
        const auto done = std::exchange(done_, nullptr);
        if (done) done();
    });
}

void Exporter::Impl::add_lane_figures(std::vector<stack::Figure>& out) const {
    for (const ExportLane* lane : lanes_) {
        const ExportLaneCounters& counters = lane->counters();
        const std::string prefix = std::string("export.") + lane->name();
        out.push_back({prefix + "_sent", counters.items_sent});
        out.push_back({prefix + "_dropped_refused", counters.dropped_refused});
        out.push_back({prefix + "_dropped_rejected", counters.dropped_rejected});
        out.push_back({prefix + "_dropped_expired", counters.dropped_expired});
        out.push_back({prefix + "_dropped_stopping", counters.dropped_stopping});
        out.push_back({prefix + "_dropped_superseded", counters.dropped_superseded});
    }
}

std::vector<stack::Figure> Exporter::Impl::figures() const {
    std::vector<stack::Figure> out;
    add_lane_figures(out);
    ExportLaneCounters sum;
    std::uint64_t held = 0;
    for (const ExportLane* lane : lanes_) {
        const ExportLaneCounters& counters = lane->counters();
        sum.batches_sent += counters.batches_sent;
        sum.bytes_sent += counters.bytes_sent;
        sum.failed_status += counters.failed_status;
        sum.failed_timeout += counters.failed_timeout;
        sum.failed_transport += counters.failed_transport;
        sum.retries += counters.retries;
        held += lane->holds_batch() ? 1 : 0;
    }
    std::uint64_t connections = 0, reconnects = 0, connected = 0;
    for (const auto& client : clients_) {
        connections += client->counters().connections;
        reconnects += client->counters().reconnects;
        connected += client->connected() ? 1 : 0;
    }
    out.insert(out.end(), {{"export.batches_sent", sum.batches_sent},
                           {"export.batches_held", held},
                           {"export.bytes_sent", sum.bytes_sent},
                           {"export.failed_status", sum.failed_status},
                           {"export.failed_timeout", sum.failed_timeout},
                           {"export.failed_transport", sum.failed_transport},
                           {"export.retries", sum.retries},
                           {"export.connections", connections},
                           {"export.reconnects", reconnects},
                           {"export.connected", connected}});
    return out;
}

Exporter::Exporter(Runtime& runtime, const ExportConfig& config, telemetry::Resource resource,
                   telemetry::Recorder& recorder, Collect collect)
    : impl_(std::make_unique<Impl>(runtime, config, std::move(resource), recorder, std::move(collect))) {}
Exporter::~Exporter() = default;

void Exporter::poke() {
    impl_->poke();
}
void Exporter::stop(base::Duration limit, std::function<void()> done) {
    impl_->stop(limit, std::move(done));
}
std::vector<stack::Figure> Exporter::figures() const {
    return impl_->figures();
}

}  // namespace grapevine::io
