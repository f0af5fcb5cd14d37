#include "console/action_request.hpp"

#include <algorithm>
#include <initializer_list>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/encoding.hpp"
#include "io/json.hpp"
#include "wire/digest.hpp"

namespace grapevine::console {
namespace {

namespace json = boost::json;

using Object = json::object;

tl::unexpected<BadBody> bad(std::string field, std::string message) {
    return tl::unexpected(BadBody{std::move(field), std::move(message)});
}

Decoded<Object> object_of(std::string_view body) {
    auto object = io::parse_json_object("body", body);
    if (!object) {
        return bad("", object.error().message);
    }
    return std::move(*object);
}

Decoded<std::string> only(const Object& object, std::initializer_list<std::string_view> known) {
    for (const auto& member : object) {
        const std::string_view name(member.key().data(), member.key().size());
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            return bad(base::printable(name), "unknown member '" + base::printable(name) + "'");
        }
    }
    return std::string();
}

Decoded<std::string> name_member(const Object& object, const std::string& field) {
    const auto text = io::string_member(object, field);
    if (!text) {
        return bad(field, field + ": is required, as a string");
    }
    const auto name = wire::parse_name(field, *text);
    if (!name) {
        return bad(field, name.error().message);
    }
    return *name;
}

Decoded<std::uint64_t> number_member(const Object& object, const std::string& field, std::uint64_t low,
                                     std::uint64_t high, std::uint64_t absent) {
    if (!object.contains(json::string_view(field.data(), field.size()))) {
        return absent;
    }
    const auto number = io::unsigned_member(object, field);
    if (!number || *number < low || *number > high) {
        return bad(field, field + ": must be a number from " + std::to_string(low) + " to " + std::to_string(high));
    }
    return *number;
}

Decoded<std::vector<TypeWish>> decode_types(const Object& mesh) {
    const json::value* value = mesh.if_contains("per_mesh");
    if (value == nullptr || !value->is_object() || value->get_object().empty()) {
        return bad("per_mesh", "per_mesh: is required, as an object of types and counts");
    }
    if (value->get_object().size() > kBootstrapTypesMax) {
        return bad("per_mesh", "per_mesh: more than " + std::to_string(kBootstrapTypesMax) + " types");
    }
    std::vector<TypeWish> out;
    for (const auto& member : value->get_object()) {
        const std::string key(member.key().data(), member.key().size());
        const auto type = wire::parse_name("type", key);
        if (!type) {
            return bad("per_mesh", type.error().message);
        }
        const auto count = number_member(value->get_object(), key, 1, kSpawnCountMax, 1);
        if (!count) {
            return bad("per_mesh", count.error().message);
        }
        out.push_back({*type, *count});
    }
    return out;
}

Decoded<MeshWish> decode_mesh(const json::value& value) {
    if (!value.is_object()) {
        return bad("meshes", "meshes: each must be an object");
    }
    const Object& object = value.get_object();
    if (const auto members = only(object, {"mesh", "per_mesh"}); !members) {
        return tl::unexpected(members.error());
    }
    const auto mesh = name_member(object, "mesh");
    if (!mesh) {
        return tl::unexpected(mesh.error());
    }
    auto types = decode_types(object);
    if (!types) {
        return tl::unexpected(types.error());
    }
    return MeshWish{*mesh, std::move(*types)};
}

}  // namespace

std::string_view name(NodeAction action) {
    switch (action) {
        case NodeAction::stop: return "stop";
        case NodeAction::kill: return "kill";
        case NodeAction::restart: return "restart";
        case NodeAction::wedge: return "wedge";
        case NodeAction::resume: break;
    }
    return "resume";
}

Decoded<SpawnWish> decode_spawn(std::string_view body) {
    const auto object = object_of(body);
    if (!object) {
        return tl::unexpected(object.error());
    }
    if (const auto members = only(*object, {"mesh", "type", "count", "cpu_millicores", "memory_kib"}); !members) {
        return tl::unexpected(members.error());
    }
    const auto mesh = name_member(*object, "mesh");
    const auto type = name_member(*object, "type");
    const auto count = number_member(*object, "count", 1, kSpawnCountMax, 1);
    const auto cpu = number_member(*object, "cpu_millicores", 0, kMillicoresMax, 0);
    const auto memory = number_member(*object, "memory_kib", 0, kMemoryKibMax, 0);
    for (const auto* text : {&mesh, &type}) {
        if (!*text) {
            return tl::unexpected(text->error());
        }
    }
    for (const auto* number : {&count, &cpu, &memory}) {
        if (!*number) {
            return tl::unexpected(number->error());
        }
    }
    return SpawnWish{*mesh, *type, *count, *cpu, *memory};
}

Decoded<std::vector<MeshWish>> decode_bootstrap(std::string_view body) {
    const auto object = object_of(body);
    if (!object) {
        return tl::unexpected(object.error());
    }
    if (const auto members = only(*object, {"meshes"}); !members) {
        return tl::unexpected(members.error());
    }
    const json::value* list = object->if_contains("meshes");
    if (list == nullptr || !list->is_array() || list->get_array().empty()) {
        return bad("meshes", "meshes: is required, as a list");
    }
    if (list->get_array().size() > kBootstrapMeshesMax) {
        return bad("meshes", "meshes: more than " + std::to_string(kBootstrapMeshesMax));
    }
    std::vector<MeshWish> out;
    for (const json::value& value : list->get_array()) {
        auto mesh = decode_mesh(value);
        if (!mesh) {
            return tl::unexpected(mesh.error());
        }
        const auto same = [&](const MeshWish& other) { return other.mesh == mesh->mesh; };
        if (std::any_of(out.begin(), out.end(), same)) {
            return bad("meshes", "meshes: '" + mesh->mesh + "' is given twice");
        }
        out.push_back(std::move(*mesh));
    }
    return out;
}

Decoded<std::string> decode_nothing(std::string_view body) {
    if (body.empty()) {
        return std::string();
    }
    const auto object = object_of(body);
    return object ? only(*object, {}) : Decoded<std::string>(tl::unexpected(object.error()));
}

}  // namespace grapevine::console
