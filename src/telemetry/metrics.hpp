#pragma once

// Metrics as values: collected when the exporter asks, from counters that their owners keep anyway. Cumulative
// temporality: counters and histograms count from the start of the node.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "base/trace_context.hpp"
#include "telemetry/span.hpp"

namespace grapevine::telemetry {

enum class Instrument : std::uint8_t {
    counter,  // Only grows (a monotonic sum).
    gauge,    // The value now.
    histogram,
};

// One constant per metric, in telemetry/catalogue.hpp. Units as UCUM, which OTLP asks for: "By", "ms", "{frame}", "1".
struct MetricSpec {
    std::string_view name;
    std::string_view unit;
    std::string_view description;
    Instrument instrument = Instrument::counter;
};

struct Exemplar {
    double value = 0;
    std::uint64_t unix_ns = 0;
    base::TraceContext context;
};

// Fixed bounds, at most kBucketsMax of them; a value goes into the first bucket whose bound it does not pass, or the
// last. One exemplar is kept: the newest that had a sampled context.
class Histogram {
public:
    static constexpr std::size_t kBucketsMax = 20;

    // `bounds` ascend and have static storage.
    explicit Histogram(std::span<const double> bounds) : bounds_(bounds) {}
    void record(double value, const base::TraceContext& context = {}, std::uint64_t unix_ns = 0);

    [[nodiscard]] std::span<const double> bounds() const { return bounds_; }
    [[nodiscard]] std::span<const std::uint64_t> counts() const { return {counts_.data(), bounds_.size() + 1}; }
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] double sum() const { return sum_; }
    [[nodiscard]] double min() const { return min_; }
    [[nodiscard]] double max() const { return max_; }
    [[nodiscard]] const Exemplar* exemplar() const { return exemplar_.context.is_valid() ? &exemplar_ : nullptr; }

private:
    std::span<const double> bounds_;
    std::array<std::uint64_t, kBucketsMax + 1> counts_{};
    std::uint64_t count_ = 0;
    double sum_ = 0, min_ = 0, max_ = 0;
    Exemplar exemplar_;
};

struct Point {
    Attributes attributes;
    std::variant<std::uint64_t, std::int64_t, double, Histogram> value;  // An integer or a double; or a histogram.
};

struct Metric {
    const MetricSpec* spec = nullptr;  // Static storage.
    std::vector<Point> points;
};

}  // namespace grapevine::telemetry
