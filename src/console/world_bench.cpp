// What a change of the world costs: 1,000 nodes of 10 meshes, a change each 20 ms of their time, alone and told to
// browsers as deltas of five changes. The rate is in changes a second of CPU; 50 a second are what is asked.

#include <benchmark/benchmark.h>

#include <boost/json/serialize.hpp>

#include "console/world.hpp"
#include "console/world_json.hpp"
#include "console/world_testing.hpp"

namespace {

using namespace grapevine;
using namespace grapevine::console;

enum class Told : bool { no, yes };

void changes(benchmark::State& state, Told told) {
    testing::SimulatedFabric fabric(1000, 10);
    Moment at = testing::start();
    World world(1, at);
    fabric.begin(world, at);
    Version last = world.version();
    std::uint64_t steps = 0;
    std::uint64_t bytes = 0;
    for (auto _ : state) {
        at.now += std::chrono::milliseconds(20);
        at.wall.unix_ms += 20;
        fabric.step(world, at);
        if (const auto due = world.next_deadline(); due && *due <= at.now) {
            world.on_deadline(at);
        }
        if (told == Told::yes && ++steps % 5 == 0) {
            bytes += boost::json::serialize(delta_json(world, last, at)).size();
            last = world.version();
        }
    }
    state.SetItemsProcessed(state.iterations());
    state.counters["nodes"] = static_cast<double>(world.nodes().size());
    state.counters["bytes_a_change"] = static_cast<double>(bytes) / static_cast<double>(state.iterations());
}

BENCHMARK_CAPTURE(changes, alone, Told::no);
BENCHMARK_CAPTURE(changes, told, Told::yes);

void whole(benchmark::State& state) {
    testing::SimulatedFabric fabric(1000, 10);
    const Moment at = testing::start();
    World world(1, at);
    fabric.begin(world, at);
    std::size_t bytes = 0;
    for (auto _ : state) {
        bytes = boost::json::serialize(world_json(world, {}, at)).size();
    }
    state.counters["bytes"] = static_cast<double>(bytes);
}

BENCHMARK(whole);

}  // namespace

BENCHMARK_MAIN();
