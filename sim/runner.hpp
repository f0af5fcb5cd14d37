#pragma once

// Runs one scenario with one seed, judges it, and gives its figures. Equal scenario and seed give equal figures.
//
// Judged always, besides what the scenario expects: no directory ever holds a node of another mesh; false deaths up to
// the stated number; at the end every directory equals the truth (the tables themselves are read, not only what was
// reported) and nobody is under suspicion; no node spins; bounded tables are within their bounds; each ledger agrees
// with the tables, and is all zero once its process has ended.

#include <functional>
#include <string>
#include <vector>

#include "sim/observer.hpp"
#include "sim/scenario.hpp"

namespace grapevine::sim {

struct Times {
    std::size_t count = 0;
    base::Duration median{};
    base::Duration p99{};
    base::Duration max{};
    friend bool operator==(const Times&, const Times&) = default;
};
Times summarize(std::vector<base::Duration> times);

struct RunFigures {
    std::uint64_t seed = 0;
    std::size_t nodes = 0;  // Made in the run.
    base::Duration simulated{};
    std::uint64_t events = 0;
    std::uint64_t trace_hash = 0;
    Times converged, joins, returns, deaths, leaves, reconciliations;
    std::uint64_t false_deaths = 0;
    std::uint64_t suspicions = 0;
    std::uint64_t seed_retries = 0;
    std::uint64_t isolated = 0;  // Running nodes without a neighbour at the end.
    std::size_t rounds = 0;
    std::uint64_t missed = 0;
    double ldh_mean = 0.0;
    double rmr_mean = 0.0;
    // Per node that ran throughout the measured window, and per second of it.
    double wakes_per_second = 0.0;    // Turns of its event loop: timers and arrivals.
    double timers_per_second = 0.0;   // Of these, timers.
    double packets_per_second = 0.0;  // Sent.
    double bytes_per_second = 0.0;    // Sent.
    NetworkCounters network;
    std::vector<std::string> failures;
    friend bool operator==(const RunFigures&, const RunFigures&) = default;
};

using TraceSink = std::function<void(const std::string&)>;

RunFigures run_scenario(const Scenario& scenario, std::uint64_t seed, const TraceSink& trace = {});

}  // namespace grapevine::sim
