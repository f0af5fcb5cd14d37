// Addresses: candidates of a dial, duplicates of an Initial, moved peers.

#include <gtest/gtest.h>

#include "quic/link_testing.hpp"

namespace grapevine::quic::testing {
namespace {

using namespace std::chrono_literals;

const base::SocketAddr kNowhere = base::SocketAddr::v4(10, 9, 9, 9, 9);

bool both_connected(const Host& a, const Host& b) {
    return !a.seen<Connected>().empty() && !b.seen<Connected>().empty();
}

TEST(Candidates, TheOneThatAnswersWinsAtOnce) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    const base::TimePoint start = world.now;
    const auto ref =
        client.endpoint->connect(server.key.id(), {kNowhere, server.addrs.front()}, kAlpn, world.now).value();
    ASSERT_TRUE(world.run([&] { return both_connected(client, server); }));
    EXPECT_EQ(world.now - start, 30ms) << "a dead candidate costs no time";
    EXPECT_EQ(client.endpoint->stats(ref)->remote, server.addrs.front());
    std::size_t strayed = 0;
    world.filter = [&](const Host&, const base::SocketAddr& to, base::ByteView) {
        strayed += to == kNowhere ? 1 : 0;
        return true;
    };
    world.run_for(20s);
    EXPECT_EQ(strayed, 0U) << "the others hear no more";
}

TEST(Candidates, DuplicatesOfOneInitialBecomeOneConnection) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    client.addrs.push_back(base::SocketAddr::v4(10, 1, 0, 1, 4000));
    server.addrs.push_back(base::SocketAddr::v4(10, 1, 0, 2, 4000));
    // Each Initial arrives once more, from the client's other address at the server's other address.
    world.filter = [&](const Host& from, const base::SocketAddr& to, base::ByteView payload) {
        if (&from == &client && to == server.addrs[0]) {
            world.inject(client.addrs[1], server.addrs[1], base::Bytes(payload.begin(), payload.end()));
        }
        return true;
    };
    client.dial(server);
    ASSERT_TRUE(world.run([&] { return both_connected(client, server); }));
    world.run_for(5s);
    EXPECT_EQ(server.seen<Connected>().size(), 1U);
    EXPECT_EQ(server.endpoint->counters().handshakes_started, 1U);
    EXPECT_EQ(server.endpoint->connections().size(), 1U);
    EXPECT_EQ(client.endpoint->connections().size(), 1U);
}

TEST(Candidates, AOneWayStreetThatWasFirstDoesNotBlockTheHandshake) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    const auto one_way = base::SocketAddr::v4(10, 1, 0, 1, 4000);
    // A copy of each Initial overtakes the original, from an address at which the client hears nothing.
    world.filter = [&](const Host& from, const base::SocketAddr&, base::ByteView payload) {
        if (&from == &client) {
            server.endpoint->on_datagram({server.addrs[0], one_way, Ecn::not_ect, payload, 0}, world.now);
        }
        return true;
    };
    client.dial(server);
    world.run_for(5ms);
    world.filter = nullptr;
    ASSERT_TRUE(world.run([&] { return both_connected(client, server); }, 2s));
    world.run_for(5s);
    EXPECT_EQ(server.endpoint->stats(server.connected())->remote, client.addrs.front());
    EXPECT_TRUE(server.seen<Closed>().empty());
}

TEST(Candidates, AStrangerAtOneAddressDoesNotSpoilTheDial) {
    World world;
    Host& client = world.add();
    Host& stranger = world.add();
    Host& server = world.add();
    // The peer answers later than the stranger does.
    std::size_t lost = 0;
    world.filter = [&](const Host&, const base::SocketAddr& to, base::ByteView) {
        return to != server.addrs.front() || lost++ > 0;
    };
    const auto ref =
        client.endpoint->connect(server.key.id(), {stranger.addrs.front(), server.addrs.front()}, kAlpn, world.now)
            .value();
    ASSERT_TRUE(world.run([&] { return both_connected(client, server); }));
    EXPECT_EQ(client.connected(), ref) << "under the same ref";
    EXPECT_TRUE(client.seen<Closed>().empty());
    EXPECT_TRUE(stranger.seen<Connected>().empty());
    EXPECT_EQ(client.endpoint->counters().dials_retried, 1U);
    EXPECT_EQ(client.endpoint->stats(ref)->remote, server.addrs.front());
}

TEST(Candidates, UnreachableIsKnownWhenAllAreRefused) {
    World world;
    Host& client = world.add();
    const auto second = base::SocketAddr::v4(10, 9, 9, 8, 9);
    client.endpoint->connect(key_of(9).id(), {kNowhere, second}, kAlpn, world.now).value();
    world.run_for(10ms);
    client.endpoint->on_unreachable(kNowhere, world.now);
    world.run_for(10ms);
    EXPECT_TRUE(client.seen<Closed>().empty()) << "one is left";
    client.endpoint->on_unreachable(second, world.now);
    world.run_for(1ms);
    ASSERT_EQ(client.seen<Closed>().size(), 1U);
    EXPECT_EQ(client.seen<Closed>().front().reason.cause, CloseCause::unreachable);
}

TEST(Candidates, UnreachableNeverClosesALiveConnection) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    client.dial(server);
    ASSERT_TRUE(world.run([&] { return both_connected(client, server); }));
    client.endpoint->on_unreachable(server.addrs.front(), world.now);
    world.run_for(10s);
    EXPECT_TRUE(client.seen<Closed>().empty());
}

TEST(Migration, AClientWhoseAddressChangesKeepsItsConnection) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    server.echo = true;
    const auto ref = client.dial(server);
    ASSERT_TRUE(world.run([&] { return both_connected(client, server); }));
    world.run_for(1s);
    const auto moved = base::SocketAddr::v4(10, 7, 7, 7, 5555);
    client.addrs = {moved};
    const StreamRef stream = client.endpoint->open_stream(ref, Direction::bidirectional).value();
    client.send_all(ref, stream, random_bytes(world.rng, 300'000));
    ASSERT_TRUE(world.run([&] { return client.received[{ref, stream}].fin; }));
    ASSERT_EQ(server.seen<PathChanged>().size(), 1U);
    EXPECT_EQ(server.seen<PathChanged>().front().remote, moved);
    EXPECT_EQ(server.endpoint->stats(server.connected())->remote, moved);
    EXPECT_EQ(server.endpoint->counters().path_changes, 1U);
    world.run_for(120s);
    EXPECT_TRUE(client.seen<Closed>().empty());
}

TEST(Migration, AnAddressThatCannotBeValidatedGetsLittleAndTheOldOneComesBack) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    const auto ref = client.dial(server);
    ASSERT_TRUE(world.run([&] { return both_connected(client, server); }));
    world.run_for(1s);
    // Somebody on the way sends one packet of the client on from another address.
    const auto forged = base::SocketAddr::v4(10, 6, 6, 6, 666);
    bool once = true;
    std::size_t to_forged = 0;
    world.filter = [&](const Host& from, const base::SocketAddr& to, base::ByteView payload) {
        to_forged += to == forged ? payload.size() : 0;
        if (&from == &client && std::exchange(once, false)) {
            world.inject(forged, server.addrs.front(), base::Bytes(payload.begin(), payload.end()));
            return false;
        }
        return true;
    };
    client.endpoint->ping(ref);
    world.run_for(30s);
    EXPECT_FALSE(once);
    EXPECT_LE(to_forged, 5000U);
    EXPECT_TRUE(server.seen<PathChanged>().empty());
    EXPECT_TRUE(server.seen<Closed>().empty());
    EXPECT_EQ(server.endpoint->stats(server.connected())->remote, client.addrs.front());
    client.endpoint->close(ref, 5, "", world.now);
    EXPECT_TRUE(world.run([&] { return !server.seen<Closed>().empty(); }, 5s));
}

}  // namespace
}  // namespace grapevine::quic::testing
