#include "console/row_json.hpp"

#include <cmath>
#include <utility>

#include <boost/json.hpp>

#include "base/encoding.hpp"
#include "base/utf8.hpp"

namespace grapevine::console {
namespace {

namespace json = boost::json;

json::value value_of(const otlp::RowAttribute& attribute) {
    if (!attribute.is_text) {
        json::error_code error;
        json::parse_options options;
        options.max_depth = 16;
        json::value parsed = json::parse(base::repaired_utf8(attribute.value), error, {}, options);
        if (!error) {
            return parsed;
        }
    }
    return json::value(base::repaired_utf8(attribute.value));
}

}  // namespace

AttributesJson attributes_json(const otlp::RowAttributes& attributes, std::size_t bytes_max) {
    json::object object;
    AttributesJson out;
    std::size_t bytes = 2;
    for (const otlp::RowAttribute& attribute : attributes) {
        const std::string key = base::repaired_utf8(attribute.key);
        json::value value = value_of(attribute);
        const std::size_t size = json::serialize(value).size() + json::serialize(json::value(key)).size() + 2;
        if (bytes + size > bytes_max) {
            ++out.cut;
            continue;
        }
        bytes += size;
        object.emplace(key, std::move(value));
    }
    out.text = json::serialize(object);
    return out;
}

std::string links_json(const std::vector<std::pair<std::string, std::string>>& links) {
    if (links.empty()) {
        return {};
    }
    json::array out;
    for (const auto& [trace, span] : links) {
        out.emplace_back(json::array{json::value(trace), json::value(span)});
    }
    return json::serialize(out);
}

// JSON has no infinities; a bound that is none is null.
std::string numbers_json(const std::vector<double>& numbers) {
    json::array out;
    for (const double number : numbers) {
        out.emplace_back(std::isfinite(number) ? json::value(number) : json::value(nullptr));
    }
    return json::serialize(out);
}

std::string numbers_json(const std::vector<std::uint64_t>& numbers) {
    return json::serialize(json::array(numbers.begin(), numbers.end()));
}

std::string bytes_of_hex(std::string_view hex) {
    const auto bytes = base::hex_decode(hex);
    return bytes ? base::to_text(*bytes) : std::string{};
}

}  // namespace grapevine::console
