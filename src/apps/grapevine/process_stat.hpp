#pragma once

// What a process costs, read from /proc in three small reads and, on request, one larger.
//
// CPU time is schedstat's (nanoseconds), because clock ticks of 10 ms say nothing about an idle node. A wake-up is a
// voluntary context switch: the process blocked and was woken once for each. Both are of the main thread; a node has no
// other.

#include <cstdint>
#include <optional>
#include <string_view>

#include <sys/types.h>

#include "base/time.hpp"

namespace grapevine::apps {

struct ProcessSample {
    base::TimePoint at;
    std::uint64_t cpu_ns = 0;
    std::uint64_t wakeups = 0;
    std::uint64_t rss_kib = 0;
    std::uint64_t pss_kib = 0;  // 0 when it was not asked for.
};

enum class Detail : std::uint8_t { cheap, with_pss };  // PSS walks the page tables: tens of microseconds.

// Nothing if the process is gone.
std::optional<ProcessSample> sample_process(pid_t pid, base::TimePoint now, Detail detail);

struct ProcessRates {
    double cpu_percent = 0;  // Of one core.
    double wakeups_per_s = 0;
};
ProcessRates rates_between(const ProcessSample& from, const ProcessSample& to);

// The number after `key` at the start of a line of a /proc file, as in "VmRSS:  123 kB".
std::uint64_t proc_number(std::string_view text, std::string_view key);

}  // namespace grapevine::apps
