// How deliveries meet the rest of a stack: frames to and from the node, streams to and from sessions.

#include <utility>

#include "base/overloaded.hpp"
#include "stack/stack_impl.hpp"

namespace grapevine::stack {

using base::Overloaded;

void Stack::Impl::apply(DeliveryEffects& effects, base::TimePoint now) {
    for (auto& effect : effects) {
        SessionEffects sessions;
        drive(now, [&](node::Effects& out) {
            std::visit(Overloaded{
                           [&](const DeliveryOpened& e) { node_.on_sender_up(e.peer, e.incarnation, now, out); },
                           [&](const DeliveryEnded& e) { node_.on_sender_down(e.peer, now, out); },
                           [&](DeliveryCame& e) { node_.on_delivery(e.peer, std::move(e.frame), now, out); },
                           [&](const DeliveryViolation& e) {
                               if (sessions_) sessions_->end(e.connection, e.rule, now, sessions);
                           },
                       },
                       effect);
        });
        if (!sessions.empty()) apply(sessions, now);
    }
}

// True if the event was about a stream that carries deliveries.
bool Stack::Impl::on_delivery_event(quic::Event& event, base::TimePoint now) {
    DeliveryEffects effects;
    const auto ended = [&](quic::ConnectionRef connection, quic::StreamRef stream) {
        if (!deliveries_.owns(connection, stream)) return false;
        const bool theirs = deliveries_.is_theirs(connection, stream);
        deliveries_.on_stream_ended(connection, stream, effects);
        if (theirs) sessions_->release(connection, now);
        return true;
    };
    const bool taken =
        std::visit(Overloaded{
                       [&](const quic::StreamData& e) {
                           if (!deliveries_.owns(e.connection, e.stream)) {
                               const auto sender = sessions_ ? sessions_->hand_over(e) : std::nullopt;
                               if (!sender) return false;
                               deliveries_.adopt(sender->peer, delivery::Incarnation{sender->incarnation}, e.connection,
                                                 e.stream, effects);
                           }
                           deliveries_.on_stream_data(e, effects);
                           if (e.fin) ended(e.connection, e.stream);
                           return true;
                       },
                       [&](const quic::StreamWritable& e) {
                           if (!deliveries_.owns(e.connection, e.stream)) return false;
                           deliveries_.on_writable(e.connection, e.stream);
                           return true;
                       },
                       [&](const quic::StreamReset& e) { return ended(e.connection, e.stream); },
                       [&](const quic::StreamStopped& e) { return ended(e.connection, e.stream); },
                       [&](const quic::StreamClosed& e) { return ended(e.connection, e.stream); },
                       [](const auto&) { return false; },
                   },
                   event);
    apply(effects, now);
    return taken;
}

// What the outbox may write next, peer by peer, until streams are full or nothing is left.
void Stack::Impl::write_on(base::TimePoint now) {
    for (auto peers = deliveries_.take_writable(); !peers.empty(); peers = deliveries_.take_writable())
        for (const auto& peer : peers)
            drive(now, [&](node::Effects& out) { node_.on_writable(peer, now, out); });
}

tl::expected<delivery::MessageId, delivery::SubmitRefusal> Stack::submit(delivery::Submission submission,
                                                                         base::TimePoint now) {
    impl_->ledger_.set_now(now);
    tl::expected<delivery::MessageId, delivery::SubmitRefusal> id;
    impl_->drive(now, [&](node::Effects& out) { id = impl_->node_.submit(std::move(submission), now, out); });
    return id;
}

void Stack::cancel(delivery::MessageSequence message, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    impl_->drive(now, [&](node::Effects& out) { impl_->node_.cancel(message, now, out); });
}

base::Admitted Stack::serve(const std::string& name, const delivery::Service& service, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    base::Admitted admitted = base::Admitted::no;
    impl_->drive(now, [&](node::Effects& out) { admitted = impl_->node_.serve(name, service, now, out); });
    return admitted;
}

void Stack::stop_serving(const std::string& name, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    impl_->drive(now, [&](node::Effects& out) { impl_->node_.stop_serving(name, now, out); });
}

delivery::Answered Stack::answer(delivery::HandleId handle, delivery::Answer answer, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    delivery::Answered answered = delivery::Answered::late;
    impl_->drive(now, [&](node::Effects& out) { answered = impl_->node_.answer(handle, std::move(answer), now, out); });
    return answered;
}

}  // namespace grapevine::stack
