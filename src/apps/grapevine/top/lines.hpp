#pragma once

// Lines of styled text, as wide as they say: what the pages of `grapevine top` are made of, for a terminal and for
// tests.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apps/grapevine/top/picture.hpp"

namespace grapevine::apps {

// What a text is; a terminal without colours shows it all the same, since no look says what the words beside it do not.
enum class Look : std::uint8_t { plain, dim, bold, good, warn, bad, unknown, title, chosen, loud };

struct TopSpan {
    std::string text;  // Harmless.
    Look look = Look::plain;
    friend bool operator==(const TopSpan&, const TopSpan&) = default;
};
using TopLine = std::vector<TopSpan>;

std::string plain_text(const TopLine& line);
std::size_t width_of(const TopLine& line);

// A part of a line. Those with the highest `drop` go first where there is no room; 0 never goes. One that is flexible
// is cut, as long as half of it is left or twelve columns, before those of drop 1 go, and after all others.
struct TopPart {
    std::string text;  // Anything.
    Look look = Look::plain;
    std::size_t drop = 0;
    enum class Room : std::uint8_t { fixed, flexible } room = Room::fixed;
};
// Two spaces apart, at most `columns` wide.
TopLine line_of_parts(std::vector<TopPart> parts, std::size_t columns);
// One look from the first column to the last.
TopLine bar_of_parts(std::vector<TopPart> parts, std::size_t columns, Look look);

// What does not fit is left out in the middle: names differ at both ends.
std::string squeezed_to(std::string_view text, std::size_t columns);

Look look_of(Trouble trouble);
Look look_of(Verdict verdict);
Look look_of(console::Severity severity);

// "23:14:55"; of another day "11-28 23:14".
std::string clock_of(std::uint64_t unix_ms, const console::Moment& at);
// "3 s", "2 min", "5 h", "4 d".
std::string span_of(std::uint64_t milliseconds);
// "since 23:14:55"
std::string since_of(std::uint64_t unix_ms, const console::Moment& at);
// "(2 min)"
std::string lasting_of(std::uint64_t unix_ms, const console::Moment& at);
// Of a node's digest; 0 if it has none.
std::uint64_t age_ms(const console::Digest& digest, const console::Moment& at);
// "7.9M", "64M", "1.5G" from KiB.
std::string size_of_kib(std::uint64_t kib);
// "120/500m", "!612/500m" where the budget is exceeded, "120m" without one.
std::string cpu_of(const console::Load& load);
std::string memory_of(const console::Load& load);
// "-" where it is not known.
std::string rate_of(const std::optional<double>& per_second);

}  // namespace grapevine::apps
