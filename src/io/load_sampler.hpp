#pragma once

// The load of this process, and of no other: CPU time since the last sample, and resident memory. It has no timer: the
// host samples at most once an interval, when it is awake anyway.

#include <cstdint>

#include "base/time.hpp"
#include "io/fd.hpp"

namespace grapevine::io {

struct ProcessLoad {
    std::uint32_t cpu_millicores = 0;  // Averaged since the last sample, at first since the
                                       // sampler was made, and over a second at least.
    std::uint32_t memory_kib = 0;      // Resident; 0 if the kernel does not say.
};

class LoadSampler {
public:
    explicit LoadSampler(base::TimePoint now);
    [[nodiscard]] ProcessLoad sample(base::TimePoint now);

private:
    Fd statm_;
    base::TimePoint last_;
    base::Duration last_cpu_{};
};

}  // namespace grapevine::io
