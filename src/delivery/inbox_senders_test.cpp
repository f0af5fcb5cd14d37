// An inbox at its bounds, and the windows that it grants: rules 1, 3, 7 and 9.

#include <gtest/gtest.h>

#include "delivery/inbox.hpp"
#include "delivery/inbox_testing.hpp"

namespace grapevine::delivery {
namespace {

using namespace testing;  // NOLINT: the words of this folder's tests.
using namespace std::chrono_literals;

struct NarrowInboxTest : public InboxFixture {
    static InboxConfig narrow() {
        InboxConfig config;
        config.sessions_max = 4;
        config.idle_messages = 2;
        config.open_messages_max = 40;
        config.open_bytes_max = 8 * 65536;
        config.sender_messages_max = 20;
        config.sender_bytes_max = 4 * 65536;
        config.ids_max = 6;
        config.sender_ids_max = 4;
        config.reply_bytes_max = 180'000;
        config.sender_reply_bytes_max = 130'000;
        config.senders_max = 2;
        config.services_max = 2;
        return config;
    }
    NarrowInboxTest() : InboxFixture(narrow()) {}
};

// Rule 1: nothing is forgotten early.
TEST_F(NarrowInboxTest, WhenNoIdFitsMessagesAreBusy) {
    serve("plain", {10, 10, 100, 256});
    for (std::uint64_t i = 1; i <= 4; ++i) {
        deliver(frame(i, "plain"));
        answer(i);
    }
    deliver(frame(5, "plain"));
    EXPECT_EQ(out, (InboxEffects{says(5, OutcomeCode::busy, "ids")}));
    deliver(again(frame(1, "plain")));
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::acknowledged)}));
    pass(10s);
    deliver(frame(5, "plain"), 10s);
    EXPECT_EQ(handed(), (std::vector<int>{5}));
}

// Rule 3.
TEST_F(NarrowInboxTest, RoomForTheReplyIsReserved) {
    deliver(frame(1));
    EXPECT_EQ(inbox.reply_bytes(), wire::kDeliverPayloadMax);
    deliver(frame(2));
    EXPECT_EQ(out, (InboxEffects{says(2, OutcomeCode::busy, "replies")})) << "two of its own, and as much free";
    wire::Deliver send = frame(3);
    send.kind = MessageKind::send;
    deliver(send);
    EXPECT_EQ(handed(), (std::vector<int>{3}));
    answer(1, "short");
    deliver(frame(2));
    EXPECT_EQ(handed(), (std::vector<int>{2}));
}

// Rule 9.
TEST_F(NarrowInboxTest, SendersAreBounded) {
    up(kT);
    up(id_of(3));
    deliver(frame(1, "nobody"));
    deliver(frame(1, "nobody"), 0s, kT);
    deliver(frame(1), 0s, id_of(3));
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::busy, "senders", id_of(3))}));
    down(kT);
    EXPECT_EQ(inbox.senders(), 1U) << "of T nothing must be known";
    deliver(frame(1), 0s, id_of(3));
    EXPECT_EQ(handed(), (std::vector<int>{1}));
}

TEST_F(InboxFixture, OnePeerDoesNotTakeAllPlaces) {
    for (std::uint64_t life = 1; life <= 17; ++life) {
        up(kS, Incarnation{life});
        deliver(frame(1, "echo", 100), 0s);
    }
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::busy, "senders")}));
    up(kT);
    deliver(frame(1), 0s, kT);
    EXPECT_EQ(handed(), (std::vector<int>{1}));
}

TEST_F(NarrowInboxTest, ASenderIsKnownLongerThanItsMessages) {
    deliver(frame(1, "echo", 1000));
    answer(1);
    down(kS, 500ms);
    pass(90s);
    EXPECT_EQ(inbox.ids(), 0U);
    EXPECT_EQ(inbox.senders(), 1U);
    pass(90s + 500ms);
    EXPECT_EQ(inbox.senders(), 0U);
    EXPECT_FALSE(inbox.next_deadline());
}

TEST_F(NarrowInboxTest, ServicesAreBounded) {
    serve("second", {});
    EXPECT_EQ(inbox.serve("third", {}, at(0s), out), base::Admitted::no);
    serve("second", {1});
}

// Rule 7.
TEST_F(NarrowInboxTest, WindowsShareWhatIsTaken) {
    EXPECT_EQ(inbox.granted(kS), (wire::Window{2, 65536}));
    out.clear();
    inbox.on_deliver(kS, frame(1), at(0s), out);
    EXPECT_EQ(pick<SendWindow>(), (std::vector<SendWindow>{{kS, {16, 4 * 65536}}}))
        << "40 in powers of two, 20 at most";
    up(kT, kLife, 1s);
    EXPECT_EQ(out, (InboxEffects{SendWindow{kT, {2, 65536}}})) << "38 remain, so nothing changes for S";
    out.clear();
    inbox.on_deliver(kT, frame(1), at(5s), out);
    EXPECT_EQ(pick<SendWindow>(), (std::vector<SendWindow>{{kT, {16, 4 * 65536}}}));
    out.clear();
    inbox.on_deadline(at(10s), out);
    EXPECT_EQ(pick<SendWindow>(), (std::vector<SendWindow>{{kS, {2, 65536}}})) << "it was idle for 10 s";
    out.clear();
    inbox.on_deadline(at(15s), out);
    EXPECT_EQ(pick<SendWindow>(), (std::vector<SendWindow>{{kT, {2, 65536}}}));
    EXPECT_FALSE(inbox.next_deadline()) << "nobody wakes an idle inbox";
}

TEST_F(NarrowInboxTest, ASessionTooManyGetsNoWindowUntilOneIsFree) {
    for (std::uint8_t i = 2; i <= 4; ++i)
        up(id_of(i));
    up(id_of(5));
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(inbox.granted(id_of(5)), wire::Window{});
    deliver(frame(1), 0s, id_of(5));
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::busy, "no_session", id_of(5))}));
    down(kS);
    EXPECT_EQ(out, (InboxEffects{SendWindow{id_of(5), {2, 65536}}}));
}

// `busy` would free the sender to go elsewhere with what was handled here.
TEST_F(NarrowInboxTest, WithoutAPlaceWhatIsRememberedIsStillSaid) {
    deliver(frame(1));
    answer(1, "reply");
    down(kS);
    for (std::uint8_t i = 2; i <= 5; ++i)
        up(id_of(i));
    up(kS);
    deliver(again(frame(1)));
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::acknowledged, "reply")}));
    deliver(frame(2));
    EXPECT_EQ(out, (InboxEffects{says(2, OutcomeCode::busy, "no_session")}));
}

}  // namespace
}  // namespace grapevine::delivery
