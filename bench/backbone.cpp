// What the backbone of a fabric costs in bytes, and what it would cost if each gateway subscribed to each mesh's topic
// instead, for one number of meshes and of nodes a mesh. Real cores in virtual time (sim/backbone_world.hpp,
// sim/interim_world.hpp). bench/backbone.py runs many such cells.
//
// A byte counts once, when it is sent. Per node: of all nodes of all meshes; per gateway: of three a mesh. The second
// way adds to what a mesh's topic carries anyway; only what it adds is shown. Figures named _quic estimate what the
// bytes become in UDP over IPv4.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/clocks.hpp"
#include "bench/figures.hpp"
#include "sim/backbone_world.hpp"
#include "sim/interim_world.hpp"

namespace grapevine::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kGateways = 3;
// Boot and greetings are over by then, and the first refresh has not come.
constexpr base::Duration kBoot = 45s;
constexpr base::Duration kGatewayLife = 300s;
// IP 20, UDP 8, short header with id and packet number 11, head of the STREAM frame 8, tag 16; and as much, less the
// STREAM head and with an ACK frame instead, for an acknowledgement of each.
constexpr double kDatagramOverhead = 63 + 62;
constexpr double kHandshake = 4000;  // Two padded Initials, the server's flight, the client's, acknowledgements.

double seconds(base::Duration time) {
    return std::chrono::duration<double>(time).count();
}

base::Duration times(base::Duration duration, double factor) {
    return std::chrono::duration_cast<base::Duration>(duration * factor);
}

struct Cell {
    std::size_t meshes = 0;
    std::size_t nodes = 0;
    std::uint64_t refreshes = 0;
    std::uint64_t digest_refreshes = 0;  // Of the second way.
    std::uint64_t churn_seconds = 0;
    std::uint64_t seed = 1;
    bool measures_boot = true;
    [[nodiscard]] double gateways() const { return static_cast<double>(meshes * kGateways); }
    [[nodiscard]] double all_nodes() const { return static_cast<double>(meshes * nodes); }
};

double with_quic(const sim::WireCost& cost) {
    return static_cast<double>(cost.bytes) + kDatagramOverhead * static_cast<double>(cost.datagrams) +
           kHandshake * static_cast<double>(cost.connections);
}

// What one stretch of time cost.
struct Stretch {
    sim::WireCost cost;
    fabric::Counters before;
    fabric::Counters after;
    double worst_gateway = 0;  // Bytes.
    double length_s = 0;

    [[nodiscard]] double rate() const { return static_cast<double>(cost.bytes) / length_s; }
    [[nodiscard]] double said(fabric::Occasion occasion) const {
        return static_cast<double>(after[occasion] - before[occasion]);
    }
    [[nodiscard]] double said() const {
        return said(fabric::Occasion::first) + said(fabric::Occasion::change) + said(fabric::Occasion::introduction) +
               said(fabric::Occasion::refresh) + said(fabric::Occasion::correction);
    }
};

Stretch measure(sim::BackboneWorld& world, base::Duration length) {
    const sim::TopicNetwork& network = world.network();
    const sim::WireCost cost = network.cost();
    std::vector<std::uint64_t> sent(network.size());
    for (std::size_t node = 0; node < network.size(); ++node)
        sent[node] = network.bytes_sent(node);
    Stretch stretch;
    stretch.before = world.counters();
    world.run_for(length);
    stretch.after = world.counters();
    stretch.cost = network.cost() - cost;
    stretch.length_s = seconds(length);
    for (std::size_t node = 0; node < network.size(); ++node)
        stretch.worst_gateway =
            std::max(stretch.worst_gateway, static_cast<double>(network.bytes_sent(node) - sent[node]));
    return stretch;
}

void add_rates(Figures& figures, const std::string& what, const Stretch& stretch, const Cell& cell) {
    figures.add(what + "_seconds", stretch.length_s, "s");
    figures.add(what + "_node", stretch.rate() / cell.all_nodes(), "B/s");
    figures.add(what + "_gateway", stretch.rate() / cell.gateways(), "B/s");
    figures.add(what + "_gateway_worst", stretch.worst_gateway / stretch.length_s, "B/s");
    figures.add(what + "_gateway_quic", with_quic(stretch.cost) / stretch.length_s / cell.gateways(), "B/s");
    figures.add(what + "_mesh", stretch.rate() / static_cast<double>(cell.meshes), "B/s");
    figures.add(what + "_summaries_a_mesh_and_minute",
                60 * stretch.said() / stretch.length_s / static_cast<double>(cell.meshes), "");
    figures.add(what + "_of_them_changes", stretch.said(fabric::Occasion::change) / std::max(stretch.said(), 1.0), "");
    figures.add(what + "_of_them_greetings",
                stretch.said(fabric::Occasion::introduction) / std::max(stretch.said(), 1.0), "");
}

void boot(sim::BackboneWorld& world, const Cell& cell, Figures& figures) {
    const base::TimePoint begin = world.network().now();
    if (!cell.measures_boot) {
        world.boot_without_gossip();
        world.run_for(kBoot - (world.network().now() - begin));
        return;
    }
    world.boot();
    const auto known = world.time_until_all_known(kBoot);
    if (!known) figures.fail("not every gateway knew every mesh at the end of the boot");
    figures.add("boot_all_known", known ? seconds(*known) : -1, "s");
    world.run_for(kBoot - (world.network().now() - begin));
    figures.add("boot_gateway", static_cast<double>(world.network().cost().bytes) / cell.gateways(), "B");
    figures.add("boot_gateway_quic", with_quic(world.network().cost()) / cell.gateways(), "B");
}

double run_backbone(const Cell& cell, Figures& figures) {
    sim::FabricShape shape;
    shape.meshes = cell.meshes;
    shape.nodes = cell.nodes;
    shape.gateways = kGateways;
    shape.seed = cell.seed;
    sim::BackboneWorld world(shape);
    boot(world, cell, figures);
    const auto interval = times(shape.backbone.refresh, 0.95);
    const Stretch steady = measure(world, interval * static_cast<base::Duration::rep>(cell.refreshes));
    add_rates(figures, "steady", steady, cell);
    if (world.unknown() > 0) figures.fail("a gateway forgot a mesh that lives");
    if (cell.churn_seconds > 0) {
        world.set_gateway_life(kGatewayLife);
        world.run_for(20s);
        add_rates(figures, "churn", measure(world, 1s * static_cast<base::Duration::rep>(cell.churn_seconds)), cell);
    }
    figures.add("backbone_events", static_cast<double>(world.network().events()), "");
    return steady.rate();
}

// Bytes a second that nodes received, each in the mean.
struct Received {
    double member = 0;
    double listener = 0;
};

Received received(const sim::TopicNetwork& network, std::size_t members) {
    Received sum;
    for (std::size_t node = 0; node < network.size(); ++node)
        (node < members ? sum.member : sum.listener) += static_cast<double>(network.bytes_received(node));
    return {sum.member / static_cast<double>(members), sum.listener / static_cast<double>(network.size() - members)};
}

// One mesh's topic with the gateways of all others in it.
Received measure_topic(const Cell& cell, Figures& figures) {
    sim::InterimShape shape;
    shape.members = cell.nodes;
    shape.listeners = kGateways * (cell.meshes - 1);
    shape.seed = cell.seed;
    sim::InterimWorld world(shape);
    const directory::Config directory;
    const auto refresh = times(directory.staleness, 0.95 / directory.refreshes);
    world.boot();
    world.run_for(shape.boot_spread + shape.quiet + 2 * refresh);
    const Received before = received(world.network(), cell.nodes);
    const std::uint64_t said = world.said();
    const std::uint64_t delivered = world.delivered();
    const base::Duration length = refresh * static_cast<base::Duration::rep>(cell.digest_refreshes);
    world.run_for(length);
    const auto expected = static_cast<double>((world.said() - said) * (world.network().size() - 1));
    if (static_cast<double>(world.delivered() - delivered) < 0.98 * expected)
        figures.fail("digests did not reach all of the topic");
    const Received after = received(world.network(), cell.nodes);
    return {(after.member - before.member) / seconds(length), (after.listener - before.listener) / seconds(length)};
}

// What a gateway receives of one other mesh, times the number of those: the topics are independent.
double run_interim(const Cell& cell, Figures& figures) {
    const Received topic = measure_topic(cell, figures);
    const double gateway = topic.listener * static_cast<double>(cell.meshes - 1);
    figures.add("own_mesh_node", topic.member, "B/s");
    figures.add("interim_node", gateway * cell.gateways() / cell.all_nodes(), "B/s");
    figures.add("interim_gateway", gateway, "B/s");
    figures.add("interim_mesh", gateway * static_cast<double>(kGateways), "B/s");
    return gateway * cell.gateways();
}

int run(const Arguments& arguments) {
    Figures figures("backbone", arguments);
    Cell cell;
    cell.meshes = arguments.number("--meshes");
    cell.nodes = arguments.number("--nodes");
    cell.refreshes = arguments.number("--refreshes");
    cell.digest_refreshes = arguments.number("--digest-refreshes");
    cell.churn_seconds = arguments.number("--churn-seconds");
    cell.seed = arguments.number("--seed");
    cell.measures_boot = arguments.number("--boot") > 0;
    if (cell.meshes < 2 || cell.nodes < kGateways || cell.refreshes == 0 || cell.digest_refreshes == 0) {
        figures.fail("at least two meshes, three nodes and one refresh are needed");
        return figures.finish();
    }
    figures.add("meshes", static_cast<double>(cell.meshes), "");
    figures.add("nodes", static_cast<double>(cell.nodes), "");
    const double begin = cpu_now();
    const double backbone = arguments.number("--backbone") > 0 ? run_backbone(cell, figures) : 0;
    const double interim = arguments.number("--interim") > 0 ? run_interim(cell, figures) : 0;
    if (backbone > 0 && interim > 0) figures.add("ratio_interim_to_backbone", interim / backbone, "");
    figures.add("cpu", cpu_now() - begin, "s");
    figures.add("resident", resident_bytes() / 1e6, "MB");
    return figures.finish();
}

}  // namespace
}  // namespace grapevine::bench

int main(int argc, char** argv) {
    using namespace grapevine::bench;
    return run(parse_arguments(argc, argv,
                               {false,
                                false,
                                {{"--meshes", 10},
                                 {"--nodes", 10},
                                 {"--refreshes", 10},
                                 {"--digest-refreshes", 10},
                                 {"--churn-seconds", 600},
                                 {"--boot", 1},
                                 {"--backbone", 1},
                                 {"--interim", 1},
                                 {"--seed", 1}}}));
}
