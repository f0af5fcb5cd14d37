// What a gateway says of its own mesh, and when.

#include "fabric/announcer.hpp"

#include <gtest/gtest.h>

#include "fabric/duty.hpp"
#include "fabric/fabric_testing.hpp"

namespace grapevine::fabric {
namespace {

using namespace testing;

std::vector<Occasion> occasions(const Gateway& gateway) {
    const auto broadcasts = pick<Broadcast>(gateway.out);
    std::vector<Occasion> result;
    result.reserve(broadcasts.size());
    for (const auto& broadcast : broadcasts)
        result.push_back(broadcast.occasion);
    return result;
}

TEST(Announcer, WhoComesOnDutyJoinsAndSpeaksAtOnce) {
    BackboneConfig c = config();
    c.seeds = addrs({50});
    Gateway gateway(1, c);
    gateway.own({1, 2}, at(0s), 7);
    EXPECT_EQ(pick<JoinBackbone>(gateway.out), (std::vector{JoinBackbone{backbone_topic("default"), addrs({50, 2})}}));
    ASSERT_EQ(occasions(gateway), std::vector{Occasion::first});
    wire::Summary expected = summary("mesh1", 5000, {1, 2});
    expected.members = {{"broker", 7}};
    EXPECT_EQ(gateway.spoken(), std::vector{expected});
    EXPECT_EQ(gateway.backbone.counters()[Occasion::first], 1U);
}

TEST(Announcer, WhoIsNotOnDutyIsSilent) {
    Gateway gateway(1);
    gateway.own({2, 3}, at(0s));
    EXPECT_TRUE(gateway.out.empty());
    EXPECT_FALSE(gateway.backbone.on_duty());
    EXPECT_FALSE(gateway.backbone.next_deadline());
    EXPECT_EQ(gateway.backbone.fellows(), addrs({2, 3}));
    gateway.hear(9, summary("mesh2", 1, {9}), at(1s));
    EXPECT_EQ(pick<MeshAppeared>(gateway.out).size(), 1U) << "it still listens";
    gateway.run_until(at(100s));
    EXPECT_TRUE(gateway.spoken().empty());
}

TEST(Announcer, GoingOffDutyLeavesAndComingBackSpeaksAgain) {
    Gateway gateway(1);
    gateway.own({1}, at(0s));
    gateway.own({2, 3, 4}, at(10s));
    EXPECT_EQ(gateway.out, (Effects{LeaveBackbone{backbone_topic("default")}}));
    gateway.own({2, 3, 4}, at(11s));
    EXPECT_TRUE(gateway.out.empty());
    gateway.run_until(at(200s));
    EXPECT_TRUE(gateway.spoken().empty());
    gateway.own({1}, at(200s));
    EXPECT_EQ(pick<JoinBackbone>(gateway.out).size(), 1U);
    EXPECT_EQ(occasions(gateway), std::vector{Occasion::first});
}

TEST(Announcer, FellowsThatChangeAreToldToTheTopic) {
    Gateway gateway(1);
    gateway.own({1}, at(0s));
    gateway.own({1}, at(5s), 2);
    EXPECT_TRUE(pick<JoinBackbone>(gateway.out).empty());
    gateway.own({1, 2}, at(6s), 2);
    ASSERT_EQ(pick<JoinBackbone>(gateway.out).size(), 1U);
    EXPECT_EQ(pick<JoinBackbone>(gateway.out)[0].peers, addrs({2}));
}

TEST(Announcer, ChangesCoalesce) {
    Gateway gateway(1);
    gateway.own({1}, at(0s));
    gateway.own({1, 2}, at(500ms));
    EXPECT_TRUE(gateway.spoken().empty());
    gateway.own({1, 3}, at(1s));
    gateway.run_until(at(10s));
    EXPECT_EQ(gateway.spoken_at, std::vector{at(2s)});
    EXPECT_EQ(gateway.spoken()[0].gateways, addrs({1, 3}));
    gateway.own({1, 2}, at(10s));
    gateway.own({1, 3}, at(10s + 1ms));
    EXPECT_EQ(occasions(gateway), std::vector<Occasion>{}) << "said already: 2 s have not passed";
    gateway.run_until(at(20s));
    EXPECT_EQ(gateway.spoken_at, std::vector{at(12s)});
}

TEST(Announcer, AChangeTakenBackIsNotSaid) {
    Gateway gateway(1);
    gateway.own({1}, at(0s));
    gateway.own({1, 2}, at(500ms));
    gateway.own({1}, at(1s));
    gateway.run_until(at(50s));
    EXPECT_TRUE(gateway.spoken().empty());
}

TEST(Announcer, CountsAloneWaitLonger) {
    Gateway gateway(1);
    gateway.own({1}, at(0s), 1);
    gateway.own({1}, at(3s), 2);
    gateway.own({1}, at(4s), 3);
    gateway.run_until(at(30s));
    EXPECT_EQ(gateway.spoken_at, std::vector{at(10s)});
    EXPECT_EQ(gateway.spoken()[0].members, (std::vector<wire::TypeCount>{{"broker", 3}}));
    gateway.facts.members = {{"broker", 3}, {"registry", 1}};
    gateway.set(at(30s));
    EXPECT_EQ(gateway.spoken().size(), 1U) << "a new type is said at once";
}

TEST(Announcer, CountsThatMoveLittleWaitForTheRefresh) {
    Gateway gateway(1);
    gateway.own({1}, at(0s), 100);
    std::uint32_t brokers = 100;
    for (auto when = 1s; when < 54s; when += 1s) {
        brokers = brokers == 100 ? 60 : 100;
        gateway.own({1}, at(when), brokers);
        gateway.run_until(at(when));
        EXPECT_TRUE(gateway.spoken().empty()) << when.count();
    }
    gateway.run_until(at(61s));
    ASSERT_EQ(gateway.spoken().size(), 1U);
    EXPECT_EQ(gateway.backbone.counters()[Occasion::refresh], 1U);
    EXPECT_EQ(gateway.spoken()[0].members, (std::vector<wire::TypeCount>{{"broker", brokers}})) << "it has the latest";
    gateway.own({1}, at(62s), brokers / 2 - 1);
    gateway.run_until(at(80s));
    EXPECT_EQ(gateway.backbone.counters()[Occasion::change], 1U) << "more than half of them went";
}

TEST(Announcer, UnchangedWordsAreSaidAgainBeforeAMinuteHasPassed) {
    Gateway gateway(1);
    gateway.own({1}, at(0s));
    gateway.run_until(at(600s));
    ASSERT_GE(gateway.spoken_at.size(), 10U);
    ASSERT_LE(gateway.spoken_at.size(), 11U);
    TimePoint before = at(0s);
    for (const TimePoint now : gateway.spoken_at) {
        EXPECT_GE(now - before, 54s);
        EXPECT_LE(now - before, 60s);
        before = now;
    }
}

TEST(Announcer, OneWhoHearsAFellowSayTheSameIsSilent) {
    Gateway second(2);
    second.own({1, 2}, at(0s));
    EXPECT_TRUE(second.spoken().empty()) << "it waits for its turn";
    second.hear(1, summary("mesh1", 1, {1, 2}), at(100ms));
    EXPECT_EQ(second.backbone.counters().fellows_heard, 1U);
    second.run_until(at(50s));
    EXPECT_TRUE(second.spoken().empty());
    for (int minute = 1; minute <= 5; ++minute) {
        second.hear(1, summary("mesh1", 1 + static_cast<std::uint64_t>(minute), {1, 2}), at(50s * minute));
        second.run_until(at(50s * (minute + 1)));
        EXPECT_TRUE(second.spoken().empty()) << minute;
    }
    second.run_until(at(360s + 1s));
    EXPECT_EQ(second.spoken().size(), 1U) << "the fellow fell silent";
    EXPECT_GE(second.spoken_at[0] - at(250s), 55s) << "it lets the fellow go first";
}

TEST(Announcer, ASilentFellowIsFollowedAfterItsTurn) {
    Gateway third(3);
    third.own({1, 2, 3}, at(0s));
    third.run_until(at(50s));
    EXPECT_EQ(third.spoken_at, std::vector{at(2s)});
}

TEST(Announcer, StrangersAndOtherWordsDoNotSilence) {
    Gateway second(2);
    second.own({1, 2}, at(0s));
    second.hear(7, summary("mesh1", 1, {7, 1, 2}), at(100ms));
    wire::Summary other = summary("mesh1", 1, {1, 2});
    other.members = {{"registry", 1}};
    second.hear(1, other, at(200ms));
    EXPECT_EQ(second.backbone.counters().fellows_heard, 0U);
    second.run_until(at(10s));
    EXPECT_EQ(second.spoken_at, std::vector{at(1s)});
}

TEST(Announcer, OtherCountsAreTheSameWords) {
    Gateway second(2);
    second.own({1, 2}, at(0s), 100);
    wire::Summary other = summary("mesh1", 1, {1, 2});
    other.members = {{"broker", 101}};
    second.hear(1, other, at(200ms));
    EXPECT_EQ(second.backbone.counters().fellows_heard, 1U);
    second.run_until(at(50s));
    EXPECT_TRUE(second.spoken().empty());
}

// Rule 5: newcomers come all the time, and two fellows greet them.
TEST(Announcer, GreetingsAreLimitedForTheMeshNotForEachGateway) {
    Gateway first(1);
    Gateway second(2);
    first.own({1, 2}, at(0s));
    const Bytes opening = pick<Broadcast>(first.out).at(0).envelope;
    second.own({1, 2}, at(0s));
    second.hear(opening, at(10ms), 1);
    std::uint32_t stranger = 1000;
    std::size_t greetings = 0;
    const auto relay = [&](Gateway& from, Gateway& to, TimePoint now) {
        const auto broadcasts = pick<Broadcast>(from.out);
        for (const Broadcast& broadcast : broadcasts) {
            greetings += broadcast.occasion == Occasion::introduction ? 1 : 0;
            to.hear(broadcast.envelope, now);
        }
    };
    for (auto when = 5000ms; when < 45s; when += 100ms) {
        first.run_until(at(when));
        relay(first, second, at(when));
        second.run_until(at(when));
        relay(second, first, at(when));
        first.neighbor(stranger, at(when));
        second.neighbor(stranger, at(when));
        ++stranger;
    }
    EXPECT_GE(greetings, 6U);
    EXPECT_LE(greetings, 3U + 4U + 1U) << "three at once, then one in ten seconds";
}

// Rule 4: what others may still hold of this node is corrected by itself.
TEST(Announcer, OwnOldWordsAreCorrectedByTheirAuthor) {
    Gateway second(2);
    second.own({1, 2}, at(0s));
    second.run_until(at(5s));
    ASSERT_EQ(second.spoken().size(), 1U);
    second.own({1, 2, 3}, at(10s));
    second.hear(1, summary("mesh1", 9, {1, 2, 3}), at(10s + 100ms));
    EXPECT_EQ(second.backbone.counters().fellows_heard, 1U);
    second.run_until(at(20s));
    EXPECT_EQ(second.spoken_at, std::vector{at(11s + 100ms)});

    second.own({1, 2}, at(300s));
    second.hear(1, summary("mesh1", 10, {1, 2}), at(300s));
    second.run_until(at(320s));
    EXPECT_TRUE(second.spoken().empty()) << "its old words are stale everywhere";
}

TEST(Announcer, ANewcomerIsGreeted) {
    Gateway gateway(1);
    gateway.own({1}, at(0s));
    gateway.hear(9, summary("mesh2", 1, {9}), at(30s));
    EXPECT_TRUE(gateway.spoken().empty());
    gateway.run_until(at(40s));
    EXPECT_EQ(occasions(gateway), std::vector{Occasion::introduction});
    EXPECT_LE(gateway.spoken_at[0], at(30s + 500ms));
    gateway.hear(9, summary("mesh2", 2, {9}), at(40s));
    gateway.run_until(at(60s));
    EXPECT_TRUE(gateway.spoken().empty()) << "it is known now";
    gateway.hear(9, summary("mesh2", 3, {9, 8}), at(60s));
    gateway.run_until(at(61s));
    EXPECT_EQ(occasions(gateway), std::vector{Occasion::introduction}) << "8 has heard nothing yet";
    gateway.neighbor(7, at(70s));
    gateway.run_until(at(71s));
    EXPECT_EQ(occasions(gateway), std::vector{Occasion::introduction}) << "nobody named 7";
    gateway.neighbor(8, at(80s));
    gateway.run_until(at(90s));
    EXPECT_TRUE(gateway.spoken().empty());
}

TEST(Announcer, AGreetingIsSparedWhenAFellowSpoke) {
    Gateway second(2);
    second.own({1, 2}, at(0s));
    second.hear(1, summary("mesh1", 1, {1, 2}), at(0s));
    second.hear(9, summary("mesh2", 1, {9}), at(30s));
    second.hear(1, summary("mesh1", 2, {1, 2}), at(30s + 300ms));
    second.run_until(at(50s));
    EXPECT_TRUE(second.spoken().empty());
}

TEST(Announcer, AnEndlessRowOfNewcomersIsGreetedRarely) {
    Gateway gateway(1);
    gateway.own({1}, at(0s));
    std::size_t greetings = 0;
    for (std::uint32_t n = 0; n < 600; ++n) {
        gateway.hear(1000 + n, summary("mesh" + std::to_string(1000 + n), 1, {1000 + n}), at(10s + 100ms * n));
        greetings += gateway.spoken().size();
        gateway.run_until(at(10s + 100ms * n));
        greetings += gateway.spoken().size();
    }
    EXPECT_LE(greetings, 3U + 60 / 10 + 1) << "in one minute";
    EXPECT_GE(greetings, 3U + 60 / 10 - 1);
}

TEST(Announcer, OwnWordsOfALaterLifeAreJumpedOver) {
    Gateway gateway(1);
    gateway.own({1}, at(0s));
    gateway.hear(1, summary("mesh1", 9000, {1}), at(10s));
    ASSERT_EQ(occasions(gateway), std::vector{Occasion::correction});
    EXPECT_EQ(gateway.spoken()[0].sequence, wire::Sequence{9001});
    EXPECT_EQ(gateway.backbone.counters().sequence_jumps, 1U);
    gateway.hear(1, summary("mesh1", 9000, {1}), at(11s));
    EXPECT_EQ(gateway.refused(Refusal::own_echo), 1U);
    gateway.hear(1, summary("mesh1", ~std::uint64_t{0}, {1}), at(12s));
    EXPECT_EQ(gateway.refused(Refusal::implausible), 1U);
}

TEST(Announcer, ItsOwnEchoIsNoNews) {
    Gateway gateway(1);
    gateway.own({1}, at(0s));
    const Bytes own = pick<Broadcast>(gateway.out)[0].envelope;
    gateway.hear(own, at(1s));
    EXPECT_EQ(gateway.out, (Effects{Refused{id(99), Refusal::own_echo}}));
    EXPECT_EQ(gateway.backbone.counters().sequence_jumps, 0U);
}

TEST(Announcer, AClosedMeshTellsItsAuthorityAndItsTicket) {
    Gateway gateway(1);
    gateway.facts.authority = id(70);
    gateway.facts.members = {{"broker", 3}};
    gateway.facts.ticket = {1, 2, 3};
    gateway.own({1}, at(0s));
    ASSERT_EQ(gateway.spoken().size(), 1U);
    EXPECT_EQ(gateway.spoken()[0].authority, id(70));
    EXPECT_EQ(gateway.spoken()[0].ticket, (Bytes{1, 2, 3}));
    EXPECT_TRUE(gateway.spoken()[0].members.empty());
    gateway.facts.ticket = {4};
    gateway.set(at(10s));
    ASSERT_EQ(gateway.spoken().size(), 1U) << "a new ticket is said";
    EXPECT_EQ(gateway.spoken()[0].ticket, Bytes{4});
}

struct FixedContext : Contexts {
    base::TraceContext summary(Occasion occasion) override {
        asked.push_back(occasion);
        base::TraceContext context;
        context.trace.bytes[0] = 1;
        context.span.bytes[0] = 2;
        return context;
    }
    std::vector<Occasion> asked;
};

TEST(Announcer, ASummaryCarriesTheContextItIsGiven) {
    FixedContext contexts;
    BackboneConfig c = config();
    c.contexts = &contexts;
    Gateway gateway(1, c);
    gateway.own({1}, at(0s));
    EXPECT_EQ(contexts.asked, std::vector{Occasion::first});
    EXPECT_TRUE(gateway.spoken()[0].context.is_valid());
    EXPECT_EQ(pick<Broadcast>(gateway.out)[0].context, gateway.spoken()[0].context);
}

}  // namespace
}  // namespace grapevine::fabric
