#pragma once

// A scenario: a world, what happens in it and when, and what must then hold. Read from TOML; docs/simulation.md
// describes every key. An unknown key, a wrong type or a value out of its range is an error that names file, line and
// key.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "sim/network.hpp"
#include "sim/world.hpp"

namespace grapevine::sim {

inline constexpr std::size_t kScenarioLineBytesMax = 16 * 1024;  // The parser recurses over the parts of a key.
inline constexpr std::size_t kScenarioNodesMax = 10'000;
inline constexpr std::size_t kScenarioStepsMax = 1'000;
inline constexpr std::size_t kStepTimesMax = 100'000;
// No duration is longer, and nothing is planned for later.
inline constexpr base::Duration kScenarioTimeMax = std::chrono::hours(1000 * 24);

enum class Mode : std::uint8_t {
    gossip,   // iroh-gossip's own scenarios (gossip_scenarios.hpp).
    message,  // node::Node with messages.
    stack,    // stack::Stack with datagrams.
};
std::string_view name(Mode mode);

// What a node takes part in.
enum class Part : std::uint8_t {
    mesh,   // A mesh, with its directory; and a topic of the application if any step broadcasts.
    topic,  // Only a topic of the application: no directory, so that thousands of nodes are cheap.
};

enum class JoinPattern : std::uint8_t { at_once, one_by_one };

// Which nodes a step hits. A random choice is among the running nodes that are not spared.
enum class Choice : std::uint8_t {
    named,
    each,      // The n-th repetition hits node n.
    count,     // So many at random.
    fraction,  // Such a part at random.
};
struct Targets {
    Choice choice = Choice::count;
    std::vector<std::size_t> named;
    std::size_t count = 1;
    double fraction = 0.0;
    std::vector<std::size_t> spared;
};

struct CrashStep {
    Targets targets;
    Host host = Host::silent;
    std::optional<base::Duration> restart_after;
};
struct RestartStep {  // All that crashed or left, or the named ones.
    std::vector<std::size_t> nodes;
};
struct LeaveStep {
    Targets targets;
};
struct PauseStep {
    Targets targets;
    base::Duration duration{};
};
struct PartitionStep {
    std::size_t groups = 2;  // Of equal size, at random.
};
struct HealStep {};
struct LossStep {
    double rate = 0.0;
};
struct BlockStep {  // One direction of one pair, until the next heal.
    std::size_t from = 0;
    std::size_t to = 0;
};
struct SlowStep {
    Targets targets;
    base::Duration delay{};
    std::uint64_t rate_bytes = 0;
};
struct BroadcastStep {  // One message of a random node; missed where it has not come within `within`.
    base::Duration within = std::chrono::seconds(5);
};
struct JoinStep {
    std::size_t count = 1;
};
struct MoveStep {
    Targets targets;
    World::Notice notice = World::Notice::no;
};
using Action = std::variant<CrashStep, RestartStep, LeaveStep, PauseStep, PartitionStep, HealStep, LossStep, BlockStep,
                            SlowStep, BroadcastStep, JoinStep, MoveStep>;

struct Step {
    base::Duration at{};
    base::Duration every{};
    std::size_t times = 1;
    Action action;
};

// Absent: not judged. Times are those of the slowest.
struct Expectations {
    std::optional<base::Duration> converged_within;   // From the last start of the beginning to all directories right.
    std::optional<base::Duration> dead_known_within;  // From a crash to the last survivor that knows it.
    std::optional<base::Duration> left_known_within;
    std::optional<base::Duration> back_within;  // From a restart to all directories right about it.
    std::optional<base::Duration> joined_within;
    std::optional<base::Duration> reconciled_within;  // From a heal to all directories right.
    std::optional<std::uint64_t> missed_max;
    std::uint64_t false_deaths_max = 0;
    std::optional<double> wakeups_per_second_max;  // Per node, over the measured window.
    std::optional<double> bytes_per_second_max;
    std::optional<double> ldh_max;
    std::optional<double> rmr_max;
    std::optional<std::uint64_t> isolated_max;  // Nodes without a neighbour at the end.
};

struct Scenario {
    std::string name;
    std::string title;
    Mode mode = Mode::message;
    Part part = Part::mesh;
    std::size_t nodes = 18;
    std::size_t meshes = 1;
    std::size_t mesh_seeds = 1;  // So many first nodes of a mesh are the seeds of all its others, and of each other.
    base::Duration duration = std::chrono::seconds(30);
    std::optional<base::Duration> measure_from;  // Absent: five seconds after the last start of the beginning.
    std::size_t seeds = 3;                       // How many seeds the tests run.
    JoinPattern join = JoinPattern::at_once;
    base::Duration join_every{};
    base::Duration clock_skew{};              // Wall clocks are off by up to this much, either way.
    std::optional<base::Duration> staleness;  // Absent: the nodes' default. Longer means fewer signatures to check.
    NetworkConfig network;
    std::vector<Step> steps;
    Expectations expect;
    std::optional<telemetry::RecorderConfig> recording;  // Absent: nobody records spans. Not in files.
    // Of Mode::gossip: labels of the scenarios to run; empty: all.
    std::vector<std::string> gossip_labels;
};

// `source` is what errors name, usually the file.
base::Result<Scenario> parse_scenario(std::string_view text, std::string_view source);
// "250ms", "10s", "5m", "1h", "1.5s".
base::Result<base::Duration> parse_duration(std::string_view text);

}  // namespace grapevine::sim
