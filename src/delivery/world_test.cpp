#include "delivery/world_testing.hpp"

#include <gtest/gtest.h>

namespace grapevine::delivery::testing {
namespace {

constexpr std::uint64_t kSeeds = 1000;

Scenario scenario(std::uint64_t seed, Sabotage sabotage = Sabotage::none) {
    Scenario s;
    s.seed = seed;
    s.sabotage = sabotage;
    s.faults = static_cast<double>(seed % 4) * 0.7;
    return s;
}

TEST(DeliveryWorld, TheJudgeFindsNothingInAThousandCourses) {
    OutboxCounters outbox;
    InboxCounters inbox;
    std::uint64_t handled = 0;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const Verdicts verdicts = World(scenario(seed)).run();
        ASSERT_TRUE(verdicts.violations.empty()) << verdicts.violations.front();
        handled += verdicts.handled;
        for (std::size_t i = 0; i < kEndings; ++i)
            outbox.ended[i] += verdicts.outbox.ended[i];
        for (std::size_t i = 0; i < kBusyCauses; ++i)
            inbox.busy[i] += verdicts.inbox.busy[i];
        outbox.written_large += verdicts.outbox.written_large;
        outbox.written_again += verdicts.outbox.written_again;
        outbox.retries_idempotent += verdicts.outbox.retries_idempotent;
        outbox.late_outcomes += verdicts.outbox.late_outcomes;
        inbox.repeated_answered += verdicts.inbox.repeated_answered;
        inbox.repeated_open += verdicts.inbox.repeated_open;
        inbox.unsure += verdicts.inbox.unsure;
    }
    // What the courses are for did happen.
    EXPECT_GT(handled, 20 * kSeeds);
    for (const Ending ending :
         {Ending::acknowledged, Ending::no_such_node, Ending::unreachable, Ending::refused, Ending::handler_failed,
          Ending::too_large, Ending::peer_busy, Ending::deadline, Ending::in_doubt, Ending::cancelled})
        EXPECT_GT(outbox[ending], 100U) << name(ending);
    for (const BusyCause cause : {BusyCause::order, BusyCause::queue, BusyCause::ids, BusyCause::replies,
                                  BusyCause::payloads, BusyCause::leaving})
        EXPECT_GT(inbox[cause], 50U) << name(cause);
    EXPECT_GT(outbox.written_large, kSeeds);
    EXPECT_GT(outbox.written_again, kSeeds);
    EXPECT_GT(outbox.retries_idempotent, kSeeds);
    EXPECT_GT(outbox.late_outcomes, 100U);
    EXPECT_GT(inbox.repeated_answered, 100U);
    EXPECT_GT(inbox.repeated_open, 100U);
    EXPECT_GT(inbox.unsure, 20U);
}

std::size_t complaints(Sabotage sabotage, std::string_view about) {
    std::size_t count = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        for (const auto& violation : World(scenario(seed, sabotage)).run().violations)
            count += violation.find(about) != std::string::npos ? 1U : 0U;
    }
    return count;
}

// A detector is also run where there is something to detect.
TEST(DeliveryWorld, TheJudgeNoticesAnInboxThatForgets) {
    EXPECT_GT(complaints(Sabotage::forgetful_inbox, "was handled twice by one life"), 0U);
}

TEST(DeliveryWorld, TheJudgeNoticesASenderThatRepeatsWhatItMustNot) {
    EXPECT_GT(complaints(Sabotage::reckless_sender, "was handled again"), 0U);
}

TEST(DeliveryWorld, TheJudgeNoticesDisorder) {
    EXPECT_GT(complaints(Sabotage::loose_lanes, "was handled after"), 0U);
}

TEST(DeliveryWorld, OneSeedIsOneCourse) {
    const Verdicts first = World(scenario(7)).run();
    const Verdicts second = World(scenario(7)).run();
    EXPECT_EQ(first.outbox, second.outbox);
    EXPECT_EQ(first.inbox, second.inbox);
}

}  // namespace
}  // namespace grapevine::delivery::testing
