// Accusing, refuting, dying: rules 7 to 9 and 12 of directory.hpp.

#include "directory/suspicion.hpp"

#include <gtest/gtest.h>

#include "directory/directory_testing.hpp"

namespace grapevine::directory {
namespace {

using namespace testing;
using wire::AccusationPhase;
using wire::AccusationReason;

Accuser suspects(std::uint32_t n) {
    return {id(n), AccusationReason::silent, AccusationPhase::suspected};
}

// A node that knows members 1 to `members`, all at sequence 10.
struct Meshed : Node {
    explicit Meshed(std::uint32_t members = 6) {
        start();
        for (std::uint32_t n = 1; n <= members; ++n)
            hear(signed_digest(n, 10), at(0s));
    }
    void neighbors(std::uint32_t count) {
        std::vector<EndpointId> ids;
        for (std::uint32_t n = 1; n <= count; ++n)
            ids.push_back(id(n));
        run([&] { directory.set_neighbors(ids, at(0s), out); });
    }
    void silent(std::uint32_t n, TimePoint now) { directory.on_neighbor_silent(id(n), AccusationReason::silent, now); }
    void heard(std::uint32_t n, TimePoint now) {
        run([&] { directory.on_neighbor_heard(id(n), now, out); });
    }
    [[nodiscard]] bool knows(std::uint32_t n) const { return directory.find(id(n)) != nullptr; }
};

TEST(Suspicion, TimeoutShrinksWithAccusers) {
    telemetry::Ledger ledger;
    const Config c = config();
    const Suspicions suspicions(c, ledger);
    EXPECT_EQ(suspicions.timeout(1), 2500ms);
    EXPECT_NEAR(static_cast<double>(suspicions.timeout(2).count()), 1553.6e6, 1e5);
    EXPECT_EQ(suspicions.timeout(3), 1s);
    EXPECT_EQ(suspicions.timeout(8), 1s);
}

TEST(Suspicion, OneAccuserKillsAfterItsTimeoutAndNotBefore) {
    Meshed node;
    node.hear(signed_accusation(2, id(1), 10), at(1s));
    EXPECT_EQ(node.out, (Effects{Suspected{id(1), suspects(2)}}));
    node.run_until(at(3499ms));
    EXPECT_TRUE(node.knows(1));
    node.run_until(at(3500ms));
    EXPECT_EQ(pick<EntryRemoved>(node.out),
              (std::vector{EntryRemoved{id(1), RemovalCause::died, {suspects(2)}, digest(1).addrs}}));
    EXPECT_TRUE(node.accused().empty());  // Not ours to confirm.
    const Death& death = node.directory.deaths().back();
    EXPECT_EQ(death.id, id(1));
    EXPECT_EQ(death.accusers, (std::vector{suspects(2)}));
    EXPECT_EQ(node.ledger[telemetry::Kind::suspicion].alive(), 0U);
}

TEST(Suspicion, ThreeAccusersKillOneSecondAfterTheFirst) {
    Meshed node;
    node.hear(signed_accusation(2, id(1), 10), at(1s));
    node.hear(signed_accusation(3, id(1), 10), at(1100ms));
    node.hear(signed_accusation(4, id(1), 10), at(1200ms));
    node.run_until(at(1999ms));
    EXPECT_TRUE(node.knows(1));
    node.run_until(at(2s));
    EXPECT_FALSE(node.knows(1));
}

TEST(Suspicion, RepeatingAnAccusationDoesNotHelp) {
    Meshed node;
    for (int i = 0; i < 10; ++i)
        node.hear(signed_accusation(2, id(1), 10 + static_cast<std::uint64_t>(i)), at(1s));
    EXPECT_EQ(node.refused(Refusal::duplicate), 9U);
    node.run_until(at(3499ms));
    EXPECT_TRUE(node.knows(1));
}

TEST(Suspicion, ANewerDigestRefutesAndAnOldAccusationIsStale) {
    Meshed node;
    node.hear(signed_accusation(2, id(1), 10), at(1s));
    node.hear(signed_digest(1, 11), at(2s));
    EXPECT_EQ(pick<Refuted>(node.out), (std::vector{Refuted{id(1), Refutation::newer_digest}}));
    node.hear(signed_accusation(3, id(1), 10), at(2100ms));
    EXPECT_EQ(node.out, (Effects{Refused{id(99), Refusal::stale_accusation}}));
    node.run_until(at(10s));
    EXPECT_TRUE(node.knows(1));
}

TEST(Suspicion, ADigestThatTheAccuserKnewAlreadyRefutesNothing) {
    Meshed node;
    node.hear(signed_accusation(2, id(1), 12), at(1s));
    node.hear(signed_digest(1, 12), at(1100ms));
    EXPECT_TRUE(pick<Refuted>(node.out).empty());
    node.hear(signed_digest(1, 13), at(1200ms));
    EXPECT_EQ(pick<Refuted>(node.out).size(), 1U);
}

TEST(Suspicion, ALieAboutTheSequenceDoesNotMakeASuspicionIrrefutable) {
    Meshed node;
    node.hear(signed_accusation(2, id(1), 10 + kSequenceLeadMax + 1), at(1s));
    node.hear(signed_digest(1, 11), at(1100ms));
    EXPECT_EQ(pick<Refuted>(node.out).size(), 1U);
}

TEST(Suspicion, HearingTheAccusedDirectlyRefutes) {
    Meshed node;
    node.hear(signed_accusation(2, id(1), 10), at(1s));
    node.heard(1, at(1s));
    EXPECT_TRUE(node.out.empty());  // A packet from before the accusation proves nothing.
    node.heard(1, at(1001ms));
    EXPECT_EQ(node.out, (Effects{Refuted{id(1), Refutation::heard_directly}}));
}

TEST(Suspicion, AConfirmedAccusationShortensButNeverKillsAtOnce) {
    Meshed node;
    node.hear(signed_accusation(2, id(1), 10, AccusationPhase::confirmed), at(1s));
    EXPECT_TRUE(node.knows(1));
    node.run_until(at(1999ms));
    EXPECT_TRUE(node.knows(1));
    node.hear(signed_digest(1, 11), at(1999ms));  // Alive, whatever was said.
    node.run_until(at(5s));
    EXPECT_TRUE(node.knows(1));
    node.hear(signed_accusation(2, id(1), 11), at(6s));
    node.hear(signed_accusation(2, id(1), 11, AccusationPhase::confirmed), at(6200ms));
    node.run_until(at(7200ms));
    EXPECT_FALSE(node.knows(1));
}

TEST(Suspicion, AccusationsOfStrangersSelfAccusationsAndUnknownAccusedAreRefused) {
    Meshed node;
    node.hear(signed_accusation(50, id(1), 10), at(1s));
    node.hear(signed_accusation(1, id(1), 10), at(1s));
    node.hear(signed_accusation(1, id(50), 10), at(1s));
    EXPECT_EQ(node.refused(Refusal::unknown_accuser), 1U);
    EXPECT_EQ(node.refused(Refusal::self_accusation), 1U);
    EXPECT_EQ(node.refused(Refusal::unknown_accused), 1U);
    EXPECT_EQ(node.directory.suspicions(), 0U);
}

// Rule 13: a newcomer hears the last seconds in any order.
TEST(Suspicion, AccusationsThatComeBeforeTheDigestOfTheDeadCount) {
    Meshed node;
    for (std::uint32_t n = 1; n <= 3; ++n)
        node.hear(signed_accusation(n, id(9), 10), at(1s));
    EXPECT_EQ(node.refused(Refusal::unknown_accused), 3U);
    node.hear(signed_digest(9, 10), at(2s));
    EXPECT_EQ(pick<Suspected>(node.out).size(), 3U);
    node.run_until(at(3s));
    EXPECT_FALSE(node.knows(9));
}

TEST(Suspicion, AccusationsThatComeBeforeTheDigestOfTheirAuthorCount) {
    Meshed node;
    node.hear(signed_accusation(9, id(1), 10), at(1s));
    EXPECT_EQ(node.refused(Refusal::unknown_accuser), 1U);
    node.hear(signed_digest(9, 10), at(2s));
    EXPECT_EQ(pick<Suspected>(node.out).size(), 1U);
}

TEST(Suspicion, OrphansAreRefutedByANewerDigestExpireAndAreBounded) {
    Meshed node;
    node.hear(signed_accusation(1, id(8), 10), at(1s));
    node.hear(signed_digest(8, 11), at(2s));
    EXPECT_TRUE(pick<Suspected>(node.out).empty());
    node.hear(signed_accusation(1, id(9), 10), at(2s));
    node.hear(signed_digest(9, 10), at(2s) + kOrphanHold);
    EXPECT_TRUE(pick<Suspected>(node.out).empty());
    for (std::uint32_t n = 0; n <= kOrphansMax; ++n)
        node.hear(signed_accusation(1, id(100 + n), 10), at(20s));
    EXPECT_EQ(node.directory.counters().orphans_displaced, 1U);
    node.hear(signed_digest(100, 10), at(21s));
    EXPECT_TRUE(pick<Suspected>(node.out).empty());
    node.hear(signed_digest(101, 10), at(21s));
    EXPECT_EQ(pick<Suspected>(node.out).size(), 1U);
}

TEST(Suspicion, AFloodOfAccusationsIsCut) {
    Meshed node(100);
    for (std::uint32_t n = 2; n <= 100; ++n)
        node.hear(signed_accusation(1, id(n), 10), at(1s));
    EXPECT_EQ(node.directory.suspicions(), 64U);
    EXPECT_EQ(node.refused(Refusal::rate_limited), 35U);
}

TEST(Suspicion, AccusedItselfRefutesAtOnceAndOncePerSequence) {
    Meshed node;
    node.hear(signed_accusation(1, id(0), 5000), at(1s));
    EXPECT_EQ(pick<SelfAccused>(node.out), (std::vector{SelfAccused{suspects(1)}}));
    ASSERT_EQ(node.said().size(), 1U);
    EXPECT_EQ(node.said()[0].sequence, wire::Sequence{5001});
    node.hear(signed_accusation(2, id(0), 5000), at(1001ms));
    EXPECT_EQ(node.out, (Effects{Refused{id(99), Refusal::stale_accusation}}));
    EXPECT_EQ(node.directory.counters().refutations, 1U);
    // A stranger's accusation is answered too: others may know the stranger.
    node.hear(signed_accusation(77, id(0), 5001), at(2s));
    EXPECT_EQ(node.said().size(), 1U);
}

TEST(Suspicion, ALiarCannotMakeItShoutNorUseUpItsSequence) {
    Meshed node;
    std::size_t said = 0;
    for (int i = 0; i < 200; ++i) {
        const TimePoint now = at(1s + 10ms * i);
        node.hear(signed_accusation(1, id(0), node.directory.sequence().value), now);
        said += node.said().size();
        node.deadline(now);
        said += node.said().size();
    }
    EXPECT_EQ(said, 4U);  // Two a second.
    node.hear(signed_accusation(1, id(0), ~std::uint64_t{0}), at(10s));
    EXPECT_EQ(node.refused(Refusal::implausible), 1U);
    // A restart with a clock a year behind.
    const std::uint64_t year = 31'536'000'000;
    node.hear(signed_accusation(1, id(0), year), at(11s));
    ASSERT_EQ(node.said().size(), 1U);
    EXPECT_EQ(node.said()[0].sequence, wire::Sequence{year + 1});
}

TEST(Accusing, ASilentNeighborIsAccusedThenConfirmed) {
    Meshed node;
    node.neighbors(5);
    node.silent(1, at(3s));
    EXPECT_EQ(node.directory.next_deadline(), at(3s));
    node.deadline(at(3s));
    EXPECT_EQ(pick<Suspected>(node.out), (std::vector{Suspected{id(1), suspects(0)}}));
    ASSERT_EQ(node.accused().size(), 1U);
    EXPECT_EQ(node.accused()[0], (wire::Accusation{1, "mesh1", id(1), wire::Sequence{10}, AccusationPhase::suspected,
                                                   AccusationReason::silent}));
    node.silent(1, at(4s));
    node.deadline(at(4s));
    EXPECT_TRUE(node.accused().empty());
    node.run_until(at(5500ms));
    ASSERT_EQ(node.accused().size(), 1U);
    EXPECT_EQ(node.accused()[0].phase, AccusationPhase::confirmed);
    EXPECT_FALSE(node.knows(1));
}

TEST(Accusing, StrangersAreNotAccused) {
    Meshed node;
    node.silent(50, at(3s));
    node.directory.on_neighbor_silent(id(0), AccusationReason::silent, at(3s));
    node.deadline(at(3s));
    EXPECT_TRUE(node.accused().empty());
}

TEST(Accusing, WhenMostNeighborsFallSilentTogetherItHoldsBackUntilSomebodyIsHeard) {
    Meshed node;
    node.neighbors(5);
    for (std::uint32_t n = 1; n <= 4; ++n)
        node.silent(n, at(3s));
    node.deadline(at(3s));
    EXPECT_TRUE(node.accused().empty());
    EXPECT_EQ(node.directory.counters().accusations_held, 4U);
    node.heard(5, at(3400ms));  // So it was a mass failure.
    node.deadline(at(3400ms));
    EXPECT_EQ(node.accused().size(), 4U);
    node.run_until(at(5900ms));
    EXPECT_EQ(pick<EntryRemoved>(node.out).size(), 4U);
}

TEST(Accusing, AnOutageOfItsOwnKillsNobody) {
    Meshed node;
    node.neighbors(5);
    node.hear(signed_accusation(6, id(1), 10), at(2500ms));  // A verdict that would fall at 5 s.
    for (std::uint32_t n = 1; n <= 5; ++n)
        node.silent(n, at(3s));
    node.run_until(at(6900ms));
    EXPECT_TRUE(pick<EntryRemoved>(node.out).empty());
    EXPECT_TRUE(node.accused().empty());
    EXPECT_GT(node.directory.counters().verdicts_postponed, 0U);
    for (std::uint32_t n = 1; n <= 5; ++n)
        node.heard(n, at(6900ms));
    node.run_until(at(15s));
    EXPECT_TRUE(pick<EntryRemoved>(node.out).empty());
    EXPECT_TRUE(node.accused().empty());
    EXPECT_EQ(node.directory.size(), 7U);
}

TEST(Accusing, DoubtEnds) {
    Meshed node;
    node.neighbors(5);
    for (std::uint32_t n = 1; n <= 5; ++n)
        node.silent(n, at(3s));
    node.run_until(at(7999ms));
    EXPECT_TRUE(node.accused().empty());
    node.run_until(at(8s));
    EXPECT_EQ(node.accused().size(), 5U);
}

TEST(Accusing, TheOnlyNeighborIsAccusedWithoutDoubt) {
    Meshed node(1);
    node.neighbors(1);
    node.silent(1, at(3s));
    node.deadline(at(3s));
    EXPECT_EQ(node.accused().size(), 1U);
    node.run_until(at(5500ms));
    EXPECT_FALSE(node.knows(1));
}

TEST(Accusing, TheFalselyDeadIsContestedRefutesAndComesBack) {
    Meshed node;
    node.neighbors(5);
    node.silent(1, at(3s));
    node.run_until(at(6s));
    ASSERT_FALSE(node.knows(1));
    const auto proof = node.directory.contest(id(1), wire::Sequence{10}, at(7s));
    ASSERT_TRUE(proof.has_value());
    // The one it is about.
    Config its = config();
    its.started = base::WallTime{10};
    Node living(1, its);
    living.start();
    living.hear(*proof, at(7s), Source::sync);
    ASSERT_EQ(living.said().size(), 1U);
    node.hear(pick<BroadcastStatement>(living.out)[0].envelope, at(8s));
    EXPECT_EQ(pick<EntryAdded>(node.out), (std::vector{EntryAdded{id(1), Source::gossip}}));
    EXPECT_EQ(node.directory.counters().returned, 1U);
}

}  // namespace
}  // namespace grapevine::directory
