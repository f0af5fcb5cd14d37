#pragma once

// When each message of a constant rate is due, counted from the start: rule 1 of <grapevine/producer.hpp>. Exact for
// any length of time: no rounding adds up.

#include <chrono>
#include <cstdint>

namespace grapevine {

class Pacing {
public:
    static constexpr std::uint32_t kRateMax = 1'000'000;
    static constexpr std::uint32_t kEachAlone = 1000;  // Up to this rate each message has a moment of its own.

    // 1 to kRateMax.
    explicit Pacing(std::uint32_t rate);

    // When the message of this number, from 0, is due.
    [[nodiscard]] std::chrono::nanoseconds when(std::uint64_t number) const;
    // How many are due by then: those with when() <= elapsed.
    [[nodiscard]] std::uint64_t due(std::chrono::nanoseconds elapsed) const;

private:
    std::uint64_t rate_;
    std::uint64_t tick_ns_;
};

}  // namespace grapevine
