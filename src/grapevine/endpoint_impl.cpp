#include "grapevine/endpoint_impl.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/overloaded.hpp"
#include "grapevine/convert.hpp"
#include "telemetry/catalogue.hpp"
#include "wire/gossip.hpp"
#include "wire/mesh.hpp"

namespace grapevine {

namespace {

// What QUIC cannot serve, with the protocols that the stack adds.
base::Status check(const stack::Config& config) {
    quic::Config all = config.quic;
    if (config.mesh) {
        all.alpns.insert(all.alpns.begin(), std::string(wire::kMeshAlpn));
    }
    if (config.gossip) {
        all.alpns.insert(all.alpns.begin(), std::string(wire::kGossipAlpn));
    }
    return quic::check(all);
}

// Refuses what QUIC cannot serve before anything is bound.
base::Status register_alpns(const io::HostConfig& config) {
    if (config.boot == nullptr) {
        return check(config.stack);
    }
    telemetry::OpenSpan span = config.boot->begin(telemetry::spans::kAlpnRegistered);
    auto checked = check(config.stack);
    if (!checked) {
        span.fail(checked.error().message);
    }
    config.boot->end(std::move(span));
    return checked;
}

constexpr std::uint64_t kNotServed = 1;  // Application close code for a connection whose protocol nobody serves (yet).

std::string name_of(quic::CloseCause cause) {
    return std::string(quic::name(cause));
}

}  // namespace

base::Result<std::unique_ptr<Endpoint::Impl>> Endpoint::Impl::start(io::Runtime& runtime, const io::HostConfig& config,
                                                                    const base::SecretKey& key) {
    if (auto registered = register_alpns(config); !registered) {
        return tl::unexpected(registered.error());
    }
    std::unique_ptr<Impl> impl(new Impl(runtime, config.stack.quic.alpns));
    auto host = io::Host::start(runtime, config, key, *impl);
    if (!host) {
        return tl::unexpected(host.error());
    }
    impl->host_ = std::move(*host);
    return impl;
}

Endpoint::Impl::~Impl() {
    if (shutdown_task_) {
        runtime_.cancel(*shutdown_task_);
    }
}

void Endpoint::Impl::on_event(const stack::Event& event) {
    if (tap_) {
        tap_->on_event(event);
    }
    std::visit(base::Overloaded{[&](const stack::AppEvent& app) { on_app_event(app); },
                                [&](const stack::TopicReceived& received) {
                                    if (TopicListener* listener = listener_of(received.topic)) {
                                        listener->on_received(received.topic.hex(), received.content,
                                                              received.from.hex());
                                    }
                                },
                                [&](const stack::TopicNeighborChanged& change) {
                                    TopicListener* listener = listener_of(change.topic);
                                    if (listener == nullptr) {
                                        return;
                                    }
                                    if (change.change == stack::NeighborChange::up) {
                                        listener->on_neighbor_up(change.topic.hex(), change.peer.hex());
                                    } else {
                                        listener->on_neighbor_down(change.topic.hex(), change.peer.hex());
                                    }
                                },
                                [&](const stack::Left&) { finish_leaving(); }, [](const auto&) {}},
               event);
}

void Endpoint::Impl::on_app_event(const quic::Event& event) {
    const auto tell = [this](quic::ConnectionRef connection, auto&& call) {
        if (Protocol* protocol = protocol_of(connection)) {
            call(*protocol);
        }
    };
    std::visit(base::Overloaded{
                   [&](const quic::Connected& e) { on_connected(e); }, [&](const quic::StreamData& e) { on_data(e); },
                   [&](const quic::Closed& e) { on_closed(e); },
                   [&](const quic::StreamOpened& e) {
                       tell(e.connection, [&](Protocol& p) { p.on_stream(value_of(e.connection, e.stream)); });
                   },
                   [&](const quic::StreamWritable& e) {
                       tell(e.connection, [&](Protocol& p) { p.on_writable(value_of(e.connection, e.stream)); });
                   },
                   [&](const quic::StreamReset& e) {
                       forget_stream({e.connection, e.stream});
                       tell(e.connection, [&](Protocol& p) { p.on_reset(value_of(e.connection, e.stream), e.code); });
                   },
                   [&](const quic::StreamStopped& e) {
                       tell(e.connection, [&](Protocol& p) { p.on_reset(value_of(e.connection, e.stream), e.code); });
                   },
                   [&](const quic::StreamClosed& e) { forget_stream({e.connection, e.stream}); },
                   [&](const quic::StreamsAvailable& e) {
                       tell(e.connection, [&](Protocol& p) { p.on_streams_available(value_of(e.connection)); });
                   },
                   [&](const quic::DatagramReceived& e) {
                       tell(e.connection, [&](Protocol& p) { p.on_datagram(value_of(e.connection), e.data); });
                   },
                   [](const quic::PathChanged&) {}},
               event);
}

void Endpoint::Impl::on_connected(const quic::Connected& event) {
    if (event.origin == quic::Origin::incoming) {
        const auto it = served_.find(event.alpn);
        if (it == served_.end()) {
            stack().close(event.connection, kNotServed, "not served", now());
            return;
        }
        connections_[event.connection] = it->second;
    }
    if (Protocol* protocol = protocol_of(event.connection)) {
        protocol->on_connected(value_of(event.connection), event.peer.hex(), event.origin == quic::Origin::incoming);
    }
}

void Endpoint::Impl::on_data(const quic::StreamData& event) {
    const StreamKey key{event.connection, event.stream};
    if (Protocol* protocol = protocol_of(event.connection)) {
        protocol->on_data(value_of(event.connection, event.stream), event.data, event.fin);
    }
    if (const auto it = paused_.find(key); it != paused_.end()) {
        it->second += event.data.size();
    } else {
        stack().consume(event.connection, event.stream, event.data.size());
    }
}

void Endpoint::Impl::on_closed(const quic::Closed& event) {
    Protocol* protocol = protocol_of(event.connection);
    connections_.erase(event.connection);
    std::erase_if(paused_, [&](const auto& entry) { return entry.first.first == event.connection; });
    if (protocol != nullptr) {
        protocol->on_closed(value_of(event.connection),
                            Closing{name_of(event.reason.cause), event.reason.code, event.reason.text});
    }
}

Protocol* Endpoint::Impl::protocol_of(quic::ConnectionRef connection) const {
    const auto it = connections_.find(connection);
    return it == connections_.end() ? nullptr : it->second;
}

TopicListener* Endpoint::Impl::listener_of(const base::TopicId& topic) const {
    const auto it = topics_.find(topic);
    return it == topics_.end() ? nullptr : it->second;
}

Status Endpoint::Impl::serve(std::string_view alpn, Protocol& protocol) {
    if (std::find(alpns_.begin(), alpns_.end(), alpn) == alpns_.end()) {
        return tl::unexpected(Error{Error::Code::invalid, "alpn '" + base::printable(alpn) +
                                                              "': is not among those the endpoint was made with"});
    }
    served_.insert_or_assign(std::string(alpn), &protocol);
    return {};
}

Result<Connection> Endpoint::Impl::connect(std::string_view ticket, std::string_view alpn, Protocol& protocol) {
    const auto peer = parse_peer(ticket);
    if (!peer) {
        return tl::unexpected(lift(peer.error()));
    }
    const auto connection = stack().connect(*peer, alpn, now());
    if (!connection) {
        return tl::unexpected(lift(connection.error()));
    }
    connections_[*connection] = &protocol;
    host_->touch();
    return value_of(*connection);
}

void Endpoint::Impl::pause(quic::ConnectionRef connection, quic::StreamRef stream) {
    if (connections_.contains(connection)) {
        paused_.try_emplace({connection, stream}, 0);
    }
}

void Endpoint::Impl::resume(quic::ConnectionRef connection, quic::StreamRef stream) {
    const auto it = paused_.find({connection, stream});
    if (it == paused_.end()) {
        return;
    }
    stack().consume(connection, stream, it->second);
    paused_.erase(it);
    host_->touch();
}

Status Endpoint::Impl::join(std::string_view topic, const std::vector<std::string>& tickets, TopicListener& listener) {
    const auto id = base::TopicId::parse(topic);
    if (!id) {
        return tl::unexpected(lift(id.error()));
    }
    const auto peers = parse_peers(tickets);
    if (!peers) {
        return tl::unexpected(lift(peers.error()));
    }
    auto joined = stack().join_topic(*id, *peers, now());
    if (joined) {
        topics_.insert_or_assign(*id, &listener);
        host_->touch();
    }
    return lift(std::move(joined));
}

Status Endpoint::Impl::broadcast(std::string_view topic, std::span<const std::uint8_t> content) {
    const auto id = base::TopicId::parse(topic);
    if (!id) {
        return tl::unexpected(lift(id.error()));
    }
    auto sent = stack().broadcast(*id, content, now());
    host_->touch();
    return lift(std::move(sent));
}

void Endpoint::Impl::leave(std::string_view topic) {
    if (const auto id = base::TopicId::parse(topic); id) {
        topics_.erase(*id);
        stack().leave_topic(*id, now());
        host_->touch();
    }
}

void Endpoint::Impl::shutdown(std::function<void()> done) {
    shutdown_done_.push_back(std::move(done));
    if (shutdown_done_.size() > 1) {
        return;
    }
    if (telemetry_) {
        stopping_ = telemetry_->recorder().begin(telemetry::spans::kStopping);
        stopping_.set("node_id", stack().id().hex()).set("reason", "asked");
    }
    shutdown_task_ = runtime_.at(now() + kLeaveLimit, base::Duration(0), [this] {
        shutdown_task_.reset();
        stopping_.fail("the goodbye took too long and was cut off");
        finish_leaving();
    });
    stack().leave(now());
    host_->touch();
}

// Goodbye was said, or takes too long: the last telemetry, then the callbacks.
void Endpoint::Impl::finish_leaving() {
    if (shutdown_done_.empty() || std::exchange(left_, true)) {
        return;
    }
    if (shutdown_task_) {
        runtime_.cancel(*std::exchange(shutdown_task_, std::nullopt));
    }
    if (!telemetry_) {
        finish_shutdown();
        return;
    }
    telemetry_->recorder().end(std::move(stopping_));
    telemetry_->stop(kExportLimit, [this] { finish_shutdown(); });
}

// The callbacks run in a turn of their own, where they may destroy the endpoint.
void Endpoint::Impl::finish_shutdown() {
    shutdown_task_ = runtime_.at(now(), base::Duration(0), [this] {
        shutdown_task_.reset();
        const auto callbacks = std::exchange(shutdown_done_, {});
        for (const auto& done : callbacks) {
            done();
        }
    });
}

}  // namespace grapevine
