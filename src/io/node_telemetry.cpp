#include "io/node_telemetry.hpp"

#include <algorithm>
#include <utility>

#include "io/fd.hpp"

namespace grapevine::io {

namespace {

telemetry::RecorderConfig recorder_config(const ExportConfig& config) {
    telemetry::RecorderConfig recorder = config.recorder;
    recorder.keep = config.any();
    return recorder;
}

void set(telemetry::Resource& resource, const std::string& key, const std::string& value) {
    const auto it = std::find_if(resource.attributes.begin(), resource.attributes.end(),
                                 [&](const auto& attribute) { return attribute.first == key; });
    if (it == resource.attributes.end())
        resource.attributes.emplace_back(key, value);
    else
        it->second = value;
}

}  // namespace

NodeTelemetry::NodeTelemetry(Runtime& runtime, const OtelEnvironment& environment, base::Duration clock_offset)
    : runtime_(runtime),
      config_(environment.config),
      clock_(clock_offset),
      recorder_(recorder_config(config_), seeded_rng(), clock_) {
    runtime_.log().set_recorder(recorder_);
    for (const std::string& warning : environment.warnings)
        runtime_.log().write(LogLevel::warn, "telemetry", "%s", warning.c_str());
}

NodeTelemetry::~NodeTelemetry() {
    runtime_.log().drop_recorder(recorder_);
}

void NodeTelemetry::start_export(telemetry::Resource resource, Exporter::Collect collect) {
    if (!config_.any()) return;
    for (const auto& [key, value] : config_.resource)
        set(resource, key, value);
    if (!config_.service_name.empty()) set(resource, "service.name", config_.service_name);
    exporter_ = std::make_unique<Exporter>(runtime_, config_, std::move(resource), recorder_,
                                           [this, collect = std::move(collect)] {
                                               clock_.realign();
                                               return collect();
                                           });
}

void NodeTelemetry::poke() {
    if (exporter_) exporter_->poke();
}

void NodeTelemetry::stop(base::Duration limit, std::function<void()> done) {
    if (exporter_)
        exporter_->stop(limit, std::move(done));
    else
        runtime_.defer(std::move(done));
}

std::vector<stack::Figure> NodeTelemetry::figures() const {
    const telemetry::RecorderCounters& c = recorder_.counters();
    std::vector<stack::Figure> all{
        {"telemetry.spans_recorded", c.spans_recorded},       {"telemetry.spans_dropped", c.spans_dropped},
        {"telemetry.spans_unsampled", c.spans_unsampled},     {"telemetry.spans_abandoned", c.spans_abandoned},
        {"telemetry.logs_recorded", c.logs_recorded},         {"telemetry.logs_dropped", c.logs_dropped},
        {"telemetry.attributes_cut", c.attributes_cut},       {"telemetry.spans_waiting", recorder_.spans_waiting()},
        {"telemetry.logs_waiting", recorder_.logs_waiting()}, {"telemetry.bytes_waiting", recorder_.bytes_waiting()},
    };
    if (exporter_)
        for (auto& figure : exporter_->figures())
            all.push_back(std::move(figure));
    return all;
}

}  // namespace grapevine::io
