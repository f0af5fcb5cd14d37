// What a stranger can do: floods, garbage, unfinished handshakes, lost state, limits.

#include <gtest/gtest.h>

#include "quic/link_testing.hpp"

namespace grapevine::quic::testing {
namespace {

using namespace std::chrono_literals;

base::SocketAddr attacker(std::uint32_t number) {
    return base::SocketAddr::v4(172, 16, static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number),
                                1000);
}

// The first datagram of a real client's dial.
base::Bytes genuine_initial(World& world, Host& client, const Host& server) {
    base::Bytes initial;
    world.filter = [&](const Host& from, const base::SocketAddr&, base::ByteView payload) {
        if (&from == &client && initial.empty()) {
            initial.assign(payload.begin(), payload.end());
        }
        return &from != &client;
    };
    const auto ref = client.dial(server);
    world.run_for(1ms);
    client.endpoint->close(ref, 0, "", world.now);
    world.run_for(1ms);
    world.filter = nullptr;
    return initial;
}

TEST(Robustness, AFloodOfInitialsIsBoundedAndOthersAreServed) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    server.echo = true;
    const auto ref = client.dial(server);
    ASSERT_TRUE(world.run([&] { return !server.seen<Connected>().empty(); }));
    Host& flooder = world.add();
    std::vector<base::Bytes> initials;
    for (int i = 0; i < 300; ++i) {
        initials.push_back(genuine_initial(world, flooder, server));
        world.inject(attacker(static_cast<std::uint32_t>(i)), server.addrs.front(), initials.back());
    }
    world.run_for(50ms);
    const Limits limits;
    const Counters& counters = server.endpoint->counters();
    EXPECT_EQ(server.endpoint->connections().size(), 1 + limits.retry_above_handshakes);
    EXPECT_EQ(counters.retries_sent + counters.dropped_rate_limit, 300 - limits.retry_above_handshakes);
    EXPECT_GT(counters.retries_sent, 200U);
    // The existing connection is served.
    const StreamRef stream = client.endpoint->open_stream(ref, Direction::bidirectional).value();
    client.send_all(ref, stream, base::Bytes(100'000, 1));
    EXPECT_TRUE(world.run([&] { return client.received[{ref, stream}].fin; }, 2s));
    // A new client that answers Retry gets in.
    Host& newcomer = world.add();
    newcomer.dial(server);
    EXPECT_TRUE(world.run([&] { return !newcomer.seen<Connected>().empty(); }, 2s));
    // And the unfinished ones are gone after the handshake timeout.
    world.run_for(15s);
    EXPECT_EQ(server.endpoint->connections().size(), 2U);
    EXPECT_EQ(server.ledger[telemetry::Kind::handshake].alive(), 0U);
}

TEST(Robustness, HandshakesBeyondTheLimitAreDroppedAndCounted) {
    World world;
    Config config = World::default_config();
    config.limits.handshakes_max = 3;
    Host& server = world.add(config);
    Host& flooder = world.add();
    for (std::uint32_t i = 0; i < 10; ++i) {
        world.inject(attacker(i), server.addrs.front(), genuine_initial(world, flooder, server));
    }
    world.run_for(100ms);
    EXPECT_EQ(server.endpoint->connections().size(), 3U);
    EXPECT_EQ(server.endpoint->counters().dropped_handshake_limit, 7U);
}

TEST(Robustness, UnansweredHandshakesAmplifyAtMostThreefold) {
    World world;
    Host& server = world.add();
    Host& flooder = world.add();
    const base::Bytes initial = genuine_initial(world, flooder, server);
    std::size_t answered = 0;
    world.filter = [&](const Host& from, const base::SocketAddr& to, base::ByteView payload) {
        answered += &from == &server && to == attacker(1) ? payload.size() : 0;
        return true;
    };
    world.inject(attacker(1), server.addrs.front(), initial);
    world.run_for(30s);
    EXPECT_GT(answered, 0U);
    EXPECT_LE(answered, 3 * initial.size());
    ASSERT_EQ(server.seen<Closed>().size(), 1U);
    EXPECT_EQ(server.seen<Closed>().front().reason.cause, CloseCause::handshake_timeout);
    EXPECT_EQ(server.endpoint->counters().handshakes_failed, 1U);
}

TEST(Robustness, RetryTokensAreBoundToTheAddress) {
    World world;
    Config config = World::default_config();
    config.limits.retry_above_handshakes = 0;
    Host& client = world.add();
    Host& server = world.add(config);
    base::Bytes with_token;
    world.filter = [&](const Host& from, const base::SocketAddr&, base::ByteView payload) {
        if (&from == &client && server.endpoint->counters().retries_sent > 0 && with_token.empty()) {
            with_token.assign(payload.begin(), payload.end());
        }
        return true;
    };
    client.dial(server);
    ASSERT_TRUE(world.run([&] { return !client.seen<Connected>().empty() && !server.seen<Connected>().empty(); }));
    EXPECT_EQ(server.endpoint->counters().retries_sent, 1U);
    ASSERT_FALSE(with_token.empty());
    client.endpoint->shutdown(0, "", world.now);
    world.run_for(5s);
    world.inject(attacker(7), server.addrs.front(), with_token);
    world.run_for(1s);
    EXPECT_EQ(server.endpoint->counters().dropped_bad_token, 1U);
    EXPECT_TRUE(server.endpoint->connections().empty());
    // Nor does an old one count from the right address.
    world.run_for(20s);
    world.inject(client.addrs.front(), server.addrs.front(), with_token);
    world.run_for(1s);
    EXPECT_EQ(server.endpoint->counters().dropped_bad_token, 2U);
}

TEST(Robustness, ARestartedPeerResetsWhatItForgot) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    const auto ref = client.dial(server);
    ASSERT_TRUE(world.run([&] { return !server.seen<Connected>().empty(); }));
    world.run_for(1s);
    base::Rng other(99);
    telemetry::Ledger ledger;
    server.endpoint = std::make_unique<Endpoint>(World::default_config(), server.key, other, ledger);
    client.endpoint->ping(ref);
    ASSERT_TRUE(world.run([&] { return !client.seen<Closed>().empty(); }, 1s));
    EXPECT_EQ(client.seen<Closed>().front().connection, ref);
    EXPECT_EQ(client.seen<Closed>().front().reason.cause, CloseCause::stateless_reset);
    EXPECT_EQ(server.endpoint->counters().stateless_resets_sent, 1U);
    EXPECT_EQ(client.endpoint->counters().resets_received, 1U);
    const auto again = client.dial(server);
    EXPECT_TRUE(world.run([&] { return client.seen<Connected>().size() == 2; }, 1s));
    EXPECT_EQ(client.connected(1), again);
    server.endpoint.reset();
}

TEST(Robustness, ResetsAreSmallerThanTheirCauseAndRateLimited) {
    World world;
    Host& server = world.add();
    std::size_t largest = 0;
    std::size_t count = 0;
    world.filter = [&](const Host&, const base::SocketAddr&, base::ByteView payload) {
        largest = std::max(largest, payload.size());
        ++count;
        return true;
    };
    for (std::uint32_t i = 0; i < 1000; ++i) {
        base::Bytes packet = random_bytes(world.rng, 40);
        packet[0] = 0x41;
        world.inject(attacker(i), server.addrs.front(), packet);
    }
    world.run_for(10ms);
    EXPECT_GE(count, 100U);
    EXPECT_LE(count, 102U);
    EXPECT_EQ(largest, 39U);
    EXPECT_EQ(server.endpoint->counters().dropped_unknown_connection, 1000U);
    EXPECT_EQ(server.endpoint->counters().dropped_rate_limit + count, 1000U);
}

TEST(Robustness, AnUnknownVersionIsAnsweredWithVersionNegotiation) {
    World world;
    Host& server = world.add();
    base::Bytes answer;
    world.filter = [&](const Host&, const base::SocketAddr&, base::ByteView payload) {
        answer.assign(payload.begin(), payload.end());
        return true;
    };
    base::Bytes packet(1200, 0);
    const base::Bytes head{0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8, 1, 2, 3, 4, 5, 6, 7, 8, 4, 9, 9, 9, 9};
    std::copy(head.begin(), head.end(), packet.begin());
    world.inject(attacker(1), server.addrs.front(), packet);
    world.run_for(20ms);
    ASSERT_EQ(answer.size(), 7U + 8 + 4 + 4);
    EXPECT_EQ(base::Bytes(answer.begin() + 1, answer.begin() + 5), base::Bytes(4, 0)) << "version 0";
    EXPECT_EQ(base::Bytes(answer.end() - 4, answer.end()), (base::Bytes{0, 0, 0, 1})) << "QUIC version 1";
    EXPECT_EQ(server.endpoint->counters().version_negotiations_sent, 1U);
    packet.resize(100);
    world.inject(attacker(1), server.addrs.front(), packet);
    world.run_for(20ms);
    EXPECT_EQ(server.endpoint->counters().version_negotiations_sent, 1U) << "not for a small one";
}

TEST(Robustness, GarbageAndTruncatedPacketsChangeNothing) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    server.echo = true;
    const auto ref = client.dial(server);
    std::vector<base::Bytes> captured;
    world.filter = [&](const Host& from, const base::SocketAddr&, base::ByteView payload) {
        if (&from == &client && captured.size() < 200) {
            captured.emplace_back(payload.begin(), payload.end());
        }
        return true;
    };
    ASSERT_TRUE(world.run([&] { return !server.seen<Connected>().empty(); }));
    const StreamRef stream = client.endpoint->open_stream(ref, Direction::bidirectional).value();
    const base::Bytes data = random_bytes(world.rng, 100'000);
    client.send_all(ref, stream, data);
    for (int round = 0; round < 2000; ++round) {
        base::Bytes packet = round % 3 == 0 ? random_bytes(world.rng, 1 + world.rng.index(1500))
                                            : captured[world.rng.index(captured.size())];
        if (round % 3 == 1) {
            packet.resize(world.rng.index(packet.size()) + 1);
        } else {
            packet[world.rng.index(packet.size())] ^= static_cast<std::uint8_t>(1 + world.rng.below(255));
        }
        world.inject(client.addrs.front(), server.addrs.front(), packet);
        world.run_for(100us);
    }
    ASSERT_TRUE(world.run([&] { return client.received[{ref, stream}].fin; }, 10s));
    EXPECT_TRUE((client.received[{ref, stream}].data == data));
    EXPECT_TRUE(client.seen<Closed>().empty());
    EXPECT_EQ(server.seen<Connected>().size(), 1U);
}

TEST(Robustness, LimitOfConnections) {
    World world;
    Config config = World::default_config();
    config.limits.connections_max = 2;
    Host& server = world.add(config);
    Host& a = world.add();
    Host& b = world.add();
    Host& c = world.add();
    for (Host* host : {&a, &b, &c}) {
        host->dial(server);
        world.run_for(1s);
    }
    EXPECT_FALSE(a.seen<Connected>().empty());
    EXPECT_FALSE(b.seen<Connected>().empty());
    EXPECT_TRUE(c.seen<Connected>().empty());
    EXPECT_GT(server.endpoint->counters().dropped_connection_limit, 0U);
    a.endpoint->shutdown(0, "", world.now);
    EXPECT_TRUE(world.run([&] { return !c.seen<Connected>().empty(); }, 10s)) << "as soon as there is room";
}

TEST(Robustness, LimitOfConnectionsPerPeer) {
    World world;
    Config config = World::default_config();
    config.limits.connections_per_peer_max = 2;
    Host& server = world.add(config);
    Host& client = world.add();
    Host& other = world.add();
    for (int i = 0; i < 3; ++i) {
        client.dial(server);
    }
    other.dial(server);
    world.run_for(2s);
    EXPECT_EQ(server.endpoint->counters().dropped_peer_limit, 1U);
    ASSERT_EQ(client.seen<Closed>().size(), 1U);
    EXPECT_EQ(client.seen<Closed>().front().reason.cause, CloseCause::transport_remote);
    EXPECT_EQ(client.seen<Closed>().front().reason.code, 2U) << "CONNECTION_REFUSED";
    EXPECT_FALSE(other.seen<Connected>().empty());
    EXPECT_EQ(server.endpoint->connections().size(), 3U);
    EXPECT_FALSE(server.endpoint->connect(client.key.id(), client.addrs, kAlpn, world.now)) << "dials count, too";
}

TEST(Robustness, AThousandConnectionsComeAndGo) {
    World world;
    Config config = World::default_config();
    config.limits.connections_per_peer_max = 2000;
    config.limits.handshakes_max = 2000;
    config.limits.retry_above_handshakes = 2000;
    Host& server = world.add(config);
    Host& client = world.add(config);
    for (int i = 0; i < 1000; ++i) {
        client.dial(server);
    }
    ASSERT_TRUE(world.run([&] { return server.seen<Connected>().size() == 1000; }, 10s));
    world.run_for(60s);
    EXPECT_EQ(server.endpoint->connections().size(), 1000U);
    client.endpoint->shutdown(0, "", world.now);
    world.run_for(10s);
    EXPECT_EQ(server.seen<Closed>().size(), 1000U);
    EXPECT_EQ(server.endpoint->next_deadline(), std::nullopt);
    EXPECT_EQ(server.ledger[telemetry::Kind::connection].alive(), 0U);
}

}  // namespace
}  // namespace grapevine::quic::testing
