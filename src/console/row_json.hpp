#pragma once

// Attributes as the JSON that the store keeps, and bytes as the store keeps ids.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "otlp/decode.hpp"

namespace grapevine::console {

struct AttributesJson {
    std::string text;     // An object; of a key that comes twice the first counts.
    std::size_t cut = 0;  // Attributes left out because the text would be longer than `bytes_max`.
};
AttributesJson attributes_json(const otlp::RowAttributes& attributes, std::size_t bytes_max);

// [["<trace>","<span>"],..], empty text for none.
std::string links_json(const std::vector<std::pair<std::string, std::string>>& links);

std::string numbers_json(const std::vector<double>& numbers);
std::string numbers_json(const std::vector<std::uint64_t>& numbers);

// The bytes of a hex text; empty if it is none.
std::string bytes_of_hex(std::string_view hex);

}  // namespace grapevine::console
