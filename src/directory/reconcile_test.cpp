// Reconciliation: what two directories know after an exchange, and what it cost; and what hostile peers get.

#include "directory/reconcile.hpp"

#include <cstdio>

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "directory/directory_testing.hpp"

namespace grapevine::directory {
namespace {

using namespace testing;

struct Cost {
    std::size_t bytes = 0;
    std::size_t statement_bytes = 0;
    std::size_t turns = 0;
};

// Passes each turn through its codec, as a stream would.
wire::SyncTurn over_the_wire(const wire::SyncTurn& turn, Cost& cost) {
    const std::size_t size = wire::payload_size(turn);
    EXPECT_LE(size, wire::kMeshFrameMax);
    const Bytes frame = wire::encode(wire::MeshFrame(turn));
    const auto decoded = wire::decode_mesh_frame(frame[0], base::ByteView(frame).last(size));
    EXPECT_TRUE(decoded.has_value()) << (decoded ? "" : decoded.error().message);
    EXPECT_EQ(std::get<wire::SyncTurn>(*decoded), turn);
    cost.bytes += frame.size();
    ++cost.turns;
    for (const Bytes& statement : turn.statements)
        cost.statement_bytes += statement.size();
    return std::get<wire::SyncTurn>(*decoded);
}

Cost exchange(Node& a, Node& b, TimePoint now) {
    SyncSession initiator(a.directory, b.directory.self(), a.ledger);
    SyncSession responder(b.directory, a.directory.self(), b.ledger);
    Cost cost;
    a.out.clear();
    b.out.clear();
    wire::SyncTurn turn = initiator.start();
    for (bool to_responder = true;; to_responder = !to_responder) {
        SyncSession& session = to_responder ? responder : initiator;
        Node& node = to_responder ? b : a;
        auto step = session.on_turn(over_the_wire(turn, cost), now, node.out);
        EXPECT_TRUE(step.has_value()) << (step ? "" : step.error().message);
        if (!step || !step->reply) break;
        turn = *std::move(step->reply);
    }
    return cost;
}

std::map<EndpointId, std::uint64_t> known(const Node& node) {
    std::map<EndpointId, std::uint64_t> result;
    for (const auto& [id, entry] : node.directory.entries())
        result[id] = entry.digest.sequence.value;
    return result;
}

// Statements of `count` members, made once: signing is most of the time of these tests.
const std::vector<Bytes>& statements(std::size_t count) {
    static std::vector<Bytes> all;
    while (all.size() < count)
        all.push_back(signed_digest(static_cast<std::uint32_t>(1000 + all.size()), 1'700'000'000'000));
    return all;
}

TEST(Reconcile, ANewcomerLearnsAllAndIsLearned) {
    Node old(1);
    Node newcomer(2);
    old.start();
    newcomer.start();
    for (std::size_t i = 0; i < 300; ++i)
        old.hear(statements(300)[i], at(1s));
    const Cost cost = exchange(newcomer, old, at(2s));
    EXPECT_EQ(known(old), known(newcomer));
    EXPECT_EQ(newcomer.directory.size(), 302U);
    EXPECT_EQ(newcomer.directory.find(id(1))->source, Source::bootstrap);
    EXPECT_EQ(old.directory.find(id(2))->source, Source::sync);
    newcomer.run_until(at(2s));
    EXPECT_TRUE(pick<BroadcastStatement>(newcomer.out).empty());  // The mesh knows it already,
    old.run_until(at(2s));
    EXPECT_EQ(pick<BroadcastStatement>(old.out).size(), 1U);  // but not the newcomer.
    EXPECT_LT(cost.bytes - cost.statement_bytes, 3000U);
    EXPECT_EQ(old.ledger[telemetry::Kind::sync_session].alive(), 0U);
}

TEST(Reconcile, BytesGoWithTheDifference) {
    constexpr std::size_t kMembers = 1000;
    // style: allow log, because the figures are the point.
    std::printf("  difference  turns   bytes  of which statements\n");
    std::size_t without_difference = 0;
    for (const std::size_t difference : {0U, 1U, 10U, 100U, 500U}) {
        Node a(1);
        Node b(2);
        a.start();
        b.start();
        a.hear(b.directory.find(id(2))->envelope, at(1s));
        b.hear(a.directory.find(id(1))->envelope, at(1s));
        for (std::size_t i = 0; i < kMembers; ++i) {
            // Half of the difference is missing here, half there.
            if (i >= difference || i % 2 == 0) a.hear(statements(kMembers)[i], at(1s));
            if (i >= difference || i % 2 == 1) b.hear(statements(kMembers)[i], at(1s));
        }
        const Cost cost = exchange(a, b, at(2s));
        // style: allow log, because the figures are the point.
        std::printf("  %10zu  %5zu  %6zu  %zu\n", difference, cost.turns, cost.bytes, cost.statement_bytes);
        EXPECT_EQ(known(a), known(b));
        EXPECT_EQ(a.directory.size(), kMembers + 2);
        if (difference == 0) without_difference = cost.bytes;
        // Each difference costs its statement and at most a path of three levels.
        EXPECT_LE(cost.bytes - cost.statement_bytes, without_difference + 100 + difference * 2500);
        EXPECT_LE(cost.bytes - cost.statement_bytes, 80'000U);
        EXPECT_LT(cost.turns, 40U);
    }
    EXPECT_LT(without_difference, 500U);
}

TEST(Reconcile, SidesOfAnySizesEndUpEqual) {
    base::Rng rng(7);
    for (int round = 0; round < 60; ++round) {
        Node a(1, config(), 1);
        Node b(2, config(), 2);
        a.start();
        b.start();
        const double in_a = rng.unit();
        const double in_b = rng.unit();
        const std::size_t members = rng.below(250);
        for (std::size_t i = 0; i < members; ++i) {
            if (rng.chance(in_a)) a.hear(statements(250)[i], at(1s));
            if (rng.chance(in_b)) b.hear(statements(250)[i], at(1s));
            if (rng.chance(0.05))
                b.hear(signed_digest(static_cast<std::uint32_t>(1000 + i), 1'700'000'000'001), at(1s));
        }
        exchange(a, b, at(2s));
        EXPECT_EQ(known(a), known(b)) << "round " << round;
        const Cost again = exchange(b, a, at(2s));
        EXPECT_LE(again.turns, 2U);
        EXPECT_EQ(again.statement_bytes, 0U);
    }
}

TEST(Reconcile, WhatLeftHereIsNotTakenBackAndThePeerIsTold) {
    Node a(1);
    Node b(2);
    a.start();
    b.start();
    for (const std::uint32_t n : {5U, 6U}) {
        a.hear(signed_digest(n, 10), at(1s));
        b.hear(signed_digest(n, 10), at(1s));
    }
    a.hear(signed_leaving(5, 11), at(2s));
    exchange(a, b, at(3s));
    EXPECT_EQ(a.directory.find(id(5)), nullptr);
    EXPECT_EQ(b.directory.find(id(5)), nullptr);
    EXPECT_EQ(b.directory.counters().left, 1U);
    b.run_until(at(3s));  // And b tells its part of the mesh.
    EXPECT_NE(std::find(b.out.begin(), b.out.end(), Effect(BroadcastStatement{signed_leaving(5, 11)})), b.out.end());
}

TEST(Reconcile, AContestThatComesTooLateForTheExchangeIsBroadcast) {
    Node a(1);
    Node b(2);
    a.start();
    b.start();
    for (Node* node : {&a, &b}) {
        node->hear(a.directory.find(id(1))->envelope, at(1s));
        node->hear(b.directory.find(id(2))->envelope, at(1s));
    }
    a.hear(signed_leaving(5, 11), at(2s));
    b.hear(signed_digest(5, 10), at(2s));
    exchange(a, b, at(3s));  // b answers the first list with its statement, and that is the end.
    EXPECT_EQ(pick<BroadcastStatement>(a.out), (std::vector{BroadcastStatement{signed_leaving(5, 11)}}));
}

TEST(Reconcile, AZombieIsAccusedToThePeerThatOffersIt) {
    Node a(1);
    Node b(2);
    a.start();
    b.start();
    for (Node* node : {&a, &b}) {
        node->hear(signed_digest(5, 10), at(1s));
        node->hear(signed_digest(6, 10), at(1s));
    }
    a.hear(signed_accusation(6, id(5), 10), at(1s));
    a.deadline(at(4s));
    ASSERT_EQ(a.directory.find(id(5)), nullptr);
    exchange(b, a, at(5s));
    ASSERT_EQ(pick<Suspected>(b.out).size(), 1U);
    EXPECT_EQ(pick<Suspected>(b.out)[0].accuser.id, id(1));
    EXPECT_NE(b.directory.find(id(5)), nullptr);
    b.deadline(at(6s));
    EXPECT_EQ(b.directory.find(id(5)), nullptr);
}

TEST(Reconcile, ARestartWithAClockBehindLearnsOfItsEarlierLife) {
    Node a(1);
    Config behind = config();
    behind.started = base::WallTime{100};
    Node b(2, behind);
    a.start();
    b.start();
    a.hear(signed_digest(2, 4000), at(1s));
    exchange(b, a, at(2s));
    EXPECT_EQ(b.directory.sequence(), wire::Sequence{4001});
    EXPECT_EQ(b.said().size(), 1U);
}

wire::SyncRange list_at(const EndpointId& from, std::vector<wire::KnownEntry> items) {
    return {from, std::move(items)};
}

EndpointId numbered(std::uint8_t n) {
    EndpointId id;
    id.bytes[0] = n;
    return id;
}

TEST(Reconcile, HostileTurnsEndTheSession) {
    using Turn = wire::SyncTurn;
    const wire::KnownEntry entry{numbered(5), wire::Sequence{1}};
    const wire::KnownEntry later{numbered(6), wire::Sequence{1}};
    EndpointId last;
    last.bytes.fill(0xff);
    Bytes forged = signed_digest(3, 10);
    forged.back() ^= 1U;
    const std::vector<std::pair<std::string, Turn>> hostile{
        {"ranges out of order", Turn{{{numbered(2), std::monostate{}}, {numbered(1), std::monostate{}}}, {}, {}}},
        {"ranges out of order", Turn{{{numbered(1), std::monostate{}}, {numbered(1), std::monostate{}}}, {}, {}}},
        {"too many ranges", Turn{std::vector<wire::SyncRange>(wire::kSyncRangesMax + 1), {}, {}}},
        {"entries out of order", Turn{{list_at({}, {later, entry})}, {}, {}}},
        {"entries out of order", Turn{{list_at({}, {entry, entry})}, {}, {}}},
        {"an entry outside its range", Turn{{list_at(numbered(6), {entry})}, {}, {}}},
        {"an entry outside its range", Turn{{list_at({}, {entry}), {numbered(5), std::monostate{}}}, {}, {}}},
        {"too many entries listed", Turn{{list_at({}, std::vector(wire::kSyncItemsMax + 1, entry))}, {}, {}}},
        {"too many ids wanted", Turn{{}, std::vector<EndpointId>(wire::kSyncItemsMax + 1), {}}},
        {"too many statements", Turn{{}, {}, std::vector<Bytes>(wire::kSyncStatementsMax + 1)}},
        {"entries at the largest id", Turn{{{last, wire::Fingerprint{}}}, {}, {}}},
        {"a statement refused as bad_signature", Turn{{{{}, std::monostate{}}}, {}, {forged}}},
        {"a statement refused as malformed", Turn{{}, {}, {Bytes{1}}}},
    };
    for (const auto& [rule, turn] : hostile) {
        Node node;
        node.start();
        SyncSession session(node.directory, id(1), node.ledger);
        const auto step = session.on_turn(turn, at(1s), node.out);
        ASSERT_FALSE(step.has_value()) << rule;
        EXPECT_EQ(step.error().message, "directory exchange: " + rule);
        EXPECT_FALSE(session.on_turn(Turn{}, at(1s), node.out).has_value());
    }
}

TEST(Reconcile, APeerThatNeverEndsIsEnded) {
    Node node;
    node.start();
    SyncSession session(node.directory, id(1), node.ledger);
    wire::SyncTurn turn;
    turn.ranges.push_back({{}, wire::Fingerprint{{1}}});
    std::size_t turns = 0;
    while (session.on_turn(turn, at(1s), node.out))
        ++turns;
    EXPECT_LE(turns, kTurnsMax);
    EXPECT_GE(turns, kTurnsMax / 4);
}

TEST(Reconcile, FingerprintsAreSumsThatIgnoreOrder) {
    const FingerprintSum a = FingerprintSum::of(id(1), wire::Sequence{1});
    const FingerprintSum b = FingerprintSum::of(id(2), wire::Sequence{2});
    FingerprintSum ab = a;
    ab += b;
    FingerprintSum ba = b;
    ba += a;
    EXPECT_EQ(ab.value(), ba.value());
    EXPECT_NE(FingerprintSum::of(id(1), wire::Sequence{2}).value(), a.value());
    EXPECT_EQ(FingerprintSum().value(), wire::Fingerprint{});
    // Carries reach the high half: 2^k times an item for growing k stays consistent with repeated addition.
    FingerprintSum doubled = a;
    FingerprintSum added;
    for (int i = 0; i < 6; ++i)
        doubled += FingerprintSum(doubled);
    for (int i = 0; i < 64; ++i)
        added += a;
    EXPECT_EQ(doubled.value(), added.value());
    // BLAKE3 of 40 zero bytes, cut to 16. Pinned, since both ends of a link must agree for ever.
    EXPECT_EQ(base::hex_encode(FingerprintSum::of(EndpointId{}, wire::Sequence{0}).value().bytes),
              "352bd266dae53c6e6a29244011cfa029");
}

}  // namespace
}  // namespace grapevine::directory
