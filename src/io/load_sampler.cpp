#include "io/load_sampler.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <limits>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace grapevine::io {

namespace {

// A node that has just begun is busy for some milliseconds; over those alone that would look like a whole core.
constexpr base::Duration kWindowMin = std::chrono::seconds(1);

base::Duration cpu_time() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// The second field of statm: resident pages.
std::uint64_t resident_pages(int fd) {
    std::array<char, 128> text{};
    const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
    if (got <= 0) {
        return 0;
    }
    const std::string_view line(text.data(), static_cast<std::size_t>(got));
    const std::size_t space = line.find(' ');
    std::uint64_t pages = 0;
    if (space != std::string_view::npos) {
        std::from_chars(line.data() + space + 1, line.data() + line.size(), pages);
    }
    return pages;
}

std::uint32_t clamp32(std::uint64_t value) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

LoadSampler::LoadSampler(base::TimePoint now)
    : statm_(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)), last_(now), last_cpu_(cpu_time()) {}

ProcessLoad LoadSampler::sample(base::TimePoint now) {
    const base::Duration cpu = cpu_time();
    const auto elapsed = std::max<base::Duration>(now - last_, kWindowMin);
    const auto used = std::max<base::Duration>(cpu - last_cpu_, base::Duration(0));
    last_ = now;
    last_cpu_ = cpu;
    ProcessLoad load;
    load.cpu_millicores =
        clamp32(static_cast<std::uint64_t>(used.count()) * 1000 / static_cast<std::uint64_t>(elapsed.count()));
    const auto page_kib = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 1024;
    load.memory_kib = clamp32(resident_pages(statm_.get()) * page_kib);
    return load;
}

}  // namespace grapevine::io
