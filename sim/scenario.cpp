#include "sim/scenario.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "base/encoding.hpp"
#include "base/lines.hpp"
#include "sim/toml_reader.hpp"

namespace grapevine::sim {

namespace {

constexpr double kRateMax = 1e12;
constexpr std::size_t kDescriptionMax = 160;  // Of the parser's words, which quote the file as it is.

std::optional<base::Duration> unit_of(std::string_view unit) {
    constexpr std::array<std::pair<std::string_view, base::Duration>, 5> kUnits{{
        {"us", std::chrono::microseconds(1)},
        {"ms", std::chrono::milliseconds(1)},
        {"s", std::chrono::seconds(1)},
        {"m", std::chrono::minutes(1)},
        {"h", std::chrono::hours(1)},
    }};
    for (const auto& [name, duration] : kUnits)
        if (name == unit) return duration;
    return std::nullopt;
}

// Whether `times` events, each so long after the one before, all happen within the time that a scenario may have.
bool in_time(base::Duration first, base::Duration every, std::size_t times) {
    return every == base::Duration::zero() ||
           static_cast<std::int64_t>(times) <= (kScenarioTimeMax - first).count() / every.count();
}

void read_network(TomlReader reader, NetworkConfig& network) {
    const auto latency = [&](std::string_view key, base::Duration& into) {
        if (const auto value = reader.duration(key)) into = *value;
    };
    const auto rate = [&](std::string_view key, double& into) {
        if (const auto value = reader.number(key, 0.0, 1.0)) into = *value;
    };
    latency("latency-min", network.latency_min);
    latency("latency-max", network.latency_max);
    latency("jitter", network.jitter);
    latency("reorder-delay", network.reorder_delay);
    rate("loss", network.loss);
    rate("duplicate", network.duplicate);
    rate("reorder", network.reorder);
    if (const auto mtu = reader.integer("mtu", 1200, 65535)) network.mtu = *mtu;
    if (network.latency_max < network.latency_min) reader.fail("latency-max", "must not be below latency-min");
    reader.finish();
}

void read_expectations(TomlReader reader, Expectations& expect) {
    expect.converged_within = reader.duration("converged-within");
    expect.dead_known_within = reader.duration("dead-known-within");
    expect.left_known_within = reader.duration("left-known-within");
    expect.back_within = reader.duration("back-within");
    expect.joined_within = reader.duration("joined-within");
    expect.reconciled_within = reader.duration("reconciled-within");
    expect.missed_max = reader.integer("missed-max", 0, UINT32_MAX);
    expect.false_deaths_max = reader.integer("false-deaths-max", 0, UINT32_MAX).value_or(0);
    expect.wakeups_per_second_max = reader.number("wakeups-per-second-max", 0.0, kRateMax);
    expect.bytes_per_second_max = reader.number("bytes-per-second-max", 0.0, kRateMax);
    expect.ldh_max = reader.number("ldh-max", 0.0, kRateMax);
    expect.rmr_max = reader.number("rmr-max", 0.0, kRateMax);
    expect.isolated_max = reader.integer("isolated-max", 0, UINT32_MAX);
    reader.finish();
}

Targets read_targets(TomlReader& reader) {
    Targets targets;
    targets.named = reader.integers("node", kScenarioNodesMax);
    targets.spared = reader.integers("spare", kScenarioNodesMax);
    const auto fraction = reader.number("fraction", 0.0, 1.0);
    const auto count = reader.integer("count", 1, kScenarioNodesMax);
    const bool each = reader.word("target", {"each"}).has_value();
    const bool named = !targets.named.empty();
    if (int{named} + int{fraction.has_value()} + int{count.has_value()} + int{each} != 1)
        reader.fail("do", "needs exactly one of: node, count, fraction, target");
    targets.count = count.value_or(1);
    targets.fraction = fraction.value_or(0.0);
    targets.choice = named ? Choice::named : each ? Choice::each : fraction ? Choice::fraction : Choice::count;
    return targets;
}

enum class Verb : std::uint8_t {
    crash,
    restart,
    leave,
    pause,
    partition,
    heal,
    loss,
    block,
    slow,
    broadcast,
    join,
    move
};
const std::vector<std::string_view>& verbs() {
    static const std::vector<std::string_view> kVerbs{"crash", "restart", "leave", "pause",     "partition", "heal",
                                                      "loss",  "block",   "slow",  "broadcast", "join",      "move"};
    return kVerbs;
}

Action read_crash(TomlReader& reader) {
    CrashStep crash;
    crash.targets = read_targets(reader);
    crash.host = reader.word("host", {"silent", "answers"}).value_or(0) == 0 ? Host::silent : Host::answers;
    crash.restart_after = reader.duration("restart-after");
    return crash;
}

Action read_action(TomlReader& reader, Verb verb, std::size_t nodes) {
    const std::uint64_t last = nodes - 1;
    switch (verb) {
        case Verb::crash: return read_crash(reader);
        case Verb::restart: return RestartStep{reader.integers("node", kScenarioNodesMax)};
        case Verb::leave: return LeaveStep{read_targets(reader)};
        case Verb::pause: return PauseStep{read_targets(reader), reader.duration("for").value_or(base::Duration{})};
        case Verb::partition: return PartitionStep{reader.integer("groups", 2, nodes).value_or(2)};
        case Verb::heal: return HealStep{};
        case Verb::loss: return LossStep{reader.number("rate", 0.0, 1.0).value_or(0.0)};
        case Verb::block:
            return BlockStep{reader.integer("from", 0, last).value_or(0), reader.integer("to", 0, last).value_or(0)};
        case Verb::slow:
            return SlowStep{read_targets(reader), reader.duration("delay").value_or(base::Duration{}),
                            reader.integer("rate", 0, UINT32_MAX).value_or(0)};
        case Verb::broadcast: return BroadcastStep{reader.duration("within").value_or(BroadcastStep{}.within)};
        case Verb::join: return JoinStep{reader.integer("count", 1, kScenarioNodesMax).value_or(1)};
        case Verb::move: {
            auto targets = read_targets(reader);
            const bool told = reader.word("notice", {"no", "yes"}).value_or(0) == 1;
            return MoveStep{std::move(targets), told ? World::Notice::yes : World::Notice::no};
        }
    }
    return HealStep{};
}

Step read_step(TomlReader reader, std::size_t nodes) {
    Step step;
    const auto at = reader.duration("at");
    if (!at) reader.fail("at", "is missing");
    step.at = at.value_or(base::Duration{});
    step.every = reader.duration("every").value_or(base::Duration{});
    step.times = reader.integer("times", 1, kStepTimesMax).value_or(1);
    if (!in_time(step.at, step.every, step.times)) reader.fail("every", "leads beyond 1000 days");
    const auto verb = reader.word("do", verbs());
    if (!verb) {
        reader.fail("do", "is missing or unknown");
        return step;
    }
    step.action = read_action(reader, static_cast<Verb>(*verb), nodes);
    reader.finish();
    return step;
}

// The nodes that can ever be: those of the beginning, and those that join.
std::size_t nodes_of(const Scenario& scenario) {
    std::size_t nodes = scenario.nodes;
    for (const Step& step : scenario.steps)
        if (const auto* join = std::get_if<JoinStep>(&step.action)) nodes += join->count * step.times;
    return nodes;
}

const std::vector<std::size_t>& named_nodes(const Action& action) {
    static const std::vector<std::size_t> kNone;
    return std::visit(
        [](const auto& step) -> const std::vector<std::size_t>& {
            if constexpr (requires { step.targets; })
                return step.targets.named;
            else
                return kNone;
        },
        action);
}

void read_steps(const toml::array& steps, std::string_view source, base::Status& status, Scenario& scenario) {
    const auto reader_of = [&](std::size_t i) { return TomlReader(*steps[i].as_table(), source, "[[step]]", status); };
    for (std::size_t i = 0; i < steps.size() && i < kScenarioStepsMax; ++i)
        scenario.steps.push_back(read_step(reader_of(i), scenario.nodes));
    const std::size_t nodes = nodes_of(scenario);
    for (std::size_t i = 0; i < scenario.steps.size(); ++i) {
        const auto& named = named_nodes(scenario.steps[i].action);
        if (std::any_of(named.begin(), named.end(), [&](std::size_t node) { return node >= nodes; }))
            reader_of(i).fail("node", "names a node that never is");
        if (nodes > kScenarioNodesMax && std::holds_alternative<JoinStep>(scenario.steps[i].action))
            reader_of(i).fail("do", "makes more than " + std::to_string(kScenarioNodesMax) + " nodes in all");
    }
}

void read_join(TomlReader reader, Scenario& scenario) {
    const auto pattern = reader.word("pattern", {"at-once", "one-by-one"});
    if (pattern) scenario.join = static_cast<JoinPattern>(*pattern);
    if (const auto every = reader.duration("every")) scenario.join_every = *every;
    if (!in_time({}, scenario.join_every, scenario.nodes)) reader.fail("every", "leads beyond 1000 days");
    reader.finish();
}

void read_head(TomlReader& reader, Scenario& scenario) {
    scenario.title = reader.text("title").value_or("");
    if (const auto mode = reader.word("mode", {"gossip", "message", "stack"})) scenario.mode = static_cast<Mode>(*mode);
    if (const auto part = reader.word("part", {"mesh", "topic"})) scenario.part = static_cast<Part>(*part);
    scenario.nodes = reader.integer("nodes", 2, kScenarioNodesMax).value_or(scenario.nodes);
    scenario.meshes = reader.integer("meshes", 1, 100).value_or(scenario.meshes);
    scenario.mesh_seeds = reader.integer("mesh-seeds", 1, 16).value_or(scenario.mesh_seeds);
    scenario.duration = reader.duration("duration").value_or(scenario.duration);
    scenario.measure_from = reader.duration("measure-from");
    scenario.seeds = reader.integer("seeds", 1, 1000).value_or(scenario.seeds);
    scenario.clock_skew = reader.duration("clock-skew").value_or(base::Duration{});
    scenario.staleness = reader.duration("staleness");
    scenario.gossip_labels = reader.texts("gossip");
}

}  // namespace

std::string_view name(Mode mode) {
    switch (mode) {
        case Mode::gossip: return "gossip";
        case Mode::message: return "message";
        case Mode::stack: return "stack";
    }
    return "unknown";
}

base::Result<base::Duration> parse_duration(std::string_view text) {
    double value = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::size_t digits = static_cast<std::size_t>(end - text.data());
    const auto unit = error == std::errc{} ? unit_of(text.substr(digits)) : std::nullopt;
    constexpr auto kMax = static_cast<double>(kScenarioTimeMax.count());
    if (!unit || !(value >= 0.0) || value * static_cast<double>(unit->count()) > kMax)
        return base::invalid("duration '" + base::printable(text) + "': want a number and one of us, ms, s, m, h");
    return base::Duration(static_cast<std::int64_t>(value * static_cast<double>(unit->count())));
}

base::Result<Scenario> parse_scenario(std::string_view text, std::string_view source) {
    if (const auto line = base::first_longer_line(text, kScenarioLineBytesMax))
        return base::invalid(std::string(source) + ":" + std::to_string(*line) + ": a line of more than " +
                             std::to_string(kScenarioLineBytesMax) + " bytes");
    toml::table root;
    try {
        root = toml::parse(text, source);
    } catch (const toml::parse_error& error) {
        return base::invalid(std::string(source) + ":" + std::to_string(error.source().begin.line) + ": " +
                             base::printable(error.description(), kDescriptionMax));
    } catch (const std::logic_error& error) {
        return base::invalid(std::string(source) + ": " + base::printable(error.what(), kDescriptionMax));
    }
    Scenario scenario;
    base::Status status;
    TomlReader reader(root, source, "", status);
    read_head(reader, scenario);
    if (const auto* table = reader.table("join")) read_join({*table, source, "[join]", status}, scenario);
    if (const auto* table = reader.table("network"))
        read_network({*table, source, "[network]", status}, scenario.network);
    if (const auto* table = reader.table("expect"))
        read_expectations({*table, source, "[expect]", status}, scenario.expect);
    if (const auto* steps = reader.tables("step")) {
        if (steps->size() > kScenarioStepsMax) reader.fail("step", "has too many entries");
        read_steps(*steps, source, status, scenario);
    }
    if (scenario.meshes * 2 > scenario.nodes) reader.fail("meshes", "leaves fewer than two nodes a mesh");
    reader.finish();
    if (!status) return tl::unexpected<base::Error>(status.error());
    return scenario;
}

}  // namespace grapevine::sim
