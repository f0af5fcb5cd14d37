#pragma once

// One record of the log as one line, for people or as JSON.
//
// Whatever bytes a peer put into a text, the line is valid UTF-8 without control characters but its final newline, the
// JSON one is valid JSON, and neither is longer than kLogLineBytesMax, which a pipe takes in one piece (PIPE_BUF).
// Bytes that are no UTF-8 become U+FFFD; control characters are escaped. What does not fit is cut: the message at
// kLogMessageBytesMax, attributes whole, and the line says so ("cut").

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "telemetry/span.hpp"

namespace grapevine::io {

enum class LogFormat : std::uint8_t { human, json };
std::optional<LogFormat> parse_log_format(std::string_view text);

inline constexpr std::size_t kLogLineBytesMax = 4096;
inline constexpr std::size_t kLogMessageBytesMax = 2048;  // As written, escapes included.
inline constexpr std::size_t kLogValueBytesMax = 512;     // Of one attribute.

// `suppressed`: lines of this site that were left out before this one.
std::string log_line(LogFormat format, const telemetry::LogRecord& record, std::uint64_t suppressed);

}  // namespace grapevine::io
