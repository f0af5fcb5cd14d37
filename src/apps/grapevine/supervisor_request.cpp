#include "apps/grapevine/supervisor_request.hpp"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.hpp"
#include "grapevine/node_main_json.hpp"
#include "io/json.hpp"
#include "io/request_members.hpp"
#include "wire/digest.hpp"

namespace grapevine::apps {
namespace {

using boost::json::object;

constexpr std::array<std::string_view, 5> kActions{"stop", "kill", "restart", "wedge", "resume"};

base::Result<std::string> name_member(const object& from, std::string_view member) {
    const auto text = io::string_member(from, member);
    if (!text) {
        return base::invalid("request: '" + std::string(member) + "' must be a string");
    }
    return wire::parse_name(member, *text);
}

base::Result<std::string> node_member(const object& from) {
    auto node = io::string_member(from, "node");
    if (!node || node->empty() || node->size() > kNodeNameMax) {
        return base::invalid("request: 'node' must be a string of 1 to " + std::to_string(kNodeNameMax) + " bytes");
    }
    return std::move(*node);
}

base::Error bad_count(std::string_view what) {
    return {base::ErrorCode::invalid, "request: " + std::string(what) + " must be a number from 1 to " +
                                          std::to_string(Supervisor::kChildrenMax)};
}

base::Result<Budgets> decode_budgets(const object& from) {
    const auto cpu = io::number_member(from, "cpu_millicores", kMillicoresMax, 0);
    const auto memory = io::number_member(from, "memory_kib", UINT32_MAX, 0);
    if (!cpu || !memory) {
        return tl::unexpected(cpu ? memory.error() : cpu.error());
    }
    return Budgets{static_cast<std::uint32_t>(*cpu), static_cast<std::uint32_t>(*memory)};
}

base::Result<SupervisorRequest> decode_spawn(const object& from) {
    if (const auto status = io::check_members(from, {"mesh", "type", "count", "cpu_millicores", "memory_kib"});
        !status) {
        return tl::unexpected(status.error());
    }
    auto mesh = name_member(from, "mesh");
    auto type = name_member(from, "type");
    if (!mesh || !type) {
        return tl::unexpected(mesh ? type.error() : mesh.error());
    }
    const auto count = io::number_member(from, "count", Supervisor::kChildrenMax, 1);
    if (!count || *count == 0) {
        return tl::unexpected(bad_count("'count'"));
    }
    const auto budgets = decode_budgets(from);
    if (!budgets) {
        return tl::unexpected(budgets.error());
    }
    return SupervisorRequest(SpawnRequest{std::move(*mesh), std::move(*type), *count, *budgets});
}

base::Result<SupervisorRequest> decode_action(const object& from, Action action) {
    if (const auto status = io::check_members(from, {"node"}); !status) {
        return tl::unexpected(status.error());
    }
    auto node = node_member(from);
    if (!node) {
        return tl::unexpected(node.error());
    }
    return SupervisorRequest(ActionRequest{action, std::move(*node)});
}

base::Result<std::vector<TypeCount>> decode_types(const object& from) {
    std::vector<TypeCount> out;
    for (const auto& member : from) {
        const auto type = wire::parse_name("type", {member.key().data(), member.key().size()});
        if (!type) {
            return tl::unexpected(type.error());
        }
        const auto count = io::unsigned_member(from, *type);
        if (!count || *count == 0 || *count > Supervisor::kChildrenMax) {
            return tl::unexpected(bad_count("'per_mesh': '" + *type + "'"));
        }
        out.push_back({*type, *count});
    }
    if (out.empty()) {
        return base::invalid("request: 'per_mesh' must name a type");
    }
    return out;
}

base::Result<MeshLayout> decode_layout(const boost::json::value& value) {
    if (!value.is_object()) {
        return base::invalid("request: an item of 'meshes' must be an object");
    }
    const object& from = value.get_object();
    if (const auto status = io::check_members(from, {"mesh", "per_mesh"}); !status || from.contains("op")) {
        return tl::unexpected(status ? base::Error{base::ErrorCode::invalid, "request: unknown member 'op' in 'meshes'"}
                                     : status.error());
    }
    auto mesh = name_member(from, "mesh");
    const boost::json::value* types = from.if_contains("per_mesh");
    if (!mesh) {
        return tl::unexpected(mesh.error());
    }
    if (types == nullptr || !types->is_object()) {
        return base::invalid("request: 'per_mesh' must be an object, as in {\"broker\":3}");
    }
    auto per_mesh = decode_types(types->get_object());
    if (!per_mesh) {
        return tl::unexpected(per_mesh.error());
    }
    return MeshLayout{std::move(*mesh), std::move(*per_mesh)};
}

// The length of a line bounds how many types there are, so that the sum cannot overflow.
base::Status check_layouts(const std::vector<MeshLayout>& meshes) {
    std::size_t nodes = 0;
    for (const MeshLayout& layout : meshes) {
        const auto same = [&](const MeshLayout& other) { return other.mesh == layout.mesh; };
        if (std::count_if(meshes.begin(), meshes.end(), same) > 1) {
            return base::invalid("request: 'meshes': '" + layout.mesh + "' is given twice");
        }
        for (const TypeCount& type : layout.per_mesh) {
            nodes += type.count;
        }
    }
    if (nodes > Supervisor::kChildrenMax) {
        return base::fail(base::ErrorCode::exhausted, "request: 'meshes': " + std::to_string(nodes) +
                                                          " nodes, at most " +
                                                          std::to_string(Supervisor::kChildrenMax));
    }
    return {};
}

base::Result<SupervisorRequest> decode_bootstrap(const object& from) {
    if (const auto status = io::check_members(from, {"meshes"}); !status) {
        return tl::unexpected(status.error());
    }
    const boost::json::value* meshes = from.if_contains("meshes");
    if (meshes == nullptr || !meshes->is_array() || meshes->get_array().empty() ||
        meshes->get_array().size() > Supervisor::kChildrenMax) {
        return base::invalid("request: 'meshes' must be a list of 1 to " + std::to_string(Supervisor::kChildrenMax) +
                             " objects");
    }
    BootstrapRequest out;
    for (const boost::json::value& item : meshes->get_array()) {
        auto layout = decode_layout(item);
        if (!layout) {
            return tl::unexpected(layout.error());
        }
        out.meshes.push_back(std::move(*layout));
    }
    if (const auto checked = check_layouts(out.meshes); !checked) {
        return tl::unexpected(checked.error());
    }
    return SupervisorRequest(std::move(out));
}

base::Result<SupervisorRequest> decode_logs(const object& from) {
    if (const auto status = io::check_members(from, {"node", "lines", "follow"}); !status) {
        return tl::unexpected(status.error());
    }
    auto node = node_member(from);
    if (!node) {
        return tl::unexpected(node.error());
    }
    const auto lines = io::number_member(from, "lines", kLogLinesMax, kLogLinesDefault);
    const auto follow = io::flag_member(from, "follow");
    if (!lines || !follow) {
        return tl::unexpected(lines ? follow.error() : lines.error());
    }
    return SupervisorRequest(LogsRequest{std::move(*node), *lines, *follow ? Follow::yes : Follow::no});
}

template <typename Request>
base::Result<SupervisorRequest> plain(const object& from) {
    if (const auto status = io::check_members(from, {}); !status) {
        return tl::unexpected(status.error());
    }
    return SupervisorRequest(Request{});
}

object request_of(std::string_view op) {
    object out;
    out["op"] = boost::json::string_view(op.data(), op.size());
    return out;
}

}  // namespace

std::string_view name(Action action) {
    return kActions[static_cast<std::size_t>(action)];
}

base::Result<SupervisorRequest> decode_supervisor_request(std::string_view line) {
    const auto from = io::parse_json_object("request", line);
    if (!from) {
        return tl::unexpected(from.error());
    }
    const auto op = io::string_member(*from, "op");
    if (!op) {
        return base::invalid("request: 'op' must be a string");
    }
    if (*op == "list") {
        return plain<ListRequest>(*from);
    }
    if (*op == "watch") {
        return plain<EventsRequest>(*from);
    }
    if (*op == "spawn") {
        return decode_spawn(*from);
    }
    if (*op == "bootstrap") {
        return decode_bootstrap(*from);
    }
    if (*op == "logs") {
        return decode_logs(*from);
    }
    const auto action = std::find(kActions.begin(), kActions.end(), std::string_view(*op));
    if (action != kActions.end()) {
        return decode_action(*from, static_cast<Action>(action - kActions.begin()));
    }
    return base::invalid("request: unknown op '" + base::printable(*op) +
                         "'; list, spawn, stop, kill, restart, wedge, resume, bootstrap, logs and watch exist");
}

std::string encode(const SpawnRequest& request) {
    object out = request_of("spawn");
    out["mesh"] = request.mesh;
    out["type"] = request.type;
    out["count"] = request.count;
    out["cpu_millicores"] = request.budgets.cpu_millicores;
    out["memory_kib"] = request.budgets.memory_kib;
    return boost::json::serialize(out);
}

std::string encode(const ActionRequest& request) {
    object out = request_of(name(request.action));
    out["node"] = cli::json_text(request.node);
    return boost::json::serialize(out);
}

std::string encode(const LogsRequest& request) {
    object out = request_of("logs");
    out["node"] = cli::json_text(request.node);
    out["lines"] = request.lines;
    out["follow"] = request.follow == Follow::yes;
    return boost::json::serialize(out);
}

}  // namespace grapevine::apps
