// Statements of others: rules 1 to 4 and 10 to 12 of directory.hpp.

#include "directory/directory.hpp"

#include <gtest/gtest.h>

#include "directory/directory_testing.hpp"

namespace grapevine::directory {
namespace {

using namespace testing;
using Refusals = std::vector<Refused>;

TEST(Directory, AcceptsANewerDigestAndRefusesEqualAndOlderOnes) {
    Node node;
    node.start();
    node.hear(signed_digest(1, 10), at(1s));
    EXPECT_EQ(node.out, (Effects{EntryAdded{id(1), Source::gossip}}));
    node.hear(signed_digest(1, 10), at(2s));
    EXPECT_EQ(node.out, (Effects{Refused{id(99), Refusal::duplicate}}));
    node.hear(signed_digest(1, 9), at(2s));
    EXPECT_EQ(node.out, (Effects{Refused{id(99), Refusal::not_newer}}));
    wire::Digest other = digest(10);
    other.addrs.clear();
    node.hear(wire::sign(key(1), other).envelope, at(2s));
    EXPECT_EQ(node.out, (Effects{Refused{id(99), Refusal::not_newer}}));
    node.hear(signed_digest(1, 11), at(3s));
    EXPECT_EQ(node.out, (Effects{EntryUpdated{id(1), Source::gossip, Change::refreshed}}));
    other.sequence = wire::Sequence{12};
    node.hear(wire::sign(key(1), other).envelope, at(4s));
    EXPECT_EQ(node.out, (Effects{EntryUpdated{id(1), Source::gossip, Change::changed}}));
    EXPECT_EQ(node.directory.size(), 2U);
    EXPECT_EQ(node.directory.counters().accepted, 3U);
}

TEST(Directory, RefusesEveryForgeryAndCountsItByCause) {
    Node node;
    node.start();
    Bytes forged = signed_digest(1, 10);
    forged.back() ^= 1U;
    node.hear(forged, at(1s));
    EXPECT_EQ(node.refused(Refusal::bad_signature), 1U);
    Bytes renamed = signed_digest(1, 10);
    const EndpointId other = id(2);
    std::copy(other.bytes.begin(), other.bytes.end(), renamed.begin() + 1);
    node.hear(renamed, at(1s));
    EXPECT_EQ(node.refused(Refusal::bad_signature), 2U);
    // Our own id on another's signature.
    Bytes ours = signed_digest(1, 7000);
    const EndpointId self = id(0);
    std::copy(self.bytes.begin(), self.bytes.end(), ours.begin() + 1);
    node.hear(ours, at(1s));
    EXPECT_EQ(node.refused(Refusal::bad_signature), 3U);
    wire::Digest foreign = digest(10);
    foreign.mesh = "mesh2";
    node.hear(wire::sign(key(1), foreign).envelope, at(1s));
    EXPECT_EQ(node.refused(Refusal::other_mesh), 1U);
    node.hear(Bytes(wire::kStatementMax + 1, 1), at(1s));
    EXPECT_EQ(node.refused(Refusal::oversized), 1U);
    node.hear({}, at(1s));
    node.hear({1, 2, 3}, at(1s));
    EXPECT_EQ(node.refused(Refusal::malformed), 2U);
    Bytes kind = signed_digest(1, 10);
    kind[0] = 9;
    node.hear(kind, at(1s));
    EXPECT_EQ(node.refused(Refusal::unknown_kind), 1U);
    EXPECT_EQ(node.directory.size(), 1U);
    EXPECT_EQ(node.directory.counters().accepted, 0U);
    EXPECT_EQ(node.directory.sequence(), wire::Sequence{5000});
}

TEST(Directory, EveryTruncationAndEveryFlippedByteIsRefused) {
    Node node;
    node.start();
    const Bytes good = signed_digest(1, 10);
    for (std::size_t i = 0; i < good.size(); ++i) {
        node.hear(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(i)), at(1s));
        EXPECT_EQ(pick<Refused>(node.out).size(), 1U);
        Bytes flipped = good;
        flipped[i] ^= 0x10U;
        node.hear(flipped, at(1s));
        EXPECT_EQ(pick<Refused>(node.out).size(), 1U) << i;
    }
    EXPECT_EQ(node.directory.size(), 1U);
    EXPECT_EQ(node.directory.counters().accepted, 0U);
}

TEST(Directory, RemovesWhatGoesStaleByItsOwnClockOnly) {
    Node node;
    node.start();
    wire::Digest skewed = digest(10);
    skewed.started_unix_ms = 99'999'999'999'999;
    node.hear(wire::sign(key(1), skewed).envelope, at(1s));
    node.run_until(at(30999ms));
    EXPECT_TRUE(pick<EntryRemoved>(node.out).empty());
    node.run_until(at(31s));
    EXPECT_EQ(pick<EntryRemoved>(node.out), (std::vector{EntryRemoved{id(1), RemovalCause::stale, {}, skewed.addrs}}));
    EXPECT_EQ(node.directory.deaths().back().name, "mesh1.broker." + id(1).short_hex(6));
    EXPECT_EQ(node.ledger[telemetry::Kind::directory_entry].alive(), 1U);
}

TEST(Directory, OwnEntryNeverGoesStale) {
    Node node;
    node.start();
    node.deadline(at(1000s));
    EXPECT_EQ(node.directory.size(), 1U);
    EXPECT_EQ(node.directory.snapshot(at(1000s))[0].age, base::Duration::zero());
}

TEST(Directory, SyncedEntriesMustBeRefreshedWithinTwoThirds) {
    Node node;
    node.start();
    node.hear(signed_digest(1, 10), at(0s), Source::sync);
    node.run_until(at(19999ms));
    EXPECT_NE(node.directory.find(id(1)), nullptr);
    node.run_until(at(20s));
    EXPECT_EQ(node.directory.find(id(1)), nullptr);
}

TEST(Directory, LeavingRemovesAtOnceAndATombstoneStopsOldDigests) {
    Node node;
    node.start();
    node.hear(signed_digest(1, 10), at(1s));
    node.hear(signed_leaving(1, 12), at(2s));
    EXPECT_EQ(node.out, (Effects{EntryRemoved{id(1), RemovalCause::left, {}, digest(1).addrs}}));
    EXPECT_TRUE(node.directory.deaths().empty());
    node.hear(signed_digest(1, 11), at(3s));
    EXPECT_EQ(node.out, (Effects{Refused{id(99), Refusal::after_removal}}));
    node.hear(signed_digest(1, 12), at(3s));
    EXPECT_EQ(node.out, (Effects{Refused{id(99), Refusal::after_removal}}));
    node.hear(signed_digest(1, 13), at(4s));
    EXPECT_EQ(node.out, (Effects{EntryAdded{id(1), Source::gossip}}));
    EXPECT_EQ(node.directory.counters().returned, 1U);
}

TEST(Directory, LeavingBeforeItWasKnownLeavesATombstoneThatEnds) {
    Node node;
    node.start();
    node.hear(signed_leaving(1, 12), at(0s));
    EXPECT_TRUE(node.out.empty());
    node.hear(signed_digest(1, 11), at(59s));
    EXPECT_EQ(node.refused(Refusal::after_removal), 1U);
    node.hear(signed_digest(1, 11), at(60s));
    EXPECT_EQ(node.directory.size(), 2U);
}

TEST(Directory, AFloodOfOneSignerIsCutAndItsForgeriesDoNotSpendItsAllowance) {
    Node node;
    node.start();
    for (std::uint64_t i = 0; i < 100; ++i) {
        Bytes forged = signed_digest(1, 1 + i);
        forged.back() ^= 1U;
        node.hear(forged, at(1s));
    }
    EXPECT_EQ(node.refused(Refusal::bad_signature), 100U);
    for (std::uint64_t i = 0; i < 100; ++i)
        node.hear(signed_digest(1, 1 + i), at(1s));
    EXPECT_EQ(node.directory.counters().accepted, 20U);
    EXPECT_EQ(node.refused(Refusal::rate_limited), 80U);
    node.hear(signed_digest(1, 1000), at(1050ms));
    EXPECT_EQ(node.refused(Refusal::rate_limited), 81U);
    node.hear(signed_digest(1, 1000), at(1100ms));
    EXPECT_EQ(node.directory.find(id(1))->digest.sequence, wire::Sequence{1000});
}

TEST(Directory, LeavingAndComingBackDoesNotRefillTheAllowance) {
    Node node;
    node.start();
    for (std::uint64_t i = 0; i < 100; ++i) {
        node.hear(i % 2 == 0 ? signed_digest(1, 1 + i) : signed_leaving(1, 1 + i), at(1s));
    }
    EXPECT_EQ(node.directory.counters().accepted, 20U);
}

TEST(Directory, AFullTableRefusesUntilSomebodyMissedTwoRefreshes) {
    Config small = config();
    small.entries_max = 3;
    Node node(0, small);
    node.start();
    node.hear(signed_digest(1, 10), at(1s));
    node.hear(signed_digest(2, 10), at(2s));
    node.hear(signed_digest(3, 10), at(3s));
    EXPECT_EQ(node.out, (Effects{Refused{id(99), Refusal::directory_full}}));
    node.hear(signed_digest(3, 10), at(20100ms));  // 2 * 30 s / 3.15 = 19.05 s after the first.
    EXPECT_EQ(pick<EntryRemoved>(node.out).at(0).id, id(1));
    EXPECT_EQ(pick<EntryRemoved>(node.out).at(0).cause, RemovalCause::displaced);
    EXPECT_EQ(node.directory.size(), 3U);
    EXPECT_EQ(node.ledger[telemetry::Kind::directory_entry].alive(), 3U);
    EXPECT_EQ(node.ledger[telemetry::Kind::directory_entry].peak, 3U);
}

TEST(Directory, TombstonesAreBounded) {
    Config small = config();
    small.tombstones_max = 2;
    Node node(0, small);
    node.start();
    for (std::uint32_t n = 1; n <= 3; ++n)
        node.hear(signed_leaving(n, 10), at(1s * n));
    EXPECT_EQ(node.directory.counters().tombstones_displaced, 1U);
    node.hear(signed_digest(1, 5), at(5s));
    node.hear(signed_digest(3, 5), at(5s));
    EXPECT_NE(node.directory.find(id(1)), nullptr);
    EXPECT_EQ(node.directory.find(id(3)), nullptr);
}

TEST(Directory, WhatIsLearnedBySyncIsBroadcastInBatchesByteForByte) {
    Config paced = config();
    paced.forwards_per_batch = 2;
    Node node(0, paced);
    node.start();
    for (std::uint32_t n = 1; n <= 3; ++n)
        node.hear(signed_digest(n, 10), at(1s), Source::sync);
    EXPECT_EQ(node.directory.next_deadline(), at(1s));
    node.deadline(at(1s));
    EXPECT_EQ(pick<BroadcastStatement>(node.out),
              (std::vector{BroadcastStatement{signed_digest(1, 10)}, BroadcastStatement{signed_digest(2, 10)}}));
    EXPECT_EQ(node.directory.next_deadline(), at(1050ms));
    node.deadline(at(1050ms));
    EXPECT_EQ(pick<BroadcastStatement>(node.out), (std::vector{BroadcastStatement{signed_digest(3, 10)}}));
    EXPECT_EQ(node.directory.counters().forwarded, 3U);
}

TEST(Directory, ForwardsAreSparedWhenTheMeshKnowsAndDroppedWhenTooMany) {
    Config small = config();
    small.forwards_max = 2;
    Node node(0, small);
    node.start();
    node.hear(signed_digest(1, 10), at(1s), Source::sync);
    node.hear(signed_digest(2, 10), at(1s), Source::sync);
    node.hear(signed_digest(3, 10), at(1s), Source::sync);
    EXPECT_EQ(node.directory.counters().forwards_dropped, 1U);
    node.hear(signed_digest(1, 10), at(1s), Source::gossip);  // The same words by gossip,
    node.hear(signed_digest(2, 11), at(1s), Source::gossip);  // and newer ones.
    node.deadline(at(1s));
    EXPECT_TRUE(pick<BroadcastStatement>(node.out).empty());
    EXPECT_EQ(node.directory.counters().forwards_spared, 2U);
}

TEST(Directory, ANewcomerForwardsNothing) {
    Node node;
    node.start();
    EXPECT_EQ(node.directory.sync_source(id(1)), Source::bootstrap);
    node.hear(signed_digest(1, 10), at(1s), Source::bootstrap);
    EXPECT_EQ(node.directory.sync_source(id(1)), Source::bootstrap);
    EXPECT_EQ(node.directory.sync_source(id(2)), Source::sync);
    node.deadline(at(1s));
    EXPECT_TRUE(pick<BroadcastStatement>(node.out).empty());
}

TEST(Directory, ContestsWhatAPeerOffersAlthoughItLeft) {
    Node node;
    node.start();
    node.hear(signed_leaving(1, 12), at(1s));
    EXPECT_FALSE(node.directory.wants(id(1), wire::Sequence{12}, at(2s)));
    EXPECT_TRUE(node.directory.wants(id(1), wire::Sequence{13}, at(2s)));
    EXPECT_EQ(node.directory.contest(id(1), wire::Sequence{12}, at(2s)), signed_leaving(1, 12));
    EXPECT_EQ(node.directory.contest(id(1), wire::Sequence{13}, at(2s)), std::nullopt);
    EXPECT_EQ(node.directory.contest(id(2), wire::Sequence{1}, at(2s)), std::nullopt);
}

TEST(Directory, SnapshotShowsWhatIsKnown) {
    Node node;
    node.start();
    wire::Digest d = digest(10);
    d.type = "gateway";
    d.neighbors = {id(0)};
    d.load = {1, 2, 3, 4};
    node.hear(wire::sign(key(1), d).envelope, at(1s), Source::sync);
    node.hear(signed_digest(2, 4), at(2s));
    node.hear(signed_accusation(2, id(1), 10), at(3s));
    const auto rows = node.directory.snapshot(at(4s));
    ASSERT_EQ(rows.size(), 3U);
    const Row& row = rows[2];
    EXPECT_EQ(row.name, "mesh1.gateway." + id(1).short_hex(6));
    EXPECT_EQ(row.age, 3s);
    EXPECT_EQ(row.known_by, Source::sync);
    EXPECT_EQ(row.load, d.load);
    EXPECT_EQ(row.neighbors, d.neighbors);
    EXPECT_EQ(row.suspected_by,
              (std::vector{Accuser{id(2), wire::AccusationReason::silent, wire::AccusationPhase::suspected}}));
    EXPECT_EQ(node.directory.of_type("gateway"), (std::vector{id(1)}));
}

}  // namespace
}  // namespace grapevine::directory
