#include "grapevine/node_start.hpp"

#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "grapevine/convert.hpp"
#include "grapevine/endpoint_impl.hpp"
#include "grapevine/mesh_part.hpp"
#include "grapevine/node_admission.hpp"
#include "grapevine/node_main_version.hpp"
#include "io/node_metrics.hpp"
#include "node/mesh_admission.hpp"
#include "telemetry/catalogue.hpp"
#include "wire/digest.hpp"

namespace grapevine {

namespace spans = telemetry::spans;

namespace {

base::Result<stack::MeshConfig> mesh_config(const NodeOptions& options, std::uint64_t started_unix_ms) {
    const auto mesh = wire::parse_name("mesh", options.mesh);
    if (!mesh) {
        return tl::unexpected(mesh.error());
    }
    const auto type = wire::parse_name("type", options.type);
    if (!type) {
        return tl::unexpected(type.error());
    }
    if (options.gossip_interval.count() <= 0) {
        return base::invalid("gossip interval: must be above zero");
    }
    if (options.staleness < 3 * options.gossip_interval) {
        return base::invalid("staleness " + std::to_string(options.staleness.count()) +
                             " ms: must be at least three gossip intervals");
    }
    auto seeds = parse_peers(options.seeds);
    if (!seeds) {
        return tl::unexpected(seeds.error());
    }
    const auto fabric = wire::parse_name("fabric", options.fabric);
    if (!fabric) {
        return tl::unexpected(fabric.error());
    }
    auto fabric_seeds = parse_peers(options.fabric_seeds);
    if (!fabric_seeds) {
        return tl::unexpected(fabric_seeds.error());
    }
    return stack::MeshConfig{*mesh,
                             *type,
                             std::move(*seeds),
                             *fabric,
                             std::move(*fabric_seeds),
                             options.gossip_interval,
                             options.staleness,
                             started_unix_ms,
                             options.cpu_budget_millicores,
                             options.memory_budget_kib};
}

base::Result<io::HostConfig> host_config(const NodeOptions& options, std::uint64_t started_unix_ms) {
    auto mesh = mesh_config(options, started_unix_ms);
    if (!mesh) {
        return tl::unexpected(mesh.error());
    }
    auto bind = parse_binds(options.bind);
    if (!bind) {
        return tl::unexpected(bind.error());
    }
    io::HostConfig config;
    config.bind = std::move(*bind);
    config.stack.quic.alpns = options.alpns;
    config.stack.mesh = std::move(*mesh);
    return config;
}

io::OtelEnvironment environment() {
    return io::read_otel_environment([](const char* name) -> const char* { return std::getenv(name); });
}

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

}  // namespace

NodeStart::NodeStart(Loop& loop, const NodeOptions& options, const std::optional<Before>& before)
    : loop_(loop),
      options_(options),
      telemetry_(std::make_unique<io::NodeTelemetry>(loop.runtime(), environment(), options.clock_offset)),
      recorder_(telemetry_->recorder()),
      root_(recorder_.begin_at(spans::kReady, before ? unix_ns(before->began) : recorder_.unix_ns())),
      steps_(recorder_, root_, before ? unix_ns(before->began) : recorder_.unix_ns()) {
    if (before) {
        steps_.end_at(steps_.begin(spans::kSettingsLoaded), unix_ns(before->settings_loaded));
        steps_.end(steps_.begin(spans::kTelemetryStarted));
    }
}

NodeStart::~NodeStart() = default;

std::uint64_t NodeStart::unix_ns(Instant instant) const {
    const auto ago = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - instant);
    return telemetry_->clock().unix_ns() - static_cast<std::uint64_t>(ago.count());
}

Result<std::unique_ptr<Node>> NodeStart::run(const Announce& announce) {
    for (const auto step : {&NodeStart::open_identity, &NodeStart::create, &NodeStart::publish}) {
        if (const auto done = (this->*step)(); !done) {
            recorder_.end(std::move(root_.fail(done.error().message)));
            return tl::unexpected(lift(done.error()));
        }
    }
    return finish(announce);
}

Result<std::unique_ptr<Node>> NodeStart::finish(const Announce& announce) {
    telemetry::OpenSpan span = steps_.begin(spans::kAnnounced);
    io::NodeTelemetry& telemetry = *telemetry_;
    io::Host& host = impl_->host();
    const telemetry::Resource who = resource();
    describe_root();
    impl_->set_telemetry(std::move(telemetry_));
    auto& part = static_cast<MeshPart&>(*impl_->tap());
    std::unique_ptr<Node> node(new Node(loop_, std::move(impl_)));
    part.set_node(*node);
    const bool announced = !announce || announce(*node);
    steps_.end(std::move(span));
    recorder_.end_at(std::move(root_), steps_.at());
    if (!announced) {
        return tl::unexpected(Error{Error::Code::failed, "standard output: the ready line cannot be written"});
    }
    telemetry.start_export(who, [&host, &telemetry] { return io::collect_metrics(host, telemetry); });
    host.touch();
    return node;
}

base::Status NodeStart::fail_step(telemetry::OpenSpan step, base::Error error) {
    step.fail(error.message);
    steps_.end(std::move(step));
    return tl::unexpected(std::move(error));
}

base::Status NodeStart::open_identity() {
    std::error_code error;
    const bool minted = options_.data_dir.empty() || !std::filesystem::exists(options_.data_dir / "key", error);
    telemetry::OpenSpan span = steps_.begin(minted ? spans::kIdentityMinted : spans::kIdentityLoaded);
    auto key = base::Result<base::SecretKey>(base::SecretKey::generate());
    if (!options_.data_dir.empty()) {
        auto opened = io::DataDir::open(options_.data_dir);
        if (!opened) {
            return fail_step(std::move(span), opened.error());
        }
        data_dir_ = std::move(*opened);
        key = data_dir_->load_or_mint_key();
    }
    if (!key) {
        return fail_step(std::move(span), key.error());
    }
    span.set("node_id", key->id().hex()).set("path", options_.data_dir.string());
    steps_.end(std::move(span));
    key_.emplace(std::move(*key));
    return {};
}

base::Status NodeStart::create() {
    telemetry::OpenSpan span = steps_.begin(spans::kMeshConfigured);
    auto config = host_config(options_, telemetry_->clock().unix_ns() / 1'000'000);
    if (!config) {
        return fail_step(std::move(span), config.error());
    }
    const auto admission = admission_config(options_, data_dir_ ? &data_dir_->path() : nullptr, loop_.runtime());
    if (!admission) {
        return fail_step(std::move(span), admission.error());
    }
    config->stack.mesh->admission = *admission;
    if (const auto checked = node::check_admission(key_->id(), *config->stack.mesh); !checked) {
        return fail_step(std::move(span), checked.error());
    }
    steps_.end(std::move(span));
    config->telemetry = telemetry_.get();
    config->boot = &steps_;
    auto impl = Endpoint::Impl::start(loop_.runtime(), *config, *key_);
    if (!impl) {
        return tl::unexpected(impl.error());
    }
    impl_ = std::move(*impl);
    return {};
}

base::Status NodeStart::publish() {
    telemetry::OpenSpan span = steps_.begin(spans::kControlStarted);
    auto part = std::make_unique<MeshPart>(impl_->host(), options_, std::move(data_dir_));
    auto published = part->publish();
    if (!published) {
        span.fail(published.error().message);
    }
    steps_.end(std::move(span));
    impl_->set_tap(std::move(part));
    return published;
}

telemetry::Resource NodeStart::resource() const {
    return {{{"service.name", options_.type},
             {"service.namespace", "grapevine"},
             {"service.instance.id", impl_->stack().id().hex()},
             {"service.version", cli::version_number()},
             {"host.name", host_name()},
             {"process.pid", std::to_string(::getpid())},
             {"mesh.id", options_.mesh},
             {"mesh.node.name", impl_->stack().own_name()}}};
}

void NodeStart::describe_root() {
    root_.set("node_id", impl_->stack().id().hex())
        .set("node_name", impl_->stack().own_name())
        .set("node_type", options_.type)
        .set("mesh_id", options_.mesh)
        .set("version", cli::version_number());
    if (const auto addrs = impl_->host().addrs(); !addrs.empty()) {
        root_.set("bind_addr", addrs.front().text());
    }
}

}  // namespace grapevine
