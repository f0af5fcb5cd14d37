#include "console/collector.hpp"

#include <unistd.h>

#include <iterator>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "console/api.hpp"
#include "console/otlp_receiver.hpp"
#include "console/queries.hpp"
#include "io/data_dir.hpp"

namespace grapevine::console {
namespace {

namespace json = boost::json;

json::object to_json(const HttpServer::Counters& counters) {
    return {{"accepted", counters.accepted},
            {"requests", counters.requests},
            {"connections_refused", counters.connections_refused},
            {"connections_evicted", counters.connections_evicted},
            {"malformed", counters.malformed},
            {"too_large", counters.too_large},
            {"no_room", counters.no_room},
            {"host_refused", counters.host_refused},
            {"timed_out", counters.timed_out},
            {"unknown_route", counters.unknown_route},
            {"gate_refused", counters.gate_refused},
            {"streams", counters.streams},
            {"streams_refused", counters.streams_refused},
            {"streams_dropped", counters.streams_dropped},
            {"handshakes", counters.handshakes},
            {"handshakes_failed", counters.handshakes_failed},
            {"handshakes_timed_out", counters.handshakes_timed_out},
            {"handshakes_evicted", counters.handshakes_evicted}};
}

json::object to_json(const OtlpReceiver::Counters& counters) {
    return {{"requests", counters.requests},        {"items", counters.items},
            {"refused", counters.refused},          {"cut", counters.cut},
            {"malformed", counters.malformed},      {"unsupported_type", counters.unsupported_type},
            {"store_full", counters.store_full},    {"store_busy", counters.store_busy},
            {"store_failed", counters.store_failed}};
}

json::object to_json(const StoreCounters& counters) {
    return {{"spans_stored", counters.spans_stored},
            {"logs_stored", counters.logs_stored},
            {"points_stored", counters.points_stored},
            {"events_stored", counters.events_stored},
            {"duplicates", counters.duplicates},
            {"refused", counters.refused},
            {"attributes_cut", counters.attributes_cut},
            {"traces_evicted_size", counters.traces_evicted_size},
            {"traces_evicted_age", counters.traces_evicted_age},
            {"rows_evicted_size", counters.rows_evicted_size},
            {"rows_evicted_age", counters.rows_evicted_age},
            {"items_dropped_full", counters.items_dropped_full},
            {"items_dropped_failed", counters.items_dropped_failed}};
}

}  // namespace

// In the order of making: each uses those before it.
class Collector::Impl {
public:
    Impl(io::Runtime& runtime, const CollectorConfig& config, io::DataDir lock, std::unique_ptr<Store> store,
         CollectorRegistry registry)
        : runtime_(runtime),
          config_(config),
          lock_(std::move(lock)),
          registry_(std::move(registry)),
          store_(std::move(store)),
          queries_(*store_),
          receiver_(*store_, runtime.log(), [this] { return runtime_.wall_now(); }),
          api_(queries_, [this] { return runtime_.wall_now(); }, [this] { return status(); }) {}

    ~Impl() {
        runtime_.cancel(maintenance_);
        if (record_.pid != 0) {
            registry_.remove(record_.pid);
        }
    }

    base::Status listen(CollectorGuests guests) {
        receiver_.on_spans(std::move(guests.on_spans));
        std::vector<HttpRoute> routes = receiver_.routes();
        for (std::vector<HttpRoute> more : {api_.routes(), std::move(guests.routes)}) {
            routes.insert(routes.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
        }
        auto server =
            HttpServer::start(runtime_, config_.listen, config_.http, std::move(routes), std::move(guests.manners));
        if (!server) {
            return tl::unexpected(server.error());
        }
        server_ = std::move(*server);
        record_ = {server_->url(), lock_.path().string(), ::getpid(), runtime_.wall_now().unix_ms};
        maintain();
        return registry_.add(record_);
    }

    json::object status() {
        json::object out;
        out["url"] = record_.url;
        out["pid"] = record_.pid;
        out["version"] = config_.version;
        out["started_unix_ms"] = record_.started_unix_ms;
        out["store"] = json::object{{"directory", record_.store},
                                    {"bytes_used", store_->bytes_used()},
                                    {"bytes_of_file", store_->bytes_of_file()},
                                    {"bytes_max", store_->limits().bytes_max},
                                    {"age_max_s", store_->limits().age_max / std::chrono::seconds(1)},
                                    {"counters", to_json(store_->counters())}};
        out["receiver"] = to_json(receiver_.counters());
        json::object http = to_json(server_->counters());
        http["connections"] = server_->connections();
        out["http"] = std::move(http);
        return out;
    }

    [[nodiscard]] const CollectorRecord& record() const { return record_; }
    [[nodiscard]] Store& store() { return *store_; }
    [[nodiscard]] HttpServer& server() { return *server_; }
    [[nodiscard]] const OtlpReceiver::Counters& received() const { return receiver_.counters(); }

private:
    void maintain() {
        const bool more = store_->maintain(runtime_.wall_now());
        maintenance_ = runtime_.at(runtime_.now() + (more ? kMaintainMore : kMaintainEvery), std::chrono::seconds(1),
                                   [this] { maintain(); });
    }

    io::Runtime& runtime_;
    CollectorConfig config_;
    io::DataDir lock_;
    CollectorRegistry registry_;
    std::unique_ptr<Store> store_;
    Queries queries_;
    OtlpReceiver receiver_;
    Api api_;
    std::unique_ptr<HttpServer> server_;
    CollectorRecord record_;
    io::TaskId maintenance_;
};

base::Result<std::unique_ptr<Collector>> Collector::start(io::Runtime& runtime, const CollectorConfig& config) {
    auto collector = open(runtime, config);
    if (collector) {
        if (const auto listening = (*collector)->listen({}); !listening) {
            return tl::unexpected(listening.error());
        }
    }
    return collector;
}

base::Result<std::unique_ptr<Collector>> Collector::open(io::Runtime& runtime, const CollectorConfig& config) {
    auto lock = io::DataDir::open(config.directory, telemetry::Kind::descriptor);
    if (!lock) {
        const auto holder = io::data_dir_holder(config.directory);
        return lock.error().code != base::ErrorCode::busy || !holder
                   ? tl::unexpected(lock.error())
                   : base::fail(base::ErrorCode::busy, "store '" + config.directory.string() +
                                                           "': another collector has it, process " +
                                                           std::to_string(*holder));
    }
    auto store = Store::open(config.directory, config.store);
    if (!store) {
        return tl::unexpected(store.error());
    }
    auto registry = CollectorRegistry::open();
    if (!registry) {
        return tl::unexpected(registry.error());
    }
    return std::unique_ptr<Collector>(new Collector(
        std::make_unique<Impl>(runtime, config, std::move(*lock), std::move(*store), std::move(*registry))));
}

base::Status Collector::listen(CollectorGuests guests) {
    return impl_->listen(std::move(guests));
}

Collector::Collector(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Collector::~Collector() = default;

const CollectorRecord& Collector::record() const {
    return impl_->record();
}

boost::json::object Collector::status() {
    return impl_->status();
}

Store& Collector::store() {
    return impl_->store();
}

HttpServer& Collector::server() {
    return impl_->server();
}

const OtlpReceiver::Counters& Collector::received() const {
    return impl_->received();
}

}  // namespace grapevine::console
