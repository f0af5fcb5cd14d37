// Requests of exporters, through the decoder into the store and out again. The first byte chooses the signal.
//
// A body is stored or refused, and never breaks the store; what was stored can be asked for, whatever its times, names
// and texts are; when its age is over, nothing of it is left. So each input begins with an empty store.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "console/api.hpp"
#include "console/otlp_receiver.hpp"
#include "console/routes_testing.hpp"
#include "console/store_testing.hpp"
#include "io/temp_dir_testing.hpp"
#include "otlp/decode.hpp"
#include "otlp/encode.hpp"

using namespace grapevine;

namespace {

using namespace console::testing;
namespace json = boost::json;

constexpr base::WallTime kWall{kNow / 1'000'000};
constexpr base::WallTime kLater{kNow / 1'000'000 + 48ULL * 3600 * 1000};
constexpr std::array<const char*, 3> kPaths{"/v1/traces", "/v1/logs", "/v1/metrics"};

struct Collector {
    io::TempDir dir;
    std::unique_ptr<console::Store> store = *console::Store::open(dir.path(), {});
    io::Log log{telemetry::Filter(telemetry::Level::off)};
    console::OtlpReceiver receiver{*store, log, [] { return kWall; }};
    console::Queries queries{*store};
    console::Api api{queries, [] { return kWall; }, [] { return json::object(); }};
    std::vector<console::HttpRoute> receives = receiver.routes();
    std::vector<console::HttpRoute> answers = api.routes();

    json::object ask(const std::string& path) {
        console::HttpRequest request;
        request.method = "GET";
        request.path = path;
        const auto response = served(answers, request);
        GRAPEVINE_ASSERT(response && response->status == 200, "what was stored can be asked for");
        json::error_code error;
        const json::value body = json::parse(response->body, error);
        GRAPEVINE_ASSERT(!error && body.is_object(), "an answer is an object of JSON");
        return body.get_object();
    }
    // The members of a list, each asked for by its own name.
    std::size_t ask_each(const std::string& path, const char* list, const char* name) {
        const json::object body = ask(path);
        for (const json::value& item : body.at(list).as_array()) {
            const std::string text(item.at(name).as_string());
            if (!text.empty()) ask(path + "/" + text);
        }
        return body.at(list).as_array().size();
    }
    std::size_t rows() {
        return ask_each("/api/traces", "traces", "trace_id") + ask_each("/api/metrics", "metrics", "name") +
               ask("/api/logs").at("logs").as_array().size() + 0 * ask("/api/spans").size();
    }
};

void check_response(const console::HttpResponse& response, std::uint64_t refused) {
    GRAPEVINE_ASSERT(response.status == 200 || response.status == 400, "stored, or no such request");
    if (response.status != 200) return;
    const auto said = otlp::decode_response(response.body);
    GRAPEVINE_ASSERT(said && said->rejected == refused, "who sent it is told what was not stored");
    GRAPEVINE_ASSERT((refused == 0) == said->message.empty(), "and why");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Collector collector;
    if (size == 0) return 0;
    console::HttpRequest request;
    request.method = "POST";
    request.path = kPaths[data[0] % kPaths.size()];
    request.content_type = "application/x-protobuf";
    request.body = base::as_text({data + 1, size - 1});
    const auto refused = collector.receiver.counters().refused;
    const auto stored = [](const console::StoreCounters& c) {
        return c.spans_stored + c.logs_stored + c.points_stored;
    };
    const auto before = stored(collector.store->counters());
    const auto response = served(collector.receives, request);
    check_response(*response, collector.receiver.counters().refused - refused);
    const bool any = stored(collector.store->counters()) > before;
    GRAPEVINE_ASSERT((collector.rows() > 0) == any, "what was stored is found, and nothing else");
    while (collector.store->maintain(kLater)) {
    }
    GRAPEVINE_ASSERT(collector.rows() == 0, "nothing is kept beyond its age");
    return 0;
}
