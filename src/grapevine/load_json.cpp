#include "grapevine/load_json.hpp"

#include <cmath>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace grapevine {
namespace {

namespace json = boost::json;

// A tenth is more than the buckets tell.
double rounded(double value) {
    return std::round(value * 10.0) / 10.0;
}

double microseconds(std::chrono::nanoseconds time) {
    return rounded(std::chrono::duration<double, std::micro>(time).count());
}

json::object latency_object(const LatencySummary& latency) {
    json::object out;
    out["count"] = latency.count;
    out["p50"] = microseconds(latency.p50);
    out["p90"] = microseconds(latency.p90);
    out["p99"] = microseconds(latency.p99);
    out["p999"] = microseconds(latency.p999);
    out["max"] = microseconds(latency.max);
    return out;
}

json::object ended_object(const ProducerReport& report) {
    json::object out;
    for (std::size_t i = 0; i < ProducerReport::kEndings; ++i) {
        const std::string_view name = to_text(static_cast<Delivery::Ending>(i));
        out[json::string_view(name.data(), name.size())] = report.ended[i];
    }
    return out;
}

void append(json::object& out, const ProducerReport& report, const LatencySummary& latency) {
    out["elapsed_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(report.elapsed).count();
    out["due"] = report.due;
    out["submitted"] = report.submitted;
    out["unanswered"] = report.unanswered;
    out["ended"] = ended_object(report);
    out["acknowledged_per_s"] = rounded(report.acknowledged_per_s);
    out["latency_us"] = latency_object(latency);
}

}  // namespace

ProducerOptions to_options(const io::ProduceRequest& request) {
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    ProducerOptions out;
    out.name = request.name;
    out.kind =
        request.kind == delivery::MessageKind::request ? ProducerOptions::Kind::request : ProducerOptions::Kind::send;
    out.rate = request.rate;
    out.duration = duration_cast<milliseconds>(request.duration);
    out.size = request.payload_bytes;
    out.unanswered_max = request.unanswered_max;
    out.report_every = duration_cast<milliseconds>(request.report_every);
    out.outcomes_file = request.outcomes_file;
    out.delivery.deadline = duration_cast<milliseconds>(request.options.deadline);
    if (request.options.repetition == delivery::Repetition::idempotent) {
        out.delivery.repetition = DeliveryOptions::Repetition::idempotent;
    }
    if (request.options.ordering == delivery::Ordering::lane) {
        out.delivery.ordering = DeliveryOptions::Ordering::lane;
    }
    return out;
}

std::string progress_line(const ProducerReport& report) {
    json::object out;
    out["event"] = "progress";
    append(out, report, report.interval);
    out["whole_latency_us"] = latency_object(report.whole);
    return json::serialize(out);
}

std::string end_line(const ProducerReport& report) {
    if (!report.error.empty()) {
        return io::encode_control_error({base::ErrorCode::failed, report.error});
    }
    json::object out;
    out["ok"] = true;
    append(out, report, report.whole);
    out["unsubmitted"] = report.due - report.submitted;
    out["lost"] = report.unanswered;
    return json::serialize(out);
}

}  // namespace grapevine
