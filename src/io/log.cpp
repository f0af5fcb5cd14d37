#include "io/log.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "io/fd.hpp"

namespace grapevine::io {

namespace {

using telemetry::Filter;
using telemetry::Target;

LogLevel loudest_of(const Filter& filter) {
    LogLevel loudest = LogLevel::off;
    for (std::size_t i = 0; i < telemetry::kTargets; ++i)
        loudest = std::max(loudest, filter.limit(static_cast<Target>(i)));
    return loudest;
}

Target target_of(std::string_view site) {
    const std::string_view word = site.substr(0, site.find('.'));
    for (std::size_t i = 0; i < telemetry::kTargets; ++i) {
        const auto target = static_cast<Target>(i);
        if (telemetry::name(target) == word) return target;
    }
    return Target::io;
}

std::uint64_t unix_now() {
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

std::string_view variable(const char* name) {
    const char* text = std::getenv(name);
    return text == nullptr ? std::string_view() : std::string_view(text);
}

}  // namespace

Log::Log(const Filter& filter, LogFormat format, int fd)
    : filter_(filter), loudest_(loudest_of(filter)), format_(format), fd_(fd) {}

Log Log::from_environment() {
    const std::string_view text = variable("MESH_LOG");
    const auto filter = text.empty() ? base::Result<Filter>(Filter()) : Filter::parse(text);
    return Log(filter.value_or(Filter()), parse_log_format(variable("MESH_LOG_FORMAT")).value_or(LogFormat::human));
}

void Log::set_filter(const Filter& filter) {
    filter_ = filter;
    loudest_ = loudest_of(filter);
    if (recorder_ != nullptr) recorder_->set_filter(filter);
}

void Log::set_recorder(telemetry::Recorder& recorder) {
    recorder_ = &recorder;
    recorder_->set_filter(filter_);
}

void Log::drop_recorder(const telemetry::Recorder& recorder) {
    if (recorder_ == &recorder) recorder_ = nullptr;
}

Log::Site& Log::site(std::string_view name) {
    for (Site& entry : sites_) {
        if (entry.name.empty()) entry.name = name;
        if (entry.name == name) return entry;
    }
    return sites_.back();
}

void Log::write(LogLevel level, const char* site, const char* format, ...) {
    if (!enabled(level)) return;
    std::va_list arguments;
    va_start(arguments, format);
    print(level, site, {}, format, arguments);
    va_end(arguments);
}

void Log::write(LogLevel level, const char* site, const base::TraceContext& context, const char* format, ...) {
    if (!enabled(level)) return;
    std::va_list arguments;
    va_start(arguments, format);
    print(level, site, context, format, arguments);
    va_end(arguments);
}

void Log::print(LogLevel level, const char* site, const base::TraceContext& context, const char* format,
                std::va_list arguments) {
    const Target target = target_of(site);
    if (!enabled(target, level)) return;
    std::array<char, kLogMessageBytesMax> body{};
    const int written = std::vsnprintf(body.data(), body.size(), format, arguments);
    const std::size_t length = written < 0 ? 0 : std::min(static_cast<std::size_t>(written), body.size() - 1);
    write(telemetry::LogRecord{0, level, target, site, std::string(body.data(), length), {}, context});
}

void Log::write(telemetry::LogRecord record) {
    if (!enabled(record.target, record.level)) return;
    if (record.unix_ns == 0) record.unix_ns = unix_now();
    Site& entry = site(record.site);
    const auto second = static_cast<std::int64_t>(record.unix_ns / 1'000'000'000);
    if (entry.second != second) {
        entry.second = second;
        entry.lines = 0;
    }
    if (++entry.lines > kBurst) {
        ++entry.suppressed;
        ++suppressed_total_;
        return;
    }
    const std::uint64_t suppressed = std::exchange(entry.suppressed, 0);
    static_cast<void>(write_fully(fd_, log_line(format_, record, suppressed)));
    if (recorder_ == nullptr) return;
    if (suppressed > 0) record.attributes.push_back({"log.suppressed", static_cast<std::int64_t>(suppressed)});
    recorder_->log(std::move(record));
}

}  // namespace grapevine::io
