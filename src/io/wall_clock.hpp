#pragma once

// The wall clock as spans and log records see it: read once from the system, then advanced by the monotonic clock, so
// that a step of the system's clock cannot make a span end before it began. realign() takes over what the system's
// clock has gained or lost meanwhile; the exporter calls it between two batches.
//
// An offset may be added for tests: the node then believes, consistently, that it is so much later or earlier.

#include <cstdint>

#include "base/time.hpp"
#include "telemetry/recorder.hpp"

namespace grapevine::io {

class WallClock final : public telemetry::Clock {
public:
    explicit WallClock(base::Duration offset = {});
    [[nodiscard]] std::uint64_t unix_ns() const override;
    // Smaller differences are the drift between the two readings.
    static constexpr base::Duration kRealignMin = std::chrono::milliseconds(1);
    void realign();

private:
    base::Duration offset_;
    std::int64_t base_ns_ = 0;  // Wall minus monotonic.
};

}  // namespace grapevine::io
