#include "grapevine/mesh_part.hpp"

#include <csignal>

#include <unistd.h>

#include "grapevine/convert.hpp"
#include "grapevine/node_admission.hpp"
#include "grapevine/node_events.hpp"
#include "wire/admission.hpp"

namespace grapevine {

MeshPart::MeshPart(io::Host& host, const NodeOptions& options, std::optional<io::DataDir> data_dir)
    : host_(host),
      mesh_(options.mesh),
      type_(options.type),
      started_unix_ms_(host.runtime().wall_now().unix_ms),
      data_dir_(std::move(data_dir)),
      self_(std::make_shared<MeshPart*>(this)) {}

MeshPart::~MeshPart() {
    if (registry_) {
        registry_->remove(record_.id);
    }
}

io::NodeRecord MeshPart::make_record() const {
    io::NodeRecord record;
    record.name = host_.stack().own_name();
    record.id = host_.stack().id().hex();
    record.mesh = mesh_;
    record.type = type_;
    record.ticket = wire::ticket_text(host_.stack().addr());
    for (const base::SocketAddr& addr : host_.addrs()) {
        record.addresses.push_back(addr.text());
    }
    record.pid = ::getpid();
    record.started_unix_ms = started_unix_ms_;
    std::error_code error;
    const auto absolute = std::filesystem::absolute(data_dir_->path(), error);
    record.data_dir = (error ? data_dir_->path() : absolute).string();
    return record;
}

base::Status MeshPart::publish() {
    if (!data_dir_) {
        return {};
    }
    record_ = make_record();
    if (auto status = data_dir_->write_record(record_); !status) {
        return status;
    }
    auto control = io::NodeControl::start(host_, record_, *this, [this] { request_stop(); });
    if (!control) {
        return tl::unexpected(control.error());
    }
    control_ = std::move(*control);
    // Being found by name is a convenience: a node runs without it.
    if (const auto dir = io::registry_dir(); dir) {
        registry_.emplace(*dir);
        if (const auto status = registry_->add(record_); !status) {
            host_.runtime().log().write(io::LogLevel::warn, "registry", "%s", status.error().message.c_str());
        }
    } else {
        host_.runtime().log().write(io::LogLevel::warn, "registry", "%s", dir.error().message.c_str());
    }
    return {};
}

// The name grows when another node of the type shares its six digits.
void MeshPart::refresh_record() {
    if (!data_dir_ || record_.name == host_.stack().own_name()) {
        return;
    }
    record_ = make_record();
    control_->set_record(record_);
    auto status = data_dir_->write_record(record_);
    if (status && registry_) {
        status = registry_->add(record_);
    }
    if (!status) {
        host_.runtime().log().write(io::LogLevel::warn, "registry", "%s", status.error().message.c_str());
    }
}

void MeshPart::on_event(const stack::Event& event) {
    if (control_) {
        control_->on_event(event);
    }
    if (const auto* done = std::get_if<stack::PingDone>(&event)) {
        finish_ping(*done);
    }
    if (const auto* finished = stack::report_in<delivery::Finished>(event)) {
        return finish_delivery(*finished);
    }
    if (const auto* message = stack::report_in<delivery::Handle>(event)) {
        return message->kind == delivery::MessageKind::stream ? take_stream(*message) : handle(*message);
    }
    if (const auto* stream = std::get_if<stack::ByteStreamEvent>(&event)) {
        return on_stream_event(*stream);
    }
    if (const auto* report = std::get_if<stack::PublicationReport>(&event)) {
        return take_publication(*report);
    }
    if (const auto* report = std::get_if<stack::WatchReport>(&event)) {
        return take_watch(*report);
    }
    if (const auto* report = std::get_if<stack::FabricReport>(&event)) {
        take_fabric(*report);
    }
    if (const auto* changed = std::get_if<stack::DirectoryChanged>(&event);
        changed != nullptr && changed->change == stack::EntryChange::joined) {
        refresh_record();
    }
    if (data_dir_) {
        keep_admission(data_dir_->path(), event, host_.runtime().log());
    }
    log_event(host_.runtime().log(), event);
    if (!listener_) {
        return;
    }
    if (const auto seen = to_node_event(event)) {
        listener_(*seen);
    }
}

Status MeshPart::admit(std::string_view ticket, std::string_view authority) {
    const auto parsed = wire::parse_admission_text(ticket);
    if (!parsed) {
        return tl::unexpected(lift(parsed.error()));
    }
    auto by = host_.stack().authority();
    if (!authority.empty()) {
        const auto named = base::EndpointId::parse(authority);
        if (!named) {
            return tl::unexpected(lift(named.error()));
        }
        by = *named;
    }
    const auto done = host_.stack().set_admission(by, parsed->envelope, host_.now());
    host_.touch();
    return done ? Status{} : Status(tl::unexpected(lift(done.error())));
}

Status MeshPart::revoke(std::string_view list) {
    const auto parsed = wire::parse_revocations_text(list);
    if (!parsed) {
        return tl::unexpected(lift(parsed.error()));
    }
    host_.stack().take_revocations(parsed->envelope, host_.now());
    host_.touch();
    return {};
}

void MeshPart::ping(std::string_view name, PingDone done) {
    const auto peer = host_.stack().resolve(name);
    if (!peer) {
        const Error error = lift(peer.error());
        host_.runtime().defer([done = std::move(done), error] { done(tl::unexpected(error)); });
        return;
    }
    pings_.emplace(host_.stack().ping(*peer, host_.now()), std::move(done));
    host_.touch();
}

void MeshPart::finish_ping(const stack::PingDone& event) {
    const auto it = pings_.find(event.request);
    if (it == pings_.end()) {
        return;
    }
    const PingDone done = std::move(it->second);
    pings_.erase(it);
    if (event.rtt) {
        done(*event.rtt);
    } else {
        done(tl::unexpected(Error{Error::Code::failed, event.error}));
    }
}

void MeshPart::request_stop() {
    if (stop_) {
        stop_();
    } else {
        ::kill(::getpid(), SIGTERM);
    }
}

}  // namespace grapevine
