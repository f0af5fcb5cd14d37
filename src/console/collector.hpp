#pragma once

// The collector: receives OTLP/HTTP, keeps it in a bounded store, and answers questions about it.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "base/socket_addr.hpp"
#include "console/collector_registry.hpp"
#include "console/http_server.hpp"
#include "console/store.hpp"
#include "io/runtime.hpp"

namespace grapevine::console {

struct CollectorConfig {
    base::SocketAddr listen = base::SocketAddr::v4(127, 0, 0, 1, 4318);  // OTLP/HTTP's port.
    std::filesystem::path directory;                                     // Of the store; made if absent.
    StoreLimits store;
    HttpLimits http;
    std::string version;  // For /api/status.
};

class Collector {
public:
    static constexpr base::Duration kMaintainEvery = std::chrono::seconds(30);
    static constexpr base::Duration kMaintainMore = std::chrono::milliseconds(50);  // While there is more to do.

    // Takes the directory's lock, opens the store, listens, and enters the registry. `runtime` outlives it. Errors: the
    // directory is another collector's (busy), the store's, the address is taken.
    static base::Result<std::unique_ptr<Collector>> start(io::Runtime& runtime, const CollectorConfig& config);
    // Leaves the registry, closes the connections and the store.
    ~Collector();
    Collector(const Collector&) = delete;
    Collector& operator=(const Collector&) = delete;

    [[nodiscard]] const CollectorRecord& record() const;
    // Counters by cause, and the store's size: what /api/status says.
    [[nodiscard]] boost::json::object status();

private:
    class Impl;
    explicit Collector(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace grapevine::console
