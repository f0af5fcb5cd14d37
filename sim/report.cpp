#include "sim/report.hpp"

#include <array>
#include <cstdio>

namespace grapevine::sim {

namespace {

double ms(base::Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

template <typename... Args>
std::string format(const char* pattern, Args... args) {
    std::array<char, 512> buffer{};
    const int length = std::snprintf(buffer.data(), buffer.size(), pattern, args...);
    return {buffer.data(), length < 0 ? 0 : std::min(static_cast<std::size_t>(length), buffer.size() - 1)};
}

std::string hex(std::uint64_t value) {
    return format("%016llx", static_cast<unsigned long long>(value));
}

// Builds one flat JSON object.
class JsonLine {
public:
    JsonLine& text(std::string_view key, std::string_view value) {
        begin(key);
        quote(value);
        return *this;
    }
    JsonLine& number(std::string_view key, double value) {
        begin(key);
        out_ += format("%.6g", value);
        return *this;
    }
    JsonLine& count(std::string_view key, std::uint64_t value) {
        begin(key);
        out_ += std::to_string(value);
        return *this;
    }
    JsonLine& flag(std::string_view key, bool value) {
        begin(key);
        out_ += value ? "true" : "false";
        return *this;
    }
    JsonLine& times(std::string_view key, const Times& times) {
        begin(key);
        if (times.count == 0)
            out_ += "null";
        else
            out_ += format("{\"count\":%zu,\"median\":%.3f,\"p99\":%.3f,\"max\":%.3f}", times.count, ms(times.median),
                           ms(times.p99), ms(times.max));
        return *this;
    }
    JsonLine& list(std::string_view key, const std::vector<std::string>& values) {
        begin(key);
        out_ += '[';
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (i > 0) out_ += ',';
            quote(values[i]);
        }
        out_ += ']';
        return *this;
    }
    std::string end() { return out_ + "}\n"; }

private:
    void begin(std::string_view key) {
        if (out_.size() > 1) out_ += ',';
        quote(key);
        out_ += ':';
    }
    void quote(std::string_view value) {
        out_ += '"';
        for (const char c : value) {
            if (c == '"' || c == '\\') out_ += '\\';
            if (static_cast<unsigned char>(c) < 0x20)
                out_ += format("\\u%04x", static_cast<unsigned>(c));
            else
                out_ += c;
        }
        out_ += '"';
    }
    std::string out_ = "{";
};

std::string line_of(const char* what, const Times& times) {
    if (times.count == 0) return "";
    return format("  %-16s %zu times: median %.0f ms, p99 %.0f ms, max %.0f ms\n", what, times.count, ms(times.median),
                  ms(times.p99), ms(times.max));
}

double speed(base::Duration simulated, double real_seconds) {
    return real_seconds > 0.0 ? std::chrono::duration<double>(simulated).count() / real_seconds : 0.0;
}

}  // namespace

std::string replay_command(std::string_view scenario, std::uint64_t seed) {
    return "grapevine sim " + std::string(scenario) + " --seed " + std::to_string(seed);
}

std::string text_report(const Scenario& scenario, const RunFigures& f, double real_seconds) {
    std::string out = format("%s: seed %llu, %s mode, %zu nodes, trace %s: %s\n", scenario.name.c_str(),
                             static_cast<unsigned long long>(f.seed), std::string(name(scenario.mode)).c_str(), f.nodes,
                             hex(f.trace_hash).c_str(), f.failures.empty() ? "passed" : "FAILED");
    out += line_of("converged", f.converged);
    out += line_of("joined", f.joins);
    out += line_of("back", f.returns);
    out += line_of("death known", f.deaths);
    out += line_of("leave known", f.leaves);
    out += line_of("reconciled", f.reconciliations);
    if (f.rounds > 0)
        out += format("  %-16s %zu: LDH %.2f, RMR %.3f, missed %llu\n", "broadcasts", f.rounds, f.ldh_mean, f.rmr_mean,
                      static_cast<unsigned long long>(f.missed));
    out +=
        format("  %-16s false %llu; suspicions reported %llu; isolated at the end %llu; seed retries %llu\n", "deaths",
               static_cast<unsigned long long>(f.false_deaths), static_cast<unsigned long long>(f.suspicions),
               static_cast<unsigned long long>(f.isolated), static_cast<unsigned long long>(f.seed_retries));
    out += format("  %-16s %.2f wake-ups (%.2f timers), %.2f packets and %.0f bytes sent per node and second\n", "cost",
                  f.wakes_per_second, f.timers_per_second, f.packets_per_second, f.bytes_per_second);
    out += format("  %-16s %.0f s simulated in %.2f s: %.0fx, %llu events\n", "speed", ms(f.simulated) / 1e3,
                  real_seconds, speed(f.simulated, real_seconds), static_cast<unsigned long long>(f.events));
    for (const auto& failure : f.failures)
        out += "  FAILED: " + failure + "\n";
    if (!f.failures.empty()) out += "  replay: " + replay_command(scenario.name, f.seed) + "\n";
    return out;
}

std::string json_report(const Scenario& scenario, const RunFigures& f, double real_seconds) {
    JsonLine line;
    line.text("scenario", scenario.name)
        .count("seed", f.seed)
        .text("mode", name(scenario.mode))
        .count("nodes", f.nodes);
    line.flag("passed", f.failures.empty()).text("trace_hash", hex(f.trace_hash)).count("events", f.events);
    line.times("converged_ms", f.converged).times("joined_ms", f.joins).times("back_ms", f.returns);
    line.times("death_known_ms", f.deaths).times("leave_known_ms", f.leaves);
    line.times("reconciled_ms", f.reconciliations);
    line.count("rounds", f.rounds).number("ldh", f.ldh_mean).number("rmr", f.rmr_mean).count("missed", f.missed);
    line.count("false_deaths", f.false_deaths).count("suspicions", f.suspicions).count("isolated", f.isolated);
    line.number("wakeups_per_second", f.wakes_per_second).number("timers_per_second", f.timers_per_second);
    line.number("packets_per_second", f.packets_per_second).number("bytes_per_second", f.bytes_per_second);
    line.number("simulated_s", ms(f.simulated) / 1e3).number("real_s", real_seconds);
    line.number("speed", speed(f.simulated, real_seconds)).list("failures", f.failures);
    if (!f.failures.empty()) line.text("replay", replay_command(scenario.name, f.seed));
    return line.end();
}

std::string text_report(const GossipScenario& scenario, const SeedFigures& f, double real_seconds) {
    return format(
        "%s: seed %llu: LDH %.3f, RMR %.3f, missed %llu, round %.1f ms, without neighbours %zu, %llu events in "
        "%.2f s, trace %s\n",
        label(scenario).c_str(), static_cast<unsigned long long>(f.seed), f.ldh_mean, f.rmr_mean,
        static_cast<unsigned long long>(f.missed), f.duration_ms_mean, f.without_neighbors,
        static_cast<unsigned long long>(f.events), real_seconds, hex(f.trace_hash).c_str());
}

std::string text_report(const GossipScenario& scenario, const ScenarioFigures& f) {
    std::string out = format("%s: %zu seeds: LDH %.3f ± %.3f, RMR %.4f ± %.4f, missed %llu", label(scenario).c_str(),
                             f.seeds.size(), f.ldh.mean, f.ldh.standard_error, f.rmr.mean, f.rmr.standard_error,
                             static_cast<unsigned long long>(f.missed));
    if (const auto theirs = iroh_gossip_baseline(scenario))
        out += format("; iroh-gossip: LDH %.3f ± %.3f, RMR %.4f ± %.4f", theirs->ldh.mean, theirs->ldh.standard_error,
                      theirs->rmr.mean, theirs->rmr.standard_error);
    return out + "\n";
}

std::string json_report(const GossipScenario& scenario, const SeedFigures& f, double real_seconds) {
    JsonLine line;
    line.text("scenario", label(scenario)).count("seed", f.seed).number("ldh", f.ldh_mean).number("rmr", f.rmr_mean);
    line.count("missed", f.missed).number("round_ms", f.duration_ms_mean);
    line.count("without_neighbors", f.without_neighbors).number("active_mean", f.active_mean);
    line.count("events", f.events).number("real_s", real_seconds).text("trace_hash", hex(f.trace_hash));
    return line.end();
}

}  // namespace grapevine::sim
