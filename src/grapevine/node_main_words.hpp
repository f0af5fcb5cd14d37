#pragma once

// What programs say and end with: complaints, exit codes, wrapped text, numbers that people typed.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace grapevine {
namespace [[gnu::visibility("hidden")]] cli {

// Exit codes, the same for every program of this project.
enum class Exit : int { done = 0, failed = 1, usage = 2, not_ready = 3, not_found = 4, denied = 5, timed_out = 124 };
int exit_code(Exit code);

// A decimal number within [low, high]; errors name `what` and the bounds.
base::Result<std::uint64_t> parse_number(std::string_view what, std::string_view text, std::uint64_t low,
                                         std::uint64_t high);

// "grapevine: <message>" on stderr, control bytes escaped, always one line.
void complain(std::string_view message);

// Complains and returns the exit code that fits the error: invalid 2, not_found 4, denied 5, others 1.
int fail_with(const base::Error& error);
int fail_usage(std::string_view message);

// Text wrapped at `columns`, each line after the first indented.
std::string wrapped(std::string_view text, std::size_t columns, std::size_t indent);

// Columns to print help in: the terminal's, else $COLUMNS, else 80; never outside 40 to 100.
std::size_t help_columns();

// Writes everything to a descriptor, waiting where it must. False when the reader is gone.
bool write_all(int fd, std::string_view text);

// The closest of `candidates`, or nothing when none is near: for "did you mean".
std::string_view closest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace cli
}  // namespace grapevine
