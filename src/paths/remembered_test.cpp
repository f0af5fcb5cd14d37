#include "paths/remembered.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "paths/paths_testing.hpp"

namespace grapevine::paths {
namespace {

using namespace testing;

struct Memory {
    explicit Memory(RememberedConfig config = {}) : rng(3), peers(config, rng, ledger) {}
    telemetry::Ledger ledger;
    base::Rng rng;
    RememberedPeers peers;
    std::vector<TryRemembered> out;
};

TEST(Remembered, NobodyCostsNoTimer) {
    Memory m;
    EXPECT_EQ(m.peers.next_deadline(), std::nullopt);
    m.peers.remember({id(1), {}}, at(0s));  // No address, nothing to try.
    EXPECT_EQ(m.peers.next_deadline(), std::nullopt);
}

TEST(Remembered, OneIsTriedAboutEveryThirtySecondsUntilForgotten) {
    Memory m;
    m.peers.set_connectivity(Connectivity::connected, at(0s));
    for (std::uint8_t n = 1; n <= 4; ++n)
        m.peers.remember(endpoint(n), at(0s));
    std::set<EndpointId> tried;
    while (*m.peers.next_deadline() < at(90s))
        m.peers.on_deadline(*m.peers.next_deadline(), m.out);
    TimePoint last = *m.peers.next_deadline();
    m.peers.on_deadline(last, m.out);
    m.out.clear();
    for (int i = 0; i < 60; ++i) {
        const TimePoint due = *m.peers.next_deadline();
        EXPECT_GE(due - last, 22500ms);
        EXPECT_LE(due - last, 37500ms);
        m.peers.on_deadline(due, m.out);
        tried.insert(m.out.back().peer.id);
        last = due;
    }
    EXPECT_EQ(m.out.size(), 60U);
    EXPECT_EQ(tried.size(), 4U);
    for (std::uint8_t n = 1; n <= 4; ++n)
        m.peers.forget(id(n));
    EXPECT_EQ(m.peers.next_deadline(), std::nullopt);
    EXPECT_EQ(m.ledger[telemetry::Kind::remembered_peer].alive(), 0U);
}

TEST(Remembered, ALossHurriesForAsLongAsItIsFresh) {
    Memory m;
    m.peers.set_connectivity(Connectivity::connected, at(0s));
    m.peers.remember(endpoint(1), at(0s));
    TimePoint last = at(0s);
    while (last < at(300s)) {
        const base::Duration wanted = std::clamp<base::Duration>((last - at(0s)) / 2, 2s, 30s);
        const TimePoint due = *m.peers.next_deadline();
        EXPECT_GE(due - last, wanted * 3 / 4);
        EXPECT_LE(due - last, wanted * 5 / 4);
        m.peers.on_deadline(due, m.out);
        last = due;
    }
    m.peers.remember(endpoint(2), last);
    EXPECT_LE(*m.peers.next_deadline() - last, 2500ms) << "another loss";
}

TEST(Remembered, IsolationHurries) {
    Memory m;
    m.peers.set_connectivity(Connectivity::connected, at(0s));
    m.peers.remember(endpoint(1), at(0s));
    m.peers.on_deadline(at(100s), m.out);
    EXPECT_GT(*m.peers.next_deadline(), at(120s));
    m.peers.set_connectivity(Connectivity::isolated, at(101s));
    EXPECT_LE(*m.peers.next_deadline(), at(103500ms));
    m.peers.set_connectivity(Connectivity::connected, at(102s));
    EXPECT_GT(*m.peers.next_deadline(), at(120s));
}

TEST(Remembered, NobodyIsRememberedForMoreThanADay) {
    Memory m;
    m.peers.remember(endpoint(1), at(0s));
    m.peers.remember(endpoint(2), at(1h));
    m.peers.on_deadline(at(24h), m.out);
    EXPECT_EQ(m.out, (std::vector{TryRemembered{endpoint(2)}}));
    EXPECT_FALSE(m.peers.contains(id(1)));
    m.peers.on_deadline(at(25h), m.out);
    EXPECT_EQ(m.out.size(), 1U);
    EXPECT_EQ(m.peers.counters().expired, 2U);
    EXPECT_EQ(m.peers.next_deadline(), std::nullopt);
}

TEST(Remembered, TheOldestGoesWhenFull) {
    RememberedConfig config;
    config.peers_max = 2;
    Memory m(config);
    m.peers.remember(endpoint(1), at(0s));
    m.peers.remember(endpoint(2), at(1s));
    m.peers.remember(endpoint(1), at(2s));
    m.peers.remember(endpoint(3), at(3s));
    EXPECT_TRUE(m.peers.contains(id(1)));
    EXPECT_FALSE(m.peers.contains(id(2)));
    EXPECT_EQ(m.peers.counters().displaced, 1U);
    EXPECT_EQ(m.ledger[telemetry::Kind::remembered_peer].alive(), 2U);
}

}  // namespace
}  // namespace grapevine::paths
