#include "apps/grapevine/durations.hpp"

#include <array>
#include <chrono>
#include <string>

#include "base/encoding.hpp"
#include "grapevine/node_main_words.hpp"

namespace grapevine::apps {
namespace {

struct Unit {
    std::string_view suffix;
    std::chrono::milliseconds size;
    std::string_view many;
};
// "ms" before "s", which it ends with.
constexpr std::array<Unit, 4> kUnits{{{"ms", std::chrono::milliseconds(1), "milliseconds"},
                                      {"s", std::chrono::seconds(1), "seconds"},
                                      {"m", std::chrono::minutes(1), "minutes"},
                                      {"h", std::chrono::hours(1), "hours"}}};

// In days, or the largest unit of which it is several.
std::string words_of(base::Duration most) {
    if (most % std::chrono::hours(24) == base::Duration::zero()) {
        return std::to_string(most / std::chrono::hours(24)) + " days";
    }
    std::string out;
    for (const Unit& unit : kUnits) {
        if (most % unit.size == base::Duration::zero() && most > unit.size) {
            out = std::to_string(most / unit.size) + " " + std::string(unit.many);
        }
    }
    return out;
}

}  // namespace

base::Result<base::Duration> parse_duration(std::string_view what, std::string_view text, base::Duration most) {
    for (const Unit& unit : kUnits) {
        if (!text.ends_with(unit.suffix)) {
            continue;
        }
        const auto units = static_cast<std::uint64_t>(most / unit.size);
        const auto count = cli::parse_number("", text.substr(0, text.size() - unit.suffix.size()), 1, units);
        if (count) {
            return base::Duration(unit.size * static_cast<std::int64_t>(*count));
        }
    }
    return base::invalid(std::string(what) + ": '" + base::printable(text) +
                         "' is no time: a number with ms, s, m or h, at most " + words_of(most));
}

}  // namespace grapevine::apps
