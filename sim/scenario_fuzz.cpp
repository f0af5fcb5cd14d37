// Scenarios: any text is refused with the place of what is wrong, or a scenario within its bounds whose every time and
// node exists. Durations by themselves, too.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/utf8.hpp"
#include "sim/scenario.hpp"

using namespace grapevine;

namespace {

using sim::Scenario;

bool fits(base::Duration duration) {
    return duration >= base::Duration::zero() && duration <= sim::kScenarioTimeMax;
}

// A step is repeated in times that the clock has.
bool is_on_the_clock(base::Duration first, base::Duration every, std::size_t times) {
    const auto last = static_cast<long double>(first.count()) +
                      static_cast<long double>(every.count()) * static_cast<long double>(times);
    return last <= static_cast<long double>(sim::kScenarioTimeMax.count());
}

void check_targets(const sim::Targets& targets, std::size_t nodes) {
    GRAPEVINE_ASSERT(targets.fraction >= 0 && targets.fraction <= 1 && targets.count >= 1,
                     "a choice within its bounds");
    GRAPEVINE_ASSERT((targets.choice == sim::Choice::named) == !targets.named.empty(), "names are a choice");
    for (const std::size_t node : targets.named)
        GRAPEVINE_ASSERT(node < nodes, "a node that there is");
}

// The nodes that can ever be: those of the beginning, and those that join.
std::size_t nodes_of(const Scenario& scenario) {
    std::size_t nodes = scenario.nodes;
    for (const sim::Step& step : scenario.steps)
        if (const auto* join = std::get_if<sim::JoinStep>(&step.action)) nodes += join->count * step.times;
    return nodes;
}

void check(const sim::Step& step, std::size_t nodes) {
    GRAPEVINE_ASSERT(fits(step.at) && fits(step.every), "durations are bounded");
    GRAPEVINE_ASSERT(step.times >= 1 && step.times <= sim::kStepTimesMax, "repetitions are bounded");
    GRAPEVINE_ASSERT(is_on_the_clock(step.at, step.every, step.times), "every time can be told");
    std::visit(
        [&](const auto& action) {
            if constexpr (requires { action.targets; }) check_targets(action.targets, nodes);
        },
        step.action);
    if (const auto* loss = std::get_if<sim::LossStep>(&step.action))
        GRAPEVINE_ASSERT(loss->rate >= 0 && loss->rate <= 1, "a rate");
}

void check(const Scenario& scenario) {
    GRAPEVINE_ASSERT(scenario.nodes <= sim::kScenarioNodesMax && scenario.meshes * 2 <= scenario.nodes, "nodes fit");
    GRAPEVINE_ASSERT(scenario.steps.size() <= sim::kScenarioStepsMax, "steps are bounded");
    GRAPEVINE_ASSERT(fits(scenario.duration) && fits(scenario.clock_skew), "durations are bounded");
    GRAPEVINE_ASSERT(is_on_the_clock({}, scenario.join_every, scenario.nodes), "every time can be told");
    const sim::NetworkConfig& network = scenario.network;
    GRAPEVINE_ASSERT(network.latency_min <= network.latency_max, "a range of latency");
    for (const double rate : {network.loss, network.duplicate, network.reorder})
        GRAPEVINE_ASSERT(rate >= 0 && rate <= 1, "a rate");
    const std::size_t nodes = nodes_of(scenario);
    GRAPEVINE_ASSERT(nodes <= sim::kScenarioNodesMax, "nodes are bounded, also by who joins");
    for (const sim::Step& step : scenario.steps)
        check(step, nodes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = base::as_text({data, size});
    if (const auto duration = sim::parse_duration(text); duration)
        GRAPEVINE_ASSERT(fits(*duration) && size < 400, "a duration is bounded");
    const auto scenario = sim::parse_scenario(text, "x.toml");
    if (scenario) {
        check(*scenario);
        return 0;
    }
    const std::string& why = scenario.error().message;
    GRAPEVINE_ASSERT(why.starts_with("x.toml:") && base::is_utf8(why), "a refusal names the place, in words");
    GRAPEVINE_ASSERT(std::none_of(why.begin(), why.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }),
                     "on one line that a terminal can show");
    return 0;
}
