#include "telemetry/metric_catalogue.hpp"

#include <gtest/gtest.h>

namespace grapevine::telemetry {
namespace {

const Metric* find(const std::vector<Metric>& metrics, const MetricSpec& spec) {
    for (const Metric& metric : metrics)
        if (metric.spec == &spec) return &metric;
    return nullptr;
}

std::string label(const Point& point, std::string_view key) {
    for (const Attribute& attribute : point.attributes)
        if (attribute.key == key) return std::get<std::string>(attribute.value);
    return {};
}

TEST(MetricCatalogue, EveryDropIsOneMetricByLayerAndCause) {
    const std::vector<Figure> figures{{"quic.dropped_bad_token", 3},
                                      {"udp.dropped_queue", 4},
                                      {"directory.refused.bad_signature", 5},
                                      {"export.spans_dropped_expired", 6}};
    const auto metrics = metrics_of(figures);
    ASSERT_EQ(metrics.size(), 1U);
    EXPECT_EQ(metrics[0].spec, &metrics::kDrops);
    ASSERT_EQ(metrics[0].points.size(), 4U);
    EXPECT_EQ(label(metrics[0].points[0], "layer"), "quic");
    EXPECT_EQ(label(metrics[0].points[0], "cause"), "bad_token");
    EXPECT_EQ(std::get<std::uint64_t>(metrics[0].points[0].value), 3U);
    EXPECT_EQ(label(metrics[0].points[2], "cause"), "bad_signature");
    EXPECT_EQ(label(metrics[0].points[3], "signal"), "spans");
    EXPECT_EQ(label(metrics[0].points[3], "cause"), "expired");
}

TEST(MetricCatalogue, TopicsAreALabel) {
    const std::vector<Figure> figures{{"gossip.payload_sent", 7}, {"topic.00ff00ff00.payload_sent", 8}};
    const auto metrics = metrics_of(figures);
    const Metric* sent = find(metrics, metrics::kGossipSent);
    ASSERT_NE(sent, nullptr);
    ASSERT_EQ(sent->points.size(), 2U);
    EXPECT_EQ(label(sent->points[0], "topic"), "mesh");
    EXPECT_EQ(label(sent->points[1], "topic"), "00ff00ff00");
}

TEST(MetricCatalogue, RedundancyIsARatio) {
    const auto metrics = metrics_of(std::vector<Figure>{{"gossip.rmr_ppm", 250'000}});
    ASSERT_EQ(metrics.size(), 1U);
    EXPECT_DOUBLE_EQ(std::get<double>(metrics[0].points[0].value), 0.25);
    EXPECT_EQ(metrics[0].spec->instrument, Instrument::gauge);
}

TEST(MetricCatalogue, WhatHasNoRowIsNamed) {
    const std::vector<Figure> figures{
        {"quic.bytes_sent", 1}, {"quic.invented", 1},      {"gossip.invented", 1},     {"topic.ab", 1},
        {"topic..x", 1},        {"directory.refused.", 1}, {"export.spans_missing", 1}};
    EXPECT_EQ(unmapped(figures), (std::vector<std::string>{"quic.invented", "gossip.invented", "topic.ab", "topic..x",
                                                           "directory.refused.", "export.spans_missing"}));
    EXPECT_EQ(metrics_of(figures).size(), 1U);
}

}  // namespace
}  // namespace grapevine::telemetry
