#pragma once

// Figures as OpenMetrics text (OpenMetrics 1.0, "Text format").

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace grapevine::console {

struct MetricFigure {
    std::string_view name;  // Without the "_total" of a counter.
    std::string_view help;
    enum class Kind : std::uint8_t { counter, gauge } kind = Kind::counter;
    std::uint64_t value = 0;
    std::string labels{};  // As in {cause="host"}; figures of one name stand together.
};

std::string open_metrics(std::span<const MetricFigure> figures);

}  // namespace grapevine::console
