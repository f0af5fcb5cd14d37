#pragma once

// The scenarios of iroh-gossip's own simulator (crate iroh-gossip 0.101, feature `simulator`), over node::Topic, so
// that the two implementations can be compared cell by cell. Discrete events, deterministic in the seed.
//
// The model is that simulator's:
// - Latency is uniform in [latency_min, latency_max), drawn once for each unordered pair, then constant. No loss, no
//   bandwidth. Events at equal times run in the order in which they were made.
// - A connection exists from the first message received until one side lets go of it; the other side learns that one
//   latency and a microsecond later.
// - Bootstrap: node 0 enters alone; nodes 1 to n - 1 join through it, one after another, at time 0; then 20 times the
//   largest latency pass. With bootstrap_set > 0 that many nodes join first, 7 largest latencies pass, and the others
//   join through a random one of them.
// - A round broadcasts its messages at one instant and ends when every node has every message, or at round_timeout.
//   Rounds follow back to back and the overlay carries over. What is still under way counts for the next round.
//
// Figures of a round, n nodes, m messages:
//   deliveries = m (n - 1) - missed
//   RMR = payload receptions, duplicates included / (deliveries - 1) - 1   (the simulator's formula, with its - 1)
//   LDH = the largest received round counter of a first copy
// Figures of a scenario are true means over seeds of the means over rounds. (The original prints the minimum over
// seeds.)

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "node/topic.hpp"

namespace grapevine::sim {

enum class GossipTraffic : std::uint8_t {
    single,  // One random sender for all rounds, one message a round.
    multi,   // A new random sender each round, one message.
    all,     // Every node broadcasts one message at the same instant.
};

struct GossipScenario {
    GossipTraffic traffic = GossipTraffic::single;
    std::size_t nodes = 20;  // At least 3.
    std::size_t rounds = 30;
    std::size_t bootstrap_set = 0;  // 0: all join through node 0.
    base::Duration latency_min = std::chrono::milliseconds(10);
    base::Duration latency_max = std::chrono::milliseconds(50);
    base::Duration round_timeout = std::chrono::seconds(5);
    node::TopicConfig topic;
};

// The eight scenarios of the original, in its order.
std::vector<GossipScenario> iroh_gossip_scenarios();
// The seeds of the recorded baseline: 128 of them for up to 100 nodes, 32 for more.
std::vector<std::uint64_t> baseline_seeds(std::size_t nodes);
// "GossipMulti-n100-r30".
std::string label(const GossipScenario& scenario);
std::string_view name(GossipTraffic traffic);

struct RoundFigures {
    double ldh = 0.0;
    double rmr = 0.0;
    std::uint64_t missed = 0;
    base::Duration duration{};
    friend bool operator==(const RoundFigures&, const RoundFigures&) = default;
};

struct SeedFigures {
    std::uint64_t seed = 0;
    std::vector<RoundFigures> rounds;
    double ldh_mean = 0.0;
    double rmr_mean = 0.0;
    double duration_ms_mean = 0.0;
    std::uint64_t missed = 0;            // Sum over rounds.
    std::size_t without_neighbors = 0;   // Nodes with an empty active view after the bootstrap.
    double active_mean = 0.0;            // Size of the active view after the bootstrap.
    std::uint64_t control_received = 0;  // Prune, Graft and IHave messages over all rounds.
    std::uint64_t payload_received = 0;
    std::uint64_t events = 0;
    std::uint64_t trace_hash = 0;  // Of every event in order: equal runs have equal hashes.
    friend bool operator==(const SeedFigures&, const SeedFigures&) = default;
};

struct Spread {
    double mean = 0.0;
    double standard_error = 0.0;  // 0 with fewer than two seeds.
    double min = 0.0;
    double max = 0.0;
};

struct ScenarioFigures {
    Spread ldh;
    Spread rmr;
    Spread duration_ms;
    std::uint64_t missed = 0;
    std::vector<SeedFigures> seeds;
};

SeedFigures run_gossip_seed(const GossipScenario& scenario, std::uint64_t seed);
// Of at least one seed.
ScenarioFigures summarize(std::vector<SeedFigures> seeds);
// What the original reaches in this scenario over baseline_seeds, with standard errors (interop/baseline/). Absent for
// a scenario that is not one of the eight.
struct GossipBaseline {
    Spread ldh;
    Spread rmr;
};
std::optional<GossipBaseline> iroh_gossip_baseline(const GossipScenario& scenario);
ScenarioFigures run_gossip_scenario(const GossipScenario& scenario, const std::vector<std::uint64_t>& seeds);

}  // namespace grapevine::sim
