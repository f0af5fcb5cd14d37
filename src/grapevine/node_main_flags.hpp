#pragma once

// Command lines as tables: one table of flags per command gives CLI11 its options, and from those come parsing and
// --help; shell completion reads the same table. CLI11 is seen by the source of this header alone.
//
// Rules: `--name value` and `--name=value` are the same; a switch takes no value; `--` ends the flags; a flag that is
// not in the table, comes twice without repeating, or lacks its value is an error that names it. Abbreviations are
// refused, because a later flag could make them ambiguous.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "grapevine/node_main_words.hpp"  // IWYU pragma: export

namespace grapevine {
namespace [[gnu::visibility("hidden")]] cli {

enum class Arity : std::uint8_t { none, one, many };

struct Flag {
    std::string_view name;  // "--mesh"
    Arity arity = Arity::one;
    std::string_view
        value;  // What stands for the value in help: "NAME". Lower case with bars lists the choices: "a|b".
    std::string_view help;
    std::string_view fallback = {};  // For the help: the value without the flag.
    std::string_view variable = {};  // For the help: the environment variable that gives it too.
    std::string_view letter = {};    // "-n", which says the same.
};

// A program, or one of its commands.
struct CommandLine {
    std::string name;       // "grapevine", "key", "show"
    std::string arguments;  // As the usage line shows them: "TICKET".
    std::size_t arguments_min = 0;
    std::size_t arguments_max = 0;
    std::string summary;  // One line.
    std::string details;  // More words for its own --help; may be empty.
    std::string closing;  // The last words of its --help: paragraphs, divided by newlines.
    std::string version;  // If not empty there is --version, which gives this.
    std::vector<Flag> flags;
    std::vector<CommandLine> commands;  // If any, one of them is required, and there are no arguments.
};

// What the user wrote. `values` has an entry only for flags that were given; a switch's entry has no items.
struct Parsed {
    std::string command;  // The names of the commands chosen, "key show"; empty if there are none.
    std::map<std::string, std::vector<std::string>, std::less<>> values;
    std::vector<std::string> positionals;

    [[nodiscard]] bool has(std::string_view flag) const { return values.contains(flag); }
    // The value of a flag, or `fallback` if it was not given.
    [[nodiscard]] std::string text(std::string_view flag, std::string_view fallback = {}) const;
    [[nodiscard]] std::vector<std::string> list(std::string_view flag) const;
};

// What --help or --version asked for: to be printed, and nothing is run.
struct Answer {
    std::string text;
};
using Outcome = std::variant<Parsed, Answer>;

inline constexpr std::size_t kArgumentsMax = 4096;  // Words of one command line.

// `words` without the program's name; help is wrapped at `columns`. Errors are all invalid: too many words, an unknown
// flag or command, a value or argument missing or too many.
base::Result<Outcome> parse_words(const CommandLine& line, std::span<const std::string> words, std::size_t columns);

}  // namespace cli
}  // namespace grapevine
