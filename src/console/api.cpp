#include "console/api.hpp"

#include <algorithm>
#include <string>

#include <boost/json.hpp>

#include "console/http_parameters.hpp"

namespace grapevine::console {
namespace {

constexpr std::uint64_t kSecondsMax = 365ULL * 24 * 3600;

HttpResponse respond(const Queries::Answer& answer) {
    if (answer) {
        HttpResponse out;
        out.body = boost::json::serialize(*answer);
        return out;
    }
    switch (answer.error().code) {
        case base::ErrorCode::invalid: return http_error(400, answer.error().message);
        case base::ErrorCode::not_found: return http_error(404, answer.error().message);
        case base::ErrorCode::busy: return http_error(503, answer.error().message);
        default: return http_error(500, answer.error().message);
    }
}

std::uint64_t seconds_before(base::WallTime now, std::uint64_t seconds) {
    const std::uint64_t milliseconds = seconds * 1000;
    return now.unix_ms > milliseconds ? (now.unix_ms - milliseconds) * 1'000'000 : 0;
}

}  // namespace

std::vector<HttpRoute> Api::routes() {
    using Request = const HttpRequest&;
    return {
        {"GET", "/healthz", [](Request) { return HttpResponse{200, "text/plain", "ok\n", {}}; }},
        {"GET", "/api/status", [this](Request) { return respond(Queries::Answer(status_())); }},
        {"GET", "/api/traces", [this](Request request) { return respond(traces(request)); }},
        {"GET", "/api/traces/*", [this](Request request) { return respond(queries_.trace(request.rest)); }},
        {"GET", "/api/boot/*", [this](Request request) { return respond(queries_.boot(request.rest)); }},
        {"GET", "/api/spans", [this](Request request) { return respond(spans(request)); }},
        {"GET", "/api/metrics", [this](Request) { return respond(queries_.metrics()); }},
        {"GET", "/api/metrics/*", [this](Request request) { return respond(metric(request)); }},
        {"GET", "/api/services", [this](Request request) { return respond(services(request)); }},
        {"GET", "/api/logs", [this](Request request) { return respond(logs(request)); }},
    };
}

Queries::Answer Api::traces(const HttpRequest& request) {
    const auto limit = number_parameter(request, "limit", 20, 1, Queries::kRowsMax);
    const auto since = number_parameter(request, "since_s", 0, 1, kSecondsMax);
    const auto duration = number_parameter(request, "min_duration_us", 0, 0, UINT64_MAX / 1000);
    for (const auto* checked : {&limit, &since, &duration}) {
        if (!*checked) {
            return tl::unexpected(checked->error());
        }
    }
    TraceFilter filter;
    filter.service = request.parameter("service");
    filter.name = request.parameter("name");
    filter.mesh = request.parameter("mesh");
    filter.node = request.parameter("node");
    filter.min_duration_ns = *duration * 1000;
    filter.since_unix_ns = *since == 0 ? 0 : seconds_before(wall_now_(), *since);
    filter.limit = *limit;
    return queries_.traces(filter);
}

Queries::Answer Api::spans(const HttpRequest& request) {
    const auto window = number_parameter(request, "window_s", 300, 1, 24 * 3600);
    return window ? queries_.span_names(wall_now_(), std::chrono::seconds(*window))
                  : Queries::Answer(tl::unexpected(window.error()));
}

Queries::Answer Api::metric(const HttpRequest& request) {
    const auto since = number_parameter(request, "since_s", 600, 1, kSecondsMax);
    if (!since) {
        return tl::unexpected(since.error());
    }
    MetricFilter filter;
    filter.service = request.parameter("service");
    filter.mesh = request.parameter("mesh");
    filter.node = request.parameter("node");
    filter.since_unix_ns = seconds_before(wall_now_(), *since);
    return queries_.metric(request.rest, filter);
}

Queries::Answer Api::services(const HttpRequest& request) {
    const auto since = number_parameter(request, "since_s", 600, 1, kSecondsMax);
    return since ? queries_.services(seconds_before(wall_now_(), *since))
                 : Queries::Answer(tl::unexpected(since.error()));
}

Queries::Answer Api::logs(const HttpRequest& request) {
    const auto limit = number_parameter(request, "limit", 100, 1, Queries::kRowsMax);
    return limit ? queries_.logs(request.parameter("trace"), *limit) : Queries::Answer(tl::unexpected(limit.error()));
}

}  // namespace grapevine::console
