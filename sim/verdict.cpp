// What a run amounted to: figures, and whether it passes.

#include <algorithm>
#include <numeric>
#include <utility>

#include "sim/runner_impl.hpp"

namespace grapevine::sim {

namespace {

double to_seconds(base::Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

std::string in_ms(base::Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) + " ms";
}

// Tables of one node that a peer feeds, and their bounds for each topic that the node is in.
struct Bound {
    telemetry::Kind kind;
    std::uint64_t max;
};
constexpr Bound kBounds[] = {
    {telemetry::Kind::active_peer, 16},        {telemetry::Kind::passive_peer, 64}, {telemetry::Kind::sync_session, 64},
    {telemetry::Kind::directory_entry, 16384}, {telemetry::Kind::suspicion, 4096},  {telemetry::Kind::connection, 4096},
    {telemetry::Kind::remembered_peer, 1024},
};

}  // namespace

Times summarize(std::vector<base::Duration> times) {
    Times out;
    out.count = times.size();
    if (times.empty()) return out;
    std::sort(times.begin(), times.end());
    out.median = times[times.size() / 2];
    out.p99 = times[std::min(times.size() - 1, times.size() * 99 / 100)];
    out.max = times.back();
    return out;
}

void Runner::begin_measuring() {
    measured_since_ = world_->now();
    usage_.clear();
    for (std::size_t node = 0; node < world_->size(); ++node)
        usage_.push_back({world_->power(node) == Power::running ? starts_[node] : 0, world_->counters(node)});
}

void Runner::measure() {
    const double window = to_seconds(world_->now() - measured_since_);
    double nodes = 0.0;
    NodeCounters sum;
    for (std::size_t node = 0; node < usage_.size(); ++node) {
        const Usage& before = usage_[node];
        if (world_->power(node) != Power::running || before.starts == 0 || before.starts != starts_[node]) continue;
        const NodeCounters& after = world_->counters(node);
        nodes += 1.0;
        sum.wakes += after.wakes - before.counters.wakes;
        sum.arrivals += after.arrivals - before.counters.arrivals;
        sum.sent += after.sent - before.counters.sent;
        sum.bytes_sent += after.bytes_sent - before.counters.bytes_sent;
    }
    if (nodes < 1.0 || window <= 0.0) return;
    const double scale = 1.0 / nodes / window;
    figures_.timers_per_second = static_cast<double>(sum.wakes) * scale;
    figures_.wakes_per_second = static_cast<double>(sum.wakes + sum.arrivals) * scale;
    figures_.packets_per_second = static_cast<double>(sum.sent) * scale;
    figures_.bytes_per_second = static_cast<double>(sum.bytes_sent) * scale;
}

void Runner::collect() {
    measure();
    figures_.nodes = world_->size();
    figures_.simulated = scenario_.duration;
    figures_.events = world_->events();
    figures_.trace_hash = world_->trace_hash();
    figures_.network = std::as_const(*world_).network().counters();
    figures_.converged = summarize(observer_.times(Change::boot));
    figures_.joins = summarize(observer_.times(Change::join));
    figures_.returns = summarize(observer_.times(Change::back));
    figures_.deaths = summarize(observer_.times(Change::death));
    figures_.leaves = summarize(observer_.times(Change::leave));
    figures_.reconciliations = summarize(observer_.times(Change::reconciliation));
    figures_.false_deaths = observer_.false_deaths();
    figures_.suspicions = observer_.suspicions();
    figures_.seed_retries = observer_.seed_retries();
    const auto& rounds = observer_.rounds();
    figures_.rounds = rounds.size();
    for (const auto& round : rounds) {
        figures_.missed += round.missed;
        figures_.ldh_mean += round.ldh / static_cast<double>(rounds.size());
        figures_.rmr_mean += round.rmr / static_cast<double>(rounds.size());
    }
}

void Runner::judge_end() {
    for (const auto& note : observer_.notes())
        fail(note);
    judge_overlay();
    if (scenario_.part == Part::mesh) judge_directories();
    for (const std::size_t node : running())
        judge_ledger(node);
    judge_expectations();
}

// Every running node has a neighbour, none holds a dead one, and following neighbours reaches every node of the mesh.
void Runner::judge_overlay() {
    const auto nodes = running();
    for (const std::size_t node : nodes) {
        figures_.isolated += observer_.neighbors(node).empty() ? 1 : 0;
        for (const std::size_t peer : observer_.neighbors(node))
            if (!observer_.tracker().member(peer).present)
                fail("node " + std::to_string(node) + " has the dead node " + std::to_string(peer) + " as a neighbour");
    }
    std::map<std::pair<std::size_t, std::size_t>, std::size_t> parts;  // By mesh and group.
    std::set<std::size_t> seen;
    for (const std::size_t node : nodes) {
        if (seen.contains(node)) continue;
        const auto& member = observer_.tracker().member(node);
        ++parts[{member.mesh, member.group}];
        std::vector<std::size_t> open{node};
        while (!open.empty()) {
            const std::size_t next = open.back();
            open.pop_back();
            if (!seen.insert(next).second) continue;
            for (const std::size_t peer : observer_.neighbors(next))
                open.push_back(peer);
            for (const std::size_t peer : nodes)
                if (observer_.neighbors(peer).contains(next)) open.push_back(peer);
        }
    }
    for (const auto& [mesh, count] : parts)
        if (count != 1)
            fail("the overlay of mesh" + std::to_string(mesh.first + 1) + " is in " + std::to_string(count) + " parts");
}

void Runner::judge_directories() {
    if (observer_.tracker().wrong() != 0)
        fail("directories are wrong at the end: " + observer_.describe_pending() + "; " +
             std::to_string(observer_.tracker().wrong()) + " entries in all");
    for (const std::size_t node : running())
        judge_directory(node);
}

void Runner::judge_directory(std::size_t node) {
    std::set<std::size_t> rows;
    for (const auto& row : world_->directory(node)) {
        const auto subject = world_->find(row.id);
        if (!subject || row.mesh != world_->spec(node).mesh) {
            fail("node " + std::to_string(node) + " holds " + row.name + ", which is not of its mesh");
            continue;
        }
        rows.insert(*subject);
        if (!row.suspected_by.empty())
            fail("node " + std::to_string(node) + " still suspects node " + std::to_string(*subject));
    }
    const auto& tracker = observer_.tracker();
    for (std::size_t other = 0; other < world_->size(); ++other)
        if (other != node && rows.contains(other) != tracker.knows(node, other))
            fail("node " + std::to_string(node) + " reported otherwise of node " + std::to_string(other) +
                 " than its directory says");
    const auto alive = world_->ledger(node)[telemetry::Kind::directory_entry].alive();
    if (alive != rows.size())
        fail("node " + std::to_string(node) + " has " + std::to_string(rows.size()) +
             " directory entries, its ledger " + std::to_string(alive));
}

void Runner::judge_ledger(std::size_t node) {
    const auto& ledger = world_->ledger(node);
    const std::uint64_t topics = std::max<std::uint64_t>(ledger[telemetry::Kind::gossip_topic].alive(), 1);
    for (const Bound& bound : kBounds) {
        const auto& tally = ledger[bound.kind];
        if (tally.peak > bound.max * topics)
            fail("node " + std::to_string(node) + " once had " + std::to_string(tally.peak) + " of " +
                 std::string(telemetry::name(bound.kind)) + ", more than " + std::to_string(bound.max * topics));
    }
}

void Runner::judge_times(std::string_view what, const Times& times, const std::optional<base::Duration>& limit) {
    if (!limit) return;
    if (times.count == 0) fail(std::string(what) + ": nothing was measured");
    if (times.max > *limit)
        fail(std::string(what) + ": took " + in_ms(times.max) + ", at most " + in_ms(*limit) + " expected");
}

void Runner::judge_number(std::string_view what, double value, const std::optional<double>& limit) {
    if (limit && value > *limit)
        fail(std::string(what) + ": " + std::to_string(value) + ", at most " + std::to_string(*limit) + " expected");
}

void Runner::judge_expectations() {
    const Expectations& expect = scenario_.expect;
    const auto as_number = [](const std::optional<std::uint64_t>& limit) {
        return limit ? std::optional(static_cast<double>(*limit)) : std::nullopt;
    };
    judge_times("converged-within", figures_.converged, expect.converged_within);
    judge_times("dead-known-within", figures_.deaths, expect.dead_known_within);
    judge_times("left-known-within", figures_.leaves, expect.left_known_within);
    judge_times("back-within", figures_.returns, expect.back_within);
    judge_times("joined-within", figures_.joins, expect.joined_within);
    judge_times("reconciled-within", figures_.reconciliations, expect.reconciled_within);
    judge_number("false-deaths-max", static_cast<double>(figures_.false_deaths),
                 static_cast<double>(expect.false_deaths_max));
    judge_number("missed-max", static_cast<double>(figures_.missed), as_number(expect.missed_max));
    judge_number("isolated-max", static_cast<double>(figures_.isolated), as_number(expect.isolated_max));
    judge_number("wakeups-per-second-max", figures_.wakes_per_second, expect.wakeups_per_second_max);
    judge_number("bytes-per-second-max", figures_.bytes_per_second, expect.bytes_per_second_max);
    judge_number("ldh-max", figures_.ldh_mean, expect.ldh_max);
    judge_number("rmr-max", figures_.rmr_mean, expect.rmr_max);
}

}  // namespace grapevine::sim
