// What becomes of a node's own messages when it leaves: rule 11 of outbox.hpp.

#include <gtest/gtest.h>

#include "delivery/outbox_testing.hpp"

namespace grapevine::delivery {
namespace {

using namespace testing;  // NOLINT: the words of this folder's tests.
using namespace std::chrono_literals;

struct LeavingOutbox : public OutboxFixture {
    void leave() {
        run([&] { outbox.leave(at(1s), out); });
    }
    void abandon() {
        run([&] { outbox.abandon(at(2s), out); });
    }
};

TEST_F(LeavingOutbox, WhatWasNotWrittenIsCancelledAtOnce) {
    submit(to("mesh1.unknown"));  // Its question has no answer.
    send({{kA}});                 // No session is up.
    leave();
    const auto ends = pick<Finished>();
    ASSERT_EQ(ends.size(), 2U);
    for (const auto& end : ends) {
        EXPECT_EQ(end.ending, Ending::cancelled);
        EXPECT_EQ(end.handled, Handled::no);
    }
    EXPECT_EQ(pick<ReleaseSession>().size(), 1U);
    EXPECT_EQ(outbox.size(), 0U);
}

TEST_F(LeavingOutbox, WhatWasWrittenStillGetsItsOutcome) {
    ready(kA);
    send({{kA}});
    leave();
    EXPECT_TRUE(pick<Finished>().empty());
    ends(kA, outcome(1, wire::OutcomeCode::acknowledged, "late but good"));
    EXPECT_EQ(only_end().ending, Ending::acknowledged);
}

TEST_F(LeavingOutbox, WhatIsNotTakenIsNotTriedElsewhere) {
    ready(kA);
    send({{kA}, {kB}}, ordered());
    const auto peer = pick<SendDeliver>().empty() ? kB : kA;
    if (peer == kB) ready(kB);
    send({{kA}, {kB}}, ordered());
    leave();
    ends(peer, outcome(1, wire::OutcomeCode::busy));
    EXPECT_EQ(only_end().ending, Ending::cancelled);
    EXPECT_EQ(only_end().handled, Handled::no);
    EXPECT_TRUE(pick<Resolve>().empty());
    ends(peer, outcome(2, wire::OutcomeCode::busy));
    EXPECT_EQ(only_end().ending, Ending::cancelled);
    EXPECT_EQ(outbox.size(), 0U);
}

TEST_F(LeavingOutbox, ALostSessionMakesAnIdempotentMessageCancelledPerhapsHandled) {
    ready(kA);
    send({{kA}}, idempotent());
    leave();
    down(kA, SessionEnd::lost);
    EXPECT_EQ(only_end().ending, Ending::cancelled);
    EXPECT_EQ(only_end().handled, Handled::maybe);
}

TEST_F(LeavingOutbox, WhatIsLeftInTheEndIsInDoubt) {
    ready(kA);
    send({{kA}});
    send({{kA}}, idempotent());
    leave();
    abandon();
    const auto ends = pick<Finished>();
    ASSERT_EQ(ends.size(), 2U);
    for (const auto& end : ends) {
        EXPECT_EQ(end.ending, Ending::in_doubt);
        EXPECT_EQ(end.handled, Handled::maybe);
    }
    EXPECT_EQ(outbox.bytes(), 0U);
}

TEST_F(LeavingOutbox, NothingNewIsTaken) {
    leave();
    EXPECT_EQ(submit(to("mesh1.broker")).error(), SubmitRefusal::leaving);
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(outbox.counters().refused_leaving, 1U);
}

}  // namespace
}  // namespace grapevine::delivery
