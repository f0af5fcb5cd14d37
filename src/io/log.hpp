#pragma once

// The structured log: a levelled line on stderr and one write(2) a message (log_line.hpp has its two formats); the same
// record goes to the recorder, if there is one, for export.
//
// 1. A filter says which targets speak at which level; it may change while the node runs, and the recorder's with it.
//    What it refuses costs a comparison.
// 2. A site is a short constant name that begins with its target: "io.udp", "control". Another first word counts as
//    target `io`. Each site may write kBurst lines in a window of one second; the rest are counted and reported with
//    the site's next line, so that a peer cannot fill a disk, or the exporter's queue, through us.
// 3. A message may belong to a span, and have attributes.

#include <array>
#include <cstdarg>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/trace_context.hpp"
#include "io/log_line.hpp"
#include "telemetry/filter.hpp"
#include "telemetry/recorder.hpp"

namespace grapevine::io {

using LogLevel = telemetry::Level;

class Log {
public:
    static constexpr std::uint32_t kBurst = 20;   // Lines of one site in a second.
    static constexpr std::size_t kSitesMax = 64;  // Sites with a limit of their own; later ones share the last.

    explicit Log(const telemetry::Filter& filter = telemetry::Filter(), LogFormat format = LogFormat::human,
                 int fd = 2);
    // From MESH_LOG and MESH_LOG_FORMAT; info and human where they are unset or make no sense (who must refuse that
    // does so before: the settings of a node).
    static Log from_environment();

    void set_format(LogFormat format) { format_ = format; }
    void set_filter(const telemetry::Filter& filter);
    [[nodiscard]] const telemetry::Filter& filter() const { return filter_; }
    // It gets every record that is printed, and the log's filter, until it is dropped or another one comes.
    void set_recorder(telemetry::Recorder& recorder);
    // No effect if another one has come meanwhile.
    void drop_recorder(const telemetry::Recorder& recorder);

    [[nodiscard]] bool enabled(telemetry::Target target, LogLevel level) const { return filter_.wants(target, level); }
    // For any target.
    [[nodiscard]] bool enabled(LogLevel level) const { return level <= loudest_; }

    // `site` must be a string literal.
    [[gnu::format(printf, 4, 5)]] void write(LogLevel level, const char* site, const char* format, ...);
    [[gnu::format(printf, 5, 6)]] void write(LogLevel level, const char* site, const base::TraceContext& context,
                                             const char* format, ...);
    // The record's own target counts. Its time is filled in if it is zero.
    void write(telemetry::LogRecord record);

    [[nodiscard]] std::uint64_t suppressed() const { return suppressed_total_; }

private:
    struct Site {
        std::string name;
        std::int64_t second = 0;
        std::uint32_t lines = 0;
        std::uint64_t suppressed = 0;
    };
    Site& site(std::string_view name);
    void print(LogLevel level, const char* site, const base::TraceContext& context, const char* format,
               std::va_list arguments);

    telemetry::Filter filter_;
    LogLevel loudest_;
    LogFormat format_;
    int fd_;
    telemetry::Recorder* recorder_ = nullptr;
    std::uint64_t suppressed_total_ = 0;
    std::array<Site, kSitesMax> sites_;
};

}  // namespace grapevine::io
