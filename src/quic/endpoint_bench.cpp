// What a connection costs: handshake, memory when idle, throughput through memory, and a turn of an idle endpoint.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include "quic/link_testing.hpp"

namespace {

using namespace grapevine;
using namespace grapevine::quic::testing;
using namespace std::chrono_literals;

quic::Config roomy() {
    quic::Config config = World::default_config();
    config.limits.connections_per_peer_max = 4096;
    config.limits.handshakes_max = 4096;
    config.limits.retry_above_handshakes = 4096;
    return config;
}

// Both sides of a handshake, key exchange and signatures included.
void BM_Handshake(benchmark::State& state) {
    World world;
    Host& client = world.add(roomy());
    Host& server = world.add(roomy());
    std::size_t count = 0;
    for (auto _ : state) {
        const auto ref = client.dial(server);
        ++count;
        if (!world.run([&] { return server.ledger[telemetry::Kind::handshake].ended == count; })) {
            state.SkipWithError("no handshake");
        }
        client.endpoint->close(ref, 0, "", world.now);
        world.run_for(3s);
        client.events.clear();
        server.events.clear();
    }
}
BENCHMARK(BM_Handshake)->Unit(benchmark::kMicrosecond);

// Heap of one side of a connection that has been idle for a minute. Both ends live in this process, so half the growth.
void BM_HeapPerIdleConnection(benchmark::State& state) {
    constexpr std::size_t kConnections = 500;
    double per_connection = 0;
    for (auto _ : state) {
        World world;
        Host& client = world.add(roomy());
        Host& server = world.add(roomy());
        client.dial(server);
        world.run_for(60s);
        const auto before = static_cast<double>(mallinfo2().uordblks);
        for (std::size_t i = 0; i < kConnections; ++i) {
            client.dial(server);
        }
        world.run_for(60s);
        if (server.endpoint->connections().size() != kConnections + 1) {
            state.SkipWithError("not all connected");
        }
        per_connection = (static_cast<double>(mallinfo2().uordblks) - before) / (2 * kConnections);
    }
    state.counters["bytes_per_side"] = per_connection;
}
BENCHMARK(BM_HeapPerIdleConnection)->Iterations(1)->Unit(benchmark::kMillisecond);

// One stream, both ends and the copies of the in-memory link included.
void BM_OneStream(benchmark::State& state) {
    constexpr std::size_t kBytes = 50'000'000;
    for (auto _ : state) {
        World world;
        world.link.delay = 100us;
        Host& client = world.add(roomy());
        Host& server = world.add(roomy());
        const auto ref = client.dial(server);
        world.run([&] { return !server.seen<quic::Connected>().empty(); });
        const auto stream = client.endpoint->open_stream(ref, quic::Direction::unidirectional).value();
        client.send_all(ref, stream, base::Bytes(kBytes, 1));
        const Host::StreamKey key{server.connected(), stream};
        if (!world.run([&] { return server.received[key].fin; }, 600s)) {
            state.SkipWithError("the transfer did not finish");
        }
        state.counters["packets_per_train_max"] = static_cast<double>(world.largest_train);
        state.counters["virtual_s"] = std::chrono::duration<double>(world.now.time_since_epoch()).count() - 1000;
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(kBytes) * state.iterations());
}
BENCHMARK(BM_OneStream)->Unit(benchmark::kMillisecond);

// A minute of 1,000 idle connections: what their keep-alives cost.
void BM_IdleMinute(benchmark::State& state) {
    World world;
    Host& client = world.add(roomy());
    Host& server = world.add(roomy());
    for (int i = 0; i < 1000; ++i) {
        client.dial(server);
    }
    world.run_for(60s);
    for (auto _ : state) {
        world.run_for(60s);
    }
    state.counters["connections"] = static_cast<double>(server.endpoint->connections().size());
}
BENCHMARK(BM_IdleMinute)->Iterations(3)->Unit(benchmark::kMillisecond);

}  // namespace
