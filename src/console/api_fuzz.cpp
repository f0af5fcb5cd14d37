// Questions to the collector. The first byte chooses what stands before the rest, so that parameters are reached and
// not only paths.
//
// Whatever is asked, the answer is an object of JSON within the limits, or a refusal that says why; no question makes a
// query fail. A limit that is no number within its bounds is refused.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "console/api.hpp"
#include "console/http_target.hpp"
#include "console/routes_testing.hpp"
#include "console/store_testing.hpp"
#include "io/temp_dir_testing.hpp"

using namespace grapevine;

namespace {

using namespace console::testing;
namespace json = boost::json;

constexpr base::WallTime kWall{kNow / 1'000'000};
constexpr std::array<std::string_view, 10> kBefore{"",
                                                   "/api/traces?",
                                                   "/api/traces?limit=",
                                                   "/api/traces?since_s=1&min_duration_us=",
                                                   "/api/traces/",
                                                   "/api/boot/",
                                                   "/api/spans?window_s=",
                                                   "/api/metrics/test.bytes?",
                                                   "/api/metrics/",
                                                   "/api/logs?trace="};

struct Collector {
    Collector() : store(*console::Store::open(dir.path(), {})) {
        auto rows = spans_of({span_of(1, 1, 0, "mesh.node.ready"), span_of(1, 2, 1, "inner"), span_of(2, 3, 9, "far")});
        rows.rows[1].links = {{id_of(2, 32), id_of(3, 16)}};
        otlp::LogRow log;
        log.trace_id = id_of(1, 32);
        log.body = "said";
        otlp::Decoded<otlp::LogRow> logs;
        logs.resources = rows.resources;
        logs.rows = {log, otlp::LogRow{}};
        GRAPEVINE_ASSERT(store->add(rows, kWall) && store->add(logs, kWall), "rows are stored");
        GRAPEVINE_ASSERT(store->add(points_of({gauge("test.bytes", 1, kNow), gauge("test.bytes", 2, kNow + 1)}), kWall),
                         "points are stored");
    }
    io::TempDir dir;
    std::unique_ptr<console::Store> store;
    console::Queries queries{*store};
    console::Api api{queries, [] { return kWall; }, [] { return json::object(); }};
    std::vector<console::HttpRoute> routes = api.routes();
};

// Read by hand: digits alone, within the bounds.
bool is_limit(std::string_view text) {
    if (text.find_first_not_of("0123456789") != std::string_view::npos) return false;
    const std::size_t first = text.find_first_not_of('0');
    if (first == std::string_view::npos || text.size() - first > 4) return false;
    return std::stoul(std::string(text.substr(first))) <= console::Queries::kRowsMax;
}

void check_lists(const json::value& value) {
    if (value.is_array())
        GRAPEVINE_ASSERT(value.get_array().size() <= console::Queries::kRowsMax, "an answer is bounded");
    if (value.is_object())
        for (const auto& [key, member] : value.get_object())
            check_lists(member);
}

void check(const console::HttpRequest& request, const console::HttpResponse& response) {
    if (request.path == "/healthz") return;
    json::error_code error;
    const json::value body = json::parse(response.body, error);
    GRAPEVINE_ASSERT(!error && body.is_object(), "an answer is an object of JSON");
    const bool limited = request.path == "/api/traces" || request.path == "/api/logs";
    const std::string_view limit = request.parameter("limit");
    if (limited && !limit.empty() && !is_limit(limit))
        GRAPEVINE_ASSERT(response.status == 400, "a limit is a number within its bounds");
    if (response.status == 200) return check_lists(body);
    GRAPEVINE_ASSERT(response.status == 400 || response.status == 404 || response.status == 503, "no query fails");
    GRAPEVINE_ASSERT(!body.at("error").at("message").as_string().empty(), "a refusal says why");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Collector collector;
    if (size == 0) return 0;
    const std::string_view rest = base::as_text({data + 1, size - 1});
    const auto target = console::HttpTarget::parse(std::string(kBefore[data[0] % kBefore.size()]) + std::string(rest));
    if (!target) return 0;
    console::HttpRequest request;
    request.method = "GET";
    request.path = target->path;
    request.parameters = target->parameters;
    if (const auto response = served(collector.routes, request); response) check(request, *response);
    return 0;
}
