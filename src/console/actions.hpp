#pragma once

// Requests that change something: checked, handed to the supervisor, answered when it is done, and written down. Who
// may ask was looked at before (guard.hpp).

#include <functional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "console/audit_log.hpp"
#include "console/http_server.hpp"
#include "console/supervisor_client.hpp"
#include "console/world_input.hpp"

namespace grapevine::console {

using Reply = std::function<void(HttpExchange exchange, HttpResponse response)>;

// An error with the status and the code that it has by itself.
HttpResponse error_response(const base::Error& error);

class Actions {
public:
    // All of it outlives this, and this the routes.
    Actions(SupervisorClient& supervisor, WorldInput& world, AuditLog& audit, std::function<Moment()> moment,
            Reply reply)
        : supervisor_(supervisor), world_(world), audit_(audit), moment_(std::move(moment)), reply_(std::move(reply)) {}
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;

    // POST /api/spawn, /api/bootstrap, /api/nodes/ID/ACTION.
    std::vector<HttpRoute> routes();

private:
    HttpResponse spawn(const HttpRequest& request);
    HttpResponse bootstrap(const HttpRequest& request);
    HttpResponse act(const HttpRequest& request);
    // `start` hands over to the supervisor; what it answers is written down and sent with `status`.
    HttpResponse begin(const HttpRequest& request, std::string what, boost::json::object detail, unsigned status,
                       std::function<void(SupervisorClient::Done)> start);

    SupervisorClient& supervisor_;
    WorldInput& world_;
    AuditLog& audit_;
    std::function<Moment()> moment_;
    Reply reply_;
};

}  // namespace grapevine::console
