// The life of a connection: handshake, refusals, echo, close, timeouts. Numbers in brackets are the README's
// invariants.

#include "quic/endpoint.hpp"

#include <gtest/gtest.h>

#include "quic/link_testing.hpp"

namespace grapevine::quic::testing {
namespace {

using namespace std::chrono_literals;

template <typename T>
std::function<bool()> sees(const Host& host, std::size_t count = 1) {
    return [&host, count] { return host.seen<T>().size() >= count; };
}

CloseReason close_of(const Host& host, ConnectionRef ref) {
    std::optional<CloseReason> found;
    for (const Closed& closed : host.seen<Closed>()) {
        if (closed.connection == ref) {
            EXPECT_FALSE(found) << "Closed came twice";
            found = closed.reason;
        }
    }
    EXPECT_TRUE(found) << "Closed did not come";
    return found.value_or(CloseReason{});
}

TEST(Endpoint, HandshakeNamesBothPeersAndTheAlpn) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    const ConnectionRef ref = client.dial(server);
    EXPECT_EQ(client.ledger[telemetry::Kind::dial].alive(), 1U);
    const base::TimePoint start = world.now;
    ASSERT_TRUE(world.run(sees<Connected>(server)));
    const Connected there = server.seen<Connected>().front();
    const Connected here = client.seen<Connected>().at(0);
    EXPECT_EQ(here.connection, ref);
    EXPECT_EQ(here.peer, server.key.id());
    EXPECT_EQ(there.peer, client.key.id());
    EXPECT_EQ(here.alpn, kAlpn);
    EXPECT_EQ(there.alpn, kAlpn);
    EXPECT_EQ(here.origin, Origin::outgoing);
    EXPECT_EQ(there.origin, Origin::incoming);
    EXPECT_EQ(here.remote, server.addrs.front());
    EXPECT_EQ(there.remote, client.addrs.front());
    EXPECT_EQ(world.now - start, 30ms) << "one round trip and a half";
    EXPECT_EQ(client.ledger[telemetry::Kind::dial].alive(), 0U);
    EXPECT_EQ(server.ledger[telemetry::Kind::handshake].alive(), 0U);
    EXPECT_EQ(server.ledger[telemetry::Kind::connection].alive(), 1U);
}

TEST(Endpoint, AnotherKeyThanTheOneDialledIsRefused) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    const auto ref = client.endpoint->connect(key_of(99).id(), server.addrs, kAlpn, world.now).value();
    ASSERT_TRUE(world.run([&] { return !client.seen<Closed>().empty() && !server.seen<Closed>().empty(); }));
    EXPECT_EQ(close_of(client, ref).cause, CloseCause::wrong_peer);
    EXPECT_EQ(server.seen<Closed>().front().reason.cause, CloseCause::tls);
    EXPECT_TRUE(client.seen<Connected>().empty());
    EXPECT_TRUE(server.seen<Connected>().empty());
    EXPECT_EQ(client.endpoint->counters().wrong_peer, 1U);
}

TEST(Endpoint, NoCommonAlpnIsATlsError) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    const auto ref = client.dial(server, "something/else");
    ASSERT_TRUE(world.run(sees<Closed>(client)));
    EXPECT_EQ(close_of(client, ref).cause, CloseCause::tls);
    EXPECT_EQ(close_of(client, ref).code, 0x178U) << "no_application_protocol";
    EXPECT_TRUE(server.seen<Connected>().empty());
}

TEST(Endpoint, ServesSeveralAlpns) {
    World world;
    Config config = World::default_config();
    config.alpns = {"a/1", "b/1", std::string(31, 'z')};
    Host& client = world.add();
    Host& server = world.add(config);
    for (const std::string& alpn : config.alpns) {
        client.dial(server, alpn);
    }
    ASSERT_TRUE(world.run(sees<Connected>(server, 3)));
    std::set<std::string> alpns;
    for (const Connected& connected : server.seen<Connected>()) {
        alpns.insert(connected.alpn);
    }
    EXPECT_EQ(alpns, std::set<std::string>(config.alpns.begin(), config.alpns.end()));
}

TEST(Endpoint, EchoesOnABidirectionalStream) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    server.echo = true;
    const auto ref = client.dial(server);
    ASSERT_TRUE(world.run(sees<Connected>(client)));
    const StreamRef stream = client.endpoint->open_stream(ref, Direction::bidirectional).value();
    client.send_all(ref, stream, base::to_bytes("hello"));
    ASSERT_TRUE(world.run([&] { return client.received[{ref, stream}].fin; }));
    EXPECT_EQ(base::to_text(client.received[{ref, stream}].data), "hello");
    ASSERT_TRUE(
        world.run([&] { return !client.seen<StreamClosed>().empty() && !server.seen<StreamClosed>().empty(); }));
    EXPECT_EQ(client.endpoint->stats(ref)->streams_open, 0U);
    EXPECT_EQ(server.ledger[telemetry::Kind::stream].alive(), 0U);
}

TEST(Endpoint, CloseCarriesCodeAndReason) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    const auto ref = client.dial(server);
    ASSERT_TRUE(world.run(sees<Connected>(server)));
    client.endpoint->close(ref, 4711, "good bye", world.now);
    ASSERT_TRUE(world.run(sees<Closed>(server)));
    const CloseReason there = close_of(server, server.connected());
    EXPECT_EQ(there.cause, CloseCause::application_remote);
    EXPECT_EQ(there.code, 4711U);
    EXPECT_EQ(there.text, "good bye");
    EXPECT_EQ(close_of(client, ref).cause, CloseCause::application_local);
    world.run_for(5s);
    EXPECT_EQ(client.endpoint->next_deadline(), std::nullopt) << "nothing lingers for ever";
    EXPECT_EQ(server.endpoint->next_deadline(), std::nullopt);
    EXPECT_EQ(server.ledger[telemetry::Kind::connection].alive(), 0U);
}

TEST(Endpoint, ALostCloseIsSaidAgain) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    const auto ref = client.dial(server);
    ASSERT_TRUE(world.run(sees<Connected>(server)));
    world.run_for(1s);
    int swallowed = 0;
    world.filter = [&](const Host& from, const base::SocketAddr&, base::ByteView) {
        return &from != &client || swallowed++ > 0;
    };
    client.endpoint->close(ref, 1, "lost once", world.now);
    world.run_for(1ms);
    server.endpoint->ping(server.connected());
    ASSERT_TRUE(world.run(sees<Closed>(server), 1s));
    EXPECT_EQ(close_of(server, server.connected()).text, "lost once");
}

TEST(Endpoint, AReasonIsCutTo256Bytes) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    const auto ref = client.dial(server);
    ASSERT_TRUE(world.run(sees<Connected>(server)));
    client.endpoint->close(ref, 7, std::string(5000, 'x'), world.now);
    ASSERT_TRUE(world.run(sees<Closed>(server)));
    EXPECT_EQ(close_of(server, server.connected()).text, std::string(256, 'x'));
}

TEST(Endpoint, ShutdownClosesAllAndRefusesNew) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    const auto first = client.dial(server);
    ASSERT_TRUE(world.run(sees<Connected>(server)));
    server.endpoint->shutdown(3, "leaving", world.now);
    ASSERT_TRUE(world.run(sees<Closed>(client)));
    EXPECT_EQ(close_of(client, first).code, 3U);
    EXPECT_EQ(close_of(server, server.connected()).cause, CloseCause::endpoint_shutdown);
    EXPECT_FALSE(server.endpoint->connect(client.key.id(), client.addrs, kAlpn, world.now));
    const auto second = client.dial(server);
    ASSERT_TRUE(world.run(sees<Closed>(client, 2)));
    EXPECT_EQ(close_of(client, second).cause, CloseCause::unreachable);
    EXPECT_GT(server.endpoint->counters().dropped_shutdown, 0U);
}

TEST(Endpoint, IdleConnectionWithoutKeepAliveTimesOut) {
    World world;
    Config config = World::default_config();
    config.keep_alive = 0s;
    Host& client = world.add(config);
    Host& server = world.add(config);
    const auto ref = client.dial(server);
    ASSERT_TRUE(world.run(sees<Connected>(server)));
    const base::TimePoint start = world.now;
    ASSERT_TRUE(world.run([&] { return !client.seen<Closed>().empty() && !server.seen<Closed>().empty(); }, 60s));
    EXPECT_EQ(close_of(client, ref).cause, CloseCause::idle_timeout);
    EXPECT_EQ(close_of(server, server.connected()).cause, CloseCause::idle_timeout);
    EXPECT_GT(world.now - start, 29s);
    EXPECT_LT(world.now - start, 40s);
}

TEST(Endpoint, KeepAliveKeepsAliveAtAFewWakeUpsPerMinute) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    const auto ref = client.dial(server);
    ASSERT_TRUE(world.run(sees<Connected>(server)));
    world.run_for(60s);
    client.wake_ups = 0;
    server.wake_ups = 0;
    const std::uint64_t before = world.datagrams;
    world.run_for(600s);
    EXPECT_TRUE(client.seen<Closed>().empty());
    EXPECT_TRUE(client.endpoint->stats(ref));
    RecordProperty("client_wake_ups_in_10_minutes", static_cast<int>(client.wake_ups));
    RecordProperty("server_wake_ups_in_10_minutes", static_cast<int>(server.wake_ups));
    RecordProperty("datagrams_in_10_minutes", static_cast<int>(world.datagrams - before));
    EXPECT_LE(client.wake_ups + server.wake_ups, 300U);
    EXPECT_LE(world.datagrams - before, 600U);
}

TEST(Endpoint, ADeadPeerIsNoticedByTheIdleTimeout) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    const auto ref = client.dial(server);
    ASSERT_TRUE(world.run(sees<Connected>(server)));
    server.silent = true;
    ASSERT_TRUE(world.run(sees<Closed>(client), 60s));
    EXPECT_EQ(close_of(client, ref).cause, CloseCause::idle_timeout);
}

TEST(Endpoint, PingShowsAnAnswerInLastReceived) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    const auto ref = client.dial(server);
    ASSERT_TRUE(world.run(sees<Connected>(server)));
    world.run_for(2s);
    const base::TimePoint asked = world.now;
    EXPECT_LT(client.endpoint->stats(ref)->last_received, asked);
    client.endpoint->ping(ref);
    world.run_for(50ms);
    EXPECT_EQ(client.endpoint->stats(ref)->last_received, asked + 20ms);
    client.endpoint->ping(ref);
    client.endpoint->ping(ref);
    world.run_for(50ms);
    EXPECT_EQ(client.endpoint->stats(ref)->last_received, asked + 70ms);
    // And the keep-alive goes on as before.
    world.run_for(120s);
    EXPECT_TRUE(client.endpoint->stats(ref));
}

// Where the datagrams of one flush go, in order.
class Sent {
public:
    void operator()(const Transmit& train) {
        to_.push_back(train.remote);
        last_.assign(train.payload.begin(), train.payload.end());
    }
    std::vector<base::SocketAddr> take() { return std::exchange(to_, {}); }
    [[nodiscard]] const base::Bytes& last() const { return last_; }

private:
    std::vector<base::SocketAddr> to_;
    base::Bytes last_;
};

// A relay in a line of three: what came from one goes to the next before it is acknowledged.
TEST(Endpoint, DataGoesOnBeforeAcknowledgements) {
    World world;
    Host& first = world.add();
    Host& relay = world.add();
    Host& last = world.add();
    const auto in = first.dial(relay);
    const auto out = relay.dial(last);
    ASSERT_TRUE(world.run([&] { return relay.seen<Connected>().size() == 2 && last.seen<Connected>().size() == 1; }));
    world.run_for(2s);

    Sent sent;
    const auto sink = [&](const Transmit& train) { sent(train); };
    const auto from = first.endpoint->open_stream(in, Direction::unidirectional);
    ASSERT_TRUE(first.endpoint->write(in, *from, base::Bytes(200, 7), false));
    first.endpoint->flush_data(world.now, sink);
    ASSERT_EQ(sent.take(), relay.addrs);
    relay.endpoint->on_datagram({relay.addrs[0], first.addrs[0], Ecn::not_ect, sent.last(), 0}, world.now);
    relay.endpoint->flush_data(world.now, sink);
    EXPECT_EQ(sent.take(), std::vector<base::SocketAddr>{}) << "an acknowledgement alone can wait";

    const auto onwards = relay.endpoint->open_stream(out, Direction::unidirectional);
    ASSERT_TRUE(relay.endpoint->write(out, *onwards, base::Bytes(200, 7), false));
    relay.endpoint->flush_data(world.now, sink);
    EXPECT_EQ(sent.take(), last.addrs);
    relay.endpoint->flush(world.now, sink);
    EXPECT_EQ(sent.take(), first.addrs) << "and is not forgotten";
    relay.endpoint->flush(world.now, sink);
    EXPECT_EQ(sent.take(), std::vector<base::SocketAddr>{});
}

// One datagram carries both.
TEST(Endpoint, AnAcknowledgementRidesOnData) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    const auto there = client.dial(server);
    ASSERT_TRUE(world.run(sees<Connected>(server)));
    world.run_for(2s);

    Sent sent;
    const auto sink = [&](const Transmit& train) { sent(train); };
    const auto asking = client.endpoint->open_stream(there, Direction::unidirectional);
    ASSERT_TRUE(client.endpoint->write(there, *asking, base::Bytes(200, 7), false));
    client.endpoint->flush_data(world.now, sink);
    server.endpoint->on_datagram({server.addrs[0], client.addrs[0], Ecn::not_ect, sent.last(), 0}, world.now);
    server.endpoint->flush_data(world.now, sink);
    const auto back = server.connected();
    const auto answer = server.endpoint->open_stream(back, Direction::unidirectional);
    ASSERT_TRUE(server.endpoint->write(back, *answer, base::Bytes(200, 7), false));
    server.endpoint->flush_data(world.now, sink);
    server.endpoint->flush(world.now, sink);
    EXPECT_EQ(sent.take(), (std::vector<base::SocketAddr>{server.addrs[0], client.addrs[0]}));
}

TEST(Endpoint, NobodyThereIsUnreachable) {
    World world;
    Host& client = world.add();
    const auto nobody = base::SocketAddr::v4(10, 9, 9, 9, 1);
    const auto ref = client.endpoint->connect(key_of(9).id(), {nobody}, kAlpn, world.now).value();
    ASSERT_TRUE(world.run(sees<Closed>(client)));
    EXPECT_EQ(close_of(client, ref).cause, CloseCause::unreachable);
    EXPECT_EQ(client.ledger[telemetry::Kind::dial].alive(), 0U);
    EXPECT_EQ(client.endpoint->next_deadline(), std::nullopt);
}

TEST(Endpoint, ConnectRefusesWhatCannotWork) {
    World world;
    Host& client = world.add();
    const std::vector<base::SocketAddr> one{base::SocketAddr::v4(10, 0, 0, 9, 1)};
    const std::vector<base::SocketAddr> nine(9, one.front());
    const base::EndpointId peer = key_of(9).id();
    EXPECT_FALSE(client.endpoint->connect(client.key.id(), one, kAlpn, world.now));
    EXPECT_FALSE(client.endpoint->connect(peer, {}, kAlpn, world.now));
    EXPECT_FALSE(client.endpoint->connect(peer, nine, kAlpn, world.now));
    EXPECT_FALSE(client.endpoint->connect(peer, {base::SocketAddr{}}, kAlpn, world.now));
    EXPECT_FALSE(client.endpoint->connect(peer, one, "", world.now));
    EXPECT_FALSE(client.endpoint->connect(peer, one, std::string(32, 'a'), world.now));
    EXPECT_TRUE(client.endpoint->connections().empty());
}

TEST(Endpoint, HandshakeSurvivesHeavyLoss) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World world(seed);
        world.link.loss = 0.2;
        world.link.jitter = 15ms;
        world.link.duplication = 0.1;
        Host& client = world.add();
        Host& server = world.add();
        client.dial(server);
        EXPECT_TRUE(
            world.run([&] { return !client.seen<Connected>().empty() && !server.seen<Connected>().empty(); }, 10s))
            << "seed " << seed;
    }
}

TEST(Endpoint, WorksOverIpv6) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    client.addrs = {*base::SocketAddr::parse("[fd00::1]:4000")};
    server.addrs = {*base::SocketAddr::parse("[fd00::2]:4000")};
    client.dial(server);
    ASSERT_TRUE(world.run(sees<Connected>(server)));
    EXPECT_EQ(server.seen<Connected>().front().remote, client.addrs.front());
}

TEST(Endpoint, TheLedgerBalancesAfterDestruction) {
    World world;
    Host& client = world.add();
    Host& server = world.add();
    const auto ref = client.dial(server);
    ASSERT_TRUE(world.run(sees<Connected>(server)));
    ASSERT_TRUE(client.endpoint->open_stream(ref, Direction::bidirectional));
    client.dial(server, "other");
    ASSERT_TRUE(client.endpoint->connect(key_of(77).id(), {base::SocketAddr::v4(10, 0, 0, 77, 1)}, kAlpn, world.now));
    world.run_for(1s);
    EXPECT_GT(client.ledger[telemetry::Kind::dial].alive(), 0U);
    client.endpoint.reset();
    server.endpoint.reset();
    for (std::size_t kind = 0; kind < telemetry::kKinds; ++kind) {
        EXPECT_EQ(client.ledger[static_cast<telemetry::Kind>(kind)].alive(), 0U) << kind;
        EXPECT_EQ(server.ledger[static_cast<telemetry::Kind>(kind)].alive(), 0U) << kind;
    }
}

}  // namespace
}  // namespace grapevine::quic::testing
