#include "console/console.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "console/actions.hpp"
#include "console/audit_log.hpp"
#include "console/console_api.hpp"
#include "console/feed.hpp"
#include "console/live.hpp"
#include "console/message_tap.hpp"
#include "console/node_asker.hpp"
#include "console/open_metrics.hpp"
#include "console/watch_feed.hpp"
#include "console/world.hpp"
#include "console/world_json.hpp"

namespace grapevine::console {
namespace {

constexpr Version kVersionsAMillisecond = 1000;  // Rule 6 of world.hpp: more than a world changes in one.

MetricFigure counter(std::string_view name, std::string_view help, std::uint64_t value, std::string labels = {}) {
    return {name, help, MetricFigure::Kind::counter, value, std::move(labels)};
}

MetricFigure gauge(std::string_view name, std::string_view help, std::uint64_t value) {
    return {name, help, MetricFigure::Kind::gauge, value, {}};
}

}  // namespace

// In the order of making: each uses those before it.
class Console::Impl {
public:
    Impl(io::Runtime& runtime, ConsoleConfig config, SupervisorClient& supervisor, std::unique_ptr<Collector> collector)
        : runtime_(runtime),
          supervisor_(supervisor),
          fabric_(config.fabric),
          jaeger_(config.jaeger),
          pages_(std::move(config.pages)),
          collector_(std::move(collector)),
          name_(config.hosts.empty() ? std::string() : config.hosts.front()),
          identity_(std::move(config.identity)),
          guard_(std::move(config.token), config.access, identity_ ? Scheme::https : Scheme::http,
                 std::move(config.hosts)),
          audit_(config.collector.directory),
          world_(runtime.wall_now().unix_ms * kVersionsAMillisecond, moment()),
          live_(world_, [this] { return facts(); }),
          asker_(runtime),
          actions_(
              supervisor, world_, audit_, [this] { return moment(); }, reply()),
          api_(parts()) {}

    ~Impl() {
        flush();
        for (const auto& task : {pulse_, flush_}) {
            if (task) {
                runtime_.cancel(*task);
            }
        }
    }

    base::Status begin() {
        recall();
        CollectorGuests guests;
        guests.manners.gate = [this](const HttpRequest& request) { return guard_.check(request, runtime_.now()); };
        guests.manners.headers = Guard::headers();
        guests.manners.name = name_;
        guests.manners.identity = std::move(identity_);
        guests.manners.stream_ended = [this](HttpExchange exchange) { live_.on_close(exchange); };
        guests.on_spans = [this](const auto& spans) { on_spans(spans); };
        guests.routes = api_.routes();
        for (HttpRoute& route : actions_.routes()) {
            guests.routes.push_back(std::move(route));
        }
        guests.routes.push_back({"POST", "/api/session", [this](const HttpRequest&) { return guard_.session(); }});
        for (const char* path : {"/", "/*"}) {
            guests.routes.push_back(
                {"GET", path, [this](const HttpRequest& request) { return pages_.answer(request.path); }});
        }
        if (auto listening = collector_->listen(std::move(guests)); !listening) {
            return listening;
        }
        guard_.listens_on(collector_->server().address());
        world_.on_source("store", SourceState::up, "spans, metrics, logs and the timeline", moment());
        world_.on_note({0, 0, "console", "", "", "the console started", {}}, moment());
        changed();
        return {};
    }

    base::Status start_feed(MeshesHere meshes) {
        feed_ = std::make_unique<Feed>(runtime_, world_, [this] { changed(); });
        feed_->on_meshes([this, meshes = std::move(meshes)](std::set<std::string> here) {
            here_ = std::move(here);
            if (meshes) {
                meshes(here_);
            }
            if (watch_feed_) {
                watch_feed_->set_here(here_);
            }
        });
        return feed_->start();
    }

    void set_own(const base::EndpointId& self, MeshWatcher& watcher) {
        self_ = self;
        feed_->set_self(self);
        watch_feed_ = std::make_unique<WatchFeed>(runtime_, world_, watcher, [this] { changed(); });
        watch_feed_->set_here(here_);
        changed();
    }

    void lose_own() {
        watch_feed_.reset();
        self_ = {};
        feed_->set_self({});
    }

    void attend() {
        if (feed_) {
            feed_->attend();
        }
        if (watch_feed_) {
            watch_feed_->attend();
        }
    }

    void changed() {
        live_.on_change(moment());
        if (!flush_ && world_.timeline().last_seq() != flushed_) {
            flush_later(kFlushAfter);
        }
        arm();
    }

    [[nodiscard]] Moment moment() const { return {runtime_.now(), runtime_.wall_now()}; }
    [[nodiscard]] WorldInput& input() { return world_; }
    [[nodiscard]] const Collector& collector() const { return *collector_; }

private:
    Reply reply() {
        return [this](HttpExchange exchange, HttpResponse response) {
            collector_->server().reply(exchange, std::move(response));
            changed();
        };
    }

    ConsoleApi::Parts parts() {
        return {world_,
                collector_->store(),
                asker_,
                supervisor_,
                [this] { return moment(); },
                [this] { return facts(); },
                [this](const base::EndpointId& id) {
                    return feed_ ? feed_->data_dir(id) : std::optional<std::filesystem::path>();
                },
                [this] { attend(); },
                [this] { flush(); },
                [this](HttpExchange exchange, std::optional<Version> after) { open_live(exchange, after); },
                [this] { return metrics(); },
                [this] { return why_not_ready(); },
                reply()};
    }

    [[nodiscard]] ConsoleFacts facts() const {
        const std::string why = supervisor_.why_not();
        const bool read_only = guard_.access() == Access::read_only;
        return {fabric_,
                self_ == base::EndpointId{} ? std::string{} : self_.hex(),
                supervisor_.present(),
                supervisor_.present() && why.empty() && !read_only,
                read_only ? "this console is read-only" : why,
                read_only,
                jaeger_};
    }

    // What an earlier life kept.
    void recall() {
        constexpr auto kAgeMs = static_cast<std::uint64_t>(Timeline::kAge / std::chrono::milliseconds(1));
        const std::uint64_t now = runtime_.wall_now().unix_ms;
        auto events = collector_->store().timeline_since(now - std::min(now, kAgeMs), Timeline::kEventsMax);
        const auto newest = collector_->store().timeline_since(0, 1);
        const std::uint64_t last = newest && !newest->empty() ? newest->back().seq : 0;
        if (events) {
            world_.timeline().adopt(std::move(*events), last);
        }
        flushed_ = world_.timeline().last_seq();
    }

    void flush_later(base::Duration delay) {
        flush_ = runtime_.at(runtime_.now() + delay, delay / 4, [this] {
            flush_.reset();
            flush();
        });
    }

    void flush() {
        const std::vector<TimelineEvent> events = world_.timeline().after(flushed_);
        if (events.empty()) {
            return;
        }
        const auto stored = collector_->store().add_timeline(events, runtime_.wall_now());
        if (stored) {
            flushed_ = events.back().seq;
            world_.on_source("store", SourceState::up, "spans, metrics, logs and the timeline", moment());
            return;
        }
        world_.on_source("store", SourceState::down, stored.error().message, moment());
        if (!flush_) {
            flush_later(kFlushAgain);
        }
    }

    void open_live(HttpExchange exchange, std::optional<Version> after) {
        Live::Effects effects;
        live_.on_open(exchange, after, moment(), effects);
        push(effects);
        arm();
    }

    void push(const Live::Effects& effects) {
        for (const Live::Push& effect : effects) {
            if (!collector_->server().push(effect.to, effect.text)) {
                live_.on_close(effect.to);
            }
        }
    }

    void on_spans(const otlp::Decoded<otlp::SpanRow>& spans) {
        MessageTap::Messages messages;
        tap_.on_spans(spans, runtime_.now(), messages);
        tell(messages);
    }

    void tell(MessageTap::Messages& messages) {
        for (MessageSample& message : messages) {
            world_.on_message(std::move(message), moment());
        }
        changed();
    }

    // One timer for whatever is due first.
    void arm() {
        auto due = base::earliest(world_.next_deadline(), live_.next_deadline());
        due = base::earliest(due, tap_.next_deadline());
        if (due == armed_) {
            return;
        }
        if (pulse_) {
            runtime_.cancel(*std::exchange(pulse_, std::nullopt));
        }
        armed_ = due;
        if (due) {
            pulse_ = runtime_.at(*due, std::chrono::milliseconds(5), [this] {
                pulse_.reset();
                armed_.reset();
                pulse();
            });
        }
    }

    void pulse() {
        const Moment at = moment();
        MessageTap::Messages messages;
        tap_.on_deadline(at.now, messages);
        world_.on_deadline(at);
        tell(messages);
        Live::Effects effects;
        live_.on_deadline(at, effects);
        push(effects);
        if (live_.browsers() > 0) {
            attend();
        }
        arm();
    }

    [[nodiscard]] std::string why_not_ready() const {
        const SourceRow* store = world_.sources().find("store");
        if (store == nullptr || store->state == SourceState::down) {
            return "the store cannot be written: " + (store != nullptr ? store->text : "not open");
        }
        return feed_ ? std::string{} : "does not follow the nodes yet";
    }

    std::string metrics() {
        const auto& world = world_.counters();
        const auto& guard = guard_.counters();
        const auto& http = collector_->server().counters();
        const auto& store = collector_->store().counters();
        const auto& otlp = collector_->received();
        const auto cause = [](const char* word) { return std::string("{cause=\"") + word + "\"}"; };
        const std::vector<MetricFigure> figures{
            gauge("grapevine_console_nodes", "Rows of nodes.", world_.nodes().size()),
            gauge("grapevine_console_links", "Rows of links.", world_.links().size()),
            gauge("grapevine_console_alerts", "Alerts that stand.", world_.alerts().size()),
            gauge("grapevine_console_followed", "Nodes on this machine that are followed.",
                  feed_ ? feed_->followed() : 0),
            gauge("grapevine_console_browsers", "Streams of changes that are open.", live_.browsers()),
            gauge("grapevine_console_connections", "Connections that are open.", collector_->server().connections()),
            gauge("grapevine_console_store_bytes", "Bytes of the store's file.", collector_->store().bytes_of_file()),
            counter("grapevine_console_changes", "Changes of rows.", world.changes),
            counter("grapevine_console_events", "Events of the timeline.", world_.timeline().counters().added),
            counter("grapevine_console_messages", "Messages that were seen.", world.messages),
            counter("grapevine_console_deltas", "Deltas told.", live_.counters().deltas),
            counter("grapevine_console_resets", "Browsers told to ask anew.", live_.counters().resets),
            counter("grapevine_console_requests", "Requests answered.", http.requests),
            counter("grapevine_console_streams", "Streams opened.", http.streams),
            counter("grapevine_console_refused", "Requests refused, by cause.", guard.host, cause("host")),
            counter("grapevine_console_refused", "", guard.origin, cause("origin")),
            counter("grapevine_console_refused", "", guard.token, cause("token")),
            counter("grapevine_console_refused", "", guard.read_only, cause("read_only")),
            counter("grapevine_console_refused", "", guard.type, cause("content_type")),
            counter("grapevine_console_refused", "", guard.rate, cause("rate")),
            counter("grapevine_console_refused", "", guard.method, cause("method")),
            counter("grapevine_console_refused", "", http.too_large, cause("too_large")),
            counter("grapevine_console_refused", "", http.streams_refused, cause("streams")),
            counter("grapevine_console_handshakes", "Handshakes of TLS that were done.", http.handshakes),
            counter("grapevine_console_refused", "", http.handshakes_failed, cause("handshake")),
            counter("grapevine_console_dropped", "What was given up, by cause.", http.streams_dropped,
                    cause("browser_behind")),
            counter("grapevine_console_dropped", "", http.handshakes_timed_out, cause("handshake_slow")),
            counter("grapevine_console_dropped", "", http.handshakes_evicted, cause("handshake_no_room")),
            counter("grapevine_console_dropped", "", http.connections_evicted, cause("connection_idle")),
            counter("grapevine_console_dropped", "", http.connections_refused, cause("connection_no_room")),
            counter("grapevine_console_dropped", "", world.nodes_refused, cause("node")),
            counter("grapevine_console_dropped", "", world.samples_left_out, cause("sample")),
            counter("grapevine_console_dropped", "", world_.timeline().counters().dropped, cause("event")),
            counter("grapevine_console_dropped", "", audit_.lost(), cause("audit_line")),
            counter("grapevine_console_otlp_items", "Items of telemetry received.", otlp.items),
            counter("grapevine_console_otlp_refused", "Items of telemetry refused.", otlp.refused),
            counter("grapevine_console_evicted_traces", "Traces that made room.",
                    store.traces_evicted_size + store.traces_evicted_age)};
        return open_metrics(figures);
    }

    io::Runtime& runtime_;
    SupervisorClient& supervisor_;
    std::string fabric_;
    std::string jaeger_;
    StaticFiles pages_;
    std::unique_ptr<Collector> collector_;
    std::string name_;
    std::unique_ptr<TlsIdentity> identity_;  // Until the server has it.
    Guard guard_;
    AuditLog audit_;
    World world_;
    MessageTap tap_;
    Live live_;
    NodeAsker asker_;
    base::EndpointId self_{};
    std::set<std::string> here_;  // Meshes of which nodes run here.
    std::unique_ptr<WatchFeed> watch_feed_;
    std::unique_ptr<Feed> feed_;
    Actions actions_;
    ConsoleApi api_;
    std::uint64_t flushed_ = 0;
    std::optional<io::TaskId> flush_;
    std::optional<io::TaskId> pulse_;
    std::optional<base::TimePoint> armed_;
};

base::Result<std::unique_ptr<Console>> Console::start(io::Runtime& runtime, ConsoleConfig config,
                                                      SupervisorClient& supervisor) {
    if (!config.collector.listen.is_loopback() && (!config.identity || config.token.empty())) {
        return base::invalid("console: on " + config.collector.listen.text() +
                             ", which is not loopback, it needs TLS and a token");
    }
    auto collector = Collector::open(runtime, config.collector);
    if (!collector) {
        return tl::unexpected(collector.error());
    }
    auto impl = std::make_unique<Impl>(runtime, std::move(config), supervisor, std::move(*collector));
    if (const auto begun = impl->begin(); !begun) {
        return tl::unexpected(begun.error());
    }
    return std::unique_ptr<Console>(new Console(std::move(impl)));
}

Console::Console(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Console::~Console() = default;

base::Status Console::start_feed(MeshesHere meshes) {
    return impl_->start_feed(std::move(meshes));
}

void Console::lose_own() {
    impl_->lose_own();
}

void Console::set_own(const base::EndpointId& self, MeshWatcher& watcher) {
    impl_->set_own(self, watcher);
}

WorldInput& Console::input() {
    return impl_->input();
}

void Console::changed() {
    impl_->changed();
}

Moment Console::moment() const {
    return impl_->moment();
}

const CollectorRecord& Console::record() const {
    return impl_->collector().record();
}

}  // namespace grapevine::console
