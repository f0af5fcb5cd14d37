#include "console/open_metrics.hpp"

namespace grapevine::console {

std::string open_metrics(std::span<const MetricFigure> figures) {
    std::string out;
    std::string_view last;
    for (const MetricFigure& figure : figures) {
        const bool counter = figure.kind == MetricFigure::Kind::counter;
        const std::string name(figure.name);
        if (figure.name != last) {
            out += "# TYPE " + name + (counter ? " counter\n" : " gauge\n");
            out += "# HELP " + name + " " + std::string(figure.help) + "\n";
            last = figure.name;
        }
        out += name + (counter ? "_total" : "") + figure.labels + " " + std::to_string(figure.value) + "\n";
    }
    return out + "# EOF\n";
}

}  // namespace grapevine::console
