#pragma once

// Latencies as counts in buckets that grow with the value: 64 between two powers of two, as HdrHistogram lays them out
// (Tene 2012), so that a percentile is exact to 1.6 % from nanoseconds to minutes and costs no memory per sample.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace grapevine {

class Latencies {
public:
    static constexpr std::chrono::nanoseconds kMax{(std::int64_t{1} << 37) - 1};  // 137 s; longer ones count as this.

    // A negative one counts as none at all.
    void record(std::chrono::nanoseconds latency);
    // The smallest bound that a fraction `p` of the samples does not pass; 0 of none.
    [[nodiscard]] std::chrono::nanoseconds percentile(double p) const;
    [[nodiscard]] std::chrono::nanoseconds max() const { return max_; }
    [[nodiscard]] std::uint64_t count() const { return count_; }

private:
    static constexpr std::size_t kBuckets = 32 * 64;  // Up to kMax.

    std::array<std::uint64_t, kBuckets> counts_{};
    std::uint64_t count_ = 0;
    std::chrono::nanoseconds max_{0};
};

}  // namespace grapevine
