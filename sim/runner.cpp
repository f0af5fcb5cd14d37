#include "sim/runner.hpp"

#include <algorithm>
#include <utility>

#include "base/blake3.hpp"
#include "sim/message_world.hpp"
#include "sim/runner_impl.hpp"
#include "sim/stack_world.hpp"

namespace grapevine::sim {

namespace {

constexpr const char* kTypes[] = {"broker",  "broker",  "broker",   "gateway", "gateway",
                                  "compute", "compute", "registry", "registry"};

std::unique_ptr<World> make_world(const Scenario& scenario, std::uint64_t seed) {
    if (scenario.mode == Mode::stack) return std::make_unique<StackWorld>(scenario.network, seed);
    return std::make_unique<MessageWorld>(scenario.network, seed);
}

base::Duration skew(const Scenario& scenario, base::Rng& rng) {
    if (scenario.clock_skew == base::Duration::zero()) return {};
    return rng.between(-scenario.clock_skew, scenario.clock_skew);
}

}  // namespace

RunFigures run_scenario(const Scenario& scenario, std::uint64_t seed, const TraceSink& trace) {
    return Runner(scenario, seed, trace).run();
}

Runner::Runner(const Scenario& scenario, std::uint64_t seed, const TraceSink& trace)
    : scenario_(scenario),
      world_(make_world(scenario, seed)),
      observer_(*world_, scenario.part == Part::mesh ? Observer::Timing::directories : Observer::Timing::none) {
    figures_.seed = seed;
    if (trace) world_->on_trace(trace);
    world_->record(scenario.recording);
    for (std::size_t mesh = 0; mesh < scenario_.meshes; ++mesh)
        topics_.push_back({base::blake3(base::as_bytes("application of mesh" + std::to_string(mesh + 1)))});
}

RunFigures Runner::run() {
    plan();
    const base::TimePoint end = base::TimePoint{} + scenario_.duration;
    while (!timeline_.empty() && timeline_.begin()->first <= end) {
        world_->run_until(timeline_.begin()->first);
        Deed deed = std::move(timeline_.begin()->second);
        timeline_.erase(timeline_.begin());
        deed();
    }
    world_->run_until(end);
    collect();
    judge_end();
    world_->stop_all();
    for (const auto& fault : world_->faults())
        fail(fault);
    return std::move(figures_);
}

void Runner::plan() {
    for (std::size_t node = 0; node < scenario_.nodes; ++node) {
        (void)add_node();
        const auto order = static_cast<std::int64_t>(node);
        const base::Duration delay =
            scenario_.join == JoinPattern::at_once ? base::Duration{} : scenario_.join_every * order;
        at(base::TimePoint{} + delay, [this, node] { start(node, Change::boot); });
    }
    const base::Duration settled = timeline_.rbegin()->first.time_since_epoch() + std::chrono::seconds(5);
    plan_steps();
    at(base::TimePoint{} + scenario_.measure_from.value_or(settled), [this] { begin_measuring(); });
}

void Runner::plan_steps() {
    for (const Step& step : scenario_.steps) {
        for (std::size_t i = 0; i < step.times; ++i) {
            const auto repetition = static_cast<std::int64_t>(i);
            at(base::TimePoint{} + step.at + step.every * repetition,
               [this, &step, i] { std::visit([&](const auto& action) { act(action, i); }, step.action); });
        }
    }
}

std::size_t Runner::add_node() {
    const std::size_t node = world_->size();
    const std::size_t per_mesh = (scenario_.nodes + scenario_.meshes - 1) / scenario_.meshes;
    const std::size_t mesh = node < scenario_.nodes ? node / per_mesh : node % scenario_.meshes;
    NodeSpec spec;
    if (scenario_.part == Part::mesh) spec.mesh = "mesh" + std::to_string(mesh + 1);
    spec.type = kTypes[node % std::size(kTypes)];
    for (std::size_t seed = mesh * per_mesh; seed < mesh * per_mesh + scenario_.mesh_seeds; ++seed)
        if (seed != node && seed < scenario_.nodes) spec.seeds.push_back(seed);
    if (scenario_.part == Part::topic || broadcasts()) spec.topic = topics_[mesh];
    spec.staleness = scenario_.staleness;
    spec.clock_skew = skew(scenario_, world_->rng());
    (void)world_->add(std::move(spec));
    starts_.push_back(0);
    observer_.added(node, mesh);
    return node;
}

bool Runner::broadcasts() const {
    return std::any_of(scenario_.steps.begin(), scenario_.steps.end(),
                       [](const Step& step) { return std::holds_alternative<BroadcastStep>(step.action); });
}

void Runner::start(std::size_t node, Change change) {
    if (world_->power(node) != Power::off) return;
    ++starts_[node];
    observer_.started(node, change);
    world_->start(node);
}

std::vector<std::size_t> Runner::running() const {
    std::vector<std::size_t> nodes;
    for (std::size_t node = 0; node < world_->size(); ++node)
        if (world_->power(node) == Power::running && observer_.tracker().member(node).present) nodes.push_back(node);
    return nodes;
}

std::vector<std::size_t> Runner::choose(const Targets& targets, std::size_t repetition) {
    if (targets.choice == Choice::named) {
        auto named = targets.named;  // One that is to join later is not there yet.
        std::erase_if(named, [&](std::size_t node) { return node >= world_->size(); });
        return named;
    }
    if (targets.choice == Choice::each) return {repetition % world_->size()};
    const auto& spared = targets.spared;
    auto nodes = running();
    std::erase_if(nodes, [&](std::size_t n) { return std::find(spared.begin(), spared.end(), n) != spared.end(); });
    world_->rng().shuffle(nodes);
    const auto part = static_cast<std::size_t>(targets.fraction * static_cast<double>(nodes.size()));
    nodes.resize(std::min(targets.choice == Choice::fraction ? part : targets.count, nodes.size()));
    return nodes;
}

void Runner::act(const CrashStep& step, std::size_t repetition) {
    for (const std::size_t node : choose(step.targets, repetition)) {
        if (world_->power(node) == Power::off) continue;
        world_->crash(node, step.host);
        observer_.gone(node, Change::death);
        if (step.restart_after) after(*step.restart_after, [this, node] { start(node, Change::back); });
    }
}

void Runner::act(const RestartStep& step, std::size_t) {
    std::vector<std::size_t> nodes = step.nodes;
    for (std::size_t node = 0; step.nodes.empty() && node < world_->size(); ++node)
        nodes.push_back(node);
    for (const std::size_t node : nodes)
        if (node < world_->size()) start(node, Change::back);
}

void Runner::act(const LeaveStep& step, std::size_t repetition) {
    for (const std::size_t node : choose(step.targets, repetition)) {
        if (world_->power(node) != Power::running) continue;
        observer_.gone(node, Change::leave);
        world_->leave(node);
    }
}

void Runner::act(const PauseStep& step, std::size_t repetition) {
    for (const std::size_t node : choose(step.targets, repetition)) {
        if (world_->power(node) != Power::running) continue;
        world_->pause(node);
        observer_.paused(node);
        after(step.duration, [this, node] {
            observer_.resumed(node);
            world_->resume(node);
        });
    }
}

void Runner::act(const PartitionStep& step, std::size_t) {
    std::vector<std::size_t> nodes;
    for (std::size_t node = 0; node < world_->size(); ++node)
        nodes.push_back(node);
    world_->rng().shuffle(nodes);
    std::vector<std::vector<std::size_t>> groups(step.groups);
    for (std::size_t i = 0; i < nodes.size(); ++i)
        groups[i % step.groups].push_back(nodes[i]);
    world_->note("partition");
    world_->network().partition(groups);
    observer_.regrouped();
}

void Runner::act(const HealStep&, std::size_t) {
    world_->note("heal");
    world_->network().heal();
    observer_.healed();
}

void Runner::act(const LossStep& step, std::size_t) {
    world_->note("loss");
    world_->network().set_loss(step.rate);
}

void Runner::act(const BlockStep& step, std::size_t) {
    world_->note("block");
    world_->network().block(step.from, step.to);
}

void Runner::act(const SlowStep& step, std::size_t repetition) {
    for (const std::size_t node : choose(step.targets, repetition)) {
        world_->note("slow");
        world_->network().slow(node, step.delay, step.rate_bytes);
    }
}

void Runner::act(const BroadcastStep& step, std::size_t) {
    const auto nodes = running();
    if (nodes.empty()) return;
    const std::size_t sender = nodes[world_->rng().index(nodes.size())];
    const auto& topic = world_->spec(sender).topic;
    const base::Bytes content = base::to_bytes("message " + std::to_string(messages_++));
    observer_.broadcast(sender, *topic, content);
    if (const auto status = world_->broadcast(sender, *topic, content); !status)
        fail("node " + std::to_string(sender) + " cannot broadcast: " + status.error().message);
    after(step.within, [this] { observer_.end_round(); });
}

void Runner::act(const JoinStep& step, std::size_t) {
    for (std::size_t i = 0; i < step.count; ++i)
        start(add_node(), Change::join);
}

void Runner::act(const MoveStep& step, std::size_t repetition) {
    for (const std::size_t node : choose(step.targets, repetition))
        world_->change_address(node, step.notice);
}

}  // namespace grapevine::sim
