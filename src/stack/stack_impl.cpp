#include "stack/stack_impl.hpp"

#include <algorithm>
#include <utility>

#include "base/overloaded.hpp"
#include "fabric/duty.hpp"

namespace grapevine::stack {

namespace {

using base::Overloaded;

quic::Config with_own_alpns(const Config& config) {
    quic::Config quic = config.quic;
    if (config.mesh) quic.alpns.insert(quic.alpns.begin(), std::string(wire::kMeshAlpn));
    if (config.gossip) quic.alpns.insert(quic.alpns.begin(), std::string(wire::kGossipAlpn));
    return quic;
}

node::LinkEnd link_end(const quic::CloseReason& reason) {
    switch (reason.cause) {
        case quic::CloseCause::application_local:
        case quic::CloseCause::application_remote:
        case quic::CloseCause::endpoint_shutdown: return node::LinkEnd::closed;
        case quic::CloseCause::unreachable:
        case quic::CloseCause::handshake_timeout:
        case quic::CloseCause::wrong_peer:
        case quic::CloseCause::tls:
        case quic::CloseCause::version: return node::LinkEnd::dial_failed;
        case quic::CloseCause::transport_local:
        case quic::CloseCause::transport_remote:
        case quic::CloseCause::idle_timeout:
        case quic::CloseCause::stateless_reset: return node::LinkEnd::lost;
    }
    return node::LinkEnd::lost;
}

std::string describe(const quic::CloseReason& reason) {
    std::string text(quic::name(reason.cause));
    if (!reason.text.empty()) text += ": " + reason.text;
    return text;
}

}  // namespace

Stack::Impl::Impl(const Config& config, const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger)
    : config_(config),
      ledger_(ledger),
      rng_(rng),
      incarnation_{rng.next()},
      endpoint_(with_own_alpns(config), key, rng, ledger),
      node_(node::Config{config.mesh, incarnation_, config.recorder, [this](const auto& peer) { return rtt_of(peer); },
                         [this](const auto& peer) { return delivers_to(peer); }},
            key, rng, ledger),
      connection_spans_(config.recorder, node_, endpoint_),
      mesh_spans_(config.recorder, node_, endpoint_, connection_spans_),
      limits_(admission::RateConfig{}),
      links_(endpoint_, ledger, [this](const base::EndpointId& peer) { return node_.candidates(peer, now_); }),
      deliveries_(endpoint_),
      byte_streams_(endpoint_, ledger),
      local_streams_(ledger),
      payload_streams_(endpoint_, ledger,
                       [this](delivery::MessageSequence message) { return node_.payload(message); }) {
    if (!config.mesh) return;
    mesh_topic_ = node::Node::topic_of_mesh(config.mesh->mesh);
    backbone_topic_ = fabric::backbone_topic(config.mesh->fabric);
    sessions_.emplace(
        endpoint_, ledger, mesh_spans_, limits_,
        wire::Hello{1, config.mesh->mesh, config.mesh->type, incarnation_.value, {}},
        [this](const base::EndpointId& peer) { return node_.candidates(peer, now_); },
        Doorman{[this](const auto& peer, const auto& hello, node::Caller caller, base::TimePoint now) {
                    return node_.greet(peer, hello, caller, now);
                },
                [this](const base::EndpointId& peer) { return node_.ticket_for(peer); }});
}

void Stack::Impl::execute(node::Effects& effects, base::TimePoint now) {
    now_ = now;
    for (auto& effect : effects)
        execute_one(effect, now);
}

void Stack::Impl::send(node::SendMessage& message, base::TimePoint now, LinkEffects& out) {
    auto span = frame_sent(config_.recorder, message.to, message.message);
    links_.send(message.to, message.topic, message.message, now, out);
    if (span) config_.recorder->end(std::move(span));
}

void Stack::Impl::execute_one(node::Effect& effect, base::TimePoint now) {
    LinkEffects links;
    SessionEffects sessions;
    DeliveryEffects deliveries;
    std::visit(Overloaded{
                   [&](node::SendMessage& e) { send(e, now, links); },
                   [&](node::FinishTopic& e) { links_.finish_topic(e.peer, e.topic); },
                   [&](node::DropPeer& e) { links_.drop(e.peer, now); },
                   [&](node::AbandonPeer& e) { links_.abandon(e.peer, now); },
                   [&](node::ProbePeer& e) {
                       if (const auto connection = links_.current(e.peer)) endpoint_.ping(*connection);
                   },
                   [&](node::OpenSync& e) {
                       if (sessions_) sessions_->open_sync(e.sync, e.peer, std::move(e.turn), now, sessions);
                   },
                   [&](node::SendSync& e) {
                       if (sessions_) sessions_->send_sync(e.sync, e.turn, e.last);
                   },
                   [&](node::AbortSync& e) {
                       if (sessions_) sessions_->abort_sync(e.sync);
                   },
                   [&](fabric::SendQuestion& e) {
                       if (sessions_)
                           sessions_->ask(e.id, e.to.id, wire::Resolve{std::move(e.name), e.hops, e.context}, now,
                                          sessions);
                   },
                   [&](fabric::DropQuestion& e) {
                       if (sessions_) sessions_->drop_question(e.id, now);
                   },
                   [&](fabric::Answer& e) {
                       if (sessions_) sessions_->answer(e.ref, e.resolved);
                   },
                   [&](node::Introduce& e) {
                       if (sessions_) sessions_->ping(kIntroduction, e.peer, rng_.next(), now, sessions);
                   },
                   [&](node::CloseSessions& e) {
                       if (sessions_) sessions_->close_sessions(e.peer, now, sessions);
                   },
                   [&](node::SayRevocations& e) {
                       if (sessions_) sessions_->say_revocations(e.peer, e.envelope, now);
                   },
                   [&](delivery::WantSession& e) {
                       if (sessions_) sessions_->want_session(e.peer, now, sessions);
                   },
                   [&](delivery::ReleaseSession& e) {
                       if (sessions_) sessions_->release_session(e.peer, now);
                   },
                   [&](delivery::SendDeliver& e) { deliveries_.send(e.peer, e.frame, deliveries); },
                   [&](delivery::SendOpenStream& e) { send(e, deliveries); },
                   [&](delivery::SendLarge& e) { send(e, deliveries); },
                   [&](delivery::TakePayload& e) { payload_streams_.take(e, deliveries); },
                   [&](delivery::SendOutcome& e) { say(e, deliveries); },
                   [&](delivery::SendWindow& e) { deliveries_.say(e.peer, e.frame, deliveries); },
                   [&](node::TakeStream& e) { carry(e, now, deliveries); },
                   [&](node::StreamDecided& e) { carry(e, now, deliveries); },
                   [&](node::SayOnStream& e) { carry(e, now, deliveries); },
                   [&](node::ResetStream& e) { carry(e, deliveries); },
                   [&](delivery::Finished& e) { report(e, deliveries); },
                   [&](delivery::Handle& e) { report(e); },
                   [&](delivery::HandlerLate& e) { report(e); },
                   [&](auto& report) { emit(Event(std::move(report)), now); },
               },
               effect);
    if (!links.empty()) apply(links, now);
    if (!sessions.empty()) apply(sessions, now);
    if (!deliveries.empty()) apply(deliveries, now);
}

void Stack::Impl::apply(LinkEffects& effects, base::TimePoint now) {
    for (auto& effect : effects) {
        drive(now, [&](node::Effects& out) {
            std::visit(Overloaded{
                           [&](GossipReceived& e) {
                               if (is_own_topic(e.topic) && !passes(e.from, admission::FrameClass::statement, now))
                                   return;
                               within(frame_received(config_.recorder, e.from, e.message),
                                      [&] { node_.on_gossip(e.from, e.topic, std::move(e.message), now, out); });
                           },
                           [&](const LinkDialled& e) { note_dial(e.connection, e.peer, wire::kGossipAlpn, now); },
                           [&](const LinkUp& e) {
                               const auto connection = links_.current(e.peer);
                               const auto stats = connection ? endpoint_.stats(*connection) : std::nullopt;
                               const bool dialled = stats && stats->origin == quic::Origin::outgoing;
                               node_.on_link_up(e.peer, dialled ? std::optional(stats->remote) : std::nullopt, now);
                           },
                           [&](const LinkLost& e) {
                               node_.on_link_lost(e.peer, link_end(e.reason), describe(e.reason), now, out);
                           },
                       },
                       effect);
        });
    }
}

void Stack::Impl::apply(SessionEffects& effects, base::TimePoint now) {
    for (auto& effect : effects) {
        drive(now, [&](node::Effects& out) {
            std::visit(Overloaded{
                           [&](const SyncOpened& e) { node_.on_sync_opened(e.sync, e.peer, now, out); },
                           [&](const SyncReceived& e) { node_.on_sync_received(e.sync, e.turn, now, out); },
                           [&](const SyncEnded& e) { node_.on_sync_ended(e.sync, e.error, now, out); },
                           [&](const QuestionCame& e) { node_.on_question(e.peer, e.ref, e.question, now, out); },
                           [&](const AskerGone& e) { node_.on_asker_gone(e.peer, e.ref, now, out); },
                           [&](const QuestionAnswered& e) { node_.on_answer(e.id, e.answer, now, out); },
                           [&](const QuestionFailed& e) { node_.on_question_failed(e.id, now, out); },
                           [&](PingDone& e) {
                               if (e.request == kIntroduction) return on_introduction(e, now, out);
                               mesh_spans_.ping_over(e);
                               events_.push_back(std::move(e));
                           },
                           [&](const SessionDialled& e) { note_dial(e.connection, e.peer, wire::kMeshAlpn, now); },
                           [&](const SessionBegan& e) { node_.on_session_began(e.peer, e.standing, now, out); },
                           [&](const SessionDenied& e) { node_.on_denied(e.peer, e.why, now, out); },
                           [&](const RevocationsCame& e) { node_.on_revocations(e.peer, e.envelope, now, out); },
                           [&](const SessionUp& e) {
                               deliveries_.on_session_up(e.peer, e.connection);
                               node_.on_session_up(e.peer, delivery::Incarnation{e.incarnation}, kFirstWindow, now,
                                                   out);
                           },
                           [&](const SessionDown& e) {
                               stories_.no_session(e.peer, e.end, e.error, now);
                               node_.on_session_down(e.peer, e.end, now, out);
                           },
                           [&](const SessionEnded& e) {
                               DeliveryEffects ended;
                               deliveries_.on_session_end(e.connection, ended);
                               byte_streams_.on_session_end(e.connection, ended);
                               payload_streams_.on_session_end(e.connection, ended);
                               apply(ended, now);
                               if (e.standing) node_.on_session_ended(e.peer, *e.standing);
                           },
                       },
                       effect);
        });
    }
}

// A session that does not answer may be with a former life of the peer: the next introduction dials anew.
void Stack::Impl::on_introduction(const PingDone& done, base::TimePoint now, node::Effects& out) {
    if (done.rtt) return node_.on_introduced(done.peer, out);
    SessionEffects ended;
    if (done.error == kDeadlinePassed) sessions_->give_up(done.peer, now, ended);
    node_.on_introduction_failed(done.peer, done.error, now, out);
    apply(ended, now);
}

void Stack::Impl::pump(base::TimePoint now) {
    now_ = now;
    while (auto event = endpoint_.poll_event())
        on_event(*event, now);
    write_on(now);
}

void Stack::Impl::on_event(quic::Event& event, base::TimePoint now) {
    if (const auto* connected = std::get_if<quic::Connected>(&event))
        return within(connection_spans_.connected(*connected, cause_of(connected->alpn, connected->peer), now),
                      [&] { on_connected(*connected, now); });
    if (const auto* closed = std::get_if<quic::Closed>(&event))
        return within(
            connection_spans_.closed(
                *closed, [&](std::string_view alpn, const base::EndpointId& peer) { return cause_of(alpn, peer); },
                now),
            [&] { on_closed(*closed, now); });
    if (on_delivery_event(event, now)) return;
    const quic::ConnectionRef connection = std::visit([](const auto& e) { return e.connection; }, event);
    LinkEffects links;
    SessionEffects sessions;
    if (links_.owns(connection)) {
        std::visit(Overloaded{
                       [&](quic::StreamOpened& e) { links_.on_stream_opened(e, now); },
                       [&](quic::StreamData& e) { links_.on_stream_data(e, now, links); },
                       [&](quic::StreamWritable& e) { links_.on_writable(e.connection, e.stream); },
                       [&](quic::StreamsAvailable& e) { links_.on_streams_available(e.connection, now, links); },
                       [&](quic::StreamReset& e) { links_.on_stream_ended(e.connection, e.stream, now); },
                       [&](quic::StreamStopped& e) {
                           endpoint_.reset_stream(e.connection, e.stream, e.code);
                           links_.on_stream_ended(e.connection, e.stream, now);
                       },
                       [&](quic::StreamClosed& e) { links_.on_stream_ended(e.connection, e.stream, now); },
                       [](auto&) {},
                   },
                   event);
        return apply(links, now);
    }
    if (sessions_ && sessions_->owns(connection)) {
        std::visit(
            Overloaded{
                [&](quic::StreamOpened& e) { sessions_->on_stream_opened(e, now); },
                [&](quic::StreamData& e) { sessions_->on_stream_data(e, now, sessions); },
                [&](quic::StreamWritable& e) { sessions_->on_writable(e.connection, e.stream); },
                [&](quic::StreamReset& e) { sessions_->on_stream_ended(e.connection, e.stream, now, sessions); },
                [&](quic::StreamStopped& e) {
                    endpoint_.reset_stream(e.connection, e.stream, e.code);
                    sessions_->on_stream_ended(e.connection, e.stream, now, sessions);
                },
                [&](quic::StreamClosed& e) { sessions_->on_stream_ended(e.connection, e.stream, now, sessions); },
                [](auto&) {},
            },
            event);
        return apply(sessions, now);
    }
    if (app_.contains(connection)) events_.push_back(std::move(event));
}

void Stack::Impl::emit(Event event, base::TimePoint now) {
    stories_.on(event, now);
    events_.push_back(std::move(event));
}

void Stack::Impl::note_dial(quic::ConnectionRef connection, const base::EndpointId& peer, std::string_view alpn,
                            base::TimePoint now) {
    connection_spans_.dialled(connection, peer, alpn);
    stories_.dialled(connection, peer, alpn, node_.candidates(peer, now), now);
}

void Stack::Impl::on_connected(const quic::Connected& event, base::TimePoint now) {
    stories_.on_connected(event, now);
    LinkEffects links;
    SessionEffects sessions;
    if (event.alpn == wire::kGossipAlpn) {
        links_.on_connected(event, now, links);
        return apply(links, now);
    }
    if (event.alpn == wire::kMeshAlpn && sessions_) {
        sessions_->on_connected(event, now, sessions);
        return apply(sessions, now);
    }
    if (!app_.contains(event.connection)) {
        if (app_.size() >= kAppConnectionsMax) return endpoint_.close(event.connection, 0, "too many connections", now);
        app_.try_emplace(event.connection, ledger_, telemetry::Kind::app_connection);
    }
    events_.push_back(AppEvent{event});
}

void Stack::Impl::on_closed(const quic::Closed& event, base::TimePoint now) {
    stories_.on_closed(event, now);
    LinkEffects links;
    SessionEffects sessions;
    links_.on_closed(event, now, links);
    if (sessions_) sessions_->on_closed(event, now, sessions);
    apply(links, now);
    apply(sessions, now);
    if (app_.erase(event.connection) > 0) events_.push_back(AppEvent{event});
}

const telemetry::OpenSpan* Stack::Impl::cause_of(std::string_view alpn, const base::EndpointId& peer) const {
    if (alpn == wire::kGossipAlpn) return node_.joining(peer);
    return alpn == wire::kMeshAlpn ? mesh_spans_.asking(peer) : nullptr;
}

std::optional<base::Duration> Stack::Impl::rtt_of(const base::EndpointId& peer) const {
    const auto connection = links_.current(peer);
    const auto stats = connection ? endpoint_.stats(*connection) : std::nullopt;
    return stats ? std::optional(stats->smoothed_rtt) : std::nullopt;
}

std::optional<base::SocketAddr> Stack::Impl::delivers_to(const base::EndpointId& peer) const {
    const auto connection = deliveries_.session_to(peer);
    const auto stats = connection ? endpoint_.stats(*connection) : std::nullopt;
    return stats ? std::optional(stats->remote) : std::nullopt;
}

void Stack::Impl::report_heard(base::TimePoint now) {
    for (const auto& peer : node_.monitored())
        if (const auto at = links_.last_heard(peer))
            drive(now, [&](node::Effects& out) { node_.heard(peer, *at, now, out); });
}

void Stack::Impl::on_deadline(base::TimePoint now) {
    now_ = now;
    endpoint_.on_deadline(now);
    pump(now);
    if (const auto due = node_.next_deadline(); due && *due <= now) {
        report_heard(now);
        drive(now, [&](node::Effects& out) { node_.on_deadline(now, out); });
    }
    links_.on_deadline(now);
    if (sessions_) {
        SessionEffects effects;
        sessions_->on_deadline(now, effects);
        apply(effects, now);
    }
    DeliveryEffects late;
    byte_streams_.on_deadline(now, late);
    payload_streams_.on_deadline(now, late);
    apply(late, now);
    finish_leaving(now);
}

std::optional<base::TimePoint> Stack::Impl::next_deadline() const {
    auto deadline = base::earliest(node_.next_deadline(), endpoint_.next_deadline());
    deadline = base::earliest(deadline, links_.next_deadline());
    if (sessions_) deadline = base::earliest(deadline, sessions_->next_deadline());
    deadline = base::earliest(deadline, byte_streams_.next_deadline());
    deadline = base::earliest(deadline, payload_streams_.next_deadline());
    deadline = base::earliest(deadline, laws_.next_deadline());
    return base::earliest(deadline, leave_deadline());
}

std::vector<NeighborRow> Stack::Impl::neighbors(base::TimePoint now) const {
    std::vector<NeighborRow> rows;
    for (const auto& peer : node_.mesh_neighbors()) {
        NeighborRow row;
        row.id = peer;
        row.name = node_.name_of(peer);
        row.eager = node_.is_eager(peer);
        const auto connection = links_.current(peer);
        if (const auto stats = connection ? endpoint_.stats(*connection) : std::nullopt) {
            row.remote = stats->remote;
            row.rtt = stats->smoothed_rtt;
            row.origin = stats->origin;
            row.silence = now - links_.last_heard(peer).value_or(now);
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace grapevine::stack
