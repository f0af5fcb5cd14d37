#include "grapevine/pacing.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace grapevine {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMillisecond = 1'000'000;

}  // namespace

Pacing::Pacing(std::uint32_t rate) : rate_(rate), tick_ns_(rate > kEachAlone ? kMillisecond : 1) {
    GRAPEVINE_ASSERT(rate >= 1 && rate <= kRateMax, "a rate has been checked");
}

std::chrono::nanoseconds Pacing::when(std::uint64_t number) const {
    const std::uint64_t within = number % rate_ * kSecond / rate_;
    return std::chrono::seconds(number / rate_) + std::chrono::nanoseconds(within / tick_ns_ * tick_ns_);
}

std::uint64_t Pacing::due(std::chrono::nanoseconds elapsed) const {
    if (elapsed < std::chrono::nanoseconds(0)) {
        return 0;
    }
    const auto total = static_cast<std::uint64_t>(elapsed.count());
    const std::uint64_t within = (total % kSecond / tick_ns_ + 1) * tick_ns_;
    return total / kSecond * rate_ + std::min(rate_, (within * rate_ + kSecond - 1) / kSecond);
}

}  // namespace grapevine
