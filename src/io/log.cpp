#include "io/log.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "io/fd.hpp"

namespace grapevine::io {

namespace {

constexpr std::array<std::string_view, 5> kLevels = {"error", "warn", "info", "debug", "trace"};

// Appends what snprintf would have written, cut to the room left.
std::size_t clamp_written(int written, std::size_t room) {
    return written < 0 ? 0 : std::min(static_cast<std::size_t>(written), room - 1);
}

std::size_t write_head(char* out, std::size_t room, LogLevel level, const char* site, const timespec& time) {
    std::tm parts{};
    ::gmtime_r(&time.tv_sec, &parts);
    const std::size_t length = std::strftime(out, room, "%Y-%m-%dT%H:%M:%S", &parts);
    const int written = std::snprintf(out + length, room - length, ".%03ldZ %-5s %s: ", time.tv_nsec / 1'000'000,
                                      kLevels[static_cast<std::size_t>(level)].data(), site);
    return length + clamp_written(written, room - length);
}

}  // namespace

std::optional<LogLevel> parse_log_level(std::string_view text) {
    const auto* it = std::find(kLevels.begin(), kLevels.end(), text);
    if (it == kLevels.end()) {
        return std::nullopt;
    }
    return static_cast<LogLevel>(it - kLevels.begin());
}

Log Log::from_environment() {
    const char* text = std::getenv("MESH_LOG");
    return Log(text == nullptr ? LogLevel::info : parse_log_level(text).value_or(LogLevel::info));
}

Log::Site& Log::site(const char* name) {
    for (Site& entry : sites_) {
        if (entry.name == nullptr) {
            entry.name = name;
        }
        if (entry.name == name) {
            return entry;
        }
    }
    return sites_.back();
}

void Log::write(LogLevel level, const char* name, const char* format, ...) {
    if (!enabled(level)) {
        return;
    }
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    Site& entry = site(name);
    if (entry.second != time.tv_sec) {
        entry.second = time.tv_sec;
        entry.lines = 0;
    }
    if (++entry.lines > kBurst) {
        ++entry.suppressed;
        ++suppressed_total_;
        return;
    }
    std::array<char, kLineBytesMax> line{};
    std::size_t length = write_head(line.data(), line.size() - 1, level, name, time);
    std::va_list arguments;
    va_start(arguments, format);
    length += clamp_written(std::vsnprintf(line.data() + length, line.size() - 1 - length, format, arguments),
                            line.size() - 1 - length);
    va_end(arguments);
    if (entry.suppressed > 0) {
        const std::size_t room = line.size() - 1 - length;
        length += clamp_written(std::snprintf(line.data() + length, room, " (%llu lines of %s left out)",
                                              static_cast<unsigned long long>(entry.suppressed), name),
                                room);
        entry.suppressed = 0;
    }
    line[length++] = '\n';
    static_cast<void>(write_fully(fd_, std::string_view(line.data(), length)));
}

}  // namespace grapevine::io
