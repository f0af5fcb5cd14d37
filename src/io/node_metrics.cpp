#include "io/node_metrics.hpp"

#include <utility>

#include "telemetry/metric_catalogue.hpp"

namespace grapevine::io {

std::vector<telemetry::Metric> collect_metrics(const Host& host, const NodeTelemetry& telemetry) {
    std::vector<telemetry::Metric> all = host.stack().metrics(host.now());
    std::vector<stack::Figure> figures = host.own_figures();
    for (auto& figure : telemetry.figures())
        figures.push_back(std::move(figure));
    for (telemetry::Metric& metric : telemetry::metrics_of(figures))
        for (telemetry::Point& point : metric.points)
            telemetry::add_point(all, *metric.spec, std::move(point));
    return all;
}

}  // namespace grapevine::io
