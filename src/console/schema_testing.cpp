#include "console/schema_testing.hpp"

#include <algorithm>
#include <regex>

#include <boost/json.hpp>

#include "console/console_api.hpp"

namespace grapevine::console::testing {
namespace {

namespace json = boost::json;

const json::object& components() {
    static const json::value document = json::parse(json::string_view(openapi_text().data(), openapi_text().size()));
    return document.at("components").at("schemas").as_object();
}

std::string check(const json::object& schema, const json::value& value, const std::string& path);

bool is_of(const std::string& type, const json::value& value) {
    return type == "null"      ? value.is_null()
           : type == "object"  ? value.is_object()
           : type == "array"   ? value.is_array()
           : type == "string"  ? value.is_string()
           : type == "boolean" ? value.is_bool()
           : type == "integer" ? value.is_int64() || value.is_uint64()
                               : value.is_number();
}

std::string check_object(const json::object& schema, const json::object& object, const std::string& path) {
    const json::object none;
    const json::value* known = schema.if_contains("properties");
    const json::object& properties = known != nullptr ? known->as_object() : none;
    if (const json::value* required = schema.if_contains("required")) {
        for (const json::value& name : required->as_array()) {
            if (!object.contains(name.as_string())) {
                return path + ": lacks '" + std::string(name.as_string()) + "'";
            }
        }
    }
    const json::value* more = schema.if_contains("additionalProperties");
    for (const auto& [key, member] : object) {
        const std::string below = path + "." + std::string(key);
        const json::value* property = properties.if_contains(key);
        if (property == nullptr && more != nullptr && more->is_bool() && !more->get_bool()) {
            return below + ": is not in the schema";
        }
        const json::value* rule = property != nullptr ? property : more;
        if (rule != nullptr && rule->is_object()) {
            if (std::string wrong = check(rule->get_object(), member, below); !wrong.empty()) {
                return wrong;
            }
        }
    }
    return {};
}

std::string check_scalar(const json::object& schema, const json::value& value, const std::string& path) {
    if (const json::value* words = schema.if_contains("enum")) {
        const auto& all = words->as_array();
        if (std::find(all.begin(), all.end(), value) == all.end()) {
            return path + ": is " + json::serialize(value);
        }
    }
    if (const json::value* pattern = schema.if_contains("pattern"); pattern != nullptr && value.is_string()) {
        const std::regex regex(pattern->as_string().c_str());
        if (!std::regex_match(value.as_string().c_str(), regex)) {
            return path + ": is " + json::serialize(value);
        }
    }
    if (const json::value* low = schema.if_contains("minimum");
        low != nullptr && value.to_number<double>() < low->to_number<double>()) {
        return path + ": is too small";
    }
    return {};
}

std::string check(const json::object& schema, const json::value& value, const std::string& path) {
    if (const json::value* ref = schema.if_contains("$ref")) {
        const std::string name(ref->as_string().subview(ref->as_string().rfind('/') + 1));
        return check(components().at(name).as_object(), value, path);
    }
    if (const json::value* choices = schema.if_contains("oneOf")) {
        std::string last;
        for (const json::value& choice : choices->as_array()) {
            last = check(choice.as_object(), value, path);
            if (last.empty()) {
                return {};
            }
        }
        return last;
    }
    if (const json::value* type = schema.if_contains("type");
        type != nullptr && !is_of(std::string(type->as_string()), value)) {
        return path + ": is no " + std::string(type->as_string()) + " but " + json::serialize(value);
    }
    if (value.is_object()) {
        return check_object(schema, value.get_object(), path);
    }
    if (value.is_array() && schema.contains("items")) {
        for (const json::value& item : value.get_array()) {
            if (std::string wrong = check(schema.at("items").as_object(), item, path + "[]"); !wrong.empty()) {
                return wrong;
            }
        }
        return {};
    }
    return check_scalar(schema, value, path);
}

}  // namespace

std::string mismatch(const std::string& name, const json::value& value) {
    return check(components().at(name).as_object(), value, name);
}

}  // namespace grapevine::console::testing
