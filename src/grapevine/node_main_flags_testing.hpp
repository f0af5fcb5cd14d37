#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "grapevine/node_main_flags.hpp"

namespace grapevine::cli {

// A program with one command: itself.
inline base::Result<Parsed> parse_flags(const std::vector<Flag>& flags, std::size_t positionals_max,
                                        const std::vector<std::string>& words) {
    CommandLine line;
    line.name = "program";
    line.flags = flags;
    line.arguments = "NAME";
    line.arguments_max = positionals_max;
    auto outcome = parse_words(line, words, 80);
    if (!outcome) {
        return tl::unexpected(outcome.error());
    }
    return std::get<Parsed>(*outcome);
}

}  // namespace grapevine::cli
