// A node among other meshes: the backbone on its topic, questions and their answers.

#include <utility>

#include "base/overloaded.hpp"
#include "node/node_impl.hpp"
#include "wire/names.hpp"

namespace grapevine::node {

using base::Overloaded;

void Node::Impl::refresh_fabric(base::TimePoint now, Effects& out) {
    if (left_) return;
    fabric::Effects effects;
    mesh_->fabric.refresh(now, effects);
    route(effects, now, out);
}

void Node::Impl::fabric_deadline(base::TimePoint now, Effects& out) {
    fabric::Effects effects;
    mesh_->fabric.backbone().on_deadline(now, effects);
    route(effects, now, out);
    resolve(now, out, [&](auto& resolver, auto& asked) { resolver.on_deadline(now, asked); });
    std::vector<paths::TryRemembered> tries;
    mesh_->fabric.try_remembered(now, tries);
    for (const auto& attempt : tries)
        subscribe(mesh_->fabric.topic(), &attempt.peer, now, out);
}

// The seeds of the fabric are tried for ever. Of the others, which come and go, each is tried once; those of other
// meshes again when nobody is left.
void Node::Impl::join_backbone(const std::vector<wire::EndpointAddr>& peers, base::TimePoint now, Effects& out) {
    const base::TopicId& topic = mesh_->fabric.topic();
    const bool enters = gossip_.find(topic) == nullptr;
    if (enters) (void)join_topic(topic, mesh_->config.fabric_seeds, now, out);
    const auto& seeds = mesh_->config.fabric_seeds;
    for (const auto& peer : peers) {
        const auto same = [&](const wire::EndpointAddr& seed) { return seed.id == peer.id; };
        // A seed that comes again is one that nobody names: neighbours alone do not make it part of the fabric.
        if (!enters || std::none_of(seeds.begin(), seeds.end(), same)) subscribe(topic, &peer, now, out);
    }
}

void Node::Impl::route(const fabric::Effects& effects, base::TimePoint now, Effects& out) {
    for (const auto& effect : effects)
        std::visit(Overloaded{
                       [&](const fabric::Broadcast& e) {
                           GossipEffects gossip;
                           (void)gossip_.broadcast(mesh_->fabric.topic(), e.envelope, wire::ScopeKind::swarm, now,
                                                   gossip);
                           route(gossip, now, out);
                       },
                       [&](const fabric::JoinBackbone& e) { join_backbone(e.peers, now, out); },
                       [&](const fabric::LeaveBackbone& e) {
                           mesh_->teller.on_off_duty(out);
                           mesh_->fabric.set_connectivity(paths::Connectivity::isolated, now);
                           leave_topic(e.topic, now, out);
                       },
                       [&](const fabric::MeshAppeared& e) {
                           mesh_->fabric.remember_gateways(e.mesh, now);
                           mesh_->teller.on_mesh(e.mesh, wire::WatchMeshChange::appeared, now);
                           out.push_back(e);
                       },
                       [&](const fabric::MeshChanged& e) { mesh_->fabric.remember_gateways(e.mesh, now); },
                       [&](const fabric::MeshGone& e) {
                           mesh_->teller.on_mesh(e.mesh, wire::WatchMeshChange::gone, now);
                           out.push_back(e);
                       },
                       [&](const fabric::OwnMeshElsewhere& e) {
                           for (const auto& gateway : e.gateways)
                               if (mesh_->directory.find(gateway.id) == nullptr)
                                   subscribe(mesh_->topic, &gateway, now, out);
                       },
                       [](const fabric::Refused&) {},  // Counted by the backbone.
                   },
                   effect);
    mesh_->teller.pump(now, out);
}

void Node::Impl::on_summary(const broadcast::Deliver& delivery, base::TimePoint now, Effects& out) {
    fabric::Effects effects;
    mesh_->admission.at(now);
    mesh_->fabric.backbone().on_summary(delivery.from, delivery.content, now, effects);
    route(effects, now, out);
}

void Node::Impl::on_backbone_neighbor(const base::EndpointId& peer, NeighborChange change, base::TimePoint now,
                                      Effects& out) {
    const Topic* topic = gossip_.find(mesh_->fabric.topic());
    const bool alone = topic == nullptr || topic->membership().active().empty();
    mesh_->fabric.set_connectivity(alone ? paths::Connectivity::isolated : paths::Connectivity::connected, now);
    if (change == NeighborChange::down) return;
    fabric::Effects effects;
    mesh_->fabric.backbone().on_neighbor_up(peer, now, effects);
    route(effects, now, out);
}

void Node::Impl::ask_elsewhere(delivery::QuestionId question, const std::string& name, base::TimePoint now,
                               Effects& out) {
    fabric::ResolverEffects effects;
    const fabric::QuestionId id = mesh_->fabric.next_question();
    delivery_spans_.asked(id, name, now);
    mesh_->fabric.ask_for_delivery(question, id, name, now, effects);
    route(effects, now, out);
}

void Node::Impl::route(fabric::ResolverEffects& effects, base::TimePoint now, Effects& out) {
    for (auto& effect : effects)
        std::visit(Overloaded{
                       [&](fabric::SendQuestion& e) {
                           book_.learn(e.to.id, e.to.addrs, paths::AddressSource::directory, now);
                           if (const auto name = wire::split_name(e.name))
                               mesh_->admission.learn_mesh(e.to.id, name->mesh);
                           e.context = delivery_spans_.asking(e.name);
                           out.push_back(std::move(e));
                       },
                       [&](fabric::Answer& e) {
                           delivery_spans_.question_answered(e.ref, e.resolved);
                           out.push_back(std::move(e));
                       },
                       [&](fabric::Done& e) { on_done(e, now, out); },
                       [&](auto& e) { out.push_back(std::move(e)); },
                   },
                   effect);
}

// Who was found can be dialled.
void Node::Impl::on_done(fabric::Done& done, base::TimePoint now, Effects& out) {
    delivery_spans_.done(done);
    for (const auto& found : done.outcome.candidates) {
        if (found.id == self_) continue;
        book_.learn(found.id, found.digest.addrs, paths::AddressSource::directory, now);
        mesh_->admission.learn_mesh(found.id, found.digest.mesh);
    }
    if (on_watch_question(done, now, out)) return;
    const auto asked = mesh_->fabric.delivery_question(done.question);
    if (asked) return mesh_->delivery.on_resolved(*asked, resolution_of(done.outcome), now, out);
    out.push_back(std::move(done));
}

fabric::QuestionId Node::ask(std::string_view name, base::TimePoint deadline, base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) {
        out.push_back(fabric::Done{{}, {fabric::Verdict::unknown_mesh, {}, "this endpoint has no mesh", {}, {}}});
        return {};
    }
    const fabric::QuestionId question = impl_->mesh_->fabric.next_question();
    const auto id = base::EndpointId::parse(name);
    if (id) {
        out.push_back(fabric::Done{question, impl_->mesh_->fabric.find(*id, now)});
        return question;
    }
    impl_->delivery_spans_.asked(question, name, now);
    impl_->resolve(now, out,
                   [&](auto& resolver, auto& effects) { resolver.ask(question, name, deadline, now, effects); });
    return question;
}

void Node::on_question(const base::EndpointId& peer, fabric::AskRef ref, const wire::Resolve& question,
                       base::TimePoint now, Effects& out) {
    if (!impl_->mesh_ || impl_->left_) return;
    impl_->delivery_spans_.question_came(peer, ref, question, now);
    impl_->resolve(now, out, [&](auto& resolver, auto& effects) {
        resolver.on_question(peer, ref, question.name, question.hops, now, effects);
    });
}

void Node::on_asker_gone(const base::EndpointId& peer, fabric::AskRef ref, base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    impl_->delivery_spans_.asker_gone(ref);
    impl_->resolve(now, out, [&](auto& resolver, auto& effects) { resolver.on_asker_gone(peer, ref, now, effects); });
}

void Node::on_answer(fabric::TryId id, const wire::Resolved& answer, base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    impl_->resolve(now, out, [&](auto& resolver, auto& effects) { resolver.on_answer(id, answer, now, effects); });
}

void Node::on_question_failed(fabric::TryId id, base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    impl_->resolve(now, out, [&](auto& resolver, auto& effects) { resolver.on_failed(id, now, effects); });
}

std::vector<fabric::MeshRow> Node::meshes(base::TimePoint now) const {
    return impl_->mesh_ ? impl_->mesh_->fabric.backbone().snapshot(now) : std::vector<fabric::MeshRow>{};
}

std::vector<fabric::CacheRow> Node::cache(base::TimePoint now) const {
    return impl_->mesh_ ? impl_->mesh_->fabric.resolver().cache(now) : std::vector<fabric::CacheRow>{};
}

}  // namespace grapevine::node
