#include "telemetry/recorder.hpp"

#include <gtest/gtest.h>

#include "telemetry/catalogue.hpp"

namespace grapevine::telemetry {
namespace {

constexpr std::uint64_t kStart = 1'700'000'000'000'000'000;
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr SpanSpec kWork{"test.work", Target::gossip, Level::info};
constexpr SpanSpec kDetail{"test.detail", Target::gossip, Level::debug};

class TestClock final : public Clock {
public:
    explicit TestClock(std::uint64_t at = kStart) : at_(at) {}
    [[nodiscard]] std::uint64_t unix_ns() const override { return at_; }
    void advance(std::uint64_t ns) { at_ += ns; }

private:
    std::uint64_t at_;
};

RecorderConfig with(Sampler sampler) {
    RecorderConfig config;
    config.sampler = sampler;
    return config;
}

const Attribute* find(const Span& span, std::string_view key) {
    for (const Attribute& attribute : span.attributes)
        if (attribute.key == key) return &attribute;
    return nullptr;
}

struct RecorderTest : ::testing::Test {
    TestClock clock;
    Recorder recorder{RecorderConfig(), base::Rng(1), clock};
};

TEST_F(RecorderTest, ASpanWrapsItsWork) {
    OpenSpan span = recorder.begin(kWork);
    span.set("peer_id", "abc").set("size_bytes", std::int64_t{42}).set("eager", true).set("share", 0.5);
    clock.advance(kSecond);
    recorder.end(std::move(span));
    const auto spans = recorder.take_spans(10);
    ASSERT_EQ(spans.size(), 1U);
    EXPECT_EQ(spans[0].spec, &kWork);
    EXPECT_EQ(spans[0].start_unix_ns, kStart);
    EXPECT_EQ(spans[0].end_unix_ns, kStart + kSecond);
    EXPECT_FALSE(spans[0].parent.is_valid());
    EXPECT_EQ(spans[0].attributes,
              (Attributes{{"peer_id", "abc"}, {"size_bytes", std::int64_t{42}}, {"eager", true}, {"share", 0.5}}));
    EXPECT_EQ(recorder.spans_waiting(), 0U);
}

TEST_F(RecorderTest, AChildIsInItsParentsTrace) {
    OpenSpan parent = recorder.begin(kWork);
    clock.advance(5);
    OpenSpan child = recorder.begin(kWork, parent);
    EXPECT_EQ(child.context().trace, parent.context().trace);
    EXPECT_NE(child.context().span, parent.context().span);
    recorder.end(std::move(child));
    recorder.end(std::move(parent));
    const auto spans = recorder.take_spans(10);
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(spans[0].parent, spans[1].id);
    EXPECT_FALSE(spans[0].remote_parent);
}

// Rule 1.
TEST_F(RecorderTest, WhatIsFilteredIsEmpty) {
    OpenSpan span = recorder.begin(kDetail);
    EXPECT_FALSE(span);
    EXPECT_FALSE(span.context().is_valid());
    span.set("key", "value").fail("ignored");
    recorder.end(std::move(span));
    EXPECT_EQ(recorder.spans_waiting(), 0U);
    recorder.set_filter(*Filter::parse("debug"));
    EXPECT_TRUE(recorder.wants(kDetail));
    recorder.end(recorder.begin(kDetail));
    EXPECT_EQ(recorder.spans_waiting(), 1U);
}

TEST_F(RecorderTest, AChildOfAFilteredSpanIsARoot) {
    const OpenSpan parent = recorder.begin(kDetail);
    OpenSpan child = recorder.begin(kWork, parent);
    EXPECT_TRUE(child.context().is_valid());
    recorder.end(std::move(child));
    EXPECT_FALSE(recorder.take_spans(1)[0].parent.is_valid());
}

TEST(Recorder, NobodyListens) {
    TestClock clock;
    RecorderConfig config;
    config.keep = false;
    Recorder recorder(config, base::Rng(1), clock);
    EXPECT_FALSE(recorder.begin(kWork));
    recorder.log({0, Level::error, Target::app, "site", "text", {}, {}});
    EXPECT_EQ(recorder.logs_waiting(), 0U);
}

// Rule 2.
TEST(Recorder, TheRootDecidesWhetherATraceIsSampled) {
    TestClock clock;
    Recorder never(with({Sampler::Root::always_off, 1, true}), base::Rng(1), clock);
    const OpenSpan root = never.begin(kWork);
    EXPECT_FALSE(root);
    EXPECT_TRUE(root.context().is_valid());
    EXPECT_FALSE(root.context().sampled);
    EXPECT_FALSE(never.begin(kWork, root));
    EXPECT_EQ(never.counters().spans_unsampled, 2U);
    // A peer's decision wins where sampling is parent-based.
    base::TraceContext remote = root.context();
    remote.sampled = true;
    OpenSpan wanted = never.begin_remote(kWork, remote, std::nullopt);
    EXPECT_TRUE(wanted);
    never.end(std::move(wanted));
    Recorder always(with({Sampler::Root::always_on, 1, false}), base::Rng(2), clock);
    OpenSpan own = always.begin_remote(kWork, root.context(), std::nullopt);
    EXPECT_TRUE(own);
    always.end(std::move(own));
}

TEST(Recorder, ADecisionNotToSampleTravelsUnlessItIsTheRuleForAll) {
    TestClock clock;
    Recorder none(with({Sampler::Root::ratio, 0, true}), base::Rng(1), clock);
    const OpenSpan root = none.begin(kWork);
    const base::TraceContext sent = none.outgoing(root);
    EXPECT_EQ(sent.trace, root.context().trace);
    EXPECT_FALSE(sent.sampled);
    Recorder all(with({}), base::Rng(2), clock);
    EXPECT_FALSE(all.begin_remote(kWork, sent, std::nullopt)) << "a part of a trace helps nobody";
    Recorder never(with({Sampler::Root::always_off, 1, true}), base::Rng(3), clock);
    EXPECT_FALSE(never.outgoing(never.begin(kWork)).is_valid());
}

TEST(Recorder, ARatioOfTracesIsSampled) {
    TestClock clock;
    Recorder recorder(with({Sampler::Root::ratio, 0.25, true}), base::Rng(7), clock);
    int sampled = 0;
    for (int i = 0; i < 10'000; ++i) {
        OpenSpan span = recorder.begin(kWork);
        sampled += span.context().sampled ? 1 : 0;
        recorder.end(std::move(span));
    }
    EXPECT_NEAR(sampled, 2500, 200);
}

// Rule 3.
TEST(Recorder, TheOldestMakesRoom) {
    TestClock clock;
    RecorderConfig config;
    config.spans_max = 3;
    config.logs_max = 2;
    Recorder recorder(config, base::Rng(1), clock);
    for (std::int64_t i = 0; i < 5; ++i) {
        OpenSpan span = recorder.begin(kWork);
        span.set("i", i);
        recorder.end(std::move(span));
        recorder.log({0, Level::info, Target::app, "site", std::to_string(i), {}, {}});
    }
    EXPECT_EQ(recorder.counters().spans_dropped, 2U);
    EXPECT_EQ(recorder.counters().logs_dropped, 3U);
    EXPECT_EQ(recorder.take_spans(1)[0].attributes[0].value, Value(std::int64_t{2}));
    EXPECT_EQ(recorder.take_logs(9)[0].body, "3");
}

// Rule 3: what waits is bounded by its bytes too, whatever the spans and log records are like.
TEST(Recorder, WhatWaitsKeepsToItsBytes) {
    TestClock clock;
    RecorderConfig config;
    config.spans_bytes_max = 64 * 1024;
    config.logs_bytes_max = 16 * 1024;
    Recorder recorder(config, base::Rng(1), clock);
    std::size_t largest = 0;
    for (std::size_t i = 0; i < 2000; ++i) {
        OpenSpan span = recorder.begin(kWork);
        for (std::size_t n = 0; n < i % 7; ++n)
            span.set("text", std::string(i % 300, 'x')).link(span.context());
        recorder.end(std::move(span));
        recorder.log({0, Level::info, Target::app, "site", std::string(i % 500, 'y'), {{"peer_id", "z"}}, {}});
        largest = std::max(largest, recorder.bytes_waiting());
    }
    EXPECT_LE(largest, config.spans_bytes_max + config.logs_bytes_max);
    EXPECT_GT(recorder.bytes_waiting(), (config.spans_bytes_max + config.logs_bytes_max) * 9 / 10);
    EXPECT_EQ(recorder.counters().spans_dropped + recorder.spans_waiting(), 2000U);
    EXPECT_EQ(recorder.counters().logs_dropped + recorder.logs_waiting(), 2000U);
    EXPECT_GT(recorder.take_spans(2000).size(), 20U);
    EXPECT_GT(recorder.take_logs(2000).size(), 20U);
    EXPECT_EQ(recorder.bytes_waiting(), 0U);
}

TEST(Recorder, ARecordLargerThanTheRingIsKeptAlone) {
    TestClock clock;
    RecorderConfig config;
    config.logs_bytes_max = 1;
    Recorder recorder(config, base::Rng(1), clock);
    recorder.log({0, Level::info, Target::app, "site", "first", {}, {}});
    recorder.log({0, Level::info, Target::app, "site", "second", {}, {}});
    EXPECT_EQ(recorder.logs_waiting(), 1U);
    EXPECT_EQ(recorder.take_logs(1)[0].body, "second");
}

// Rule 4.
TEST(Recorder, AChildNeverPrecedesItsRemoteParent) {
    TestClock ahead(kStart + 30 * kSecond);
    TestClock behind(kStart - 30 * kSecond);
    Recorder parent_recorder(RecorderConfig(), base::Rng(1), ahead);
    Recorder child_recorder(RecorderConfig(), base::Rng(2), behind);
    OpenSpan parent = parent_recorder.begin(kWork);
    const base::TraceContext sent = parent_recorder.outgoing(parent);
    EXPECT_EQ(sent.sent_unix_ns, kStart + 30 * kSecond);
    behind.advance(1000);
    // No estimate of the offset: moved to the moment of sending, and what is inside moves along.
    OpenSpan child = child_recorder.begin_remote(kWork, sent, std::nullopt);
    behind.advance(500);
    OpenSpan grandchild = child_recorder.begin(kWork, child);
    behind.advance(500);
    child_recorder.end(std::move(grandchild));
    child_recorder.end(std::move(child));
    parent_recorder.end(std::move(parent));
    const auto spans = child_recorder.take_spans(2);
    EXPECT_EQ(spans[1].start_unix_ns, sent.sent_unix_ns);
    EXPECT_EQ(spans[1].end_unix_ns, sent.sent_unix_ns + 1000);
    EXPECT_EQ(spans[0].start_unix_ns, sent.sent_unix_ns + 500);
    EXPECT_TRUE(spans[1].remote_parent);
    ASSERT_NE(find(spans[1], "clock.shift_ms"), nullptr);
    EXPECT_NEAR(std::get<double>(find(spans[1], "clock.shift_ms")->value), 60'000, 0.01);
}

TEST(Recorder, AnEstimateOfTheOffsetIsStated) {
    TestClock behind(kStart - 30 * kSecond);
    Recorder recorder(RecorderConfig(), base::Rng(2), behind);
    base::TraceContext sent;
    sent.trace.bytes[0] = sent.span.bytes[0] = 1;
    sent.sampled = true;
    sent.sent_unix_ns = kStart;
    behind.advance(2'000'000);
    const ClockOffset offset{static_cast<std::int64_t>(30 * kSecond), 500'000};
    OpenSpan child = recorder.begin_remote(kWork, sent, offset);
    const base::TraceContext onward = recorder.outgoing(child);
    EXPECT_EQ(onward.sent_unix_ns, kStart + 2'000'000);
    recorder.end(std::move(child));
    const Span span = recorder.take_spans(1)[0];
    EXPECT_EQ(span.start_unix_ns, kStart + 2'000'000);
    EXPECT_EQ(find(span, "clock.error_ms")->value, Value(0.5));
}

TEST(Recorder, AnOffsetWithinItsErrorIsNotApplied) {
    TestClock clock;
    Recorder recorder(RecorderConfig(), base::Rng(2), clock);
    base::TraceContext sent;
    sent.trace.bytes[0] = sent.span.bytes[0] = 1;
    sent.sampled = true;
    sent.sent_unix_ns = kStart - 1000;
    recorder.end(recorder.begin_remote(kWork, sent, ClockOffset{400'000, 500'000}));
    recorder.end(recorder.begin_remote(kWork, sent, ClockOffset{-600'000, 500'000}));
    const auto spans = recorder.take_spans(2);
    EXPECT_EQ(spans[0].start_unix_ns, kStart);
    EXPECT_EQ(find(spans[0], "clock.shift_ms"), nullptr);
    EXPECT_EQ(spans[1].start_unix_ns, sent.sent_unix_ns);
}

// Rule 5.
TEST(Recorder, AttributesAreBounded) {
    TestClock clock;
    RecorderConfig config;
    config.attributes_max = 2;
    config.attribute_bytes_max = 4;
    config.links_max = 1;
    Recorder recorder(config, base::Rng(1), clock);
    OpenSpan span = recorder.begin(kWork);
    span.set("a", "12345").set("b", "1234").set("c", "1");
    const base::TraceContext other = span.context();
    span.link(other).link(other);
    recorder.end(std::move(span));
    const Span kept = recorder.take_spans(1)[0];
    EXPECT_EQ(kept.attributes, (Attributes{{"a", "1234"}, {"b", "1234"}}));
    EXPECT_EQ(kept.links.size(), 1U);
    EXPECT_EQ(recorder.counters().attributes_cut, 3U);
}

// Rule 5: what is cut ends between two characters.
TEST(Recorder, TextIsCutBetweenCharacters) {
    TestClock clock;
    RecorderConfig config;
    config.attribute_bytes_max = 4;
    Recorder recorder(config, base::Rng(1), clock);
    OpenSpan span = recorder.begin(kWork);
    span.set("a", "abc\u20ac").fail("\u20ac\u20ac");
    recorder.end(std::move(span));
    recorder.log({0, Level::info, Target::app, "site", "\u00e9\u00e9\u00e9", {}, {}});
    const Span kept = recorder.take_spans(1)[0];
    EXPECT_EQ(kept.attributes, (Attributes{{"a", "abc"}}));
    EXPECT_EQ(kept.status_text, "\u20ac");
    EXPECT_EQ(recorder.take_logs(1)[0].body, "\u00e9\u00e9");
    EXPECT_EQ(recorder.counters().attributes_cut, 3U);
}

// Rule 6.
TEST_F(RecorderTest, AForgottenSpanIsCounted) {
    {
        const OpenSpan span = recorder.begin(kWork);
    }
    OpenSpan other = recorder.begin(kWork);
    other = OpenSpan();
    EXPECT_EQ(recorder.counters().spans_abandoned, 2U);
    EXPECT_EQ(recorder.spans_waiting(), 0U);
}

TEST_F(RecorderTest, BootBeganBeforeTheRecorder) {
    OpenSpan root = recorder.begin_at(spans::kReady, kStart - 500);
    recorder.end_at(recorder.begin(spans::kSettingsLoaded, root, kStart - 500), kStart - 100);
    recorder.end(std::move(root));
    const auto taken = recorder.take_spans(2);
    EXPECT_EQ(taken[0].start_unix_ns, kStart - 500);
    EXPECT_EQ(taken[0].end_unix_ns, kStart - 100);
    EXPECT_EQ(taken[1].end_unix_ns, kStart);
}

}  // namespace
}  // namespace grapevine::telemetry
