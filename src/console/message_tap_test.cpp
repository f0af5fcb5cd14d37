#include "console/message_tap.hpp"

#include <gtest/gtest.h>

#include "telemetry/catalogue.hpp"

namespace grapevine::console {
namespace {

using Spans = otlp::Decoded<otlp::SpanRow>;

Spans sent(const std::string& trace, const std::string& span) {
    Spans out;
    out.resources = {{{{"service.instance.id", "sender", true}}}};
    otlp::SpanRow row;
    row.trace_id = trace;
    row.span_id = span;
    row.name = telemetry::spans::kDeliver.name;
    row.start_unix_ns = 5'000'000'000;
    row.end_unix_ns = 5'000'250'000;
    row.attributes = {{"name", "m.t", true},
                      {"outcome", "acknowledged", true},
                      {"size_bytes", "200", false},
                      {"path", "direct 127.0.0.1:7", true}};
    out.rows = {row};
    return out;
}

Spans handled(const std::string& trace, const std::string& parent) {
    Spans out;
    out.resources = {{{{"service.instance.id", "receiver", true}}}};
    otlp::SpanRow row;
    row.trace_id = trace;
    row.span_id = "ff";
    row.parent_span_id = parent;
    row.name = telemetry::spans::kHandle.name;
    out.rows = {row};
    return out;
}

class MessageTapTest : public ::testing::Test {
protected:
    MessageTap::Messages on(const Spans& spans) {
        MessageTap::Messages out;
        tap_.on_spans(spans, now_, out);
        return out;
    }
    MessageTap tap_;
    base::TimePoint now_{std::chrono::hours(1)};
};

TEST_F(MessageTapTest, JoinsBothEndsInEitherOrder) {
    EXPECT_TRUE(on(sent("t", "1")).empty());
    const auto first = on(handled("t", "1"));
    ASSERT_EQ(first.size(), 1U);
    EXPECT_EQ(first[0].from, "sender");
    EXPECT_EQ(first[0].to, "receiver");
    EXPECT_EQ(first[0].name, "m.t");
    EXPECT_EQ(first[0].outcome, "acknowledged");
    EXPECT_EQ(first[0].bytes, 200U);
    EXPECT_EQ(first[0].path, "direct 127.0.0.1:7");
    EXPECT_EQ(first[0].latency_us, 250U);
    EXPECT_EQ(first[0].unix_ms, 5000U);
    EXPECT_TRUE(on(handled("t", "2")).empty());
    EXPECT_EQ(on(sent("t", "2")), first);
}

TEST_F(MessageTapTest, TellsWithoutAReceiverWhenNobodyHandledIt) {
    on(sent("t", "1"));
    on(handled("u", "2"));
    MessageTap::Messages out;
    ASSERT_TRUE(tap_.next_deadline());
    tap_.on_deadline(*tap_.next_deadline() - std::chrono::nanoseconds(1), out);
    EXPECT_TRUE(out.empty());
    tap_.on_deadline(*tap_.next_deadline(), out);
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ(out[0].to, "");
    EXPECT_EQ(tap_.waiting(), 0U);
    EXPECT_FALSE(tap_.next_deadline());
}

TEST_F(MessageTapTest, OtherSpansAreNoMessages) {
    Spans other = sent("t", "1");
    other.rows[0].name = "mesh.node.ready";
    EXPECT_TRUE(on(other).empty());
    EXPECT_EQ(tap_.waiting(), 0U);
}

TEST_F(MessageTapTest, IsBounded) {
    std::size_t told = 0;
    for (std::size_t i = 0; i < MessageTap::kHalvesMax + 10; ++i) {
        told += on(sent("t" + std::to_string(i), "1")).size();
    }
    EXPECT_EQ(tap_.waiting(), MessageTap::kHalvesMax);
    EXPECT_EQ(told, 10U);
}

}  // namespace
}  // namespace grapevine::console
