#include <grapevine/node.hpp>

#include "base/encoding.hpp"
#include "grapevine/convert.hpp"
#include "grapevine/endpoint_impl.hpp"
#include "grapevine/mesh_part.hpp"
#include "grapevine/node_start.hpp"

namespace grapevine {

namespace {

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
    entry.cpu_budget_millicores = row.load.cpu_budget_millicores;
    entry.memory_budget_kib = row.load.memory_budget_kib;
    entry.messages_sent = row.messages_sent;
    entry.messages_received = row.messages_received;
    return entry;
}

std::vector<DirectoryEntry> to_entries(const std::vector<stack::DirectoryRow>& rows) {
    std::vector<DirectoryEntry> entries;
    entries.reserve(rows.size());
    for (const stack::DirectoryRow& row : rows) {
        entries.push_back(to_entry(row));
    }
    return entries;
}

delivery::Submission to_submission(std::string_view name, delivery::MessageKind kind,
                                   std::span<const std::uint8_t> payload, const DeliveryOptions& options) {
    delivery::Submission submission;
    submission.target.name = std::string(name);
    submission.kind = kind;
    submission.payload.assign(payload.begin(), payload.end());
    submission.options.deadline = options.deadline;
    submission.options.repetition = options.repetition == DeliveryOptions::Repetition::idempotent
                                        ? delivery::Repetition::idempotent
                                        : delivery::Repetition::unsafe;
    submission.options.ordering =
        options.ordering == DeliveryOptions::Ordering::lane ? delivery::Ordering::lane : delivery::Ordering::none;
    return submission;
}

MeshPart& mesh_of(Endpoint::Impl& impl) {
    return static_cast<MeshPart&>(*impl.tap());
}

}  // namespace

Result<std::unique_ptr<Node>> Node::start(Loop& loop, const NodeOptions& options) {
    return NodeStart(loop, options, std::nullopt).run({});
}

Node::Node(Loop& loop, std::unique_ptr<Impl> impl) : Endpoint(std::move(impl)), loop_(loop) {}
Node::~Node() = default;

std::string Node::name() const {
    return impl_->stack().own_name();
}

std::vector<DirectoryEntry> Node::directory() const {
    return to_entries(impl_->stack().directory(impl_->now()));
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

Status Node::watch_mesh(std::string_view mesh) {
    return mesh_of(*impl_).watch_mesh(mesh);
}

void Node::unwatch_mesh(std::string_view mesh) {
    mesh_of(*impl_).unwatch_mesh(mesh);
}

std::vector<DirectoryEntry> Node::watched(std::string_view mesh) const {
    return to_entries(impl_->stack().watched(mesh, impl_->now()));
}

Status Node::watch_meshes() {
    return mesh_of(*impl_).watch_meshes();
}

void Node::unwatch_meshes() {
    mesh_of(*impl_).unwatch_meshes();
}

std::vector<std::string> Node::meshes() const {
    return impl_->stack().known_meshes();
}

std::vector<MeshSource> Node::mesh_sources() const {
    return mesh_of(*impl_).mesh_sources();
}

void Node::on_watch(std::function<void(const WatchEvent&)> listener) {
    mesh_of(*impl_).on_watch(std::move(listener));
}

void Node::on_stop_request(std::function<void()> handler) {
    mesh_of(*impl_).set_stop_handler(std::move(handler));
}

void Node::ping(std::string_view name, std::function<void(Result<std::chrono::nanoseconds>)> done) {
    mesh_of(*impl_).ping(name, std::move(done));
}

Status Node::admit(std::string_view ticket, std::string_view authority) {
    return mesh_of(*impl_).admit(ticket, authority);
}

Status Node::revoke(std::string_view list) {
    return mesh_of(*impl_).revoke(list);
}

Status Node::send(std::string_view name, std::span<const std::uint8_t> payload, const DeliveryOptions& options,
                  std::function<void(const Delivery&)> done) {
    return mesh_of(*impl_).submit(to_submission(name, delivery::MessageKind::send, payload, options), std::move(done));
}

Status Node::request(std::string_view name, std::span<const std::uint8_t> payload, const DeliveryOptions& options,
                     std::function<void(const Delivery&)> done) {
    return mesh_of(*impl_).submit(to_submission(name, delivery::MessageKind::request, payload, options),
                                  std::move(done));
}

Status Node::serve(const std::string& name, Handler handler, const ServiceOptions& options) {
    return mesh_of(*impl_).serve(name, std::move(handler), options);
}

Result<Published> Node::publish(std::span<const std::uint8_t> content) {
    return mesh_of(*impl_).publish_content(content);
}

void Node::on_publication(std::function<void(const Publication&)> listener) {
    mesh_of(*impl_).on_publication(std::move(listener));
}

void Node::on_missed_publication(std::function<void(const MissedPublication&)> listener) {
    mesh_of(*impl_).on_missed_publication(std::move(listener));
}

Status Node::open_stream(std::string_view name, std::chrono::milliseconds deadline,
                         std::unique_ptr<StreamListener> listener, std::function<void(const Delivery&)> done) {
    DeliveryOptions options;
    options.deadline = deadline;
    return mesh_of(*impl_).open_stream(to_submission(name, delivery::MessageKind::stream, {}, options),
                                       std::move(listener), std::move(done));
}

Status Node::serve_streams(const std::string& name, StreamHandler handler) {
    return mesh_of(*impl_).serve_streams(name, std::move(handler));
}

}  // namespace grapevine
