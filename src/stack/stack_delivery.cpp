// How deliveries meet the rest of a stack: frames to and from the node, streams to and from sessions.

#include <utility>

#include "base/overloaded.hpp"
#include "stack/stack_impl.hpp"

namespace grapevine::stack {

using base::Overloaded;

void Stack::Impl::apply(DeliveryEffects& effects, base::TimePoint now) {
    for (auto& effect : effects) {
        SessionEffects sessions;
        DeliveryEffects more;
        drive(now, [&](node::Effects& out) {
            std::visit(Overloaded{
                           [&](const DeliveryOpened& e) { node_.on_sender_up(e.peer, e.incarnation, now, out); },
                           [&](const DeliveryEnded& e) { node_.on_sender_down(e.peer, now, out); },
                           [&](DeliveryCame& e) {
                               if (!passes(e.peer, admission::FrameClass::delivery, now)) return;
                               const auto* open = std::get_if<wire::OpenStream>(&e.frame);
                               const bool watch = open != nullptr && wire::is_watch_name(open->name);
                               if (watch && !passes(e.peer, admission::FrameClass::watch, now))
                                   return node_.on_stream_too_often(e.peer, *open, out);
                               node_.on_delivery(e.peer, std::move(e.frame), now, out);
                           },
                           [&](const DeliveryViolation& e) {
                               if (sessions_) sessions_->end(e.connection, e.rule, now, sessions);
                           },
                           [&](const DeliveryRetained& e) { sessions_->retain(e.connection); },
                           [&](const DeliveryReleased& e) { sessions_->release(e.connection, now); },
                           [&](PayloadCame& e) { node_.on_payload(e.peer, e.message, std::move(e.payload), now, out); },
                           [&](const PayloadJudged& e) { payload_streams_.on_judged(e.connection, e.stream); },
                           [&](const PayloadWritten& e) { payload_streams_.on_written(e.connection, more); },
                           [&](ByteStreamEvent& e) { on_stream(e, now, out); },
                       },
                       effect);
        });
        if (!sessions.empty()) apply(sessions, now);
        if (!more.empty()) apply(more, now);
    }
}

// The end of a stream's message comes before what then happens on the stream.
void Stack::Impl::report(delivery::Finished& finished, DeliveryEffects& out) {
    const delivery::MessageSequence message = finished.message;
    const delivery::Ending ending = finished.ending;
    stories_.on(finished, now_);
    events_.emplace_back(DeliveryReport(std::move(finished)));
    byte_streams_.on_finished(message, ending, out);
    local_streams_.on_finished(message, ending, out);
    payload_streams_.on_finished(message, out);
}

void Stack::Impl::report(delivery::Handle& handle) {
    const bool is_stream = handle.kind == delivery::MessageKind::stream;
    if (is_stream && handle.from == endpoint_.id())
        local_streams_.on_handle(handle);
    else if (is_stream)
        byte_streams_.on_handle(handle);
    events_.emplace_back(DeliveryReport(std::move(handle)));
}

void Stack::Impl::report(delivery::HandlerLate& late) {
    byte_streams_.on_late(late.handle);
    local_streams_.on_late(late.handle);
    events_.emplace_back(DeliveryReport(std::move(late)));
}

// True if the event was about one of these streams.
template <typename Streams>
bool Stack::Impl::on_stream_event(Streams& streams, quic::Event& event, base::TimePoint now) {
    DeliveryEffects effects;
    const bool taken = std::visit(
        [&](auto& e) {
            using E = std::decay_t<decltype(e)>;
            if constexpr (requires { e.stream; }) {
                if (!streams.owns(e.connection, e.stream)) return false;
                if constexpr (std::is_same_v<E, quic::StreamData>) streams.on_stream_data(e, now, effects);
                if constexpr (std::is_same_v<E, quic::StreamWritable>)
                    streams.on_writable(e.connection, e.stream, effects);
                if constexpr (std::is_same_v<E, quic::StreamReset>) streams.on_reset(e, effects);
                if constexpr (std::is_same_v<E, quic::StreamStopped>) streams.on_stopped(e, effects);
                if constexpr (std::is_same_v<E, quic::StreamClosed>) streams.on_closed(e.connection, e.stream, effects);
                return true;
            }
            return false;
        },
        event);
    apply(effects, now);
    return taken;
}

void Stack::Impl::send(const delivery::SendOpenStream& open, DeliveryEffects& out) {
    byte_streams_.open(open.peer, deliveries_.session_to(open.peer), open.frame, out);
    deliveries_.mark_writable(open.peer);
}

void Stack::Impl::send(delivery::SendLarge& large, DeliveryEffects& out) {
    payload_streams_.send(large.peer, deliveries_.session_to(large.peer), std::move(large.frame), out);
    deliveries_.mark_writable(large.peer);
}

// On the stream that the message came on, if it had one of its own.
void Stack::Impl::say(const delivery::SendOutcome& outcome, DeliveryEffects& out) {
    const bool own_stream =
        byte_streams_.say(outcome.peer, outcome.frame, out) || payload_streams_.say(outcome.peer, outcome.frame, out);
    if (!own_stream) deliveries_.say(outcome.peer, outcome.frame, out);
}

// True, since the event needs nothing more.
bool Stack::Impl::refuse_stream(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now) {
    endpoint_.reset_stream(connection, stream, kCloseRefused);
    endpoint_.stop_sending(connection, stream, kCloseRefused);
    sessions_->release(connection, now);
    return true;
}

// The first byte of a peer's stream says what it is for.
void Stack::Impl::begin_stream(const MeshSessions::Sender& sender, const quic::StreamData& event, base::TimePoint now,
                               DeliveryEffects& out) {
    const delivery::Incarnation life{sender.incarnation};
    const std::uint8_t tag = event.data.front();
    if (wire::is_open_stream_tag(tag)) {
        deliveries_.note_sender(sender.peer, life, event.connection, out);
        byte_streams_.adopt(sender.peer, event.connection, event.stream, now);
        byte_streams_.on_stream_data(event, now, out);
    } else if (wire::is_large_tag(tag)) {
        deliveries_.note_sender(sender.peer, life, event.connection, out);
        payload_streams_.adopt(sender.peer, event.connection, event.stream, now);
        payload_streams_.on_stream_data(event, now, out);
    } else {
        deliveries_.adopt(sender.peer, life, event.connection, event.stream, out);
    }
}

// True if the event was about a stream that carries deliveries.
bool Stack::Impl::on_delivery_event(quic::Event& event, base::TimePoint now) {
    if (on_stream_event(byte_streams_, event, now) || on_stream_event(payload_streams_, event, now)) return true;
    DeliveryEffects effects;
    const auto ended = [&](quic::ConnectionRef connection, quic::StreamRef stream) {
        if (!deliveries_.owns(connection, stream)) return false;
        const bool theirs = deliveries_.is_theirs(connection, stream);
        deliveries_.on_stream_ended(connection, stream, effects);
        if (theirs) sessions_->release(connection, now);
        return true;
    };
    const bool taken = std::visit(Overloaded{
                                      [&](const quic::StreamData& e) {
                                          if (!deliveries_.owns(e.connection, e.stream)) {
                                              const auto sender = sessions_ ? sessions_->hand_over(e) : std::nullopt;
                                              if (!sender) return false;
                                              const std::uint8_t tag = e.data.front();
                                              const bool own = wire::is_open_stream_tag(tag) || wire::is_large_tag(tag);
                                              if (own && !passes(sender->peer, admission::FrameClass::stream, now))
                                                  return refuse_stream(e.connection, e.stream, now);
                                              begin_stream(*sender, e, now, effects);
                                              if (!deliveries_.owns(e.connection, e.stream)) return true;
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

tl::expected<delivery::Announcement, delivery::PublishRefusal> Stack::publish(base::Bytes content,
                                                                              base::TimePoint now) {
    impl_->ledger_.set_now(now);
    tl::expected<delivery::Announcement, delivery::PublishRefusal> what;
    impl_->drive(now, [&](node::Effects& out) { what = impl_->node_.publish(std::move(content), now, out); });
    return what;
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
    const delivery::Verdict verdict = answer.verdict;
    impl_->drive(now, [&](node::Effects& out) { answered = impl_->node_.answer(handle, std::move(answer), now, out); });
    if (answered == delivery::Answered::late) return answered;
    DeliveryEffects effects;
    impl_->byte_streams_.on_answered(handle, verdict, effects);
    impl_->local_streams_.on_answered(handle, verdict, effects);
    impl_->apply(effects, now);
    return answered;
}

base::Result<std::size_t> Stack::write(const ByteStreamRef& stream, base::ByteView data, node::Last last,
                                       base::TimePoint now) {
    impl_->ledger_.set_now(now);
    if (!impl_->local_streams_.owns(stream)) return impl_->byte_streams_.write(stream, data, last);
    DeliveryEffects effects;
    auto taken = impl_->local_streams_.write(stream, data, last, effects);
    impl_->apply(effects, now);
    return taken;
}

void Stack::consume(const ByteStreamRef& stream, std::size_t bytes, base::TimePoint now) {
    DeliveryEffects effects;
    impl_->byte_streams_.consume(stream, bytes);
    impl_->local_streams_.consume(stream, bytes, effects);
    impl_->apply(effects, now);
}

void Stack::reset(const ByteStreamRef& stream, std::uint32_t code, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    DeliveryEffects effects;
    impl_->byte_streams_.reset(stream, code, effects);
    impl_->local_streams_.reset(stream, code, effects);
    impl_->apply(effects, now);
}

}  // namespace grapevine::stack
