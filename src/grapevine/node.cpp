#include <grapevine/node.hpp>

#include "base/encoding.hpp"
#include "grapevine/convert.hpp"
#include "grapevine/endpoint_impl.hpp"
#include "grapevine/mesh_part.hpp"
#include "wire/digest.hpp"

namespace grapevine {

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
    return stack::MeshConfig{*mesh,
                             *type,
                             std::move(*seeds),
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

std::vector<std::string> hex_of(const std::vector<base::EndpointId>& ids) {
    std::vector<std::string> all;
    for (const base::EndpointId& id : ids) {
        all.push_back(id.hex());
    }
    return all;
}

DirectoryEntry to_entry(const stack::DirectoryRow& row) {
    DirectoryEntry entry;
    entry.name = row.name;
    entry.id = row.id.hex();
    entry.mesh = row.mesh;
    entry.type = row.type;
    for (const wire::TransportAddr& addr : row.addrs) {
        entry.addresses.push_back(text_of(addr));
    }
    entry.neighbors = hex_of(row.neighbors);
    entry.cpu_millicores = row.load.cpu_millicores;
    entry.memory_kib = row.load.memory_kib;
    entry.sequence = row.sequence;
    entry.started_unix_ms = row.started_unix_ms;
    entry.age = std::chrono::duration_cast<std::chrono::milliseconds>(row.age);
    entry.known_via = row.known_via;
    entry.suspected_by = hex_of(row.suspected_by);
    return entry;
}

MeshPart& mesh_of(Endpoint::Impl& impl) {
    return static_cast<MeshPart&>(*impl.tap());
}

}  // namespace

Result<std::unique_ptr<Node>> Node::start(Loop& loop, const NodeOptions& options) {
    io::Runtime& runtime = loop.runtime();
    const auto config = host_config(options, runtime.wall_now().unix_ms);
    if (!config) {
        return tl::unexpected(lift(config.error()));
    }
    std::optional<io::DataDir> data_dir;
    auto key = base::Result<base::SecretKey>(base::SecretKey::generate());
    if (!options.data_dir.empty()) {
        auto opened = io::DataDir::open(options.data_dir);
        if (!opened) {
            return tl::unexpected(lift(opened.error()));
        }
        data_dir = std::move(*opened);
        key = data_dir->load_or_mint_key();
        if (!key) {
            return tl::unexpected(lift(key.error()));
        }
    }
    auto impl = Impl::start(runtime, *config, *key);
    if (!impl) {
        return tl::unexpected(lift(impl.error()));
    }
    auto part = std::make_unique<MeshPart>((*impl)->host(), options, std::move(data_dir));
    if (const auto published = part->publish(); !published) {
        return tl::unexpected(lift(published.error()));
    }
    (*impl)->set_tap(std::move(part));
    return std::unique_ptr<Node>(new Node(std::move(*impl)));
}

Node::Node(std::unique_ptr<Impl> impl) : Endpoint(std::move(impl)) {}
Node::~Node() = default;

std::string Node::name() const {
    return impl_->stack().own_name();
}

std::vector<DirectoryEntry> Node::directory() const {
    std::vector<DirectoryEntry> entries;
    for (const stack::DirectoryRow& row : impl_->stack().directory(impl_->now())) {
        entries.push_back(to_entry(row));
    }
    return entries;
}

Result<std::string> Node::resolve(std::string_view name) const {
    const auto id = impl_->stack().resolve(name);
    if (!id) {
        return tl::unexpected(lift(id.error()));
    }
    return id->hex();
}

void Node::on_event(std::function<void(const NodeEvent&)> listener) {
    mesh_of(*impl_).set_listener(std::move(listener));
}

void Node::on_stop_request(std::function<void()> handler) {
    mesh_of(*impl_).set_stop_handler(std::move(handler));
}

void Node::ping(std::string_view name, std::function<void(Result<std::chrono::nanoseconds>)> done) {
    mesh_of(*impl_).ping(name, std::move(done));
}

}  // namespace grapevine
