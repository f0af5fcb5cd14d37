// Messages whose payload comes on a stream of its own: rule 11 of inbox.hpp.

#include <gtest/gtest.h>

#include "delivery/inbox_testing.hpp"

namespace grapevine::delivery {
namespace {

using namespace testing;  // NOLINT: the words of this folder's tests.
using namespace std::chrono_literals;

constexpr std::uint32_t kMegabyte = 1'000'000;

wire::DeliverLarge large(std::uint64_t sequence, std::uint32_t size = kMegabyte) {
    wire::DeliverLarge announced{frame(sequence), size};
    announced.message.payload.clear();
    return announced;
}

struct LargeInbox : public InboxFixture {
    void announce(const wire::DeliverLarge& announced, base::Duration when = 0s) {
        out.clear();
        inbox.on_deliver_large(kS, announced, at(when), out);
        std::erase_if(out, [](const InboxEffect& e) { return std::holds_alternative<SendWindow>(e); });
    }
    void payload(std::uint64_t sequence, std::size_t size = kMegabyte, base::Duration when = 0s) {
        out.clear();
        inbox.on_payload(kS, seq(sequence), base::Bytes(size, static_cast<std::uint8_t>(sequence)), at(when), out);
    }
};

TEST_F(LargeInbox, ItsPayloadIsAskedForAndItIsHandedOverWhenThatIsWhole) {
    announce(large(1));
    EXPECT_EQ(out, (InboxEffects{TakePayload{kS, seq(1), kMegabyte}}));
    EXPECT_EQ(inbox.large_bytes(), kMegabyte);
    payload(1, 7);
    EXPECT_TRUE(out.empty()) << "of another size";
    payload(2);
    EXPECT_TRUE(out.empty()) << "of nothing that was announced";
    payload(1);
    ASSERT_EQ(pick<Handle>().size(), 1U);
    EXPECT_EQ(pick<Handle>().front().payload.size(), kMegabyte);
    EXPECT_EQ(inbox.large_bytes(), kMegabyte) << "its handler has it";
    answer(1, "done");
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::acknowledged, "done")}));
    EXPECT_EQ(inbox.large_bytes(), 0U);
    announce({again(large(1).message), kMegabyte});
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::acknowledged, "done")}));
}

TEST_F(LargeInbox, WhatItsServiceDoesNotTakeIsNotAskedFor) {
    serve("echo", Service{1, 10, kMegabyte - 1, 1000});
    announce(large(1));
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::too_large, "the handler takes less")}));
    announce(large(2, kMegabyte - 1));
    EXPECT_EQ(pick<TakePayload>().size(), 1U);
}

TEST_F(LargeInbox, WhatHasNoRoomIsBusy) {
    const InboxConfig config;
    constexpr auto kLargest = static_cast<std::uint32_t>(wire::kLargePayloadMax);
    announce(large(1, kLargest));
    announce(large(2, kLargest));
    announce(large(3, kLargest));
    EXPECT_EQ(out, (InboxEffects{says(3, OutcomeCode::busy, "payloads")}));
    EXPECT_LE(inbox.large_bytes(), config.sender_large_bytes_max);
    deliver(frame(4));
    EXPECT_EQ(handed(), (std::vector<int>{4})) << "small ones have room of their own";
}

TEST_F(LargeInbox, ACopyOnAnotherSessionAsksForItAgainAndItIsHandedOverOnce) {
    announce(large(1));
    down(kS);
    up(kS);
    announce({again(large(1).message), kMegabyte});
    EXPECT_EQ(out, (InboxEffects{TakePayload{kS, seq(1), kMegabyte}}));
    payload(1);
    EXPECT_EQ(pick<Handle>().size(), 1U);
    payload(1);
    EXPECT_TRUE(out.empty());
    announce({again(large(1).message), kMegabyte});
    EXPECT_TRUE(out.empty()) << "it waits with the first copy";
}

TEST_F(LargeInbox, OneThatNeverComesEndsAtItsDeadlineUnhandled) {
    announce(large(1));
    pass(10s);
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::deadline)}));
    EXPECT_EQ(inbox.large_bytes(), 0U);
    EXPECT_EQ(inbox.ids(), 0U);
}

TEST_F(LargeInbox, OneThatItsSenderGaveUpIsForgotten) {
    announce(large(1));
    wire::Deliver next = frame(2);
    next.settled = seq(1);
    deliver(next);
    EXPECT_EQ(inbox.large_bytes(), 0U);
    EXPECT_EQ(inbox.open_messages(), 1U);
}

TEST_F(LargeInbox, ItsLaneWaitsForIt) {
    wire::DeliverLarge first = large(1);
    first.message.after = seq(1);
    announce(first);
    deliver(ordered(2, 1));
    EXPECT_TRUE(handed().empty());
    payload(1);
    EXPECT_EQ(handed(), (std::vector<int>{1}));
    answer(1);
    EXPECT_EQ(handed(), (std::vector<int>{2}));
}

TEST_F(LargeInbox, WhoLeavesGivesItBack) {
    announce(large(1));
    out.clear();
    inbox.leave(at(1s), out);
    EXPECT_EQ(out, (InboxEffects{says(1, OutcomeCode::busy, "leaving")}));
    EXPECT_EQ(inbox.large_bytes(), 0U);
}

}  // namespace
}  // namespace grapevine::delivery
