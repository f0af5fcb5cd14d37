// Publications of a node: announcements on the mesh's topic, pieces of content by way of its outbox.

#include <utility>

#include "base/overloaded.hpp"
#include "node/node_impl.hpp"

namespace grapevine::node {

using base::Overloaded;

tl::expected<delivery::Announcement, delivery::PublishRefusal> Node::publish(base::Bytes content, base::TimePoint now,
                                                                             Effects& out) {
    tl::expected<delivery::Announcement, delivery::PublishRefusal> what =
        tl::unexpected<delivery::PublishRefusal>(delivery::PublishRefusal::no_mesh);
    if (!impl_->mesh_ || impl_->left_ || impl_->mesh_->publications.leaving()) return what;
    impl_->publications(now, out,
                        [&](auto& core, auto& effects) { what = core.publish(std::move(content), now, effects); });
    return what;
}

// One that was known already has no span of its own.
void Node::Impl::on_announcement(const broadcast::Deliver& delivery, base::TimePoint now, Effects& out) {
    if (mesh_->publications.leaving()) return;
    const auto heard = mesh_->publications.judge(delivery.content, now);
    if (!heard) return;
    const wire::Notice& said = heard->notice;
    const delivery::Announcement what{heard->author, said.number, said.hash, said.size};
    publications(now, out, [&](delivery::Publications& core, auto& effects) {
        const std::uint64_t before = core.counters().announced;
        core.on_announcement(delivery.from, what, now, effects);
        if (core.counters().announced != before) delivery_spans_.announced(what, said.context, now);
    });
}

void Node::Impl::route(delivery::PublicationEffects& effects, base::TimePoint now, Effects& out) {
    for (auto& effect : effects)
        std::visit(Overloaded{
                       [&](const delivery::Announce& e) {
                           const base::TraceContext context = delivery_spans_.published(e.what, now);
                           GossipEffects gossip;
                           (void)gossip_.broadcast(mesh_->topic, mesh_->publications.sign(e.what, context),
                                                   wire::ScopeKind::swarm, now, gossip);
                           route(gossip, now, out);
                       },
                       [&](const delivery::AskChunk& e) { ask_chunk(e, now, out); },
                       [&](delivery::Published& e) {
                           delivery_spans_.fetched(e.what, {});
                           answer_held(e.what, now, out);
                           out.push_back(std::move(e));
                       },
                       [&](const delivery::Missed& e) {
                           delivery_spans_.fetched(e.what, delivery::name(e.cause));
                           answer_held(e.what, now, out);
                           out.push_back(e);
                       },
                   },
                   effect);
}

void Node::Impl::answer_held(const delivery::Announcement& what, base::TimePoint now, Effects& out) {
    for (auto& answer : mesh_->publications.release(what.hash, now))
        out.push_back(std::move(answer));
}

// The outbox gives a message its number before it can have an end.
void Node::Impl::ask_chunk(const delivery::AskChunk& ask, base::TimePoint now, Effects& out) {
    MeshPublications& mesh = mesh_->publications;
    mesh_->delivery.send(now, out, [&](delivery::Outbox& outbox, auto& effects) {
        const auto id = outbox.submit(MeshPublications::question(ask), now, effects);
        if (id)
            mesh.asked(id->sequence, ask.fetch);
        else
            mesh.not_asked(ask.fetch);
    });
}

bool Node::Impl::on_own_message(delivery::Finished& finished, base::TimePoint now, Effects& out) {
    if (on_watch_message(finished, now, out)) return true;
    if (!mesh_->publications.ended(finished)) return false;
    run_chunks(now, out);
    return true;
}

// Rule 5 of mesh_publications.hpp.
void Node::Impl::run_chunks(base::TimePoint now, Effects& out) {
    if (running_chunks_) return;
    running_chunks_ = true;
    while (auto end = mesh_->publications.next_ended()) {
        if (mesh_->publications.leaving()) continue;
        delivery::PublicationEffects effects;
        if (end->chunk)
            mesh_->publications.core().on_chunk(end->fetch, *end->chunk, now, effects);
        else
            mesh_->publications.core().on_no_chunk(end->fetch, now, effects);
        route(effects, now, out);
    }
    running_chunks_ = false;
}

void Node::Impl::leave_publications(base::TimePoint now, Effects& out) {
    for (const auto message : mesh_->publications.leave())
        mesh_->delivery.send(now, out, [&](auto& outbox, auto& effects) { outbox.cancel(message, now, effects); });
    for (auto& answer : mesh_->publications.release_all())
        out.push_back(std::move(answer));
}

}  // namespace grapevine::node
