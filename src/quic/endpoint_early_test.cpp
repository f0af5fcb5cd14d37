// 0-RTT: what it saves, and what it may not do.

#include <gtest/gtest.h>

#include "quic/link_testing.hpp"
#include "quic/tickets.hpp"

namespace grapevine::quic::testing {
namespace {

using std::chrono::milliseconds;

Config zero_rtt_config() {
    Config config = World::default_config();
    config.alpns.push_back("other/1");
    config.zero_rtt = true;
    return config;
}

class EarlyData0Rtt : public ::testing::Test {
protected:
    // One connection from `a` to `b`, closed again; its tickets stay.
    void meet() {
        const ConnectionRef first = a.dial(b);
        ASSERT_TRUE(world.run([&] { return b.seen<Connected>().size() == 1 && a.seen<Connected>().size() == 1; }));
        world.run_for(milliseconds(100));
        a.endpoint->close(first, 0, "", world.now);
        ASSERT_TRUE(world.run([&] { return b.seen<Closed>().size() == 1; }));
        world.run_for(std::chrono::seconds(5));
        for (Host* host : {&a, &b}) {
            host->events.clear();
            host->received.clear();
        }
    }
    void restart(Host& host) {
        host.endpoint = nullptr;
        host.endpoint = std::make_unique<Endpoint>(zero_rtt_config(), host.key, host.rng, host.ledger);
    }
    StreamRef open(ConnectionRef connection, Direction direction = Direction::bidirectional) {
        return a.endpoint->open_stream(connection, direction).value();
    }
    // What `b` has received of stream `stream` of its last connection.
    base::Bytes received_by_b(StreamRef stream) {
        const auto connections = b.seen<Connected>();
        return connections.empty() ? base::Bytes{} : b.received[{connections.back().connection, stream}].data;
    }

    World world;
    Host& a = world.add(zero_rtt_config());
    Host& b = world.add(zero_rtt_config());
    const base::Bytes hello = base::Bytes(100, 7);
};

TEST_F(EarlyData0Rtt, ArrivesAfterHalfARoundTripAndIsAnsweredAfterOne) {
    b.echo = true;
    meet();
    const base::TimePoint begin = world.now;
    const ConnectionRef connection = a.dial(b);
    const StreamRef stream = open(connection);
    a.send_all(connection, stream, hello);
    ASSERT_TRUE(world.run([&] { return received_by_b(stream) == hello; }));
    EXPECT_EQ(world.now - begin, world.link.delay);
    EXPECT_TRUE(a.seen<Connected>().empty());
    ASSERT_TRUE(world.run([&] { return a.received[{connection, stream}].fin; }));
    EXPECT_EQ(world.now - begin, 2 * world.link.delay);
    EXPECT_EQ((a.received[{connection, stream}].data), hello);
    EXPECT_EQ(a.seen<Connected>().at(0).early_data, EarlyData::accepted);
    EXPECT_EQ(b.seen<Connected>().at(0).early_data, EarlyData::accepted);
    EXPECT_EQ(b.seen<Connected>().at(0).peer, a.key.id());
    EXPECT_EQ(b.seen<Connected>().at(0).alpn, kAlpn);
    EXPECT_EQ(b.seen<Connected>().size(), 1U);
}

TEST_F(EarlyData0Rtt, TheServerSaysWhenTheHandshakeIsComplete) {
    meet();
    const ConnectionRef connection = a.dial(b);
    const StreamRef stream = open(connection);
    a.send_all(connection, stream, hello);
    ASSERT_TRUE(world.run([&] { return received_by_b(stream) == hello; }));
    EXPECT_FALSE(b.endpoint->stats(b.connected())->handshake_complete);
    ASSERT_TRUE(world.run([&] { return b.endpoint->stats(b.connected())->handshake_complete; }));
    EXPECT_EQ(b.endpoint->counters().handshakes_completed, 2U);
    EXPECT_EQ(b.endpoint->counters().early_data_accepted, 1U);
}

TEST_F(EarlyData0Rtt, NeedsATicket) {
    const ConnectionRef first = a.dial(b);
    EXPECT_FALSE(a.endpoint->open_stream(first, Direction::bidirectional));
    ASSERT_TRUE(world.run([&] { return !a.seen<Connected>().empty(); }));
    EXPECT_EQ(a.seen<Connected>().at(0).early_data, EarlyData::none);
    world.run_for(milliseconds(100));
    EXPECT_EQ(a.endpoint->counters().tickets_received, kTicketsPerConnection);
    const ConnectionRef other = a.dial(b, "other/1");
    EXPECT_FALSE(a.endpoint->open_stream(other, Direction::bidirectional)) << "a ticket for one ALPN served another";
}

TEST_F(EarlyData0Rtt, ResumesWithTheRightPeerWithoutEarlyDataToo) {
    meet();
    const ConnectionRef connection = a.dial(b);
    ASSERT_TRUE(world.run([&] { return b.seen<Connected>().size() == 1; }));
    EXPECT_EQ(b.seen<Connected>().at(0).peer, a.key.id());
    EXPECT_EQ(a.seen<Connected>().at(0).peer, b.key.id());
    EXPECT_EQ(a.seen<Connected>().at(0).connection, connection);
    EXPECT_EQ(a.seen<Connected>().at(0).early_data, EarlyData::none);
    EXPECT_EQ(b.seen<Connected>().at(0).early_data, EarlyData::none);
    world.run_for(milliseconds(100));
    EXPECT_EQ(a.endpoint->counters().tickets_received, 2 * kTicketsPerConnection);
}

TEST_F(EarlyData0Rtt, EachTicketIsUsedOnce) {
    meet();
    for (std::size_t i = 0; i < kTicketsPerConnection; ++i) {
        EXPECT_TRUE(a.endpoint->open_stream(a.dial(b), Direction::bidirectional));
    }
    EXPECT_FALSE(a.endpoint->open_stream(a.dial(b), Direction::bidirectional));
}

TEST_F(EarlyData0Rtt, RejectedDataIsSentAgainOnTheSameStreams) {
    meet();
    restart(b);
    const ConnectionRef connection = a.dial(b);
    const base::Bytes big = random_bytes(world.rng, 300'000);
    const StreamRef first = open(connection);
    const StreamRef one_way = open(connection, Direction::unidirectional);
    const StreamRef second = open(connection);
    a.send_all(connection, first, big);
    a.send_all(connection, one_way, hello);
    a.send_all(connection, second, hello);
    ASSERT_TRUE(world.run([&] {
        return received_by_b(first) == big && received_by_b(one_way) == hello && received_by_b(second) == hello;
    }));
    EXPECT_EQ(a.seen<Connected>().at(0).early_data, EarlyData::rejected);
    EXPECT_EQ(b.seen<Connected>().at(0).early_data, EarlyData::none);
    EXPECT_EQ(a.endpoint->counters().early_data_rejected, 1U);
    EXPECT_EQ(b.endpoint->counters().early_data_accepted, 0U);
}

TEST_F(EarlyData0Rtt, AResetBeforeTheRejectionIsSaidAgain) {
    meet();
    restart(b);
    const ConnectionRef connection = a.dial(b);
    const StreamRef first = open(connection);
    const StreamRef second = open(connection);
    ASSERT_TRUE(a.endpoint->write(connection, first, hello, false));
    a.send_all(connection, second, hello);
    a.endpoint->reset_stream(connection, first, 77);
    ASSERT_TRUE(world.run([&] { return received_by_b(second) == hello && !b.seen<StreamReset>().empty(); }));
    EXPECT_EQ(b.seen<StreamReset>().at(0).stream, first);
    EXPECT_EQ(b.seen<StreamReset>().at(0).code, 77U);
}

TEST_F(EarlyData0Rtt, AServerWithoutTheOptionRejects) {
    meet();
    b.endpoint = nullptr;
    b.endpoint = std::make_unique<Endpoint>(World::default_config(), b.key, b.rng, b.ledger);
    const ConnectionRef connection = a.dial(b);
    const StreamRef stream = open(connection);
    a.send_all(connection, stream, hello);
    ASSERT_TRUE(world.run([&] { return received_by_b(stream) == hello; }));
    EXPECT_EQ(a.seen<Connected>().at(0).early_data, EarlyData::rejected);
    world.run_for(milliseconds(2000));
    EXPECT_EQ(a.endpoint->counters().tickets_received, kTicketsPerConnection) << "those of the first meeting";
}

// The first flight, recorded and played again when the connection is long forgotten.
TEST_F(EarlyData0Rtt, AReplayBringsNothing) {
    meet();
    std::vector<base::Bytes> recorded;
    bool recording = true;
    world.filter = [&](const Host& from, const base::SocketAddr&, base::ByteView payload) {
        if (recording && &from == &a) {
            recorded.emplace_back(payload.begin(), payload.end());
        }
        return true;
    };
    const ConnectionRef connection = a.dial(b);
    const StreamRef stream = open(connection);
    a.send_all(connection, stream, hello);
    ASSERT_TRUE(world.run([&] { return received_by_b(stream) == hello; }));
    recording = false;
    ASSERT_TRUE(world.run([&] { return !a.seen<Connected>().empty(); }));
    a.endpoint->close(connection, 0, "", world.now);
    world.run_for(std::chrono::seconds(5));
    ASSERT_EQ(b.seen<Connected>().size(), 1U);
    const auto started = b.endpoint->counters().handshakes_started;
    for (const base::Bytes& packet : recorded) {
        world.inject(base::SocketAddr::v4(10, 0, 0, 99, 4000), b.addrs.front(), packet);
    }
    world.run_for(std::chrono::seconds(20));
    EXPECT_EQ(b.endpoint->counters().handshakes_started, started + 1) << "the replay reached a handshake";
    EXPECT_EQ(b.seen<Connected>().size(), 1U);
    EXPECT_EQ(b.endpoint->counters().early_data_accepted, 1U);
}

// A copy that overtakes the original takes its place, which is what Config::zero_rtt warns of; the peer is still right,
// the copy never completes its handshake, and the original's data is not lost.
TEST_F(EarlyData0Rtt, ACopyThatOvertakesIsNeverComplete) {
    meet();
    std::vector<base::Bytes> stolen;
    bool stealing = true;
    world.filter = [&](const Host& from, const base::SocketAddr&, base::ByteView payload) {
        if (stealing && &from == &a) {
            stolen.emplace_back(payload.begin(), payload.end());
        }
        return !(stealing && &from == &a);
    };
    const ConnectionRef connection = a.dial(b);
    const StreamRef stream = open(connection);
    a.send_all(connection, stream, hello);
    world.run_for(milliseconds(1));
    stealing = false;
    for (const base::Bytes& packet : stolen) {
        world.inject(base::SocketAddr::v4(10, 0, 0, 99, 4000), b.addrs.front(), packet);
    }
    world.run_for(std::chrono::seconds(20));
    ASSERT_FALSE(b.seen<Connected>().empty());
    for (const Connected& event : b.seen<Connected>()) {
        EXPECT_EQ(event.peer, a.key.id());
    }
    ASSERT_EQ(a.seen<Connected>().size(), 1U);
    EXPECT_EQ(received_by_b(stream), hello);
}

TEST_F(EarlyData0Rtt, SurvivesAWrongCandidateThatAnswersFirst) {
    meet();
    Host& stranger = world.add(zero_rtt_config());
    b.silent = true;
    const ConnectionRef connection =
        a.endpoint->connect(b.key.id(), {stranger.addrs.front(), b.addrs.front()}, kAlpn, world.now).value();
    const base::Bytes big = random_bytes(world.rng, 100'000);
    const StreamRef stream = open(connection);
    a.send_all(connection, stream, big);
    ASSERT_TRUE(world.run([&] { return a.endpoint->counters().dials_retried == 1; }));
    b.silent = false;
    ASSERT_TRUE(world.run([&] { return received_by_b(stream) == big; }));
    EXPECT_EQ(a.seen<Connected>().at(0).peer, b.key.id());
    EXPECT_EQ(a.seen<Connected>().at(0).early_data, EarlyData::rejected);
    EXPECT_TRUE(stranger.seen<Connected>().empty());
}

TEST_F(EarlyData0Rtt, SurvivesLossReorderingAndDuplication) {
    std::size_t short_initials = 0;
    world.filter = [&](const Host& from, const base::SocketAddr&, base::ByteView payload) {
        const bool initial = (payload[0] & 0xb0U) == 0x80U;
        short_initials += &from == &a && initial && payload.size() < 1200 ? 1 : 0;
        return true;
    };
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        meet();
        world.rng = base::Rng(seed);
        world.link.loss = 0.15;
        world.link.duplication = 0.1;
        world.link.jitter = milliseconds(15);
        if (seed % 3 == 0) {
            restart(b);
        }
        const ConnectionRef connection = a.dial(b);
        const base::Bytes big = random_bytes(world.rng, 40'000);
        const auto opened = a.endpoint->open_stream(connection, Direction::bidirectional);
        ASSERT_TRUE(opened) << seed;
        a.send_all(connection, *opened, big);
        ASSERT_TRUE(world.run([&] { return received_by_b(*opened) == big; })) << seed;
        world.link = Link{};
        ASSERT_TRUE(world.run([&] { return !a.seen<Connected>().empty(); })) << seed;
        a.endpoint->close(connection, 0, "", world.now);
        world.run_for(std::chrono::seconds(40));
        a.events.clear();
        b.events.clear();
        restart(a);
    }
    EXPECT_EQ(short_initials, 0U);
}

TEST_F(EarlyData0Rtt, TheConnectionLivesOnWithoutTheTlsSession) {
    meet();
    restart(a);
    restart(b);
    a.dial(b);
    ASSERT_TRUE(world.run([&] { return b.seen<Connected>().size() == 1; }));
    world.run_for(std::chrono::seconds(12));
    // A KeyUpdate or a broken message would now end the connection; keep-alive goes on.
    EXPECT_TRUE(a.seen<Closed>().empty());
    EXPECT_EQ(a.endpoint->counters().tickets_received, kTicketsPerConnection);
}

}  // namespace
}  // namespace grapevine::quic::testing
