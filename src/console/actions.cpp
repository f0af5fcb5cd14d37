#include "console/actions.hpp"

#include <array>
#include <optional>
#include <utility>

#include <boost/json/serialize.hpp>

#include "base/ids.hpp"
#include "base/utf8.hpp"
#include "console/action_request.hpp"
#include "io/json.hpp"

namespace grapevine::console {
namespace {

namespace json = boost::json;

constexpr std::array kActions{NodeAction::stop, NodeAction::kill, NodeAction::restart, NodeAction::wedge,
                              NodeAction::resume};

struct Kind {
    unsigned status;
    const char* code;
};

Kind kind_of(base::ErrorCode code) {
    switch (code) {
        case base::ErrorCode::invalid: return {400, "invalid"};
        case base::ErrorCode::not_found: return {404, "not_found"};
        case base::ErrorCode::exhausted: return {409, "exhausted"};
        case base::ErrorCode::busy: return {503, "busy"};
        case base::ErrorCode::denied: return {403, "denied"};
        case base::ErrorCode::failed: break;
    }
    return {500, "failed"};
}

HttpResponse refuse(const BadBody& bad) {
    return http_error(400, bad.message, bad.field);
}

std::string text_of(const json::object& detail, std::string_view name) {
    return io::string_member(detail, name).value_or("");
}

std::optional<NodeAction> action_of(std::string_view word) {
    for (const NodeAction action : kActions) {
        if (name(action) == word) {
            return action;
        }
    }
    return std::nullopt;
}

}  // namespace

HttpResponse error_response(const base::Error& error) {
    const Kind kind = kind_of(error.code);
    json::object body;
    body["error"] = json::object{{"code", kind.code}, {"message", base::repaired_utf8(error.message)}};
    HttpResponse out;
    out.status = kind.status;
    out.body = json::serialize(body);
    return out;
}

std::vector<HttpRoute> Actions::routes() {
    using Request = const HttpRequest&;
    return {{"POST", "/api/spawn", [this](Request request) { return spawn(request); }},
            {"POST", "/api/bootstrap", [this](Request request) { return bootstrap(request); }},
            {"POST", "/api/nodes/*", [this](Request request) { return act(request); }}};
}

HttpResponse Actions::begin(const HttpRequest& request, std::string what, json::object detail, unsigned status,
                            std::function<void(SupervisorClient::Done)> start) {
    if (!supervisor_.present()) {
        const base::Error none{base::ErrorCode::not_found, "no supervisor: " + supervisor_.why_not()};
        audit_.add(moment_().wall, request.peer, what, std::move(detail), none.message);
        return error_response(none);
    }
    HttpResponse out;
    out.later = [this, peer = request.peer, what = std::move(what), detail = std::move(detail), status,
                 start = std::move(start)](HttpExchange exchange) {
        world_.on_note({0,
                        0,
                        "action",
                        text_of(detail, "node"),
                        text_of(detail, "mesh"),
                        what + " was asked for here: " + json::serialize(detail),
                        {}},
                       moment_());
        start([this, peer, what, detail, status, exchange](base::Result<json::object> answer) {
            audit_.add(moment_().wall, peer, what, detail, answer ? "done" : answer.error().message);
            HttpResponse response = answer ? HttpResponse{} : error_response(answer.error());
            if (answer) {
                response.status = status;
                response.body = json::serialize(*answer);
            }
            reply_(exchange, std::move(response));
        });
    };
    return out;
}

HttpResponse Actions::spawn(const HttpRequest& request) {
    auto wish = decode_spawn(request.body);
    if (!wish) {
        return refuse(wish.error());
    }
    json::object detail;
    detail["mesh"] = wish->mesh;
    detail["type"] = wish->type;
    detail["count"] = wish->count;
    detail["cpu_millicores"] = wish->cpu_millicores;
    detail["memory_kib"] = wish->memory_kib;
    return begin(
        request, "spawn", std::move(detail), 201,
        [this, wish = std::move(*wish)](SupervisorClient::Done done) { supervisor_.spawn(wish, std::move(done)); });
}

HttpResponse Actions::bootstrap(const HttpRequest& request) {
    auto meshes = decode_bootstrap(request.body);
    if (!meshes) {
        return refuse(meshes.error());
    }
    json::object detail;
    for (const MeshWish& mesh : *meshes) {
        json::object types;
        for (const TypeWish& type : mesh.per_mesh) {
            types[type.type] = type.count;
        }
        detail[mesh.mesh] = std::move(types);
    }
    return begin(request, "bootstrap", std::move(detail), 200,
                 [this, meshes = std::move(*meshes)](SupervisorClient::Done done) {
                     supervisor_.bootstrap(meshes, std::move(done));
                 });
}

// "ID/ACTION".
HttpResponse Actions::act(const HttpRequest& request) {
    const std::size_t slash = request.rest.find('/');
    const auto id = base::EndpointId::parse(request.rest.substr(0, slash));
    const auto action =
        slash == std::string::npos ? std::nullopt : action_of(std::string_view(request.rest).substr(slash + 1));
    if (!action) {
        return http_error(404, "no such path: /api/nodes/ID/ and stop, kill, restart, wedge or resume");
    }
    if (!id) {
        return http_error(400, id.error().message, "id");
    }
    if (const auto nothing = decode_nothing(request.body); !nothing) {
        return refuse(nothing.error());
    }
    json::object detail;
    detail["node"] = id->hex();
    return begin(request, std::string(name(*action)), std::move(detail), 200,
                 [this, action = *action, node = id->hex()](SupervisorClient::Done done) {
                     supervisor_.act(action, node, std::move(done));
                 });
}

}  // namespace grapevine::console
