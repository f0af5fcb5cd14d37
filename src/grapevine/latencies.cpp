#include "grapevine/latencies.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace grapevine {
namespace {

constexpr unsigned kSubBits = 6;
constexpr std::uint64_t kLinear = std::uint64_t{2} << kSubBits;  // Below it each value has a bucket of its own.

std::size_t bucket_of(std::uint64_t value) {
    if (value < kLinear) {
        return value;
    }
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - (kSubBits + 1);
    return (std::size_t{shift} << kSubBits) + (value >> shift);
}

std::uint64_t last_of(std::size_t bucket) {
    if (bucket < kLinear) {
        return bucket;
    }
    const std::size_t shift = (bucket >> kSubBits) - 1;
    const std::uint64_t part = bucket - (shift << kSubBits);
    return ((part + 1) << shift) - 1;
}

}  // namespace

void Latencies::record(std::chrono::nanoseconds latency) {
    const auto within = std::clamp(latency, std::chrono::nanoseconds(0), kMax);
    ++counts_[bucket_of(static_cast<std::uint64_t>(within.count()))];
    ++count_;
    max_ = std::max(max_, within);
}

std::chrono::nanoseconds Latencies::percentile(double p) const {
    const auto rank = static_cast<std::uint64_t>(std::ceil(p * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
        seen += counts_[bucket];
        if (seen > 0 && seen >= rank) {
            return std::min(max_, std::chrono::nanoseconds(static_cast<std::int64_t>(last_of(bucket))));
        }
    }
    return max_;
}

}  // namespace grapevine
