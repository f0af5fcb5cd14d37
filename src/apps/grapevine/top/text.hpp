#pragma once

// Text for a full-screen view. Names and reasons come from other nodes: whatever they hold, they take the columns that
// are counted here and do nothing else to a terminal.
//
// Rules
//  1. Control characters (C0, DEL, C1), line and paragraph separators, direction marks and other invisible characters
//     are shown as U+FFFD, and so are bytes that are no UTF-8.
//  2. At most kMarksMax combining marks follow a character; more are left out, since they reach into other lines.
//  3. A width is what the C library's C.UTF-8 says of a character, whatever the locale of the process.

#include <cstddef>
#include <string>
#include <string_view>

#include "apps/grapevine/terminal.hpp"

namespace grapevine::apps {

inline constexpr std::size_t kMarksMax = 2;

std::string harmless(std::string_view text);

// Columns of a text that is harmless.
std::size_t display_width(std::string_view text);
// Of a harmless text what fits into `columns`; what was cut ends with "~".
std::string cut_to(std::string_view text, std::size_t columns);
// Cut or filled with spaces to exactly `columns`.
std::string filled_to(std::string_view text, std::size_t columns, Align align = Align::left);
// A harmless text for a terminal without UTF-8: each other character as question marks, as wide as it was.
std::string ascii_only(std::string_view text);

}  // namespace grapevine::apps
