#pragma once

// GET /api/...: the queries over HTTP, as docs/collector.md describes them. Errors are {"error":{"code","message"}}
// with 400 for a parameter that breaks its rule, 404 for what is not in the store, 503 for a query that took too long.

#include <functional>
#include <vector>

#include <boost/json/object.hpp>

#include "base/time.hpp"
#include "console/http_server.hpp"
#include "console/queries.hpp"

namespace grapevine::console {

class Api {
public:
    // All that it is given outlives it, and it the routes. `status` is the answer to /api/status.
    Api(Queries& queries, std::function<base::WallTime()> wall_now, std::function<boost::json::object()> status)
        : queries_(queries), wall_now_(std::move(wall_now)), status_(std::move(status)) {}
    Api(const Api&) = delete;
    Api& operator=(const Api&) = delete;

    std::vector<HttpRoute> routes();

private:
    Queries::Answer traces(const HttpRequest& request);
    Queries::Answer spans(const HttpRequest& request);
    Queries::Answer metric(const HttpRequest& request);
    Queries::Answer services(const HttpRequest& request);
    Queries::Answer logs(const HttpRequest& request);

    Queries& queries_;
    std::function<base::WallTime()> wall_now_;
    std::function<boost::json::object()> status_;
};

}  // namespace grapevine::console
