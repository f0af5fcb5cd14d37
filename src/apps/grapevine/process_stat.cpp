#include "apps/grapevine/process_stat.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <string>

#include "io/fd.hpp"

namespace grapevine::apps {
namespace {

constexpr std::size_t kProcFileMax = 8192;

std::string read_proc(pid_t pid, const char* file) {
    const std::string path = "/proc/" + std::to_string(pid) + "/" + file;
    const io::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, kProcFileMax> buffer;
    const ssize_t size = fd.valid() ? ::read(fd.get(), buffer.data(), buffer.size()) : 0;
    return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string{};
}

std::uint64_t leading_number(std::string_view text) {
    const std::size_t start = text.find_first_not_of(" \t");
    std::uint64_t value = 0;
    if (start != std::string_view::npos) {
        std::from_chars(text.data() + start, text.data() + text.size(), value);
    }
    return value;
}

}  // namespace

std::uint64_t proc_number(std::string_view text, std::string_view key) {
    for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
        if (at == 0 || text[at - 1] == '\n') {
            return leading_number(text.substr(at + key.size()));
        }
    }
    return 0;
}

std::optional<ProcessSample> sample_process(pid_t pid, base::TimePoint now, Detail detail) {
    const std::string status = read_proc(pid, "status");
    if (status.empty()) {
        return std::nullopt;
    }
    ProcessSample sample;
    sample.at = now;
    sample.cpu_ns = leading_number(read_proc(pid, "schedstat"));
    sample.wakeups = proc_number(status, "voluntary_ctxt_switches:");
    sample.rss_kib = proc_number(status, "VmRSS:");
    if (detail == Detail::with_pss) {
        sample.pss_kib = proc_number(read_proc(pid, "smaps_rollup"), "Pss:");
    }
    return sample;
}

ProcessRates rates_between(const ProcessSample& from, const ProcessSample& to) {
    const double seconds = std::chrono::duration<double>(to.at - from.at).count();
    if (seconds <= 0 || to.cpu_ns < from.cpu_ns || to.wakeups < from.wakeups) {
        return {};
    }
    return {.cpu_percent = static_cast<double>(to.cpu_ns - from.cpu_ns) / 1e7 / seconds,
            .wakeups_per_s = static_cast<double>(to.wakeups - from.wakeups) / seconds};
}

}  // namespace grapevine::apps
