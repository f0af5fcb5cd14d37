#pragma once

// A small levelled logger on stderr: one line and one write(2) a message.
//
// A site is a short constant name ("udp", "host.seed"). Each site may write kBurst lines in a window of one second; the
// rest are counted and reported with the site's next line, so that a peer cannot fill a disk through us.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace grapevine::io {

enum class LogLevel : std::uint8_t { error, warn, info, debug, trace };

std::optional<LogLevel> parse_log_level(std::string_view text);

class Log {
public:
    static constexpr std::uint32_t kBurst = 20;   // Lines of one site in a second.
    static constexpr std::size_t kSitesMax = 64;  // Sites with a limit of their own; later ones share the last.
    static constexpr std::size_t kLineBytesMax = 1024;

    explicit Log(LogLevel level, int fd = 2) : level_(level), fd_(fd) {}
    // Level from MESH_LOG (error, warn, info, debug, trace); info if unset or unknown.
    static Log from_environment();

    [[nodiscard]] bool enabled(LogLevel level) const { return level <= level_; }
    // `site` must be a string literal.
    [[gnu::format(printf, 4, 5)]] void write(LogLevel level, const char* site, const char* format, ...);
    [[nodiscard]] std::uint64_t suppressed() const { return suppressed_total_; }

private:
    struct Site {
        const char* name = nullptr;
        std::int64_t second = 0;
        std::uint32_t lines = 0;
        std::uint64_t suppressed = 0;
    };
    Site& site(const char* name);

    LogLevel level_;
    int fd_;
    std::uint64_t suppressed_total_ = 0;
    std::array<Site, kSitesMax> sites_{};
};

}  // namespace grapevine::io
