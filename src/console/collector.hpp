#pragma once

// The collector: receives OTLP/HTTP, keeps it in a bounded store, and answers questions about it.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "base/socket_addr.hpp"
#include "console/collector_registry.hpp"
#include "console/http_server.hpp"
#include "console/otlp_receiver.hpp"
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

// What else is served on the collector's port, and what it is told.
struct CollectorGuests {
    std::vector<HttpRoute> routes{};  // After the collector's own.
    HttpManners manners{};
    std::function<void(const otlp::Decoded<otlp::SpanRow>&)> on_spans{};  // Those that were stored.
};

class Collector {
public:
    static constexpr base::Duration kMaintainEvery = std::chrono::seconds(30);
    static constexpr base::Duration kMaintainMore = std::chrono::milliseconds(50);  // While there is more to do.

    // Takes the directory's lock, opens the store, listens, and enters the registry. `runtime` outlives it. Errors: the
    // directory is another collector's (busy), the store's, the address is taken.
    static base::Result<std::unique_ptr<Collector>> start(io::Runtime& runtime, const CollectorConfig& config);
    // The same in two steps: what open() gives has its store, and listens once it is told to.
    static base::Result<std::unique_ptr<Collector>> open(io::Runtime& runtime, const CollectorConfig& config);
    base::Status listen(CollectorGuests guests);
    // Leaves the registry, closes the connections and the store.
    ~Collector();
    Collector(const Collector&) = delete;
    Collector& operator=(const Collector&) = delete;

    [[nodiscard]] const CollectorRecord& record() const;
    // Counters by cause, and the store's size: what /api/status says.
    [[nodiscard]] boost::json::object status();
    [[nodiscard]] Store& store();
    // Once it listens.
    [[nodiscard]] HttpServer& server();
    [[nodiscard]] const OtlpReceiver::Counters& received() const;

private:
    class Impl;
    explicit Collector(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace grapevine::console
