#pragma once

// Command lines as tables: one table of flags per command drives the parser, --help and shell completion, so the three
// cannot disagree.
//
// Rules: `--name value` and `--name=value` are the same; a switch takes no value; `--` ends the flags; a flag that is
// not in the table, comes twice without repeating, or lacks its value is an error that names it. Abbreviations are
// refused, because a later flag could make them ambiguous.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace grapevine {
namespace [[gnu::visibility("hidden")]] cli {

// Exit codes, the same for every program of this project.
enum class Exit : int { done = 0, failed = 1, usage = 2, not_ready = 3, not_found = 4, denied = 5, timed_out = 124 };
int exit_code(Exit code);

enum class Arity : std::uint8_t { none, one, many };

struct Flag {
    std::string_view name;  // "--mesh"
    Arity arity = Arity::one;
    std::string_view
        value;  // What stands for the value in help: "NAME". Lower case with bars lists the choices: "a|b".
    std::string_view help;
};

// What the user wrote. `values` has an entry only for flags that were given; a switch's entry has no items.
struct Parsed {
    std::map<std::string, std::vector<std::string>, std::less<>> values;
    std::vector<std::string> positionals;

    [[nodiscard]] bool has(std::string_view flag) const { return values.contains(flag); }
    // The value of a flag, or `fallback` if it was not given.
    [[nodiscard]] std::string text(std::string_view flag, std::string_view fallback = {}) const;
    [[nodiscard]] std::vector<std::string> list(std::string_view flag) const;
};

inline constexpr std::size_t kArgumentsMax = 4096;  // Words of one command line.

// At most `positionals_max` words that are no flags.
base::Result<Parsed> parse_flags(std::span<const Flag> flags, std::size_t positionals_max,
                                 std::span<const std::string> words);

// A decimal number within [low, high]; errors name `what` and the bounds.
base::Result<std::uint64_t> parse_number(std::string_view what, std::string_view text, std::uint64_t low,
                                         std::uint64_t high);

// "grapevine: <message>" on stderr, control bytes escaped, always one line.
void complain(std::string_view message);

// Complains and returns the exit code that fits the error: invalid 2, not_found 4, denied 5, others 1.
int fail_with(const base::Error& error);
int fail_usage(std::string_view message);

// The flags as aligned, wrapped lines of help for a terminal of `columns`.
std::string flags_help(std::span<const Flag> flags, std::size_t columns);

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
