#include "io/json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/parse_options.hpp>

namespace grapevine::io {

namespace json = boost::json;

base::Result<json::object> parse_json_object(std::string_view subject, std::string_view text) {
    json::parse_options options;
    options.max_depth = kJsonDepthMax;
    json::error_code error;
    json::value value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
    if (error) {
        return base::invalid(std::string(subject) + ": not JSON: " + error.message());
    }
    if (!value.is_object()) {
        return base::invalid(std::string(subject) + ": must be a JSON object");
    }
    return std::move(value.as_object());
}

std::optional<std::string> string_member(const json::object& object, std::string_view name) {
    const json::value* member = object.if_contains(json::string_view(name.data(), name.size()));
    if (member == nullptr || !member->is_string()) {
        return std::nullopt;
    }
    const json::string& text = member->get_string();
    return std::string(text.data(), text.size());
}

std::optional<std::uint64_t> unsigned_member(const json::object& object, std::string_view name) {
    const json::value* member = object.if_contains(json::string_view(name.data(), name.size()));
    if (member == nullptr) {
        return std::nullopt;
    }
    if (const std::uint64_t* number = member->if_uint64()) {
        return *number;
    }
    const std::int64_t* number = member->if_int64();
    return number != nullptr && *number >= 0 ? std::optional(static_cast<std::uint64_t>(*number)) : std::nullopt;
}

}  // namespace grapevine::io
