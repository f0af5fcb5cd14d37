#include "io/node_control.hpp"

#include <variant>

#include "base/encoding.hpp"
#include "base/overloaded.hpp"
#include "io/fabric_views.hpp"
#include "io/ledger_view.hpp"
#include "io/node_views.hpp"
#include "io/why_view.hpp"

namespace grapevine::io {

base::Result<std::unique_ptr<NodeControl>> NodeControl::start(Host& host, NodeRecord record, LoadRunner& loads,
                                                              std::function<void()> stop) {
    const std::filesystem::path data_dir = record.data_dir;
    std::unique_ptr<NodeControl> control(new NodeControl(host, std::move(record), loads, std::move(stop)));
    auto server = ControlServer::listen(host.runtime(), data_dir, *control, host.ledger());
    if (!server) {
        return tl::unexpected(server.error());
    }
    control->server_ = std::move(*server);
    return control;
}

NodeControl::NodeControl(Host& host, NodeRecord record, LoadRunner& loads, std::function<void()> stop)
    : host_(host), record_(std::move(record)), loads_(loads), stop_(std::move(stop)) {}

void NodeControl::on_gone(ClientId client) {
    loads_.stop_load(client);
}

void NodeControl::on_request(ClientId client, const ControlRequest& request) {
    std::visit(base::Overloaded{
                   [&](const LsRequest&) { server_->answer(client, encode_directory(host_)); },
                   [&](const StatusRequest&) { server_->answer(client, encode_status(host_, record_, *server_)); },
                   [&](const PingRequest& wanted) { ping(client, wanted.name); },
                   [&](const WatchRequest&) { server_->start_watching(client, R"({"ok":true,"watching":true})"); },
                   [&](const LedgerRequest&) { server_->answer(client, encode_ledger(host_)); },
                   [&](const LogLevelRequest& wanted) {
                       Log& log = host_.runtime().log();
                       if (wanted.filter) {
                           log.set_filter(*wanted.filter);
                       }
                       server_->answer(client, encode_log_level(log));
                   },
                   [&](const DeliverRequest& wanted) { deliver(client, wanted.submission); },
                   [&](const PublishRequest& wanted) { publish(client, wanted); },
                   [&](const ResolveRequest& wanted) { resolve(client, wanted); },
                   [&](const CacheRequest&) { server_->answer(client, encode_cache(host_)); },
                   [&](const WhyRequest& wanted) { server_->answer(client, encode_why(host_, wanted.name)); },
                   [&](const AdmitRequest& wanted) { admit(client, wanted); },
                   [&](const RevokeRequest& wanted) { revoke(client, wanted); },
                   [&](const ProduceRequest& wanted) { loads_.start_load(client, wanted); },
                   [&](const StopRequest&) {
                       server_->answer(client, R"({"ok":true,"stopping":true})");
                       stop_();
                   }},
               request);
}

void NodeControl::ping(ClientId client, const std::string& name) {
    const auto peer = host_.stack().resolve(name);
    if (!peer) {
        server_->answer(client, encode_control_error(peer.error()));
        return;
    }
    const stack::RequestId request = host_.stack().ping(*peer, host_.now());
    pings_.emplace(request, PendingPing{client, base::printable(name)});
    host_.touch();
}

void NodeControl::finish_ping(const stack::PingDone& done) {
    const auto it = pings_.find(done.request);
    if (it == pings_.end()) {
        return;
    }
    server_->answer(it->second.client, encode_ping(done, it->second.name));
    pings_.erase(it);
}

void NodeControl::deliver(ClientId client, delivery::Submission submission) {
    const std::string name = submission.target.name;
    const auto id = host_.stack().submit(std::move(submission), host_.now());
    if (!id) {
        server_->answer(client, encode_control_error(delivery_error(id.error(), name)));
        return;
    }
    deliveries_.emplace(id->sequence, PendingAnswer{client, name, host_.now()});
    host_.touch();
}

void NodeControl::publish(ClientId client, const PublishRequest& wanted) {
    const auto what = host_.stack().publish(wanted.content, host_.now());
    host_.touch();
    server_->answer(client, what ? encode_published(*what) : encode_control_error(publish_error(what.error())));
}

void NodeControl::admit(ClientId client, const AdmitRequest& wanted) {
    stack::Stack& stack = host_.stack();
    const auto authority = wanted.authority ? wanted.authority : stack.authority();
    base::Status done = authority ? stack.set_admission(authority, wanted.ticket.envelope, host_.now())
                                  : base::Status(base::invalid("ticket: this node's mesh is open; name the authority "
                                                               "that is to close it"));
    host_.touch();
    server_->answer(client, done ? encode_admission(host_) : encode_control_error(done.error()));
}

// What was wrong with a list that was not taken, the answer's version shows: it is not that of the list.
void NodeControl::revoke(ClientId client, const RevokeRequest& wanted) {
    const auto authority = host_.stack().authority();
    if (!authority || *authority != wanted.list.authority) {
        const std::string why =
            authority ? "is of authority " + wanted.list.authority.short_hex() + ", not " + authority->short_hex()
                      : std::string("this node's mesh is open");
        return server_->answer(client, encode_control_error({base::ErrorCode::failed, "list of revocations: " + why}));
    }
    host_.stack().take_revocations(wanted.list.envelope, host_.now());
    host_.touch();
    server_->answer(client, encode_admission(host_));
}

void NodeControl::finish_delivery(const delivery::Finished& finished) {
    const auto it = deliveries_.find(finished.message);
    if (it == deliveries_.end()) {
        return;
    }
    const std::string peer = finished.peer ? name_anywhere(host_, *finished.peer) : std::string();
    server_->answer(it->second.client,
                    encode_delivery(finished, it->second.name, peer, host_.now() - it->second.asked));
    deliveries_.erase(it);
}

void NodeControl::resolve(ClientId client, const ResolveRequest& wanted) {
    const fabric::QuestionId question = host_.stack().ask(wanted.name, host_.now() + wanted.deadline, host_.now());
    questions_.emplace(question, PendingAnswer{client, wanted.name, host_.now()});
    host_.touch();
}

void NodeControl::finish_resolution(const fabric::Done& done) {
    const auto it = questions_.find(done.question);
    if (it == questions_.end()) {
        return;
    }
    server_->answer(it->second.client,
                    encode_resolution(host_, done.outcome, it->second.name, host_.now() - it->second.asked));
    questions_.erase(it);
}

void NodeControl::on_event(const stack::Event& event) {
    if (const auto* finished = stack::report_in<delivery::Finished>(event)) {
        finish_delivery(*finished);
        return;
    }
    if (const auto* done = stack::report_in<fabric::Done, stack::FabricReport>(event)) {
        finish_resolution(*done);
        return;
    }
    if (const auto* done = std::get_if<stack::PingDone>(&event)) {
        finish_ping(*done);
        return;
    }
    if (server_->watchers() == 0) {
        return;
    }
    if (const auto line = encode_event(event, host_.runtime().wall_now())) {
        server_->publish(*line);
    }
}

}  // namespace grapevine::io
