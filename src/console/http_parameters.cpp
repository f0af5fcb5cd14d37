#include "console/http_parameters.hpp"

#include <charconv>
#include <string>

#include "base/encoding.hpp"

namespace grapevine::console {

base::Result<std::uint64_t> parse_number(std::string_view name, std::string_view text, std::uint64_t low,
                                         std::uint64_t high) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high) {
        return base::invalid(std::string(name) + ": '" + base::printable(text) + "' is no number from " +
                             std::to_string(low) + " to " + std::to_string(high));
    }
    return value;
}

base::Result<std::uint64_t> number_parameter(const HttpRequest& request, std::string_view name, std::uint64_t fallback,
                                             std::uint64_t low, std::uint64_t high) {
    const std::string_view text = request.parameter(name);
    return text.empty() ? base::Result<std::uint64_t>(fallback) : parse_number(name, text, low, high);
}

}  // namespace grapevine::console
