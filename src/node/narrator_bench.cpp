// What a span costs that nobody wants: without a recorder, filtered out, and for comparison recorded. The budget of a
// filtered one is 20 ns.

#include <benchmark/benchmark.h>

#include "node/narrator.hpp"

namespace {

using namespace grapevine;

class TickingClock final : public telemetry::Clock {
public:
    [[nodiscard]] std::uint64_t unix_ns() const override { return 1'700'000'000'000'000'000; }
};

telemetry::RecorderConfig config(telemetry::Level level) {
    telemetry::RecorderConfig config;
    config.filter = telemetry::Filter(level);
    return config;
}

void recorder_filtered(benchmark::State& state) {
    const TickingClock clock;
    telemetry::Recorder recorder(config(telemetry::Level::info), base::Rng(1), clock);
    for (auto _ : state) {
        telemetry::OpenSpan span = recorder.begin(telemetry::spans::kFrameSent);
        span.set("bytes", std::int64_t{1});
        benchmark::DoNotOptimize(span);
        recorder.end(std::move(span));
    }
}
BENCHMARK(recorder_filtered);

void tell(benchmark::State& state, telemetry::Recorder* recorder) {
    const base::EndpointId peer{};
    node::Narrator narrator(recorder, peer, [](const base::EndpointId&) { return node::Narrator::Label{}; }, {});
    for (auto _ : state) {
        const auto step = narrator.discovered(peer, directory::Source::gossip);
        benchmark::DoNotOptimize(step);
    }
    if (recorder != nullptr) benchmark::DoNotOptimize(recorder->take_spans(10'000));
}

void narrator_without_recorder(benchmark::State& state) {
    tell(state, nullptr);
}
BENCHMARK(narrator_without_recorder);

void narrator_filtered(benchmark::State& state) {
    const TickingClock clock;
    telemetry::Recorder recorder(config(telemetry::Level::warn), base::Rng(1), clock);
    tell(state, &recorder);
}
BENCHMARK(narrator_filtered);

void narrator_recorded(benchmark::State& state) {
    const TickingClock clock;
    telemetry::Recorder recorder(config(telemetry::Level::info), base::Rng(1), clock);
    tell(state, &recorder);
}
BENCHMARK(narrator_recorded);

}  // namespace
