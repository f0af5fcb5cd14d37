// What a peer is sent and when, lanes, and what an outbox holds: rules 1 and 6 to 10.

#include <gtest/gtest.h>

#include "delivery/outbox.hpp"
#include "delivery/outbox_testing.hpp"

namespace grapevine::delivery {
namespace {

using namespace testing;  // NOLINT: the words of this folder's tests.
using namespace std::chrono_literals;

using OutboxPeersTest = OutboxFixture;

// Rule 7.
TEST_F(OutboxPeersTest, TheWindowBoundsWhatIsUnanswered) {
    ready(kA, {4, 1'000'000});
    for (int i = 0; i < 5; ++i)
        send({{kA}});
    EXPECT_EQ(outbox.counters().written, 2U) << "one name uses half";
    ends(kA, outcome(1, wire::OutcomeCode::acknowledged));
    EXPECT_EQ(written(), (std::vector<std::uint64_t>{3}));
    window(kA, {8, 1'000'000});
    EXPECT_EQ(written(), (std::vector<std::uint64_t>{4, 5}));
    window(kA, {0, 0});
    ends(kA, outcome(2, wire::OutcomeCode::acknowledged));
    send({{kA}});
    EXPECT_TRUE(written().empty());
}

TEST_F(OutboxPeersTest, TheWindowsBytesCountPayloadNameAndOverhead) {
    const auto cost = static_cast<std::uint32_t>(wire::window_cost(12, 1000));
    ready(kA, {100, 2 * cost - 1});
    send({{kA}}, {}, 1000);
    send({{kA}}, {}, 1000);
    EXPECT_EQ(outbox.counters().written, 1U);
    window(kA, {100, 3 * cost});
    EXPECT_EQ(written(), (std::vector<std::uint64_t>{2})) << "two of its own, and as much free";
}

TEST_F(OutboxPeersTest, ASilentHandlerLeavesRoomForOtherNames) {
    ready(kA, {8, 1'000'000});
    for (int i = 0; i < 8; ++i)
        submit(to("silent"));
    resolved(1, {{kA}});
    EXPECT_EQ(written(), (std::vector<std::uint64_t>{1, 2, 3, 4}));
    submit(to("quick"));
    resolved(2, {{kA}});
    EXPECT_EQ(written(), (std::vector<std::uint64_t>{9}));
}

// Rule 6.
TEST_F(OutboxPeersTest, NamesOfAPeerTakeTurns) {
    for (int i = 0; i < 30; ++i)
        submit(to("loud", {}, 1000));
    resolved(1, {{kA}});
    submit(to("quiet"));
    resolved(2, {{kA}});
    ready(kA);
    const auto order = written();
    ASSERT_EQ(order.size(), 31U);
    EXPECT_EQ(order[3], 31U) << "after one quantum of the loud one";
}

TEST_F(OutboxPeersTest, PeersTakeTurns) {
    ready(kA);
    ready(kB);
    for (int i = 0; i < 8; ++i)
        submit(to("a", {}, 40'000));
    resolved(1, {{kA}, {kB}});
    std::string order;
    for (const auto& sent : pick<SendDeliver>())
        order += sent.peer == pick<SendDeliver>()[0].peer ? 'x' : 'y';
    EXPECT_EQ(order, "xyxxyyxy") << "64 KiB a turn, and what is left of it";
}

TEST_F(OutboxPeersTest, ABurstEndsUntilTheStreamIsWritable) {
    ready(kA, {1000, 10'000'000});
    for (int i = 0; i < 10; ++i)
        submit(to("a", {}, 50'000));
    resolved(1, {{kA}});
    EXPECT_EQ(written(), (std::vector<std::uint64_t>{1, 2, 3}));
    run([&] { outbox.on_writable(kA, at(0s), out); });
    EXPECT_EQ(written(), (std::vector<std::uint64_t>{4, 5, 6}));
}

// Rule 8.
TEST_F(OutboxPeersTest, ALaneNamesTheOneBefore) {
    ready(kA);
    send({{kA, Standing::good}, {kB, Standing::suspected}}, ordered());
    for (int i = 0; i < 2; ++i)
        send({{kB}}, ordered());
    ASSERT_EQ(outbox.size_at(kA), 3U) << "one instance";
    ends(kA, outcome(1, wire::OutcomeCode::acknowledged));
    send({{kB}}, ordered());
    EXPECT_EQ(pick<SendDeliver>().at(0).frame.after, seq(3));
    for (std::uint64_t i = 2; i <= 4; ++i)
        ends(kA, outcome(i, wire::OutcomeCode::acknowledged));
    send({{kA}}, ordered());
    EXPECT_EQ(pick<SendDeliver>().at(0).frame.after, seq(5)) << "its own: none is before it";
}

TEST_F(OutboxPeersTest, ALaneStartsAgainWhereItWasRefused) {
    ready(kA, {4, 1'000'000});
    for (int i = 0; i < 3; ++i)
        send({{kA}}, ordered());
    EXPECT_EQ(outbox.counters().written, 2U);
    ends(kA, outcome(1, wire::OutcomeCode::busy));
    EXPECT_TRUE(written().empty()) << "3 was queued, and must not pass 1";
    ends(kA, outcome(2, wire::OutcomeCode::busy, "order"));
    pass(60ms);
    ASSERT_EQ(pick<Resolve>().size(), 1U) << "the lane is free to go elsewhere, as one";
    ready(kB);
    resolved(2, {{kB}}, 60ms);
    EXPECT_EQ(written(), (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(pick<SendDeliver>().at(0).frame.after, seq(1));
    EXPECT_EQ(pick<SendDeliver>().at(1).frame.after, seq(1));
    EXPECT_EQ(pick<SendDeliver>().at(2).frame.after, seq(2));
}

TEST_F(OutboxPeersTest, ALaneWaitsForItsInstance) {
    ready(kA);
    ready(kB);
    send({{kA, Standing::good}, {kB, Standing::suspected}}, ordered());
    down(kA, SessionEnd::lost);
    send({{kB}}, ordered());
    EXPECT_TRUE(written().empty()) << "the first may be there";
    EXPECT_TRUE(pick<Resolve>().empty());
    up(kA, kLife);
    window(kA);
    EXPECT_EQ(written(), (std::vector<std::uint64_t>{1, 2}));
    EXPECT_EQ(pick<SendDeliver>().at(0).frame.copy, wire::MessageCopy::again);
    EXPECT_EQ(pick<SendDeliver>().at(1).frame.copy, wire::MessageCopy::first);
}

TEST_F(OutboxPeersTest, ALaneGoesOnWhenItsFirstIsInDoubt) {
    ready(kA);
    send({{kA}}, ordered());
    down(kA, SessionEnd::lost);
    send({{kA}}, ordered());
    up(kA, Incarnation{11});
    EXPECT_EQ(only_end().ending, Ending::in_doubt);
    window(kA);
    ASSERT_EQ(written(), (std::vector<std::uint64_t>{2}));
    EXPECT_EQ(pick<SendDeliver>().at(0).frame.after, seq(2));
}

// Rule 9.
TEST_F(OutboxPeersTest, SettledIsBeforeTheOldestWithoutAnOutcome) {
    ready(kA);
    for (int i = 0; i < 3; ++i)
        send({{kA}});
    EXPECT_EQ(pick<SendDeliver>().at(0).frame.settled, seq(0));
    ends(kA, outcome(2, wire::OutcomeCode::acknowledged));
    ends(kA, outcome(1, wire::OutcomeCode::acknowledged));
    send({{kA}});
    EXPECT_EQ(pick<SendDeliver>().at(0).frame.settled, seq(2));
    ends(kA, outcome(3, wire::OutcomeCode::acknowledged));
    ends(kA, outcome(4, wire::OutcomeCode::acknowledged));
    send({{kA}});
    EXPECT_EQ(pick<SendDeliver>().at(0).frame.settled, seq(4));
}

// Rule 10.
TEST_F(OutboxPeersTest, AStreamIsSoughtAsAMessageIs) {
    ready(kA);
    Submission stream = to("mesh1.broker", {500ms}, 0);
    stream.kind = MessageKind::stream;
    ASSERT_TRUE(submit(stream));
    resolved(1, {{kA}});
    EXPECT_EQ(pick<SendOpenStream>(), (std::vector<SendOpenStream>{{kA, {seq(1), 500, "mesh1.broker", {}}}}));
    ends(kA, outcome(1, wire::OutcomeCode::busy));
    resolved(2, {{kA}});
    pass(60ms);
    resolved(3, {{kA}}, 60ms);
    EXPECT_EQ(pick<SendOpenStream>().size(), 1U) << "what was not taken is asked for again";
    ends(kA, outcome(1, wire::OutcomeCode::acknowledged), 70ms);
    EXPECT_EQ(only_end().ending, Ending::acknowledged);
    stream.options.repetition = Repetition::idempotent;
    ASSERT_TRUE(submit(stream, 80ms));
    resolved(4, {{kA}}, 80ms);
    down(kA, SessionEnd::lost, 90ms);
    EXPECT_EQ(only_end(), (Finished{seq(2), Ending::in_doubt, Handled::maybe, kA, 1, {}, "mesh1.broker"}))
        << "its other end is dead";
    stream.options.ordering = Ordering::lane;
    EXPECT_EQ(submit(stream, 90ms).error(), SubmitRefusal::bad_options);
    stream.options.ordering = Ordering::none;
    stream.payload = {1};
    EXPECT_EQ(submit(stream, 90ms).error(), SubmitRefusal::bad_options);
}

TEST_F(OutboxPeersTest, CancellingEndsAMessageWhereverItIs) {
    submit(to("a"));
    run([&] { outbox.cancel(seq(1), at(0s), out); });
    EXPECT_EQ(out, (OutboxEffects{Finished{seq(1), Ending::cancelled, Handled::no, {}, 0, {}, "a"}}));
    run([&] { outbox.cancel(seq(1), at(0s), out); });
    EXPECT_TRUE(out.empty());
    send({{kA}});
    run([&] { outbox.cancel(seq(2), at(0s), out); });
    EXPECT_EQ(out, (OutboxEffects{Finished{seq(2), Ending::cancelled, Handled::no, {}, 0, {}, "mesh1.broker"},
                                  ReleaseSession{kA}}));
}

struct NarrowOutboxTest : public OutboxFixture {
    static OutboxConfig narrow() {
        OutboxConfig config;
        config.messages_max = 8;
        config.name_messages_max = 4;
        config.peer_messages_max = 3;
        return config;
    }
    NarrowOutboxTest() : OutboxFixture(narrow()) {}
};

// Rule 1.
TEST_F(NarrowOutboxTest, WhoWasRefusedIsToldWhenThereIsRoom) {
    for (int i = 0; i < 4; ++i)
        ASSERT_TRUE(submit(to("a")));
    EXPECT_EQ(submit(to("a")).error(), SubmitRefusal::name_full);
    for (int i = 0; i < 4; ++i)
        ASSERT_TRUE(submit(to("b")));
    EXPECT_EQ(submit(to("c")).error(), SubmitRefusal::full);
    run([&] { outbox.cancel(seq(1), at(0s), out); });
    EXPECT_EQ(pick<RoomAgain>(), (std::vector<RoomAgain>{{"a"}}));
    run([&] { outbox.cancel(seq(2), at(0s), out); });
    EXPECT_EQ(pick<RoomAgain>(), (std::vector<RoomAgain>{{""}}));
    run([&] { outbox.cancel(seq(3), at(0s), out); });
    EXPECT_TRUE(pick<RoomAgain>().empty()) << "once";
}

TEST_F(NarrowOutboxTest, AFullQueueOfAPeerIsLikeABusyPeer) {
    for (int i = 0; i < 3; ++i)
        submit(to("a", {1s}));
    resolved(1, {{kA}});
    EXPECT_EQ(outbox.size_at(kA), 2U);
    EXPECT_EQ(outbox.counters().peer_queue_full, 1U);
    pass(60ms);
    resolved(2, {{kA}, {kB}}, 60ms);
    EXPECT_EQ(outbox.size_at(kB), 1U);
}

}  // namespace
}  // namespace grapevine::delivery
