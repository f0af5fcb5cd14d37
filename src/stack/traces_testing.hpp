#pragma once

// Recorders for the members of a TestCluster, on its virtual time and with clocks that may be wrong; and what they
// recorded, in one place.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stack/cluster_testing.hpp"
#include "telemetry/recorder.hpp"

namespace grapevine::stack {

inline constexpr std::uint64_t kTestEpoch = 1'700'000'000'000'000'000;

class VirtualClock final : public telemetry::Clock {
public:
    VirtualClock(const TestCluster& cluster, base::Duration skew) : cluster_(cluster), skew_(skew) {}
    [[nodiscard]] std::uint64_t unix_ns() const override {
        return kTestEpoch + static_cast<std::uint64_t>((cluster_.now().time_since_epoch() + skew_).count());
    }

private:
    const TestCluster& cluster_;
    base::Duration skew_;
};

struct Told {  // A span, and who recorded it.
    std::size_t node = 0;
    telemetry::Span span;

    [[nodiscard]] std::string_view name() const { return span.spec->name; }
    [[nodiscard]] const telemetry::Value* value(std::string_view key) const {
        for (const auto& attribute : span.attributes)
            if (attribute.key == key) return &attribute.value;
        return nullptr;
    }
    // Empty if there is no such text.
    [[nodiscard]] std::string text(std::string_view key) const {
        const auto* found = value(key);
        const auto* text = found == nullptr ? nullptr : std::get_if<std::string>(found);
        return text == nullptr ? std::string() : *text;
    }
};

class TracedCluster {
public:
    explicit TracedCluster(std::uint64_t seed, telemetry::Level level = telemetry::Level::info)
        : level_(level), cluster(seed) {}

    std::size_t add(const std::string& type, std::vector<std::size_t> seeds, base::Duration skew = {},
                    telemetry::RecorderConfig config = {}, const std::string& mesh = "mesh1",
                    const std::function<void(Config&)>& configure = {}) {
        const std::size_t index = recorders_.size();
        config.filter = telemetry::Filter(level_);
        config.spans_max = 100'000;
        clocks_.push_back(std::make_unique<VirtualClock>(cluster, skew));
        recorders_.push_back(
            std::make_unique<telemetry::Recorder>(std::move(config), base::Rng(1000 + index), *clocks_.back()));
        return cluster.add(mesh, type, std::move(seeds), [&](Config& stack) {
            stack.recorder = recorders_.back().get();
            if (configure) configure(stack);
        });
    }

    telemetry::Recorder& recorder(std::size_t node) { return *recorders_[node]; }
    // Takes what was recorded since the last time.
    std::vector<Told> take() {
        std::vector<Told> all;
        for (std::size_t node = 0; node < recorders_.size(); ++node)
            for (auto& span : recorders_[node]->take_spans(100'000))
                all.push_back({node, std::move(span)});
        return all;
    }

private:
    std::vector<std::unique_ptr<VirtualClock>> clocks_;
    std::vector<std::unique_ptr<telemetry::Recorder>> recorders_;
    telemetry::Level level_;

public:
    TestCluster cluster;  // Ends before the recorders.
};

inline std::vector<Told> named(const std::vector<Told>& all, std::string_view name) {
    std::vector<Told> found;
    for (const Told& told : all)
        if (told.name() == name) found.push_back(told);
    return found;
}

inline const Told* find_span(const std::vector<Told>& all, const base::SpanId& id) {
    for (const Told& told : all)
        if (told.span.id == id) return &told;
    return nullptr;
}

}  // namespace grapevine::stack
