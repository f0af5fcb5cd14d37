// Every figure of a node is exported, once; and what only metrics show.

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "stack/traces_testing.hpp"
#include "telemetry/metric_catalogue.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;

class Metrics : public ::testing::Test {
protected:
    void SetUp() override {
        traced.add("gateway", {});
        traced.add("broker", {0});
        ASSERT_TRUE(traced.cluster.run_until([&] { return traced.cluster.converged({0, 1}); }, 30s));
    }
    // Collects anew: what an earlier call gave is gone.
    const telemetry::Metric* find(const telemetry::MetricSpec& spec) {
        metrics = traced.cluster.stack(0).metrics(traced.cluster.now());
        for (const auto& metric : metrics)
            if (metric.spec == &spec) return &metric;
        return nullptr;
    }
    TracedCluster traced{5};
    std::vector<telemetry::Metric> metrics;
};

TEST_F(Metrics, EveryFigureHasItsPlaceAndNoOther) {
    const auto topic = *base::TopicId::parse(std::string(64, 'a'));
    ASSERT_TRUE(traced.cluster.stack(0).join_topic(topic, {}, traced.cluster.now()));
    const auto figures = traced.cluster.stack(0).figures();
    ASSERT_GT(figures.size(), 100U);
    EXPECT_EQ(telemetry::unmapped(figures), std::vector<std::string>{});
    std::set<std::string> places;
    std::size_t points = 0;
    for (const auto& metric : telemetry::metrics_of(figures)) {
        for (const auto& point : metric.points) {
            std::string place(metric.spec->name);
            for (const auto& attribute : point.attributes)
                place += "," + std::string(attribute.key) + "=" + std::get<std::string>(attribute.value);
            EXPECT_TRUE(places.insert(place).second) << place << " twice";
            ++points;
        }
    }
    EXPECT_EQ(points, figures.size());
}

TEST_F(Metrics, NamesAreOneInstrumentEach) {
    (void)find(telemetry::metrics::kDrops);
    std::map<std::string_view, const telemetry::MetricSpec*> specs;
    for (const auto& metric : metrics) {
        EXPECT_TRUE(specs.try_emplace(metric.spec->name, metric.spec).second) << metric.spec->name;
        EXPECT_TRUE(metric.spec->name.starts_with("mesh."));
        EXPECT_FALSE(metric.spec->unit.empty());
        EXPECT_FALSE(metric.spec->description.empty());
    }
}

TEST_F(Metrics, ARoundTripHasTheTraceOfItsPing) {
    traced.cluster.run_for(12s);
    (void)traced.take();
    traced.cluster.stack(0).ping(traced.cluster.stack(1).id(), traced.cluster.now());
    traced.cluster.settle(0);
    traced.cluster.run_for(1s);
    const auto pings = named(traced.take(), "mesh.ping");
    ASSERT_EQ(pings.size(), 1U);
    const auto* rtt = find(telemetry::metrics::kPeerRtt);
    ASSERT_NE(rtt, nullptr);
    const auto& histogram = std::get<telemetry::Histogram>(rtt->points.at(0).value);
    EXPECT_EQ(histogram.count(), 1U);
    EXPECT_GE(histogram.min(), 2.0);
    ASSERT_NE(histogram.exemplar(), nullptr);
    EXPECT_EQ(histogram.exemplar()->context.span, pings[0].span.id);
}

TEST_F(Metrics, TheLoadIsShownAsItWasMeasured) {
    EXPECT_EQ(find(telemetry::metrics::kCpuUsed), nullptr);
    traced.cluster.stack(0).set_load({250, 2'000'000, 1'500, 0}, traced.cluster.now());
    EXPECT_DOUBLE_EQ(std::get<double>(find(telemetry::metrics::kCpuUsed)->points.at(0).value), 0.25);
    EXPECT_DOUBLE_EQ(std::get<double>(find(telemetry::metrics::kCpuBudget)->points.at(0).value), 1.5);
    EXPECT_DOUBLE_EQ(std::get<double>(find(telemetry::metrics::kRamUsed)->points.at(0).value), 2.048);
    EXPECT_EQ(find(telemetry::metrics::kRamBudget), nullptr) << "none was stated";
}

TEST_F(Metrics, NeighboursAndHopsAreShown) {
    const auto* rtt = find(telemetry::metrics::kPeerSmoothedRtt);
    ASSERT_NE(rtt, nullptr);
    ASSERT_EQ(rtt->points.size(), 1U);
    EXPECT_NEAR(std::get<double>(rtt->points[0].value), 2.0, 0.5);
    EXPECT_EQ(std::get<std::string>(rtt->points[0].attributes[0].value), traced.cluster.stack(1).id().hex());
    const auto* hops = find(telemetry::metrics::kHops);
    ASSERT_NE(hops, nullptr);
    const std::uint64_t delivered = std::get<telemetry::Histogram>(hops->points.at(0).value).count();
    EXPECT_GT(delivered, 0U);
    const auto* deliveries = find(telemetry::metrics::kGossipDeliveries);
    ASSERT_NE(deliveries, nullptr);
    const auto of_mesh = std::find_if(deliveries->points.begin(), deliveries->points.end(), [](const auto& point) {
        const auto& labels = point.attributes;
        return std::any_of(labels.begin(), labels.end(), [](const auto& label) {
            return label.key == "topic" && std::get<std::string>(label.value) == "mesh";
        });
    });
    ASSERT_NE(of_mesh, deliveries->points.end());
    EXPECT_EQ(std::get<std::uint64_t>(of_mesh->value), delivered);
}

}  // namespace
}  // namespace grapevine::stack
