// The delivery of a node: calls from above and below, handed to the mesh's outbox and inbox.

#include <utility>

#include "base/overloaded.hpp"
#include "node/node_impl.hpp"

namespace grapevine::node {

using base::Overloaded;

tl::expected<delivery::MessageId, delivery::SubmitRefusal> Node::submit(delivery::Submission submission,
                                                                        base::TimePoint now, Effects& out) {
    tl::expected<delivery::MessageId, delivery::SubmitRefusal> id =
        tl::unexpected<delivery::SubmitRefusal>(delivery::SubmitRefusal::bad_name);
    if (!impl_->mesh_) return id;
    impl_->delivery_spans_.submitting(submission, now);
    impl_->mesh_->delivery.send(now, out, [&](auto& outbox, auto& effects) {
        id = outbox.submit(std::move(submission), now, effects);
        if (!id) impl_->delivery_spans_.refused(id.error());
    });
    if (id) impl_->delivery_spans_.submitted(id->sequence);
    return id;
}

void Node::cancel(delivery::MessageSequence message, base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    impl_->mesh_->delivery.send(now, out, [&](auto& outbox, auto& effects) { outbox.cancel(message, now, effects); });
}

base::Admitted Node::serve(const std::string& name, const delivery::Service& service, base::TimePoint now,
                           Effects& out) {
    base::Admitted admitted = base::Admitted::no;
    if (!impl_->mesh_ || wire::is_reserved_name(name)) return admitted;
    impl_->mesh_->delivery.receive(
        now, out, [&](auto& inbox, auto& effects) { admitted = inbox.serve(name, service, now, effects); });
    return admitted;
}

void Node::stop_serving(const std::string& name, base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    impl_->mesh_->delivery.receive(now, out, [&](auto& inbox, auto& effects) { inbox.stop(name, now, effects); });
}

delivery::Answered Node::answer(delivery::HandleId handle, delivery::Answer answer, base::TimePoint now, Effects& out) {
    delivery::Answered answered = delivery::Answered::late;
    if (!impl_->mesh_) return answered;
    impl_->delivery_spans_.answering(handle, answer);
    impl_->mesh_->delivery.receive(now, out, [&](auto& inbox, auto& effects) {
        answered = inbox.answer(handle, std::move(answer), now, effects);
    });
    return answered;
}

void Node::on_session_up(const base::EndpointId& peer, delivery::Incarnation incarnation, const wire::Window& window,
                         base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    impl_->mesh_->delivery.on_session_up(peer, incarnation, window, now, out);
}

void Node::on_session_down(const base::EndpointId& peer, delivery::SessionEnd end, base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    impl_->mesh_->fabric.resolver().forget(peer);
    impl_->mesh_->delivery.on_session_down(peer, end, now, out);
}

void Node::on_sender_up(const base::EndpointId& peer, delivery::Incarnation incarnation, base::TimePoint now,
                        Effects& out) {
    if (!impl_->mesh_) return;
    impl_->mesh_->publications.forget(peer);
    impl_->mesh_->delivery.receive(
        now, out, [&](auto& inbox, auto& effects) { inbox.on_session_up(peer, incarnation, now, effects); });
}

void Node::on_sender_down(const base::EndpointId& peer, base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    impl_->mesh_->publications.forget(peer);
    impl_->mesh_->delivery.receive(now, out,
                                   [&](auto& inbox, auto& effects) { inbox.on_session_down(peer, now, effects); });
}

void Node::on_delivery(const base::EndpointId& peer, wire::DeliveryFrame frame, base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    auto& mesh = impl_->mesh_->delivery;
    std::visit(
        Overloaded{
            [&](wire::Deliver& f) {
                if (wire::is_reserved_name(f.name)) {
                    auto answer = impl_->mesh_->publications.answer(peer, f, now);
                    if (answer) out.push_back(delivery::SendOutcome{peer, *std::move(answer)});
                    return;
                }
                mesh.receive(now, out,
                             [&](auto& inbox, auto& effects) { inbox.on_deliver(peer, std::move(f), now, effects); });
            },
            [&](wire::DeliverLarge& f) {
                mesh.receive(now, out, [&](auto& inbox, auto& effects) {
                    inbox.on_deliver_large(peer, std::move(f), now, effects);
                });
            },
            [&](wire::Outcome& f) {
                impl_->delivery_spans_.answer_came(f.sequence, f.context);
                mesh.send(now, out, [&](auto& outbox, auto& effects) { outbox.on_outcome(peer, f, now, effects); });
            },
            [&](wire::Window& f) {
                mesh.send(now, out, [&](auto& outbox, auto& effects) { outbox.on_window(peer, f, now, effects); });
            },
            [&](wire::OpenStream& f) {
                if (wire::is_reserved_name(f.name))
                    return impl_->mesh_->teller.on_open(peer, f, impl_->mesh_->fabric.backbone(), now, out);
                mesh.receive(now, out, [&](auto& inbox, auto& effects) {
                    inbox.on_open_stream(peer, std::move(f), now, effects);
                });
            },
        },
        frame);
}

base::ByteView Node::payload(delivery::MessageSequence message) const {
    return impl_->mesh_ ? impl_->mesh_->delivery.outbox().payload(message) : base::ByteView();
}

void Node::on_payload(const base::EndpointId& peer, delivery::MessageSequence message, base::Bytes payload,
                      base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    impl_->mesh_->delivery.receive(now, out, [&](auto& inbox, auto& effects) {
        inbox.on_payload(peer, message, std::move(payload), now, effects);
    });
}

void Node::on_writable(const base::EndpointId& peer, base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    impl_->mesh_->delivery.send(now, out, [&](auto& outbox, auto& effects) { outbox.on_writable(peer, now, effects); });
}

void Node::leave_delivery(base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    auto& mesh = impl_->mesh_->delivery;
    impl_->leave_publications(now, out);
    impl_->leave_watches(out);
    mesh.receive(now, out, [&](auto& inbox, auto& effects) { inbox.leave(now, effects); });
    mesh.send(now, out, [&](auto& outbox, auto& effects) { outbox.leave(now, effects); });
}

void Node::end_delivery(base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    impl_->mesh_->delivery.send(now, out, [&](auto& outbox, auto& effects) { outbox.abandon(now, effects); });
}

std::size_t Node::deliveries_in_hand() const {
    if (!impl_->mesh_) return 0;
    return impl_->mesh_->delivery.inbox().open_messages() + impl_->mesh_->delivery.outbox().size();
}

}  // namespace grapevine::node
