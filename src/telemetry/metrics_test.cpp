#include "telemetry/metrics.hpp"

#include <gtest/gtest.h>

namespace grapevine::telemetry {
namespace {

constexpr double kBounds[] = {1, 10, 100};

TEST(Histogram, AValueOnABoundBelongsToIt) {
    Histogram histogram(kBounds);
    for (const double value : {0.5, 1.0, 1.5, 10.0, 100.5})
        histogram.record(value);
    EXPECT_EQ(std::vector<std::uint64_t>(histogram.counts().begin(), histogram.counts().end()),
              (std::vector<std::uint64_t>{2, 2, 0, 1}));
    EXPECT_EQ(histogram.count(), 5U);
    EXPECT_DOUBLE_EQ(histogram.sum(), 113.5);
    EXPECT_DOUBLE_EQ(histogram.min(), 0.5);
    EXPECT_DOUBLE_EQ(histogram.max(), 100.5);
    EXPECT_EQ(histogram.exemplar(), nullptr);
}

TEST(Histogram, TheNewestSampledContextIsTheExemplar) {
    Histogram histogram(kBounds);
    base::TraceContext context;
    context.trace.bytes[0] = context.span.bytes[0] = 1;
    histogram.record(5, context, 1);
    EXPECT_EQ(histogram.exemplar(), nullptr);
    context.sampled = true;
    histogram.record(6, context, 2);
    histogram.record(7);
    ASSERT_NE(histogram.exemplar(), nullptr);
    EXPECT_DOUBLE_EQ(histogram.exemplar()->value, 6);
}

}  // namespace
}  // namespace grapevine::telemetry
