#include "node/mesh_watches.hpp"

#include <gtest/gtest.h>

#include "node/watch_testing.hpp"

namespace grapevine::node {
namespace {

using namespace testing;

TEST_F(MeshWatch, AllThatTheGatewayKnowsIsKnownWithItsAge) {
    watch(at(5s));
    EXPECT_EQ(watcher_.members(at(5s)), told());
    EXPECT_EQ(watcher_.members(at(5s)).size(), 6U);
    EXPECT_EQ(watcher_.source().state, WatchState::up);
    EXPECT_EQ(watcher_.source().gateway, gateway_.id());
    for (const auto& row : watcher_.watches.rows("mesh2", at(7s))) {
        const auto age = row.id == gateway_.id() ? 2s : 6s;
        EXPECT_EQ(row.age, base::Duration(age)) << row.name << ": the gateway's, and ours since";
    }
}

TEST_F(MeshWatch, WhatIsSaidLaterFollows) {
    watch(at(2s));
    (void)watcher_.changes();
    gateway_.hear(signed_digest(20, 1), at(3s));
    gateway_.hear(signed_digest(10, 101, wire::Presence::leaving), at(3s));
    carry(at(3s));
    EXPECT_EQ(watcher_.changes(), (std::vector{WatchedChange::joined, WatchedChange::left}));
    EXPECT_EQ(watcher_.members(at(3s)), told());
}

TEST_F(MeshWatch, ADeathIsOneByItsAccusersWords) {
    watch(at(2s));
    gateway_.hear(signed_accusation(11, key(10).id(), 100), at(3s));
    carry(at(3s));
    EXPECT_EQ(watcher_.changes().back(), WatchedChange::suspected);
    EXPECT_EQ(watcher_.watches.rows("mesh2", at(3s)).size(), 6U);
    for (auto now = at(3s); now < at(7s); now += 100ms) {
        gateway_.deadline(now);
        carry(now);
        watcher_.deadline(now);
    }
    ASSERT_EQ(watcher_.members(at(7s)), told());
    const auto ends = watcher_.take<WatchedChanged>();
    ASSERT_EQ(ends.size(), 1U);
    EXPECT_EQ(ends[0].change, WatchedChange::died);
    EXPECT_EQ(ends[0].accusers, (std::vector{key(11).id()}));
    EXPECT_EQ(ends[0].id, key(10).id());
    EXPECT_TRUE(ends[0].name.starts_with("mesh2.broker."));
}

TEST_F(MeshWatch, WithoutAccusersTheGatewaysWordUnlistsAndKillsNobody) {
    watch(at(2s));
    (void)watcher_.changes();
    watcher_.hear(wire::encode(wire::WatchGone{key(10).id(), wire::WatchGoneCause::died}), at(3s));
    EXPECT_EQ(watcher_.changes(), (std::vector{WatchedChange::unlisted}));
    gateway_.hear(signed_digest(10, 101), at(4s));
    carry(at(4s));
    EXPECT_EQ(watcher_.members(at(4s)), told());
}

TEST_F(MeshWatch, NobodyDiesWhileTheGatewayIsNotHeard) {
    watch(at(2s));
    gateway_.hear(signed_accusation(11, key(10).id(), 100), at(3s));
    carry(at(3s));
    watcher_.deadline(at(6s));
    EXPECT_TRUE(watcher_.members(at(6s)).contains(key(10).id()));
    watcher_.deadline(at(3s) + kWatchSilence);
    EXPECT_EQ(watcher_.changes().back(), WatchedChange::withdrawn);
    EXPECT_EQ(watcher_.source().state, WatchState::down) << "it was up for too short to seek at once";
    watcher_.deadline(at(100s));
    EXPECT_EQ(watcher_.members(at(100s)).size(), 6U) << "what was known is kept";
    EXPECT_GE(watcher_.watches.rows("mesh2", at(100s))[0].age, 97s) << "as old as it is";
}

// Each byte of a statement, and of the frames around it.
TEST_F(MeshWatch, WhoAltersAByteIsFoundOutAndNothingOfItIsBelieved) {
    gateway_.open(key(1000).id(), wire::watch_target({gateway_.id(), wire::WatchSubject::directory}), at(2s));
    const Bytes honest = std::exchange(gateway_.stream, {});
    std::size_t liars = 0;
    for (std::size_t i = 0; i < honest.size(); ++i) {
        Bytes altered = honest;
        altered[i] ^= 0x10U;
        Watcher watcher;
        watcher.begin({gateway_.id()}, at(2s));
        watcher.hear(altered, at(2s));
        for (const auto& row : watcher.watches.rows("mesh2", at(2s))) {
            const auto* known = gateway_.directory.find(row.id);
            ASSERT_NE(known, nullptr) << "byte " << i;
            EXPECT_EQ(row.sequence, known->digest.sequence) << "byte " << i;
            EXPECT_EQ(row.type, known->digest.type) << "byte " << i;
        }
        const auto lied = watcher.take<WatchLied>();
        liars += lied.size();
        if (lied.empty()) continue;
        EXPECT_EQ(lied[0].gateway, gateway_.id());
        EXPECT_FALSE(lied[0].rule.empty());
        EXPECT_EQ(watcher.take<CloseWatch>().size(), 1U);
        EXPECT_NE(watcher.source().state, WatchState::up);
    }
    EXPECT_GT(liars, honest.size() * 9 / 10) << "ages and staleness are its word alone";
}

TEST_F(MeshWatch, ALiarIsAskedNoMoreForAWhile) {
    Gateway other(2);
    watcher_.begin({gateway_.id()}, at(2s));
    watcher_.hear(base::to_bytes("rubbish"), at(2s));
    EXPECT_EQ(watcher_.source().state, WatchState::down);
    watcher_.deadline(at(10s));
    watcher_.give({gateway_.id()}, at(10s));
    EXPECT_TRUE(watcher_.take<OpenWatch>().empty());
    EXPECT_EQ(watcher_.source().text, "all its gateways have broken a rule lately");
    watcher_.deadline(at(60s));
    watcher_.give({gateway_.id(), other.id()}, at(60s));
    EXPECT_EQ(watcher_.open(at(60s)), other.id());
    watcher_.hear(base::to_bytes("rubbish"), at(60s));
    watcher_.deadline(at(60s) + kWatchBan);
    watcher_.give({gateway_.id()}, at(60s) + kWatchBan);
    EXPECT_EQ(watcher_.open(at(60s) + kWatchBan), gateway_.id());
    EXPECT_EQ(watcher_.watches.counters().liars, 2U);
}

TEST_F(MeshWatch, WhenItsGatewayEndsTheNextOneTellsAndWhatItDoesNotListGoes) {
    watch(at(2s));
    (void)watcher_.changes();
    Gateway other(2);
    other.start(at(0s));
    for (std::uint32_t n = 10; n < 14; ++n)
        other.hear(signed_digest(n, 100), at(10s));
    watcher_.run([&](auto& out) { watcher_.watches.on_over(MessageSequence{1}, "the peer leaves", at(20s), out); });
    EXPECT_EQ(watcher_.source().state, WatchState::seeking);
    watcher_.give({gateway_.id(), other.id()}, at(20s));
    ASSERT_EQ(watcher_.open(at(20s)), other.id()) << "who failed comes last";
    EXPECT_EQ(watcher_.members(at(20s)).size(), 6U);
    other.open(key(1000).id(), wire::watch_target({other.id(), wire::WatchSubject::directory}), at(20s));
    watcher_.hear(other.stream, at(20s));
    EXPECT_EQ(watcher_.source().state, WatchState::up);
    EXPECT_EQ(watcher_.members(at(20s)).size(), 5U);
    EXPECT_FALSE(watcher_.members(at(20s)).contains(key(14).id()));
    EXPECT_EQ(watcher_.changes(),
              (std::vector{WatchedChange::joined, WatchedChange::unlisted, WatchedChange::unlisted}));
}

TEST_F(MeshWatch, WithoutAGatewayItIsDownAndTriesAgainEverMoreSlowly) {
    watcher_.run([&](auto& out) { (void)watcher_.watches.watch("mesh2", at(0s), out); });
    std::vector<base::Duration> pauses;
    TimePoint now = at(0s);
    for (int i = 0; i < 8; ++i) {
        watcher_.give({}, now);
        EXPECT_EQ(watcher_.source().state, WatchState::down);
        EXPECT_EQ(watcher_.source().since, at(0s));
        ASSERT_TRUE(watcher_.watches.next_deadline());
        pauses.push_back(*watcher_.watches.next_deadline() - now);
        now = *watcher_.watches.next_deadline();
        watcher_.deadline(now);
    }
    EXPECT_LE(pauses.front(), 1200ms);
    EXPECT_GE(pauses.back(), 24s);
    EXPECT_LE(pauses.back(), 36s);
}

TEST_F(MeshWatch, WatchesHaveABound) {
    for (std::size_t i = 0; i < kWatchesMax; ++i)
        watcher_.run([&](auto& out) {
            EXPECT_EQ(watcher_.watches.watch("m" + std::to_string(i), at(0s), out), base::Admitted::yes);
        });
    watcher_.run([&](auto& out) {
        EXPECT_EQ(watcher_.watches.watch("more", at(0s), out), base::Admitted::no);
        EXPECT_EQ(watcher_.watches.watch("m0", at(0s), out), base::Admitted::yes);
    });
    EXPECT_EQ(watcher_.watches.counters().refused_full, 1U);
}

TEST_F(MeshWatch, TooManyFramesAreAFault) {
    watch(at(2s));
    Bytes beats;
    for (std::size_t i = 0; i < 2 * kWatchedEntriesMax; ++i) {
        const Bytes beat = wire::encode(wire::WatchBeat{});
        beats.insert(beats.end(), beat.begin(), beat.end());
    }
    watcher_.hear(beats, at(2s));
    ASSERT_EQ(watcher_.take<WatchLied>().size(), 1U);
}

}  // namespace
}  // namespace grapevine::node
