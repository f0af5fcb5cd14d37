#pragma once

// The grammars of OTEL_* values: pure functions from text.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace grapevine::io {

using OtelPairs = std::vector<std::pair<std::string, std::string>>;

std::string_view trim_blanks(std::string_view text);
std::string lower_case(std::string_view text);
// Without blanks around; decimal digits only.
std::optional<std::uint64_t> parse_otel_number(std::string_view text);
// 0 to 1.
std::optional<double> parse_otel_ratio(std::string_view text);
// Comma-separated words, trimmed, in lower case; empty ones are left out.
std::vector<std::string> parse_otel_list(std::string_view text);
// %XX; nothing if a % is not followed by two hex digits.
std::optional<std::string> decode_percent(std::string_view text);

// "key=value,key2=value2", the grammar of W3C baggage without its properties: blanks around keys and values do not
// count, values are percent-decoded. Errors name the number of the pair and the rule, never its text: it may be a
// secret.
base::Result<OtelPairs> parse_otel_pairs(std::string_view text, std::size_t pairs_max);

struct OtelUrl {
    bool https = false;
    std::string host;  // Without brackets.
    std::uint16_t port = 0;
    std::string path;  // Begins with '/', without a trailing one unless it is all; with the query.
    bool has_path = false;
};
// http and https only. User and password are refused: they belong into a header. Errors name the rule, without the URL.
base::Result<OtelUrl> parse_otel_url(std::string_view text);

}  // namespace grapevine::io
