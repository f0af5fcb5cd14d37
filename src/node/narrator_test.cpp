// Literal inputs in, spans as values out. The numbers are those of the rules in narrator.hpp.

#include "node/narrator.hpp"

#include <array>

#include <gtest/gtest.h>

namespace grapevine::node {
namespace {

using namespace std::chrono_literals;
namespace spans = telemetry::spans;
using telemetry::Span;

class FakeClock final : public telemetry::Clock {
public:
    [[nodiscard]] std::uint64_t unix_ns() const override { return now; }
    std::uint64_t now = 1'700'000'000'000'000'000;
};

base::SecretKey key(std::uint8_t n) {
    std::array<std::uint8_t, 32> seed{};
    seed[0] = n;
    return *base::SecretKey::from_seed(seed);
}

telemetry::RecorderConfig config(telemetry::Level level) {
    telemetry::RecorderConfig config;
    config.filter = telemetry::Filter(level);
    return config;
}

class NarratorTest : public ::testing::Test {
protected:
    explicit NarratorTest(telemetry::Level level = telemetry::Level::info)
        : recorder_(config(level), base::Rng(1), clock_),
          narrator_(
              &recorder_, self_,
              [](const base::EndpointId& id) { return Narrator::Label{"mesh1.broker." + id.short_hex(6), "broker"}; },
              [](const base::EndpointId&) { return std::optional<base::Duration>(2ms); }) {}
    ~NarratorTest() override { EXPECT_EQ(recorder_.counters().spans_abandoned, 0U); }

    std::vector<Span> take() { return recorder_.take_spans(1000); }
    static std::string text(const Span& span, std::string_view name) {
        for (const auto& attribute : span.attributes)
            if (attribute.key == name) return std::get<std::string>(attribute.value);
        return {};
    }
    static base::TimePoint at(base::Duration since_start) { return base::TimePoint{} + since_start; }

    base::EndpointId self_ = key(1).id();
    base::EndpointId peer_ = key(2).id();
    base::EndpointId other_ = key(3).id();
    base::TopicId topic_{};
    FakeClock clock_;
    telemetry::Recorder recorder_;
    Narrator narrator_;
};

TEST_F(NarratorTest, AStepWrapsWhatHappensWithin) {  // Rule 1.
    {
        const auto outer = narrator_.neighbor_up(topic_, peer_);
        clock_.now += 1000;
        {
            const auto inner = narrator_.discovered(other_, directory::Source::gossip);
            clock_.now += 500;
        }
        clock_.now += 200;
    }
    const auto spans = take();
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(spans[0].spec, &spans::kDiscovered);
    EXPECT_EQ(spans[0].parent, spans[1].id);
    EXPECT_EQ(spans[0].end_unix_ns - spans[0].start_unix_ns, 500U);
    EXPECT_EQ(spans[1].end_unix_ns - spans[1].start_unix_ns, 1700U);
    EXPECT_EQ(text(spans[1], "peer_id"), peer_.hex());
    EXPECT_EQ(text(spans[1], "peer_node_type"), "broker");
}

TEST_F(NarratorTest, AnEventBeginsWithItsInput) {  // Rule 2.
    {
        const Narrator::Moment moment(narrator_);
        clock_.now += 60'000;  // The check of a signature, say.
        {
            const Narrator::Moment nested(narrator_);
            const auto step = narrator_.neighbor_down(topic_, peer_, membership::DownReason::evicted);
        }
    }
    const auto step = narrator_.neighbor_down(topic_, peer_, membership::DownReason::left);
    const auto spans = take();
    ASSERT_EQ(spans.size(), 1U);
    EXPECT_EQ(spans[0].end_unix_ns - spans[0].start_unix_ns, 60'000U);
    EXPECT_EQ(text(spans[0], "reason"), "evicted");
}

TEST_F(NarratorTest, AJoinEndsAfterItsFirstNeighbourWasTakenIn) {  // Rule 3.
    narrator_.join_asked(topic_, peer_, at(0s));
    EXPECT_NE(narrator_.joining(peer_), nullptr);
    EXPECT_EQ(narrator_.joining(other_), nullptr);
    clock_.now += 5'000'000;
    narrator_.join_asked(topic_, peer_, at(1s));
    {
        const auto step = narrator_.neighbor_up(topic_, peer_);
        clock_.now += 1000;
    }
    EXPECT_EQ(narrator_.joining(peer_), nullptr);
    const auto spans = take();
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(spans[1].spec, &spans::kJoined);
    EXPECT_EQ(spans[0].parent, spans[1].id);
    EXPECT_GE(spans[1].end_unix_ns, spans[0].end_unix_ns);
    EXPECT_EQ(spans[1].end_unix_ns - spans[1].start_unix_ns, 5'001'000U);
}

TEST_F(NarratorTest, ARetryIsTheAttemptAfterTheWait) {
    narrator_.seed_tried(peer_);  // The first attempt is no retry.
    EXPECT_TRUE(take().empty());
    narrator_.seed_waits(peer_, 2, 200ms, "no answer");
    EXPECT_TRUE(take().empty());
    narrator_.seed_tried(peer_);
    clock_.now += 7'000'000;
    narrator_.seed_waits(peer_, 3, 400ms, "refused");
    narrator_.seed_tried(peer_);
    narrator_.seed_live(peer_);
    const auto spans = take();
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(spans[0].status_text, "refused");
    EXPECT_EQ(text(spans[0], "reason"), "no answer");
    EXPECT_EQ(spans[0].end_unix_ns - spans[0].start_unix_ns, 7'000'000U);
    EXPECT_EQ(spans[1].status, telemetry::SpanStatus::unset);
    EXPECT_EQ(text(spans[1], "reason"), "refused");
}

TEST_F(NarratorTest, AnAccusationHoldsItsBroadcastAndADeathLinksToIt) {  // Rule 4.
    const directory::Accuser self{self_, wire::AccusationReason::silent, wire::AccusationPhase::suspected};
    const auto context = narrator_.statement(directory::Cause::accusation, peer_);
    EXPECT_TRUE(context.is_valid());
    EXPECT_EQ(context.sent_unix_ns, clock_.now);
    {
        const auto step = narrator_.suspected(peer_, self);
    }
    EXPECT_TRUE(take().empty()) << "not broadcast yet";
    narrator_.broadcast_done({{1, 2, 3}, directory::Cause::accusation, context});
    auto spans = take();
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(spans[0].spec, &spans::kBroadcastChange);
    EXPECT_EQ(spans[0].id, context.span);
    EXPECT_EQ(spans[1].spec, &spans::kSuspected);
    EXPECT_EQ(spans[0].parent, spans[1].id);
    EXPECT_EQ(text(spans[1], "accuser_id"), self_.hex());
    const auto accused = spans[1].id;

    const auto confirmed = narrator_.statement(directory::Cause::confirmation, peer_);
    narrator_.broadcast_done({{1}, directory::Cause::confirmation, confirmed});
    {
        const auto step = narrator_.died(peer_, {self});
    }
    spans = take();
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(spans[1].spec, &spans::kDied);
    EXPECT_EQ(spans[0].parent, spans[1].id);
    ASSERT_EQ(spans[1].links.size(), 1U);
    EXPECT_EQ(spans[1].links[0].span, accused);
    EXPECT_EQ(text(spans[1], "accused_by"), "mesh1.broker." + self_.short_hex(6) + " (silent)");
}

wire::Statement accusation_of(const base::SecretKey& accuser, const base::EndpointId& accused,
                              const base::TraceContext& context) {
    return wire::sign(accuser, wire::Accusation{1, "mesh1", accused, wire::Sequence{5}, {}, {}, context});
}

base::TraceContext remote_context(std::uint64_t sent) {
    auto context = *base::TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    context.sent_unix_ns = sent;
    return context;
}

TEST_F(NarratorTest, WhatIsAcceptedIsAChildOfItsAuthorsSpanAndWhatIsRefusedIsNotTold) {
    const auto context = remote_context(clock_.now + 10'000'000);  // The author's clock is ahead.
    const auto statement = accusation_of(key(2), other_, context);
    narrator_.statement_came(peer_, statement.envelope, 3, at(0s));
    narrator_.statement_refused();
    EXPECT_TRUE(take().empty());
    narrator_.statement_came(other_, statement.envelope, 3, at(0s));
    {
        const auto step = narrator_.statement_accepted({directory::SelfAccused{}});
        // The answer to it is a root on our own clock, with a link.
        const auto answer = narrator_.statement(directory::Cause::urgent, self_);
        EXPECT_EQ(answer.sent_unix_ns, clock_.now);
        narrator_.broadcast_done({{1}, directory::Cause::urgent, answer});
    }
    const auto spans = take();
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(spans[1].spec, &spans::kAcceptChange);
    EXPECT_EQ(spans[1].trace, context.trace);
    EXPECT_EQ(spans[1].parent, context.span);
    EXPECT_GE(spans[1].start_unix_ns, context.sent_unix_ns) << "no effect before its cause";
    EXPECT_EQ(text(spans[1], "author"), peer_.hex());
    EXPECT_EQ(text(spans[1], "from_peer"), other_.hex());
    EXPECT_FALSE(spans[0].parent.is_valid());
    ASSERT_EQ(spans[0].links.size(), 1U);
    EXPECT_EQ(spans[0].links[0].span, spans[1].id);
}

TEST_F(NarratorTest, RefreshesAreNotToldAtInfo) {
    EXPECT_FALSE(narrator_.statement(directory::Cause::refresh, self_).is_valid());
    const auto statement = accusation_of(key(2), other_, {});
    narrator_.statement_came(peer_, statement.envelope, 0, at(0s));
    {
        const auto step = narrator_.statement_accepted({directory::EntryUpdated{}});
    }
    EXPECT_TRUE(take().empty());
}

TEST_F(NarratorTest, TheExchangeCarriesItsContextToTheOtherSide) {
    const auto context = narrator_.sync_opened(SyncRef{2}, peer_, 1);
    ASSERT_TRUE(context.is_valid());
    wire::SyncTurn first;
    first.context = context;
    narrator_.sync_served(SyncRef{1}, peer_, first, at(0s));
    {
        const auto step = narrator_.sync_turn(SyncRef{1});
    }
    narrator_.sync_over(SyncRef{1}, {3, 2, 1, 0}, directory::Source::sync, {});
    narrator_.sync_over(SyncRef{2}, {3, 1, 2, 0}, directory::Source::bootstrap, "the peer ended the stream");
    const auto spans = take();
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(spans[0].parent, context.span);
    EXPECT_TRUE(spans[0].remote_parent);
    EXPECT_EQ(spans[1].status_text, "the peer ended the stream");
}

TEST_F(NarratorTest, TablesAreBoundedAndEverythingEnds) {
    for (std::uint64_t i = 0; i < 1000; ++i) {
        base::EndpointId id;
        id.bytes[0] = static_cast<std::uint8_t>(i);
        id.bytes[1] = static_cast<std::uint8_t>(i >> 8U);
        narrator_.seed_waits(id, 1, 1s, "x");
        narrator_.seed_tried(id);
        (void)narrator_.sync_opened(SyncRef{i}, id, 1);
        (void)narrator_.statement(directory::Cause::urgent, self_);
        narrator_.join_asked(base::TopicId{id.bytes}, id, at(0s));
        {
            const auto step = narrator_.suspected(id, {peer_, {}, {}});
        }
    }
    (void)recorder_.take_spans(100'000);
    narrator_.end_all("the node left");
    const auto spans = take();
    EXPECT_LE(spans.size(), 4 * Narrator::kOpenMax);
    EXPECT_GE(spans.size(), 3 * Narrator::kOpenMax);
}

TEST(NarratorWithoutRecorder, SaysNothing) {  // Rule 5.
    Narrator narrator(nullptr, key(1).id(), {}, {});
    const auto step = narrator.neighbor_up({}, key(2).id());
    const auto more = narrator.suspected(key(2).id(), {});
    narrator.seed_waits(key(2).id(), 1, 1s, "x");
    narrator.join_asked({}, key(2).id(), {});
    EXPECT_FALSE(narrator.statement(directory::Cause::first, key(1).id()).is_valid());
    EXPECT_EQ(narrator.joining(key(2).id()), nullptr);
}

}  // namespace
}  // namespace grapevine::node
