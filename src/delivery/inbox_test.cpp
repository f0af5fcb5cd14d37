#include "delivery/inbox.hpp"

#include <gtest/gtest.h>

#include "delivery/inbox_testing.hpp"

namespace grapevine::delivery {
namespace {

using namespace testing;  // NOLINT: the words of this folder's tests.
using namespace std::chrono_literals;

using InboxTest = InboxFixture;

TEST_F(InboxTest, AMessageIsHandedOverAndItsOutcomeIsSaid) {
    deliver(frame(1));
    EXPECT_EQ(out,
              (InboxEffects{Handle{HandleId{1}, kS, "echo", MessageKind::request, {1}, 10s, {}, {kLife, seq(1)}}}));
    EXPECT_EQ(inbox.open_messages(), 1U);
    EXPECT_EQ(inbox.open_bytes(), wire::window_cost(4, 1));
    EXPECT_EQ(answer(1, "reply"), Answered::taken);
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::acknowledged, "reply")}));
    EXPECT_EQ(inbox.open_messages(), 0U);
    EXPECT_EQ(inbox.open_bytes(), 0U);
    EXPECT_EQ(inbox.reply_bytes(), 5U);
    pass(10s);
    EXPECT_EQ(inbox.ids(), 0U);
    EXPECT_EQ(inbox.reply_bytes(), 0U);
}

TEST_F(InboxTest, VerdictsBecomeOutcomes) {
    deliver(frame(1));
    answer(1, "no\nluck", 0s, Verdict::failed);
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::handler_failed, "no?luck")}));
    deliver(frame(2));
    answer(2, std::string(300, 'x'), 0s, Verdict::refused);
    EXPECT_EQ(out, (InboxEffects{says(2, OutcomeCode::refused, std::string(256, 'x'))}));
    wire::Deliver send = frame(3);
    send.kind = MessageKind::send;
    deliver(send);
    answer(3, "nobody reads it");
    EXPECT_EQ(out, (InboxEffects{says(3, OutcomeCode::acknowledged)}));
}

// Rule 1.
TEST_F(InboxTest, ARepetitionIsAnsweredFromMemoryOrHeldOn) {
    deliver(frame(1));
    deliver(again(frame(1)), 1s);
    EXPECT_TRUE(out.empty()) << "its handler still works";
    answer(1, "reply", 2s);
    deliver(again(frame(1)), 3s);
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::acknowledged, "reply")}));
    EXPECT_EQ(inbox.counters().accepted, 1U);
    EXPECT_EQ(inbox.counters().repeated_open, 1U);
    EXPECT_EQ(inbox.counters().repeated_answered, 1U);
}

TEST_F(InboxTest, AnotherSenderOrLifeHasItsOwnSequences) {
    deliver(frame(1));
    up(kT);
    deliver(frame(1), 0s, kT);
    EXPECT_EQ(pick<Handle>().size(), 1U);
    up(kS, Incarnation{11});
    deliver(frame(1));
    EXPECT_EQ(pick<Handle>().size(), 1U);
    EXPECT_EQ(inbox.ids(), 3U);
}

TEST_F(InboxTest, WhatWasAnsweredWithoutASessionIsSaidToWhoAsksAgain) {
    deliver(frame(1));
    down(kS);
    EXPECT_EQ(answer(1, "reply"), Answered::taken);
    EXPECT_TRUE(out.empty());
    up(kS);
    deliver(again(frame(1)));
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::acknowledged, "reply")}));
}

TEST_F(InboxTest, AnotherLifeIsNotToldTheOutcomesOfTheOneBefore) {
    deliver(frame(1));
    up(kS, Incarnation{11});
    answer(1, "reply");
    EXPECT_TRUE(out.empty());
}

TEST_F(InboxTest, WhatIsSettledIsForgotten) {
    deliver(frame(1));
    deliver(frame(2));
    answer(1, "reply");
    EXPECT_EQ(inbox.ids(), 2U);
    wire::Deliver next = frame(3);
    next.settled = seq(2);
    deliver(next);
    EXPECT_EQ(inbox.ids(), 2U) << "2 is still worked on";
    answer(2, "late for its sender, not for us");
    EXPECT_EQ(inbox.ids(), 1U);
    deliver(again(frame(1)));
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(inbox.counters().repeated_settled, 1U);
}

// Rule 2.
TEST_F(InboxTest, WhatCannotBeKnownAnyMoreIsInDoubt) {
    deliver(frame(5, "echo", 1000));
    answer(1);
    pass(1s);
    deliver(again(frame(5)), 1s);
    EXPECT_EQ(pick<SendOutcome>().at(0).frame.code, OutcomeCode::in_doubt);
    deliver(again(frame(4)), 1s);
    EXPECT_EQ(pick<SendOutcome>().at(0).frame.code, OutcomeCode::in_doubt) << "it may have been one of those forgotten";
    deliver(frame(4), 1s);
    EXPECT_EQ(handed(), (std::vector<int>{4})) << "a first copy was never here";
    deliver(again(frame(6)), 1s);
    EXPECT_EQ(handed(), (std::vector<int>{6}));
}

TEST_F(InboxTest, WhatWasNeverHandedOverLeavesNoDoubt) {
    serve("narrow", {1, 4});
    deliver(frame(1, "narrow"));
    deliver(frame(2, "narrow", 1000));
    pass(1s);
    EXPECT_EQ(out, (InboxEffects{says(2, OutcomeCode::deadline)}));
    deliver(again(frame(2, "echo")), 1s);
    EXPECT_EQ(handed(), (std::vector<int>{2}));
}

// Rule 3.
TEST_F(InboxTest, ALargerReplyThanPromisedFails) {
    serve("brief", {1, 4, 100, 300});
    deliver(frame(1, "brief"));
    EXPECT_EQ(inbox.reply_bytes(), 300U);
    answer(1, std::string(301, 'x'));
    EXPECT_EQ(pick<SendOutcome>().at(0).frame.code, OutcomeCode::handler_failed);
    deliver(frame(2, "brief"));
    answer(2, std::string(300, 'x'));
    EXPECT_EQ(pick<SendOutcome>().at(0).frame.code, OutcomeCode::acknowledged);
    EXPECT_EQ(inbox.counters().oversized_replies, 1U);
}

// Rule 4.
TEST_F(InboxTest, AHandlerThatDoesNotAnswerIsLate) {
    deliver(frame(1, "echo", 1000));
    pass(999ms);
    EXPECT_TRUE(out.empty());
    pass(1s);
    EXPECT_EQ(out, (InboxEffects{HandlerLate{HandleId{1}, "echo"}, says(1, OutcomeCode::deadline)}));
    EXPECT_EQ(answer(1, "too late", 2s), Answered::late);
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(answer(9), Answered::late);
    EXPECT_EQ(inbox.counters().late_answers, 2U);
}

TEST_F(InboxTest, TimeLeftIsAtMostTheLongestDeadline) {
    deliver(frame(1, "echo", 4'000'000'000));
    EXPECT_EQ(pick<Handle>().at(0).time_left, 60s);
    deliver(frame(2, "echo", 0));
    EXPECT_EQ(pick<SendOutcome>().at(0).frame.code, OutcomeCode::deadline);
}

TEST_F(InboxTest, NobodyHandlesTheName) {
    deliver(frame(1, "nobody"));
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::refused, "no handler")}));
    serve("", {});
    deliver(frame(1, "nobody"));
    EXPECT_EQ(pick<Handle>().at(0).name, "nobody") << "by the service of the empty name";
    serve("small", {1, 1, 0});
    deliver(frame(2, "small"));
    EXPECT_EQ(pick<SendOutcome>().at(0).frame.code, OutcomeCode::too_large);
}

TEST_F(InboxTest, AServiceThatStopsRefusesWhatWaits) {
    serve("narrow", {1, 4});
    for (std::uint64_t i = 1; i <= 3; ++i)
        deliver(frame(i, "narrow"));
    out.clear();
    inbox.stop("narrow", at(0s), out);
    EXPECT_EQ(out,
              (InboxEffects{says(2, OutcomeCode::refused, "no handler"), says(3, OutcomeCode::refused, "no handler")}));
    EXPECT_EQ(answer(1, "still"), Answered::taken);
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::acknowledged, "still")}));
    EXPECT_EQ(inbox.open_messages(), 0U);
    serve("narrow", {1, 4});
    deliver(again(frame(2, "narrow")));
    EXPECT_EQ(handed(), (std::vector<int>{2})) << "it was not handled";
}

TEST_F(InboxTest, AStreamIsTakenAsAMessageIs) {
    out.clear();
    inbox.on_open_stream(kS, {seq(1), 500, "echo", {}}, at(0s), out);
    EXPECT_EQ(pick<Handle>(),
              (std::vector<Handle>{{HandleId{1}, kS, "echo", MessageKind::stream, {}, 500ms, {}, {kLife, seq(1)}}}));
    answer(1, "bytes follow, not this");
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::acknowledged)}));
    out.clear();
    inbox.on_open_stream(kS, {seq(2), 500, "nobody", {}}, at(0s), out);
    EXPECT_EQ(out, (InboxEffects{says(2, OutcomeCode::refused, "no handler")}));
}

// Rule 5.
TEST_F(InboxTest, AServiceWorksOnSoManyAtOnce) {
    serve("narrow", {2, 1});
    for (std::uint64_t i = 1; i <= 3; ++i)
        deliver(frame(i, "narrow"));
    EXPECT_TRUE(out.empty());
    deliver(frame(4, "narrow"));
    EXPECT_EQ(out, (InboxEffects{says(4, OutcomeCode::busy, "queue")}));
    deliver(frame(5));
    EXPECT_EQ(handed(), (std::vector<int>{5})) << "the neighbour does not notice";
    answer(1);
    EXPECT_EQ(handed(), (std::vector<int>{3}));
    pass(10s);
    EXPECT_EQ(pick<HandlerLate>().size(), 3U);
    deliver(frame(6, "narrow"), 10s);
    EXPECT_EQ(handed(), (std::vector<int>{6})) << "who is late gives its place back";
}

TEST_F(InboxTest, SendersTakeTurns) {
    serve("narrow", {1, 100});
    up(kT);
    for (std::uint64_t i = 1; i <= 80; ++i)
        deliver(frame(i, "narrow"));
    deliver(frame(200, "narrow"), 0s, kT);
    std::size_t before = 0;
    for (std::uint64_t handle = 1; handed() != std::vector<int>{200}; ++handle, ++before)
        answer(handle);
    EXPECT_LE(before, 4096 / wire::kDeliverOverhead);
}

// Rule 6.
TEST_F(InboxTest, ALaneIsHandedOverInOrder) {
    deliver(ordered(1, 1));
    EXPECT_EQ(handed(), (std::vector<int>{1}));
    deliver(ordered(2, 1));
    deliver(ordered(3, 2));
    EXPECT_TRUE(out.empty());
    deliver(frame(4));
    EXPECT_EQ(handed(), (std::vector<int>{4})) << "in no lane";
    answer(1);
    EXPECT_EQ(out.size(), 2U);
    EXPECT_EQ(handed(), (std::vector<int>{2}));
    pass(10s);
    EXPECT_EQ(pick<HandlerLate>().size(), 2U);
    EXPECT_EQ(inbox.counters().late_waiting, 1U);
}

TEST_F(InboxTest, ALaneGoesOnWhenItsFirstIsLate) {
    wire::Deliver first = ordered(1, 1);
    first.time_left_ms = 1000;
    deliver(first);
    deliver(ordered(2, 1));
    pass(1s);
    EXPECT_EQ(handed(), (std::vector<int>{2}));
}

TEST_F(InboxTest, ALaneTakesNothingBehindWhatItDoesNotKnow) {
    deliver(ordered(3, 2));
    EXPECT_EQ(out, (InboxEffects{says(3, OutcomeCode::busy, "order")}));
    deliver(ordered(2, 2));
    deliver(ordered(3, 2));
    EXPECT_EQ(inbox.open_messages(), 2U);
    deliver(ordered(1, 1));
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::deadline, "its lane has gone on")}));
}

TEST_F(InboxTest, ALaneIsForgottenWithItsMessages) {
    deliver(ordered(5, 5));
    answer(1);
    pass(10s);
    deliver(ordered(3, 3), 10s);
    EXPECT_EQ(handed(), (std::vector<int>{3}));
}

// Rule 8.
TEST_F(InboxTest, WithoutASessionNothingIsTaken) {
    deliver(frame(1), 0s, kT);
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(inbox.counters()[BusyCause::no_session], 1U);
}

}  // namespace
}  // namespace grapevine::delivery
