#pragma once

// GET /api/...: the world, its changes, what happened, and a node's own words, as docs/design/0003-console.md has them.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "console/actions.hpp"
#include "console/http_server.hpp"
#include "console/node_asker.hpp"
#include "console/store.hpp"
#include "console/supervisor_client.hpp"
#include "console/world.hpp"
#include "console/world_json.hpp"

namespace grapevine::console {

class ConsoleApi {
public:
    static constexpr std::size_t kEventsMax = 1000;
    static constexpr std::size_t kLogLinesMax = 1000;

    // What it asks; all of it outlives this, and this the routes.
    struct Parts {
        const World& world;
        Store& store;
        NodeAsker& asker;
        SupervisorClient& supervisor;
        std::function<Moment()> moment;
        std::function<ConsoleFacts()> facts;
        std::function<std::optional<std::filesystem::path>(const base::EndpointId&)> data_dir;
        std::function<void()> attend;          // Somebody looks.
        std::function<void()> flush_timeline;  // So that the store has all of it.
        std::function<void(HttpExchange, std::optional<Version>)> open_live;
        std::function<std::string()> metrics;        // OpenMetrics.
        std::function<std::string()> why_not_ready;  // Empty if it is.
        Reply reply;
    };

    explicit ConsoleApi(Parts parts) : parts_(std::move(parts)) {}
    ConsoleApi(const ConsoleApi&) = delete;
    ConsoleApi& operator=(const ConsoleApi&) = delete;

    std::vector<HttpRoute> routes();

private:
    HttpResponse world();
    HttpResponse world_at(const HttpRequest& request);
    HttpResponse live(const HttpRequest& request);
    HttpResponse timeline(const HttpRequest& request);
    HttpResponse messages(const HttpRequest& request);
    HttpResponse node(const HttpRequest& request);
    HttpResponse node_row(const base::EndpointId& id);
    HttpResponse node_log(const base::EndpointId& id, const HttpRequest& request);
    HttpResponse ready();

    Parts parts_;
};

// The schema of the API, as it is built in.
std::string_view openapi_text();

}  // namespace grapevine::console
