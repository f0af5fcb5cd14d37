#pragma once

// What a run prints: figures as text for a reader, or one JSON object a line.

#include <string>

#include "sim/gossip_scenarios.hpp"
#include "sim/runner.hpp"
#include "sim/scenario.hpp"

namespace grapevine::sim {

// `real_seconds` is what the run took on the clock on the wall; 0 when nobody measured.
std::string text_report(const Scenario& scenario, const RunFigures& figures, double real_seconds);
std::string json_report(const Scenario& scenario, const RunFigures& figures, double real_seconds);
std::string text_report(const GossipScenario& scenario, const SeedFigures& figures, double real_seconds);
std::string json_report(const GossipScenario& scenario, const SeedFigures& figures, double real_seconds);

// Means and standard errors over several seeds, beside the recorded ones of iroh-gossip.
std::string text_report(const GossipScenario& scenario, const ScenarioFigures& figures);

// "grapevine sim join-1000 --seed 7".
std::string replay_command(std::string_view scenario, std::uint64_t seed);

}  // namespace grapevine::sim
