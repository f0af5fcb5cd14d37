#include "io/request_members.hpp"

#include <string>

#include "base/encoding.hpp"
#include "io/json.hpp"

namespace grapevine::io {

namespace json = boost::json;

base::Status check_members(const json::object& object, std::initializer_list<std::string_view> known) {
    for (const auto& member : object) {
        const std::string_view name(member.key().data(), member.key().size());
        bool found = name == "op";
        for (const std::string_view candidate : known) {
            found = found || candidate == name;
        }
        if (!found) {
            return base::invalid("request: unknown member '" + base::printable(name) + "'");
        }
    }
    return {};
}

base::Result<bool> flag_member(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    if (value == nullptr) {
        return false;
    }
    if (!value->is_bool()) {
        return base::invalid("request: '" + std::string(name) + "' must be true or false");
    }
    return value->get_bool();
}

base::Result<std::uint64_t> number_member(const json::object& object, std::string_view name, std::uint64_t most,
                                          std::uint64_t absent) {
    if (!object.contains(json::string_view(name.data(), name.size()))) {
        return absent;
    }
    const auto number = unsigned_member(object, name);
    if (!number || *number > most) {
        return base::invalid("request: '" + std::string(name) + "' must be a number up to " + std::to_string(most));
    }
    return *number;
}

}  // namespace grapevine::io
