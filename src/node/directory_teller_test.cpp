#include "node/directory_teller.hpp"

#include <gtest/gtest.h>

#include "node/watch_testing.hpp"

namespace grapevine::node {
namespace {

using namespace testing;

using Teller = MeshWatch;

TEST_F(Teller, RefusesByCauseAndNamesNobody) {
    const auto open = [](Gateway& gateway, std::uint32_t peer, const std::string& name) {
        gateway.open(key(peer).id(), name, TimePoint{} + 1h);
    };
    const std::string mine = wire::watch_target({gateway_.id(), wire::WatchSubject::directory});
    open(gateway_, 50, wire::watch_target({key(3).id(), wire::WatchSubject::directory}));
    open(gateway_, 50, gateway_.id().hex() + "#publication");
    open(gateway_, 50, wire::watch_target({gateway_.id(), wire::WatchSubject::meshes}));
    open(gateway_, 10, wire::watch_target({gateway_.id(), wire::WatchSubject::meshes}));
    open(gateway_, 50, mine);
    open(gateway_, 50, mine);
    for (std::uint32_t peer = 51; peer < 59; ++peer)
        open(gateway_, peer, mine);
    Gateway broker(2, "broker");
    open(broker, 50, wire::watch_target({broker.id(), wire::WatchSubject::directory}));
    const auto& counters = gateway_.teller.counters();
    EXPECT_EQ(counters[TellRefusal::bad_name], 2U);
    EXPECT_EQ(counters[TellRefusal::not_admitted], 1U) << "no member may ask for meshes only";
    EXPECT_EQ(counters[TellRefusal::off_duty], 1U);
    EXPECT_EQ(counters[TellRefusal::second], 1U);
    EXPECT_EQ(counters[TellRefusal::full], 1U);
    EXPECT_EQ(gateway_.teller.size(), kWatchersMax);
    ASSERT_EQ(broker.answers.size(), 1U);
    EXPECT_EQ(broker.answers[0].code, wire::OutcomeCode::refused);
    EXPECT_EQ(base::to_text(broker.answers[0].payload), "only a gateway can be watched");
    EXPECT_TRUE(broker.stream.empty());
}

TEST_F(Teller, ASlowWatcherIsHeldUpToABoundAndDropped) {
    gateway_.room = 100;
    const std::string mine = wire::watch_target({gateway_.id(), wire::WatchSubject::directory});
    gateway_.open(key(50).id(), mine, at(2s));
    EXPECT_EQ(gateway_.stream.size(), 100U);
    gateway_.deadline(at(2s) + kWatchStalled);
    EXPECT_EQ(gateway_.resets, (std::vector{kWatchSlow}));
    EXPECT_EQ(gateway_.teller.size(), 0U);
    EXPECT_EQ(gateway_.teller.counters().slow, 1U);
}

TEST_F(Teller, WhatWaitsForAWatcherIsBounded) {
    const std::string mine = wire::watch_target({gateway_.id(), wire::WatchSubject::directory});
    gateway_.open(key(50).id(), mine, at(2s));
    gateway_.room = 0;
    std::size_t most = 0;
    for (std::uint32_t n = 100; n < 3000 && gateway_.resets.empty(); ++n) {
        gateway_.hear(signed_digest(n, 100), at(3s));
        most = std::max(most, gateway_.teller.waiting_bytes());
    }
    EXPECT_EQ(gateway_.resets, (std::vector{kWatchSlow}));
    EXPECT_LE(most, kWatchBehindMax + kWatchChunk);
    EXPECT_EQ(gateway_.teller.waiting_bytes(), 0U);
}

TEST_F(Teller, WhatChangesWhileItTellsIsToldOnceAndInTheEndAll) {
    gateway_.room = 150;
    watch(at(2s));
    for (std::uint32_t n = 10; n < 20; ++n)
        gateway_.hear(signed_digest(n, 200), at(3s));
    gateway_.hear(signed_digest(12, 201, wire::Presence::leaving), at(3s));
    gateway_.room = 1U << 20U;
    gateway_.teller.on_room(gateway_.streams.at(0), at(4s), gateway_.out);
    gateway_.carry(at(4s));
    carry(at(4s));
    EXPECT_EQ(watcher_.members(at(4s)), told());
    for (const auto& row : watcher_.watches.rows("mesh2", at(4s))) {
        const bool own = row.id == gateway_.id();
        EXPECT_TRUE(own || row.sequence.value == 200U) << row.name;
        EXPECT_TRUE(own || row.age == 1s) << row.name << ": it waited here";
    }
}

TEST_F(Teller, AWatcherThatSpeaksIsDropped) {
    gateway_.open(key(50).id(), wire::watch_target({gateway_.id(), wire::WatchSubject::directory}), at(2s));
    gateway_.teller.on_bytes(gateway_.streams.at(0), gateway_.out);
    gateway_.carry(at(2s));
    EXPECT_EQ(gateway_.resets, (std::vector{kWatchRubbish}));
    EXPECT_EQ(gateway_.teller.counters().rubbish, 1U);
}

TEST_F(Teller, BeatsWhileThereIsNothingNew) {
    watch(at(2s));
    const auto due = gateway_.teller.next_deadline();
    ASSERT_EQ(due, at(2s) + kWatchBeat);
    gateway_.teller.on_deadline(*due, gateway_.out);
    gateway_.carry(*due);
    EXPECT_EQ(gateway_.stream, wire::encode(wire::WatchBeat{}));
    EXPECT_EQ(gateway_.teller.next_deadline(), *due + kWatchBeat);
}

}  // namespace
}  // namespace grapevine::node
