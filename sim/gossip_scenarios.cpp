#include "sim/gossip_scenarios.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <utility>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "sim/gossip_network.hpp"

namespace grapevine::sim {

namespace {

base::Bytes content(const std::string& text) {
    const base::ByteView view = base::as_bytes(text);
    return {view.begin(), view.end()};
}

std::vector<GossipNetwork::Sent> messages_of_round(GossipTraffic traffic, std::size_t round, std::size_t sender,
                                                   std::size_t nodes) {
    std::vector<GossipNetwork::Sent> messages;
    if (traffic != GossipTraffic::all) {
        messages.push_back({sender, content("m" + std::to_string(round))});
        return messages;
    }
    for (std::size_t node = 0; node < nodes; ++node) {
        messages.push_back({node, content(std::to_string(round) + ":0." + std::to_string(node))});
    }
    return messages;
}

void inspect_overlay(const GossipNetwork& network, SeedFigures& figures) {
    std::size_t links = 0;
    for (std::size_t i = 0; i < network.size(); ++i) {
        const std::size_t active = network.topic(i).membership().active().size();
        links += active;
        figures.without_neighbors += active == 0 ? 1 : 0;
    }
    figures.active_mean = static_cast<double>(links) / static_cast<double>(network.size());
}

void add_round(const GossipNetwork& network, const RoundFigures& round, SeedFigures& figures) {
    figures.rounds.push_back(round);
    figures.missed += round.missed;
    for (std::size_t i = 0; i < network.size(); ++i) {
        const broadcast::Quality& quality = network.topic(i).broadcast().quality();
        figures.control_received += quality.control_received;
        figures.payload_received += quality.payload_received;
    }
}

void take_means(SeedFigures& figures) {
    const double rounds = static_cast<double>(std::max<std::size_t>(figures.rounds.size(), 1));
    for (const RoundFigures& round : figures.rounds) {
        figures.ldh_mean += round.ldh / rounds;
        figures.rmr_mean += round.rmr / rounds;
        figures.duration_ms_mean += std::chrono::duration<double, std::milli>(round.duration).count() / rounds;
    }
}

Spread spread(const std::vector<SeedFigures>& seeds, const std::function<double(const SeedFigures&)>& of) {
    Spread result;
    const double count = static_cast<double>(seeds.size());
    result.min = of(seeds.front());
    result.max = result.min;
    for (const SeedFigures& seed : seeds) {
        result.mean += of(seed) / count;
        result.min = std::min(result.min, of(seed));
        result.max = std::max(result.max, of(seed));
    }
    double squares = 0.0;
    for (const SeedFigures& seed : seeds) {
        squares += (of(seed) - result.mean) * (of(seed) - result.mean);
    }
    if (seeds.size() > 1) {
        result.standard_error = std::sqrt(squares / (count - 1.0) / count);
    }
    return result;
}

}  // namespace

std::string_view name(GossipTraffic traffic) {
    switch (traffic) {
        case GossipTraffic::single: return "GossipSingle";
        case GossipTraffic::multi: return "GossipMulti";
        case GossipTraffic::all: return "GossipAll";
    }
    return "unknown";
}

std::string label(const GossipScenario& scenario) {
    return std::string(name(scenario.traffic)) + "-n" + std::to_string(scenario.nodes) + "-r" +
           std::to_string(scenario.rounds);
}

std::vector<GossipScenario> iroh_gossip_scenarios() {
    std::vector<GossipScenario> scenarios;
    const auto add = [&](GossipTraffic traffic, std::size_t nodes, std::size_t rounds) {
        GossipScenario scenario;
        scenario.traffic = traffic;
        scenario.nodes = nodes;
        scenario.rounds = rounds;
        scenarios.push_back(scenario);
    };
    for (const GossipTraffic traffic : {GossipTraffic::single, GossipTraffic::multi}) {
        for (const std::size_t nodes : {std::size_t{20}, std::size_t{100}, std::size_t{1000}}) {
            add(traffic, nodes, 30);
        }
    }
    add(GossipTraffic::all, 20, 30);
    add(GossipTraffic::all, 100, 5);
    return scenarios;
}

std::vector<std::uint64_t> baseline_seeds(std::size_t nodes) {
    std::vector<std::uint64_t> seeds = {0, 1, 212312388123ULL, 123};
    const std::size_t count = nodes > 100 ? 32 : 128;
    for (std::uint64_t seed = 2; seeds.size() < count; ++seed) {
        if (seed != 123) {
            seeds.push_back(seed);
        }
    }
    return seeds;
}

std::optional<GossipBaseline> iroh_gossip_baseline(const GossipScenario& scenario) {
    struct Cell {
        GossipTraffic traffic;
        std::size_t nodes;
        std::size_t rounds;
        Spread ldh;
        Spread rmr;
    };
    static constexpr std::array<Cell, 8> kCells = {{
        {GossipTraffic::single, 20, 30, {2.9857, 0.0555, 2.0, 5.0}, {0.1495, 0.001, 0.1333, 0.2593}},
        {GossipTraffic::single, 100, 30, {5.95, 0.073, 4.0, 9.0}, {0.0881, 0.0005, 0.0796, 0.1279}},
        {GossipTraffic::single, 1000, 30, {13.6875, 0.2079, 11.0, 16.0}, {0.0741, 0.0002, 0.0712, 0.0755}},
        {GossipTraffic::multi, 20, 30, {5.0492, 0.0444, 3.6333, 6.4}, {0.4289, 0.0111, 0.1741, 0.713}},
        {GossipTraffic::multi, 100, 30, {10.256, 0.0517, 8.3333, 11.5333}, {0.4721, 0.0062, 0.2976, 0.6915}},
        {GossipTraffic::multi, 1000, 30, {20.8865, 0.1581, 18.8, 23.7}, {0.4717, 0.0079, 0.3634, 0.5431}},
        {GossipTraffic::all, 20, 30, {5.526, 0.0465, 4.1667, 6.9667}, {1.3776, 0.0106, 1.1445, 1.9129}},
        {GossipTraffic::all, 100, 5, {10.3828, 0.0656, 8.6, 12.4}, {1.056, 0.0029, 0.9626, 1.1279}},
    }};
    for (const Cell& cell : kCells) {
        if (cell.traffic == scenario.traffic && cell.nodes == scenario.nodes && cell.rounds == scenario.rounds) {
            return GossipBaseline{cell.ldh, cell.rmr};
        }
    }
    return std::nullopt;
}

SeedFigures run_gossip_seed(const GossipScenario& scenario, std::uint64_t seed) {
    GossipNetwork network(scenario, seed);
    network.bootstrap();
    SeedFigures figures;
    figures.seed = seed;
    inspect_overlay(network, figures);
    std::size_t sender = network.rng().index(scenario.nodes);
    for (std::size_t round = 0; round < scenario.rounds; ++round) {
        if (scenario.traffic == GossipTraffic::multi) {
            sender = network.rng().index(scenario.nodes);
        }
        add_round(network, network.round(messages_of_round(scenario.traffic, round, sender, scenario.nodes)), figures);
    }
    take_means(figures);
    figures.events = network.events();
    figures.trace_hash = network.trace_hash();
    return figures;
}

ScenarioFigures run_gossip_scenario(const GossipScenario& scenario, const std::vector<std::uint64_t>& seeds) {
    GRAPEVINE_ASSERT(!seeds.empty(), "figures need a seed");
    std::vector<SeedFigures> figures;
    for (const std::uint64_t seed : seeds) {
        figures.push_back(run_gossip_seed(scenario, seed));
    }
    return summarize(std::move(figures));
}

ScenarioFigures summarize(std::vector<SeedFigures> seeds) {
    GRAPEVINE_ASSERT(!seeds.empty(), "figures need a seed");
    ScenarioFigures figures;
    figures.seeds = std::move(seeds);
    for (const SeedFigures& seed : figures.seeds) {
        figures.missed += seed.missed;
    }
    figures.ldh = spread(figures.seeds, [](const SeedFigures& s) { return s.ldh_mean; });
    figures.rmr = spread(figures.seeds, [](const SeedFigures& s) { return s.rmr_mean; });
    figures.duration_ms = spread(figures.seeds, [](const SeedFigures& s) { return s.duration_ms_mean; });
    return figures;
}

}  // namespace grapevine::sim
