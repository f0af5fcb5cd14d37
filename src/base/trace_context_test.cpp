#include "base/trace_context.hpp"

#include <gtest/gtest.h>

namespace grapevine::base {
namespace {

constexpr std::string_view kExample = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";  // W3C, section 3.2.4

TEST(TraceContext, ReadsTheRecommendationsExample) {
    const auto context = TraceContext::parse(kExample);
    ASSERT_TRUE(context);
    EXPECT_EQ(context->trace.hex(), "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ(context->span.hex(), "b7ad6b7169203331");
    EXPECT_TRUE(context->sampled);
    EXPECT_EQ(context->traceparent(), kExample);
}

TEST(TraceContext, UnknownFlagsAreIgnored) {
    const auto context = TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe");
    ASSERT_TRUE(context);
    EXPECT_FALSE(context->sampled);
}

TEST(TraceContext, LaterVersionsMayBeLonger) {
    EXPECT_TRUE(TraceContext::parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"));
    EXPECT_FALSE(TraceContext::parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more"));
    EXPECT_FALSE(TraceContext::parse(std::string(kExample) + "-more"));
}

TEST(TraceContext, RefusesWhatBreaksARule) {
    for (const std::string_view bad : {
             std::string_view(""),
             std::string_view("00"),
             std::string_view("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
             std::string_view("00-00000000000000000000000000000000-b7ad6b7169203331-01"),
             std::string_view("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"),
             std::string_view("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
             std::string_view("00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01"),
             std::string_view("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"),
             std::string_view("0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
         })
        EXPECT_FALSE(TraceContext::parse(bad)) << bad;
}

TEST(TraceContext, AnIdNamesItsRule) {
    const auto id = SpanId::parse("xyz");
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().message, "span id 'xyz': must be 16 lower-case hex characters, not all zero");
    EXPECT_TRUE(TraceId::parse("0af7651916cd43dd8448eb211c80319c"));
}

}  // namespace
}  // namespace grapevine::base
