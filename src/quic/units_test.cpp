// The parts of the endpoint on their own: buffers, turns, tables, limits, TLS messages after the handshake.

#include <gtest/gtest.h>

#include <string>

#include "quic/address.hpp"
#include "quic/cid_table.hpp"
#include "quic/deadlines.hpp"
#include "quic/dial.hpp"
#include "quic/event_queue.hpp"
#include "quic/rate_limit.hpp"
#include "quic/secrets.hpp"
#include "quic/streams.hpp"
#include "quic/tls.hpp"
#include "quic/train.hpp"

namespace grapevine::quic {
namespace {

using namespace std::chrono_literals;

constexpr base::TimePoint kStart{base::Duration(100s)};

TEST(SendBuffer, GivesBackWhatWasPutInWhateverTheSteps) {
    base::Rng rng(5);
    SendBuffer buffer;
    base::Bytes put;
    base::Bytes got;
    std::size_t acknowledged = 0;
    for (int i = 0; i < 20000; ++i) {
        switch (rng.below(3)) {
            case 0: {
                base::Bytes piece(rng.index(rng.chance(0.02) ? 100'000 : 700) + 1);
                rng.fill(piece);
                put.insert(put.end(), piece.begin(), piece.end());
                buffer.append(piece);
                break;
            }
            case 1: {
                std::array<ngtcp2_vec, kVectorsPerWrite> vectors{};
                const std::size_t count = buffer.unsent(vectors);
                std::size_t left = rng.index(3000);
                std::size_t sent = 0;
                for (std::size_t v = 0; v < count && left > 0; ++v) {
                    const std::size_t step = std::min(left, vectors[v].len);
                    got.insert(got.end(), vectors[v].base, vectors[v].base + step);
                    left -= step;
                    sent += step;
                }
                buffer.sent(sent);
                break;
            }
            default: {
                const std::size_t open = got.size() - acknowledged;
                const std::size_t step = open == 0 ? 0 : rng.index(open + 1);
                buffer.acknowledged(step);
                acknowledged += step;
            }
        }
        ASSERT_EQ(buffer.size(), put.size() - acknowledged);
        ASSERT_EQ(buffer.unsent_bytes(), put.size() - got.size());
    }
    EXPECT_GT(got.size(), 1'000'000U);
    EXPECT_TRUE(std::equal(got.begin(), got.end(), put.begin()));
}

TEST(SendBuffer, SentBytesStayWhereTheyAreUntilAcknowledged) {
    SendBuffer buffer;
    buffer.append(base::to_bytes("first"));
    std::array<ngtcp2_vec, kVectorsPerWrite> before{};
    ASSERT_EQ(buffer.unsent(before), 1U);
    const std::uint8_t* where = before[0].base;
    for (int i = 0; i < 500; ++i) {
        buffer.append(base::Bytes(300, 9));
    }
    EXPECT_EQ(base::as_text({where, 5}), "first");
    std::array<ngtcp2_vec, kVectorsPerWrite> after{};
    buffer.unsent(after);
    EXPECT_EQ(after[0].base, where);
}

TEST(StreamTable, StreamsTakeTurns) {
    telemetry::Ledger ledger;
    StreamTable table;
    for (const std::int64_t id : {0, 4, 8}) {
        Stream& stream = table.add(StreamRef{id}, ledger);
        stream.out.append(base::Bytes(10, 1));
        table.make_ready(stream);
        table.make_ready(stream);
    }
    std::string order;
    for (int i = 0; i < 6; ++i) {
        Stream* stream = table.next_ready();
        order += std::to_string(stream->ref.value);
        stream->out.sent(1);
        table.end_turn(*stream);
    }
    EXPECT_EQ(order, "048048");
    table.hold_back(*table.find(StreamRef{0}));
    EXPECT_EQ(table.next_ready()->ref.value, 4);
    table.erase(StreamRef{4});
    table.retire(*table.find(StreamRef{8}));
    EXPECT_EQ(table.next_ready(), nullptr);
    table.release_held_back();
    EXPECT_EQ(table.next_ready()->ref.value, 0);
}

TEST(CidTable, IdsBelongToOneConnectionAndLeaveWithIt) {
    CidTable table;
    CidOwner a;
    CidOwner b;
    const Cid cid(base::Bytes{1, 2, 3});
    EXPECT_EQ(table.add(a, cid, ConnectionRef{1}), base::Admitted::yes);
    EXPECT_EQ(table.add(a, cid, ConnectionRef{1}), base::Admitted::yes) << "the same again is no harm";
    EXPECT_EQ(table.add(b, cid, ConnectionRef{2}), base::Admitted::no);
    table.remove(b, cid);
    EXPECT_EQ(table.find(cid), ConnectionRef{1}) << "only its owner removes it";
    for (std::uint8_t i = 0; i < kCidsPerConnection - 1; ++i) {
        EXPECT_EQ(table.add(a, Cid(base::Bytes{9, i}), ConnectionRef{1}), base::Admitted::yes);
    }
    EXPECT_EQ(table.add(a, Cid(base::Bytes{8}), ConnectionRef{1}), base::Admitted::no) << "bounded";
    EXPECT_NE(Cid(base::Bytes{9}), Cid(base::Bytes{9, 0})) << "length counts";
    table.remove_all(a);
    EXPECT_EQ(table.size(), 0U);
}

TEST(Deadlines, TheEarliestIsDueFirst) {
    Deadlines deadlines;
    Armed a;
    Armed b;
    deadlines.set(ConnectionRef{1}, a, kStart + 2s);
    deadlines.set(ConnectionRef{2}, b, kStart + 1s);
    EXPECT_EQ(deadlines.next(), kStart + 1s);
    EXPECT_EQ(deadlines.due(kStart), std::nullopt);
    EXPECT_EQ(deadlines.due(kStart + 5s), ConnectionRef{2});
    deadlines.set(ConnectionRef{2}, b, kStart + 9s);
    EXPECT_EQ(deadlines.next(), kStart + 2s);
    deadlines.set(ConnectionRef{1}, a, std::nullopt);
    deadlines.set(ConnectionRef{2}, b, std::nullopt);
    EXPECT_EQ(deadlines.next(), std::nullopt);
}

TEST(RateLimit, ABurstThenOnePerInterval) {
    RateLimit limit(3, 10ms);
    int taken = 0;
    for (int i = 0; i < 10; ++i) {
        taken += limit.take(kStart) ? 1 : 0;
    }
    EXPECT_EQ(taken, 3);
    EXPECT_FALSE(limit.take(kStart + 9ms));
    EXPECT_TRUE(limit.take(kStart + 10ms));
    EXPECT_FALSE(limit.take(kStart + 11ms));
    EXPECT_TRUE(limit.take(kStart + 1h));
}

TEST(EventQueue, JoinsPiecesOfOneStreamOnly) {
    EventQueue queue(10);
    const ConnectionRef connection{1};
    queue.push_data(connection, StreamRef{0}, base::to_bytes("ab"), false);
    queue.push_data(connection, StreamRef{0}, base::to_bytes("cd"), true);
    queue.push_data(connection, StreamRef{4}, base::to_bytes("x"), false);
    queue.push_data(connection, StreamRef{0}, base::to_bytes("y"), false);
    queue.push_data(connection, StreamRef{0}, base::Bytes(kDataEventBytes, 1), false);
    EXPECT_EQ(queue.size(), 4U);
    const StreamData first = std::get<StreamData>(*queue.pop());
    EXPECT_EQ(base::to_text(first.data), "abcd");
    EXPECT_TRUE(first.fin);
}

TEST(Secrets, ResetTokensDependOnTheKeyAloneAndIdsOnTheRngToo) {
    const auto key = *base::SecretKey::from_seed(base::Bytes(32, 1));
    const auto other_key = *base::SecretKey::from_seed(base::Bytes(32, 2));
    base::Rng one(1);
    base::Rng two(2);
    base::Rng three(1);
    base::Rng four(1);
    Secrets a(key, one);
    Secrets b(key, two);
    Secrets c(other_key, three);
    Secrets replay(key, four);
    const ngtcp2_cid cid = a.new_cid();
    EXPECT_EQ(a.reset_token(cid), b.reset_token(cid));
    EXPECT_NE(a.reset_token(cid), c.reset_token(cid));
    EXPECT_EQ(Cid(replay.new_cid()), Cid(cid));
    EXPECT_NE(Cid(b.new_cid()), Cid(cid));
    EXPECT_NE(Cid(c.new_cid()), Cid(cid));
    EXPECT_NE(Cid(a.new_cid()), Cid(cid));
}

TEST(PostHandshake, ReadsOverTicketsInAnyPieces) {
    base::Bytes two_tickets;
    for (const std::size_t size : {200U, 0U, 3U}) {
        const base::Bytes header{4, 0, 0, static_cast<std::uint8_t>(size)};
        two_tickets.insert(two_tickets.end(), header.begin(), header.end());
        two_tickets.insert(two_tickets.end(), size, std::uint8_t{24});
    }
    for (std::size_t piece = 1; piece < 20; ++piece) {
        PostHandshake filter;
        base::ByteView rest(two_tickets);
        while (!rest.empty()) {
            const std::size_t count = std::min(piece, rest.size());
            ASSERT_TRUE(filter.accept(rest.first(count)));
            rest = rest.subspan(count);
        }
        EXPECT_FALSE(filter.accept(base::Bytes{24})) << "KeyUpdate";
    }
}

TEST(Train, JoinsEqualPacketsToOnePlace) {
    std::vector<std::pair<std::size_t, std::size_t>> sent;  // Bytes, segment.
    Counters counters;
    const std::function<void(const Transmit&)> sink = [&](const Transmit& transmit) {
        sent.emplace_back(transmit.payload.size(), transmit.segment_bytes);
    };
    Destination here;
    here.add(base::SocketAddr::v4(10, 0, 0, 1, 1));
    Destination two = here;
    two.add(base::SocketAddr::v4(10, 0, 0, 2, 1));
    TrainBuffer buffer;
    Train train(sink, counters, buffer);
    for (const std::size_t bytes : {1000, 1000, 400}) {
        train.commit(bytes, here);
    }
    train.commit(500, here);
    train.commit(1000, here);
    train.commit(1000, two);
    train.send();
    const std::vector<std::pair<std::size_t, std::size_t>> expected{
        {2400, 1000}, {500, 0}, {1000, 0}, {1000, 0}, {1000, 0}};
    EXPECT_EQ(sent, expected);
    EXPECT_EQ(counters.datagrams_sent, 7U);
    sent.clear();
    for (int i = 0; i < 130; ++i) {
        train.commit(i < 65 ? 100 : kPacketBytesMax, here);
    }
    train.send();
    for (const auto& [bytes, segment] : sent) {
        EXPECT_LE(bytes, kTrainBytesMax);
        EXPECT_TRUE(segment == 0 || bytes <= kTrainPacketsMax * segment);
    }
    EXPECT_EQ(sent.front(), (std::pair<std::size_t, std::size_t>{6400, 100}));
}

TEST(Address, ThereAndBack) {
    for (const char* text : {"1.2.3.4:5", "[2001:db8::7]:65535"}) {
        const auto addr = *base::SocketAddr::parse(text);
        EXPECT_EQ(from_native(NativeAddr(addr).view()), addr);
    }
}

TEST(Candidates, DuplicatesCountOnce) {
    const auto one = base::SocketAddr::v4(1, 1, 1, 1, 1);
    const auto two = base::SocketAddr::v4(1, 1, 1, 1, 2);
    Candidates candidates({one, two, one});
    EXPECT_EQ(candidates.left(), (std::vector{one, two}));
    EXPECT_TRUE(candidates.strike(one));
    EXPECT_FALSE(candidates.strike(one));
    EXPECT_FALSE(candidates.empty());
}

}  // namespace
}  // namespace grapevine::quic
