#include "console/console_api.hpp"

#include <utility>

#include <boost/json/serialize.hpp>

#include "console/http_parameters.hpp"

namespace grapevine::console {
namespace {

namespace json = boost::json;

HttpResponse respond(const json::object& body) {
    HttpResponse out;
    out.body = json::serialize(body);
    return out;
}

// 2^53, beyond which JSON's numbers are not exact.
constexpr std::uint64_t kNumberMax = 1ULL << 53U;

}  // namespace

std::vector<HttpRoute> ConsoleApi::routes() {
    using Request = const HttpRequest&;
    return {
        {"GET", "/api/world", [this](Request) { return world(); }},
        {"GET", "/api/world/at", [this](Request request) { return world_at(request); }},
        {"GET", "/api/live", [this](Request request) { return live(request); }},
        {"GET", "/api/timeline", [this](Request request) { return timeline(request); }},
        {"GET", "/api/messages", [this](Request request) { return messages(request); }},
        {"GET", "/api/nodes/*", [this](Request request) { return node(request); }},
        {"GET", "/api/openapi.json",
         [](Request) { return HttpResponse{200, "application/json", std::string(openapi_text())}; }},
        {"GET", "/readyz", [this](Request) { return ready(); }},
        {"GET", "/metrics",
         [this](Request) {
             return HttpResponse{200, "application/openmetrics-text; version=1.0.0; charset=utf-8", parts_.metrics()};
         }},
    };
}

HttpResponse ConsoleApi::world() {
    parts_.attend();
    return respond(world_json(parts_.world, parts_.facts(), parts_.moment()));
}

HttpResponse ConsoleApi::world_at(const HttpRequest& request) {
    const auto unix_ms = number_parameter(request, "unix_ms", 0, 1, kNumberMax);
    if (!unix_ms || *unix_ms == 0) {
        return http_error(400, unix_ms ? "unix_ms: is required" : unix_ms.error().message, "unix_ms");
    }
    const auto past = parts_.world.at(*unix_ms);
    if (!past) {
        return http_error(404,
                          "unix_ms: the world is kept from " + std::to_string(parts_.world.past_since_unix_ms()) +
                              " on, an hour at most",
                          "unix_ms");
    }
    return respond(past_json(*past, *unix_ms));
}

HttpResponse ConsoleApi::live(const HttpRequest& request) {
    parts_.attend();
    std::optional<Version> after;
    const std::string_view given =
        request.last_event_id.empty() ? request.parameter("after") : std::string_view(request.last_event_id);
    if (!given.empty()) {
        const auto version = parse_number("after", given, 0, kNumberMax);
        if (!version) {
            return http_error(400, version.error().message, "after");
        }
        after = *version;
    }
    HttpResponse out;
    out.content_type = "text/event-stream";
    out.stream = [this, after](HttpExchange exchange) { parts_.open_live(exchange, after); };
    return out;
}

HttpResponse ConsoleApi::timeline(const HttpRequest& request) {
    const auto before = number_parameter(request, "before", 0, 0, kNumberMax);
    const auto limit = number_parameter(request, "limit", 100, 1, kEventsMax);
    for (const auto* checked : {&before, &limit}) {
        if (!*checked) {
            return error_response(checked->error());
        }
    }
    TimelineFilter filter;
    filter.before_seq = *before;
    filter.limit = *limit;
    filter.kind = request.parameter("kind");
    filter.node = request.parameter("node");
    filter.mesh = request.parameter("mesh");
    filter.text = request.parameter("text");
    parts_.flush_timeline();
    const auto stored = parts_.store.find_timeline(filter);
    return respond(timeline_json(stored ? *stored : parts_.world.timeline().find(filter)));
}

HttpResponse ConsoleApi::messages(const HttpRequest& request) {
    const auto limit = number_parameter(request, "limit", 100, 1, World::kSamplesMax);
    return limit ? respond(messages_json(parts_.world, *limit)) : error_response(limit.error());
}

// "ID" or "ID/log".
HttpResponse ConsoleApi::node(const HttpRequest& request) {
    const std::size_t slash = request.rest.find('/');
    const auto id = base::EndpointId::parse(request.rest.substr(0, slash));
    if (!id) {
        return http_error(400, id.error().message, "id");
    }
    if (slash == std::string::npos) {
        return node_row(*id);
    }
    return request.rest.substr(slash) == "/log" ? node_log(*id, request) : http_error(404, "no such path");
}

HttpResponse ConsoleApi::node_row(const base::EndpointId& id) {
    const NodeRow* row = parts_.world.nodes().find(id);
    if (row == nullptr) {
        return http_error(404, "node " + id.hex() + ": is not known here", "id");
    }
    json::object out = node_json(id, *row, parts_.moment());
    const auto data_dir = parts_.data_dir(id);
    if (!data_dir) {
        for (const char* member : {"status", "why", "ledger"}) {
            out[member] = nullptr;
        }
        return respond(out);
    }
    HttpResponse response;
    response.later = [this, id, data_dir, row = std::move(out)](HttpExchange exchange) {
        const auto asked = parts_.asker.ask(*data_dir,
                                            {{"status", R"({"op":"status"})"},
                                             {"why", R"({"op":"why","name":")" + id.hex() + R"("})"},
                                             {"ledger", R"({"op":"ledger"})"}},
                                            [this, exchange, row](const json::object& answers) {
                                                json::object body = row;
                                                for (const auto& member : answers) {
                                                    body[member.key()] = member.value();
                                                }
                                                parts_.reply(exchange, respond(body));
                                            });
        if (!asked) {
            parts_.reply(exchange, error_response(asked.error()));
        }
    };
    return response;
}

HttpResponse ConsoleApi::node_log(const base::EndpointId& id, const HttpRequest& request) {
    const auto lines = number_parameter(request, "lines", 100, 1, kLogLinesMax);
    if (!lines) {
        return error_response(lines.error());
    }
    if (!parts_.supervisor.present()) {
        return http_error(404, "no supervisor keeps the log of this node: " + parts_.supervisor.why_not());
    }
    HttpResponse response;
    response.later = [this, id, count = *lines](HttpExchange exchange) {
        parts_.supervisor.log(id.hex(), count, [this, exchange](const base::Result<json::object>& answer) {
            parts_.reply(exchange, answer ? respond(*answer) : error_response(answer.error()));
        });
    };
    return response;
}

HttpResponse ConsoleApi::ready() {
    const std::string why = parts_.why_not_ready();
    return why.empty() ? HttpResponse{200, "text/plain", "ok\n"} : HttpResponse{503, "text/plain", why + "\n"};
}

}  // namespace grapevine::console
