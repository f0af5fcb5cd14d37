#include "delivery/outbox.hpp"

#include <gtest/gtest.h>

#include "delivery/outbox_testing.hpp"

namespace grapevine::delivery {
namespace {

using namespace testing;  // NOLINT: the words of this folder's tests.
using namespace std::chrono_literals;

using OutboxTest = OutboxFixture;

TEST_F(OutboxTest, AMessageIsResolvedConnectedWrittenAndAnswered) {
    EXPECT_EQ(submit(to("mesh1.broker", {}, 3)), (MessageId{Incarnation{1}, seq(1)}));
    EXPECT_EQ(out, (OutboxEffects{Resolve{QuestionId{1}, "mesh1.broker"}}));
    resolved(1, {{kA}}, 1ms);
    EXPECT_EQ(out, (OutboxEffects{WantSession{kA}}));
    up(kA, kLife, 20ms);
    EXPECT_TRUE(out.empty()) << "no window yet";
    window(kA, kWide, 30ms);
    wire::Deliver frame;
    frame.sequence = seq(1);
    frame.time_left_ms = 9970;
    frame.name = "mesh1.broker";
    frame.payload = {7, 7, 7};
    EXPECT_EQ(out, (OutboxEffects{SendDeliver{kA, frame}}));
    ends(kA, outcome(1, wire::OutcomeCode::acknowledged, "ok"), 50ms);
    EXPECT_EQ(out, (OutboxEffects{Finished{seq(1), Ending::acknowledged, Handled::yes, kA, 1, base::to_bytes("ok")},
                                  ReleaseSession{kA}}));
    EXPECT_EQ(outbox.size(), 0U);
    EXPECT_EQ(outbox.bytes(), 0U);
    EXPECT_FALSE(outbox.next_deadline());
}

TEST_F(OutboxTest, WhatIsNotTakenIsToldAtOnce) {
    EXPECT_EQ(submit(to("")).error(), SubmitRefusal::bad_name);
    EXPECT_EQ(submit(to("two words")).error(), SubmitRefusal::bad_name);
    EXPECT_EQ(submit(to(std::string(201, 'a'))).error(), SubmitRefusal::bad_name);
    EXPECT_EQ(submit(to("a", {}, wire::kLargePayloadMax + 1)).error(), SubmitRefusal::too_large);
    EXPECT_EQ(submit(to("a", {0s})).error(), SubmitRefusal::bad_deadline);
    EXPECT_EQ(submit(to("a", {60s + 1ns})).error(), SubmitRefusal::bad_deadline);
    EXPECT_TRUE(out.empty());
    EXPECT_TRUE(submit(to("a", {60s}, wire::kDeliverPayloadMax)));
    EXPECT_EQ(outbox.counters().refused_invalid, 6U);
}

TEST_F(OutboxTest, OneQuestionANameAtATime) {
    submit(to("a"));
    submit(to("a"));
    EXPECT_TRUE(out.empty());
    submit(to("b"));
    EXPECT_EQ(out, (OutboxEffects{Resolve{QuestionId{2}, "b"}}));
    resolved(1, {{kA}});
    EXPECT_EQ(outbox.size_at(kA), 2U);
    submit(to("a"));
    EXPECT_EQ(out, (OutboxEffects{Resolve{QuestionId{3}, "a"}}));
    resolved(1, {{kB}});
    EXPECT_EQ(outbox.size_at(kB), 0U) << "that question was answered";
}

TEST_F(OutboxTest, WhatCannotBeResolvedEnds) {
    const std::vector<std::pair<ResolveFailure, Ending>> failures{{ResolveFailure::unknown_mesh, Ending::unknown_mesh},
                                                                  {ResolveFailure::no_such_node, Ending::no_such_node},
                                                                  {ResolveFailure::ambiguous, Ending::ambiguous},
                                                                  {ResolveFailure::refused, Ending::refused}};
    std::uint64_t question = 0;
    for (const auto& [failure, ending] : failures) {
        submit(to("a"));
        ++question;
        run([&, f = failure] { outbox.on_resolved(QuestionId{question}, tl::unexpected(f), at(0s), out); });
        EXPECT_EQ(out, (OutboxEffects{Finished{seq(question), ending, Handled::no, {}, 0, {}, "a"}}));
    }
    submit(to("a"));
    resolved(++question, {});
    EXPECT_EQ(only_end().ending, Ending::no_such_node) << "nobody has that name";
}

TEST_F(OutboxTest, ABusyResolverIsAskedAgainWithinTheDeadline) {
    submit(to("a", {1s}));
    for (std::uint64_t question = 1; outbox.size() == 1; ++question) {
        run([&] { outbox.on_resolved(QuestionId{question}, tl::unexpected(ResolveFailure::busy), at(0s), out); });
        EXPECT_TRUE(out.empty());
        const base::TimePoint due = *outbox.next_deadline();
        if (due >= at(1s)) break;
        EXPECT_GE(due, at(25ms)) << "half of the first pause at least";
        outbox.on_deadline(due, out);
        EXPECT_EQ(out, (OutboxEffects{Resolve{QuestionId{question + 1}, "a"}}));
    }
    pass(1s);
    EXPECT_EQ(only_end(), (Finished{seq(1), Ending::peer_busy, Handled::no, {}, 0, {}, "a"}));
}

TEST_F(OutboxTest, AnUnansweredQuestionEndsWithTheDeadline) {
    submit(to("a", {1s}));
    pass(999ms);
    EXPECT_TRUE(out.empty());
    pass(1s);
    EXPECT_EQ(out, (OutboxEffects{Finished{seq(1), Ending::deadline, Handled::no, {}, 0, {}, "a"}}));
    resolved(1, {{kA}}, 2s);
    EXPECT_TRUE(out.empty());
}

// Rule 2.
TEST_F(OutboxTest, ARefusalIsTriedElsewhereAndEndsWhenAllRefuse) {
    ready(kA);
    ready(kB);
    send({{kA, Standing::good}, {kB, Standing::suspected}});
    EXPECT_EQ(pick<SendDeliver>().at(0).peer, kA) << "rule 5: the suspected one is the last resort";
    ends(kA, outcome(1, wire::OutcomeCode::refused, "no handler"));
    EXPECT_EQ(out, (OutboxEffects{Resolve{QuestionId{2}, "mesh1.broker"}, ReleaseSession{kA}}));
    resolved(2, {{kA, Standing::good}, {kB, Standing::suspected}});
    ASSERT_EQ(written(), (std::vector<std::uint64_t>{1}));
    EXPECT_EQ(pick<SendDeliver>().at(0).peer, kB);
    EXPECT_EQ(pick<SendDeliver>().at(0).frame.copy, wire::MessageCopy::first);
    ends(kB, outcome(1, wire::OutcomeCode::refused, "no handler"));
    resolved(3, {{kA}, {kB}});
    EXPECT_EQ(out, (OutboxEffects{Finished{seq(1), Ending::refused, Handled::no, kB, 2, {}, "mesh1.broker"}}));
}

TEST_F(OutboxTest, ABusyPeerIsTriedAgainAfterAPause) {
    ready(kA);
    send({{kA}});
    ends(kA, outcome(1, wire::OutcomeCode::busy, "open"));
    resolved(2, {{kA}});
    EXPECT_TRUE(out.empty()) << "it was just asked, and there is no other";
    const base::TimePoint due = *outbox.next_deadline();
    EXPECT_GE(due, at(25ms));
    EXPECT_LE(due, at(51ms));
    pass(51ms);
    EXPECT_EQ(out, (OutboxEffects{Resolve{QuestionId{3}, "mesh1.broker"}}));
    resolved(3, {{kA}}, 51ms);
    EXPECT_EQ(written(), (std::vector<std::uint64_t>{1}));
    ends(kA, outcome(1, wire::OutcomeCode::busy, "open"), 60ms);
    resolved(4, {{kA}}, 60ms);
    pass(10s);
    EXPECT_EQ(only_end().ending, Ending::peer_busy) << "rule 4: what kept it from being handled";
    EXPECT_EQ(outbox.counters().retries_busy, 2U);
}

TEST_F(OutboxTest, ABusyPeerEndsPeerBusyAtTheDeadline) {
    ready(kA);
    send({{kA}}, {20ms});
    ends(kA, outcome(1, wire::OutcomeCode::busy, "open"));
    resolved(2, {{kA}});
    pass(20ms);
    EXPECT_EQ(out, (OutboxEffects{Finished{seq(1), Ending::peer_busy, Handled::no, kA, 1, {}, "mesh1.broker"}}));
}

TEST_F(OutboxTest, AtMostThreeOthersAreTriedWithoutAPause) {
    std::vector<Candidate> all;
    for (std::uint8_t i = 1; i <= 6; ++i) {
        all.push_back({id_of(i)});
        ready(id_of(i));
    }
    send(all);
    for (std::uint64_t question = 2; question <= 4; ++question) {
        const auto sent = pick<SendDeliver>();
        ASSERT_EQ(sent.size(), 1U);
        ends(sent[0].peer, outcome(1, wire::OutcomeCode::busy));
        resolved(question, all);
    }
    EXPECT_TRUE(written().empty()) << "three were asked";
    EXPECT_EQ(outbox.size(), 1U);
}

TEST_F(OutboxTest, FinalOutcomesAreNotRetried) {
    ready(kA);
    const std::vector<std::tuple<wire::OutcomeCode, Ending, Handled>> finals{
        {wire::OutcomeCode::handler_failed, Ending::handler_failed, Handled::yes},
        {wire::OutcomeCode::too_large, Ending::too_large, Handled::no},
        {wire::OutcomeCode::deadline, Ending::deadline, Handled::maybe},
        {wire::OutcomeCode::in_doubt, Ending::in_doubt, Handled::maybe}};
    std::uint64_t sequence = 0;
    for (const auto& [code, ending, handled] : finals) {
        send({{kA}});
        ++sequence;
        ends(kA, outcome(sequence, code, "text"));
        EXPECT_EQ(only_end(), (Finished{seq(sequence), ending, handled, kA, 1, base::to_bytes("text"),
                                        ending == Ending::acknowledged ? "" : "mesh1.broker"}));
    }
}

TEST_F(OutboxTest, AnUnreachablePeerIsDialledAgain) {
    send({{kA}}, {500ms});
    down(kA, SessionEnd::unreachable, 10ms);
    EXPECT_EQ(out, (OutboxEffects{Resolve{QuestionId{2}, "mesh1.broker"}}));
    resolved(2, {{kA}}, 10ms);
    EXPECT_TRUE(out.empty());
    pass(100ms);
    EXPECT_EQ(out, (OutboxEffects{Resolve{QuestionId{3}, "mesh1.broker"}}));
    resolved(3, {{kA}}, 100ms);
    EXPECT_EQ(out, (OutboxEffects{WantSession{kA}}));
    pass(500ms);
    EXPECT_EQ(only_end(), (Finished{seq(1), Ending::unreachable, Handled::no, {}, 0, {}, "mesh1.broker"}));
}

TEST_F(OutboxTest, WhatWasNotWrittenGoesElsewhereWhenItsPeerFails) {
    send({{kA}});
    down(kA, SessionEnd::unreachable);
    resolved(2, {{kA}, {kB}});
    EXPECT_EQ(out, (OutboxEffects{WantSession{kB}}));
}

TEST_F(OutboxTest, ADialPauseIsKeptForMessagesThatComeMeanwhile) {
    send({{kA}});
    down(kA, SessionEnd::unreachable);
    resolved(2, {{kA}});
    ASSERT_TRUE(submit(to("other"), 1ms));
    resolved(3, {{kA}}, 1ms);
    EXPECT_TRUE(pick<WantSession>().empty());
    pass(51ms);
    EXPECT_EQ(pick<WantSession>(), (std::vector<WantSession>{{kA}}));
}

TEST_F(OutboxTest, ThoseWhoDoNotAdmitUsRefuse) {
    send({{kA}});
    down(kA, SessionEnd::refused);
    resolved(2, {{kA}});
    EXPECT_EQ(out, (OutboxEffects{Finished{seq(1), Ending::refused, Handled::no, {}, 0, {}, "mesh1.broker"}}));
}

// Rule 3.
TEST_F(OutboxTest, TheSameLifeIsWrittenToAgain) {
    ready(kA);
    send({{kA}});
    down(kA, SessionEnd::lost, 100ms);
    EXPECT_TRUE(out.empty()) << "in no place but there";
    pass(200ms);
    EXPECT_EQ(out, (OutboxEffects{WantSession{kA}}));
    up(kA, kLife, 200ms);
    window(kA, kWide, 200ms);
    ASSERT_EQ(written(), (std::vector<std::uint64_t>{1}));
    const wire::Deliver again = pick<SendDeliver>()[0].frame;
    EXPECT_EQ(again.copy, wire::MessageCopy::again);
    EXPECT_EQ(again.time_left_ms, 9800U);
    ends(kA, outcome(1, wire::OutcomeCode::acknowledged), 210ms);
    EXPECT_EQ(only_end(), (Finished{seq(1), Ending::acknowledged, Handled::yes, kA, 2, {}}));
    EXPECT_EQ(outbox.counters().written_again, 1U);
}

TEST_F(OutboxTest, AnotherLifeLeavesWhatWasWrittenInDoubt) {
    ready(kA);
    send({{kA}});
    down(kA, SessionEnd::lost);
    up(kA, Incarnation{11});
    EXPECT_EQ(out, (OutboxEffects{Finished{seq(1), Ending::in_doubt, Handled::maybe, kA, 1, {}, "mesh1.broker"}}));
}

TEST_F(OutboxTest, APeerThatIsGoneLeavesWhatWasWrittenInDoubt) {
    ready(kA);
    send({{kA}});
    down(kA, SessionEnd::gone);
    EXPECT_EQ(only_end(), (Finished{seq(1), Ending::in_doubt, Handled::maybe, kA, 1, {}, "mesh1.broker"}));
    send({{kA}});
    down(kA, SessionEnd::gone);
    EXPECT_TRUE(pick<Finished>().empty()) << "it was not written";
}

TEST_F(OutboxTest, ALifeThatIsSureFreesTheMessage) {
    ready(kA);
    ready(kB);
    send({{kA, Standing::good}, {kB, Standing::suspected}});
    down(kA, SessionEnd::lost);
    ready(kA);
    ends(kA, outcome(1, wire::OutcomeCode::busy));
    resolved(2, {{kA}, {kB}});
    ASSERT_EQ(written(), (std::vector<std::uint64_t>{1}));
    EXPECT_EQ(pick<SendDeliver>()[0].peer, kB);
    EXPECT_EQ(pick<SendDeliver>()[0].frame.copy, wire::MessageCopy::first);
    run([&] { outbox.cancel(seq(1), at(0s), out); });
    EXPECT_EQ(only_end(), (Finished{seq(1), Ending::cancelled, Handled::maybe, kB, 3, {}, "mesh1.broker"}));
}

TEST_F(OutboxTest, TheIdempotentWaitsForNobody) {
    ready(kA);
    ready(kB);
    send({{kA, Standing::good}, {kB, Standing::suspected}}, idempotent());
    down(kA, SessionEnd::lost);
    EXPECT_EQ(pick<Resolve>().size(), 1U);
    resolved(2, {{kA}, {kB}});
    EXPECT_EQ(pick<SendDeliver>().at(0).peer, kB);
    EXPECT_EQ(pick<SendDeliver>().at(0).frame.copy, wire::MessageCopy::first) << "that life never saw it";
    ends(kB, outcome(1, wire::OutcomeCode::refused));
    resolved(3, {{kB}});
    EXPECT_EQ(only_end(), (Finished{seq(1), Ending::refused, Handled::maybe, kB, 2, {}, "mesh1.broker"}))
        << "A may have handled it";
}

TEST_F(OutboxTest, ALifeThatMayHaveHandledTheIdempotentIsToldSo) {
    ready(kA);
    send({{kA}}, idempotent());
    down(kA, SessionEnd::lost);
    resolved(2, {{kA}});
    pass(200ms);
    resolved(3, {{kA}}, 200ms);
    up(kA, kLife, 200ms);
    window(kA, kWide, 200ms);
    EXPECT_EQ(pick<SendDeliver>().at(0).frame.copy, wire::MessageCopy::again);
    down(kA, SessionEnd::lost, 300ms);
    up(kA, Incarnation{11}, 300ms);
    window(kA, kWide, 300ms);
    resolved(4, {{kA}}, 300ms);
    pass(900ms);
    resolved(5, {{kA}}, 900ms);
    EXPECT_EQ(pick<SendDeliver>().at(0).frame.copy, wire::MessageCopy::first) << "another life";
}

TEST_F(OutboxTest, AtTheDeadlineWhatWasWrittenMayHaveBeenHandled) {
    ready(kA);
    send({{kA}});
    pass(10s);
    EXPECT_EQ(only_end(), (Finished{seq(1), Ending::deadline, Handled::maybe, kA, 1, {}, "mesh1.broker"}));
    EXPECT_EQ(outbox.size_at(kA), 1U) << "rule 7: its receiver still has it";
    ends(kA, outcome(1, wire::OutcomeCode::acknowledged), 11s);
    EXPECT_EQ(out, (OutboxEffects{ReleaseSession{kA}}));
    EXPECT_EQ(outbox.counters().late_outcomes, 1U);
}

TEST_F(OutboxTest, OutcomesOfWhatWasNotWrittenThereAreIgnored) {
    ready(kA);
    ready(kB);
    send({{kA}});
    ends(kB, outcome(1, wire::OutcomeCode::acknowledged));
    ends(kA, outcome(2, wire::OutcomeCode::acknowledged));
    ends(kC, outcome(1, wire::OutcomeCode::acknowledged));
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(outbox.counters().unexpected_outcomes, 3U);
    ends(kA, outcome(1, wire::OutcomeCode::acknowledged));
    ends(kA, outcome(1, wire::OutcomeCode::busy));
    EXPECT_TRUE(out.empty()) << "once";
}

// Rule 12.
TEST_F(OutboxTest, APayloadThatFitsNoFrameIsAnnounced) {
    ready(kA, wire::Window{8, 64U * 1024U});
    const std::size_t size = wire::kDeliverPayloadMax + 1;
    send({{kA}}, {}, size);
    ASSERT_EQ(out.size(), 3U);
    ASSERT_EQ(pick<SendLarge>().size(), 1U);
    const SendLarge sent = pick<SendLarge>().front();
    EXPECT_EQ(sent.peer, kA);
    EXPECT_EQ(sent.frame.size, size);
    EXPECT_TRUE(sent.frame.message.payload.empty());
    EXPECT_EQ(outbox.payload(seq(1)).size(), size);
    EXPECT_GT(outbox.bytes(), size);
    send({{kA}}, {}, size);
    EXPECT_TRUE(pick<SendLarge>().empty()) << "it weighs as the largest that fits";
    ends(kA, outcome(1, wire::OutcomeCode::too_large));
    EXPECT_EQ(only_end().ending, Ending::too_large);
    EXPECT_TRUE(outbox.payload(seq(1)).empty());
    EXPECT_EQ(pick<SendLarge>().size(), 1U);
    down(kA, SessionEnd::lost);
    ready(kA, wire::Window{8, 64U * 1024U});
    ASSERT_EQ(pick<SendLarge>().size(), 1U);
    EXPECT_EQ(pick<SendLarge>().front().frame.message.copy, wire::MessageCopy::again);
}

// Rule 5.
TEST_F(OutboxTest, TheOneWithFewerUnansweredMessagesIsTaken) {
    ready(kA);
    ready(kB);
    for (int i = 0; i < 40; ++i)
        send({{kA}, {kB}});
    EXPECT_EQ(outbox.size_at(kA), 20U);
    EXPECT_EQ(outbox.size_at(kB), 20U);
}

}  // namespace
}  // namespace grapevine::delivery
