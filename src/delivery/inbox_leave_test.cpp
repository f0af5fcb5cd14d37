// What becomes of the messages that a node was sent when it leaves: rule 10 of inbox.hpp.

#include <gtest/gtest.h>

#include "delivery/inbox_testing.hpp"

namespace grapevine::delivery {
namespace {

using namespace testing;  // NOLINT: the words of this folder's tests.
using namespace std::chrono_literals;

struct LeavingInbox : public InboxFixture {
    void leave() {
        out.clear();
        inbox.leave(at(1s), out);
    }
};

TEST_F(LeavingInbox, WhatIsAtWorkIsAnsweredAndWhatWaitsIsGivenBack) {
    serve("echo", Service{1, 10, 1000, 1000});
    deliver(frame(1));
    deliver(frame(2));
    deliver(ordered(3, 3));
    deliver(ordered(4, 3));
    leave();
    EXPECT_EQ(out, (InboxEffects{says(2, OutcomeCode::busy, "leaving"), says(3, OutcomeCode::busy, "leaving"),
                                 says(4, OutcomeCode::busy, "leaving")}));
    EXPECT_EQ(inbox.open_messages(), 1U);
    EXPECT_EQ(answer(1, "done"), Answered::taken);
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::acknowledged, "done")}));
    EXPECT_EQ(inbox.open_messages(), 0U);
    EXPECT_EQ(inbox.counters()[BusyCause::leaving], 3U);
}

TEST_F(LeavingInbox, WhatIsNewIsToldToGoElsewhereAndWhatIsKnownIsAnswered) {
    deliver(frame(1));
    answer(1, "done");
    leave();
    deliver(frame(2));
    EXPECT_EQ(out, (InboxEffects{says(2, OutcomeCode::busy, "leaving")}));
    deliver(again(frame(1)));
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::acknowledged, "done")}));
}

}  // namespace
}  // namespace grapevine::delivery
