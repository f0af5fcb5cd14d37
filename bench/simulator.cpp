// Speed of the simulator: two idle meshes of nine nodes, seconds of virtual time a second of CPU, for the protocol
// cores alone and for whole stacks with real handshakes and encryption.

#include <string>

#include "bench/clocks.hpp"
#include "bench/figures.hpp"
#include "sim/message_world.hpp"
#include "sim/stack_world.hpp"

namespace grapevine::bench {
namespace {

constexpr std::size_t kMeshes = 2;
constexpr std::size_t kPerMesh = 9;
constexpr double kCoresBudget = 5000;
constexpr double kStacksBudget = 1000;

struct Speed {
    double times_real = 0;
    double events_per_virtual_s = 0;
};

// Boots, waits until all directories are whole, then times the idle meshes.
template <typename SimulatedWorld>
Speed measure(double virtual_seconds, Figures& figures) {
    SimulatedWorld world(sim::NetworkConfig{}, 1);
    for (std::size_t mesh = 0; mesh < kMeshes; ++mesh)
        for (std::size_t i = 0; i < kPerMesh; ++i) {
            sim::NodeSpec spec;
            spec.mesh = "mesh" + std::to_string(mesh + 1);
            if (i > 0) spec.seeds = {mesh * kPerMesh};
            world.start(world.add(spec));
        }
    world.run_until(base::TimePoint(std::chrono::seconds(30)));
    for (std::size_t node = 0; node < world.size(); ++node)
        if (world.directory(node).size() != kPerMesh) figures.fail("a directory is not whole after 30 virtual seconds");
    const std::uint64_t events = world.events();
    const double cpu = cpu_now();
    const std::chrono::duration<double> idle(virtual_seconds);
    world.run_until(world.now() + std::chrono::duration_cast<base::Duration>(idle));
    const double spent = cpu_now() - cpu;
    return {virtual_seconds / spent, static_cast<double>(world.events() - events) / virtual_seconds};
}

int run(const Arguments& arguments) {
    Figures figures("simulator", arguments);
    const auto seconds = static_cast<double>(arguments.number("--seconds"));
    std::vector<double> cores, stacks;
    Speed last_cores, last_stacks;
    for (std::uint64_t round = 0; round < arguments.number("--rounds"); ++round) {
        last_cores = measure<sim::MessageWorld>(seconds, figures);
        last_stacks = measure<sim::StackWorld>(seconds, figures);
        cores.push_back(last_cores.times_real);
        stacks.push_back(last_stacks.times_real);
    }
    figures.add("events_per_virtual_s_cores", last_cores.events_per_virtual_s, "1/s");
    figures.add("events_per_virtual_s_stacks", last_stacks.events_per_virtual_s, "1/s");
    figures.at_least("times_real_cores", median(cores), kCoresBudget, "x");
    figures.at_least("times_real_stacks", median(stacks), kStacksBudget, "x");
    figures.add("ratio_cores_to_stacks", median(cores) / median(stacks), "");
    return figures.finish();
}

}  // namespace
}  // namespace grapevine::bench

int main(int argc, char** argv) {
    using namespace grapevine::bench;
    return run(parse_arguments(argc, argv, {false, false, {{"--seconds", 300}, {"--rounds", 3}}}));
}
