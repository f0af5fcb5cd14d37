#pragma once

// Rows for the store as a receiver would have decoded them.

#include <cstdint>
#include <string>
#include <vector>

#include "otlp/decode.hpp"

namespace grapevine::console::testing {

inline constexpr std::uint64_t kSecond = 1'000'000'000;
inline constexpr std::uint64_t kNow = 1'700'000'000 * kSecond;  // In nanoseconds.

inline otlp::RowAttribute attribute(std::string key, std::string value) {
    return {std::move(key), std::move(value), true};
}

inline otlp::ResourceRow resource_of(const std::string& service, const std::string& node) {
    return {{attribute("service.name", service), attribute("service.instance.id", node + "-id"),
             attribute("mesh.id", "mesh1"), attribute("mesh.node.name", node)}};
}

// `digits` repeated, or a number padded, to the length of an id.
inline std::string id_of(std::uint64_t number, std::size_t digits) {
    std::string out = std::to_string(number);
    return std::string(digits - out.size(), '0') + out;
}

inline otlp::SpanRow span_of(std::uint64_t trace, std::uint64_t span, std::uint64_t parent, const std::string& name,
                             std::uint64_t start = kNow, std::uint64_t duration = 1000) {
    otlp::SpanRow row;
    row.trace_id = id_of(trace, 32);
    row.span_id = id_of(span, 16);
    row.parent_span_id = parent == 0 ? std::string() : id_of(parent, 16);
    row.name = name;
    row.start_unix_ns = start;
    row.end_unix_ns = start + duration;
    return row;
}

inline otlp::Decoded<otlp::SpanRow> spans_of(std::vector<otlp::SpanRow> rows,
                                             const otlp::ResourceRow& resource = resource_of("broker",
                                                                                             "mesh1.broker.a")) {
    otlp::Decoded<otlp::SpanRow> out;
    out.resources = {resource};
    out.rows = std::move(rows);
    return out;
}

inline otlp::PointRow gauge(const std::string& metric, double value, std::uint64_t unix_ns) {
    otlp::PointRow row;
    row.metric = metric;
    row.unit = "By";
    row.value = value;
    row.unix_ns = unix_ns;
    return row;
}

inline otlp::Decoded<otlp::PointRow> points_of(std::vector<otlp::PointRow> rows,
                                               const otlp::ResourceRow& resource = resource_of("broker",
                                                                                               "mesh1.broker.a")) {
    otlp::Decoded<otlp::PointRow> out;
    out.resources = {resource};
    out.rows = std::move(rows);
    return out;
}

}  // namespace grapevine::console::testing
