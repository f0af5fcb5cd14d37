// Streams and datagrams: order, loss, turns, flow control, credit.

#include <gtest/gtest.h>

#include <algorithm>

#include "quic/link_testing.hpp"

namespace grapevine::quic::testing {
namespace {

using namespace std::chrono_literals;

constexpr Direction kBidi = Direction::bidirectional;
constexpr Direction kUni = Direction::unidirectional;

struct Pair {
    explicit Pair(std::uint64_t seed = 1, const Config& config = World::default_config())
        : world(seed), client(world.add(config)), server(world.add(config)) {
        there = client.dial(server);
        EXPECT_TRUE(world.run([&] { return !server.seen<Connected>().empty(); }));
        back = server.connected();
    }
    StreamRef open(Direction direction) { return client.endpoint->open_stream(there, direction).value(); }

    World world;
    Host& client;
    Host& server;
    ConnectionRef there;  // The client's.
    ConnectionRef back;   // The server's.
};

TEST(Streams, TenMegabytesBothWaysWithLossAndReordering) {
    Pair pair(7);
    pair.world.link = Link{5ms, 3ms, 0.01, 0.01, 1472};
    const base::Bytes up = random_bytes(pair.world.rng, 10'000'000);
    const base::Bytes down = random_bytes(pair.world.rng, 10'000'000);
    const StreamRef stream = pair.open(kBidi);
    pair.client.send_all(pair.there, stream, up);
    pair.server.send_all(pair.back, StreamRef{pair.server.endpoint->open_stream(pair.back, kUni).value()}, down);
    const auto both = [&] {
        return pair.server.received[{pair.back, stream}].fin && pair.client.received[{pair.there, StreamRef{3}}].fin;
    };
    ASSERT_TRUE(pair.world.run(both, 600s));
    EXPECT_TRUE((pair.server.received[{pair.back, stream}].data == up));
    EXPECT_TRUE((pair.client.received[{pair.there, StreamRef{3}}].data == down));
    EXPECT_GT(pair.client.endpoint->stats(pair.there)->packets_lost, 0U);
    EXPECT_GT(pair.world.largest_train, 10U) << "bulk data travels in trains";
    EXPECT_LE(pair.world.largest_train, 64U);
}

TEST(Streams, TwentyStreamsAtOnceShareTheConnection) {
    Pair pair;
    pair.server.echo = true;
    std::vector<base::Bytes> sent;
    std::vector<StreamRef> streams;
    for (int i = 0; i < 20; ++i) {
        sent.push_back(random_bytes(pair.world.rng, 200'000));
        streams.push_back(pair.open(kBidi));
        pair.client.send_all(pair.there, streams.back(), sent.back());
    }
    std::vector<base::TimePoint> finished(20);
    const auto all = [&] {
        bool done = true;
        for (std::size_t i = 0; i < 20; ++i) {
            const bool fin = pair.client.received[{pair.there, streams[i]}].fin;
            if (fin && finished[i] == base::TimePoint{}) {
                finished[i] = pair.world.now;
            }
            done = done && fin;
        }
        return done;
    };
    const base::TimePoint start = pair.world.now;
    ASSERT_TRUE(pair.world.run(all, 60s));
    for (std::size_t i = 0; i < 20; ++i) {
        EXPECT_TRUE((pair.client.received[{pair.there, streams[i]}].data == sent[i])) << i;
    }
    const auto [first, last] = std::minmax_element(finished.begin(), finished.end());
    EXPECT_GT((*first - start) * 3, *last - start) << "turns: no stream is long ahead of the others";
}

TEST(Streams, AReaderThatDoesNotConsumeStallsItsStreamOnly) {
    Pair pair;
    const StreamRef slow = pair.open(kUni);
    const StreamRef fast = pair.open(kUni);
    pair.server.unread.insert({pair.back, slow});
    const base::Bytes data = random_bytes(pair.world.rng, 4'000'000);
    pair.client.send_all(pair.there, slow, data);
    pair.client.send_all(pair.there, fast, data);
    ASSERT_TRUE(pair.world.run([&] { return pair.server.received[{pair.back, fast}].fin; }, 60s));
    pair.world.run_for(10s);
    auto& stalled = pair.server.received[{pair.back, slow}];
    EXPECT_EQ(stalled.data.size(), Limits{}.stream_window_bytes) << "exactly the window";
    EXPECT_FALSE(stalled.fin);
    pair.server.unread.clear();
    pair.server.endpoint->consume(pair.back, slow, stalled.data.size());
    ASSERT_TRUE(pair.world.run([&] { return stalled.fin; }, 60s));
    EXPECT_TRUE((stalled.data == data));
}

TEST(Streams, UnconsumedDataOfAllStreamsStaysWithinTheConnectionWindow) {
    Config config = World::default_config();
    config.limits.connection_window_bytes = 2'000'000;
    Pair pair(1, config);
    pair.server.keep_all_unread = true;
    for (int i = 0; i < 5; ++i) {
        pair.client.send_all(pair.there, pair.open(kUni), base::Bytes(1'000'000, 1));
    }
    pair.world.run_for(30s);
    std::size_t total = 0;
    for (const auto& [stream, received] : pair.server.received) {
        total += received.data.size();
    }
    EXPECT_EQ(total, 2'000'000U);
    for (const auto& [stream, received] : pair.server.received) {
        pair.server.endpoint->consume(stream.first, stream.second, received.data.size());
    }
    pair.server.keep_all_unread = false;
    const auto all = [&] {
        return std::count_if(pair.server.received.begin(), pair.server.received.end(),
                             [](const auto& entry) { return entry.second.fin; }) == 5;
    };
    EXPECT_TRUE(pair.world.run(all, 60s));
}

TEST(Streams, FinishedStreamsGiveCreditBackOnlyWhenConsumed) {
    Config config = World::default_config();
    config.limits.streams_uni_max = 3;
    Pair pair(1, config);
    pair.server.keep_all_unread = true;
    for (int i = 0; i < 3; ++i) {
        pair.client.send_all(pair.there, pair.open(kUni), base::Bytes(10, 1));
    }
    pair.world.run_for(5s);
    EXPECT_EQ(pair.server.seen<StreamClosed>().size(), 3U);
    const auto refused = pair.client.endpoint->open_stream(pair.there, kUni);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, base::ErrorCode::exhausted);
    EXPECT_TRUE(pair.client.seen<StreamsAvailable>().empty());
    const auto [connection, stream] = pair.server.received.begin()->first;
    pair.server.endpoint->consume(connection, stream, 10);
    ASSERT_TRUE(pair.world.run([&] { return !pair.client.seen<StreamsAvailable>().empty(); }));
    EXPECT_EQ(pair.client.seen<StreamsAvailable>().front().direction, kUni);
    EXPECT_TRUE(pair.client.endpoint->open_stream(pair.there, kUni));
}

TEST(Streams, ThousandsOfShortStreamsOneAfterTheOther) {
    Pair pair;
    std::size_t opened = 0;
    const auto open_more = [&] {
        while (opened < 2000) {
            const auto stream = pair.client.endpoint->open_stream(pair.there, kUni);
            if (!stream) {
                break;
            }
            ++opened;
            pair.client.send_all(pair.there, *stream, base::Bytes(20, 7));
        }
        return pair.server.received.size() == 2000;
    };
    ASSERT_TRUE(pair.world.run(open_more, 60s));
    pair.world.run_for(1s);
    EXPECT_EQ(pair.server.ledger[telemetry::Kind::stream].alive(), 0U);
    EXPECT_EQ(pair.client.ledger[telemetry::Kind::stream].alive(), 0U);
    EXPECT_EQ(pair.client.ledger[telemetry::Kind::stream].born, 2000U);
}

TEST(Streams, WriteTakesNoMoreThanTheBufferAndSaysWhenThereIsRoom) {
    Config config = World::default_config();
    config.limits.send_buffer_bytes = 10'000;
    Pair pair(1, config);
    const StreamRef stream = pair.open(kUni);
    const base::Bytes data(25'000, 5);
    EXPECT_EQ(pair.client.endpoint->write(pair.there, stream, data, true).value(), 10'000U);
    EXPECT_EQ(pair.client.endpoint->write(pair.there, stream, data, true).value(), 0U);
    ASSERT_TRUE(pair.world.run([&] { return !pair.client.seen<StreamWritable>().empty(); }));
    EXPECT_EQ(pair.client.seen<StreamWritable>().front().stream, stream);
    EXPECT_GT(pair.client.endpoint->write(pair.there, stream, data, true).value(), 0U);
    pair.world.run_for(1s);
    EXPECT_FALSE((pair.server.received[{pair.back, stream}].fin)) << "fin counts only when everything was taken";
}

TEST(Streams, AnEmptyStreamEndsWithFin) {
    Pair pair;
    const StreamRef stream = pair.open(kUni);
    pair.client.send_all(pair.there, stream, {});
    ASSERT_TRUE(pair.world.run([&] { return pair.server.received[{pair.back, stream}].fin; }));
    EXPECT_TRUE((pair.server.received[{pair.back, stream}].data.empty()));
    EXPECT_FALSE(pair.client.endpoint->write(pair.there, stream, base::Bytes(1), false)) << "nothing after fin";
}

TEST(Streams, ResetReachesThePeerWithItsCode) {
    Pair pair;
    const StreamRef stream = pair.open(kUni);
    ASSERT_TRUE(pair.client.endpoint->write(pair.there, stream, base::Bytes(100, 1), false));
    ASSERT_TRUE(pair.world.run([&] { return !pair.server.seen<StreamOpened>().empty(); }));
    pair.client.endpoint->reset_stream(pair.there, stream, 17);
    ASSERT_TRUE(pair.world.run([&] { return !pair.client.seen<StreamClosed>().empty(); }));
    ASSERT_EQ(pair.server.seen<StreamReset>().size(), 1U);
    EXPECT_EQ(pair.server.seen<StreamReset>().front().code, 17U);
    EXPECT_TRUE(pair.client.seen<StreamStopped>().empty()) << "our own reset is no news";
    EXPECT_EQ(pair.server.ledger[telemetry::Kind::stream].alive(), 0U);
    EXPECT_EQ(pair.client.ledger[telemetry::Kind::stream].alive(), 0U);
}

TEST(Streams, StopReachesAnIdleSenderWithItsCode) {
    Pair pair;
    const StreamRef stream = pair.open(kUni);
    ASSERT_TRUE(pair.client.endpoint->write(pair.there, stream, base::Bytes(100, 1), false));
    ASSERT_TRUE(pair.world.run([&] { return !pair.server.seen<StreamOpened>().empty(); }));
    pair.server.endpoint->stop_sending(pair.back, stream, 18);
    ASSERT_TRUE(pair.world.run([&] { return !pair.client.seen<StreamClosed>().empty(); }));
    ASSERT_EQ(pair.client.seen<StreamStopped>().size(), 1U);
    EXPECT_EQ(pair.client.seen<StreamStopped>().front().code, 18U);
    EXPECT_FALSE(pair.client.endpoint->write(pair.there, stream, base::Bytes(1), false));
}

TEST(Streams, StopReachesABusySenderAtOnce) {
    Pair pair;
    const StreamRef stream = pair.open(kBidi);
    pair.client.send_all(pair.there, stream, base::Bytes(5'000'000, 1));
    ASSERT_TRUE(pair.world.run([&] { return !pair.server.seen<StreamOpened>().empty(); }));
    pair.server.endpoint->stop_sending(pair.back, stream, 18);
    ASSERT_TRUE(pair.world.run([&] { return !pair.client.seen<StreamStopped>().empty(); }, 1s));
    pair.server.send_all(pair.back, stream, {});
    ASSERT_TRUE(pair.world.run([&] { return !pair.client.seen<StreamClosed>().empty(); }, 5s));
    EXPECT_EQ(pair.client.seen<StreamStopped>().size(), 1U);
    pair.world.run_for(1s);
    EXPECT_EQ(pair.server.ledger[telemetry::Kind::stream].alive(), 0U);
    EXPECT_EQ(pair.client.ledger[telemetry::Kind::stream].alive(), 0U);
}

TEST(Streams, AResetStreamWithFullBufferIsForgotten) {
    Pair pair;
    const StreamRef stream = pair.open(kUni);
    pair.server.unread.insert({pair.back, stream});
    pair.client.send_all(pair.there, stream, base::Bytes(3'000'000, 1));
    pair.world.run_for(5s);
    pair.client.endpoint->reset_stream(pair.there, stream, 1);
    ASSERT_TRUE(pair.world.run([&] { return !pair.client.seen<StreamClosed>().empty(); }));
    EXPECT_EQ(pair.client.ledger[telemetry::Kind::stream].alive(), 0U);
    EXPECT_EQ(pair.server.ledger[telemetry::Kind::stream].alive(), 0U);
    // The window of the connection is whole again.
    const StreamRef next = pair.open(kUni);
    pair.client.send_all(pair.there, next, base::Bytes(20'000'000, 1));
    EXPECT_TRUE(pair.world.run([&] { return pair.server.received[{pair.back, next}].fin; }, 120s));
}

TEST(Streams, UnknownStreamsAndConnectionsAreErrorsOrIgnored) {
    Pair pair;
    const StreamRef nowhere{400};
    EXPECT_FALSE(pair.client.endpoint->write(pair.there, nowhere, base::Bytes(1), false));
    EXPECT_FALSE(pair.client.endpoint->write(ConnectionRef{999}, nowhere, base::Bytes(1), false));
    EXPECT_FALSE(pair.client.endpoint->open_stream(ConnectionRef{999}, kUni));
    EXPECT_FALSE(pair.client.endpoint->send_datagram(ConnectionRef{999}, base::Bytes(1)));
    pair.client.endpoint->consume(pair.there, nowhere, 5);
    pair.client.endpoint->reset_stream(pair.there, nowhere, 5);
    pair.client.endpoint->stop_sending(pair.there, nowhere, 5);
    pair.client.endpoint->ping(ConnectionRef{999});
    pair.client.endpoint->close(ConnectionRef{999}, 0, "", pair.world.now);
    // A peer's unidirectional stream cannot be written to.
    const StreamRef stream = pair.open(kUni);
    ASSERT_TRUE(pair.client.endpoint->write(pair.there, stream, base::Bytes(1), false));
    ASSERT_TRUE(pair.world.run([&] { return !pair.server.seen<StreamOpened>().empty(); }));
    EXPECT_FALSE(pair.server.endpoint->write(pair.back, stream, base::Bytes(1), false));
    EXPECT_TRUE(pair.client.endpoint->stats(pair.there));
}

TEST(Datagrams, ArriveAndAreBounded) {
    Pair pair;
    ASSERT_TRUE(pair.client.endpoint->send_datagram(pair.there, base::as_bytes("one")));
    ASSERT_TRUE(pair.client.endpoint->send_datagram(pair.there, base::Bytes(1100, 2)));
    ASSERT_TRUE(pair.world.run([&] { return pair.server.seen<DatagramReceived>().size() == 2; }));
    EXPECT_EQ(base::to_text(pair.server.seen<DatagramReceived>()[0].data), "one");
    EXPECT_EQ(pair.server.seen<DatagramReceived>()[1].data, base::Bytes(1100, 2));
    EXPECT_FALSE(pair.client.endpoint->send_datagram(pair.there, base::Bytes(2000, 1))) << "larger than a packet";
    for (std::uint8_t i = 0; i < 100; ++i) {
        ASSERT_TRUE(pair.client.endpoint->send_datagram(pair.there, base::Bytes(1, i)));
    }
    EXPECT_EQ(pair.client.endpoint->counters().dropped_datagram_queue, 36U);
    ASSERT_TRUE(pair.world.run([&] { return pair.server.seen<DatagramReceived>().size() == 66; }));
    EXPECT_EQ(pair.server.seen<DatagramReceived>()[2].data, base::Bytes(1, 36)) << "the oldest were dropped";
}

TEST(Datagrams, PathMtuDiscoveryMakesRoomForLargerOnes) {
    Pair pair;
    pair.world.run_for(10s);
    EXPECT_TRUE(pair.client.endpoint->send_datagram(pair.there, base::Bytes(1400, 1)));
    ASSERT_TRUE(pair.world.run([&] { return pair.server.seen<DatagramReceived>().size() == 1; }));
}

TEST(Datagrams, ANarrowPathIsFoundToBeNarrow) {
    World world;
    world.link.mtu = 1300;
    Host& client = world.add();
    Host& server = world.add();
    const auto ref = client.dial(server);
    ASSERT_TRUE(world.run([&] { return !server.seen<Connected>().empty(); }));
    world.run_for(10s);
    EXPECT_FALSE(client.endpoint->send_datagram(ref, base::Bytes(1300, 1)));
    const StreamRef stream = client.endpoint->open_stream(ref, kUni).value();
    client.send_all(ref, stream, base::Bytes(500'000, 1));
    EXPECT_TRUE(world.run([&] { return server.received[{server.connected(), stream}].fin; }));
}

TEST(Events, BeyondTheLimitReadingStopsAndNothingIsLost) {
    Config config = World::default_config();
    config.limits.events_max = 8;
    Pair pair(1, config);
    for (int i = 0; i < 60; ++i) {
        pair.client.send_all(pair.there, pair.open(kUni), base::Bytes(3000, 3));
    }
    const auto all = [&] {
        return std::count_if(pair.server.received.begin(), pair.server.received.end(),
                             [](const auto& entry) { return entry.second.fin; }) == 60;
    };
    EXPECT_TRUE(pair.world.run(all, 60s));
}

}  // namespace
}  // namespace grapevine::quic::testing
