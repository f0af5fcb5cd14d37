// The admission of a node: what the gatekeeper decides, carried out on the directory, the mesh's topic and sessions.

#include <algorithm>
#include <string>
#include <utility>

#include "base/overloaded.hpp"
#include "node/node_impl.hpp"

namespace grapevine::node {

using base::Overloaded;

namespace {

constexpr base::RateLimit kDenialsTold{1, 16};  // Lines of a log; whoever knocks often must not fill it.

bool is_goodbye(const wire::TopicMessage& message) {
    const auto* membership = std::get_if<wire::MembershipMessage>(&message);
    return membership != nullptr && std::holds_alternative<wire::Disconnect>(*membership);
}

}  // namespace

// Rule 3 of mesh_admission.hpp, the peer's side.
bool Node::Impl::may_speak(const base::EndpointId& from, const base::TopicId& topic, base::TimePoint now,
                           Effects& out) {
    if (!is_mesh_topic(topic) || !mesh_->admission.closed()) return true;
    if (mesh_->admission.is_member(from)) {
        for (auto& message : mesh_->admission.acquaint(from))  // Rule 4.
            out.push_back(SendMessage{from, topic, std::move(message)});
        return true;
    }
    mesh_->admission.count_stranger();
    on_denied(from, from.short_hex() + " speaks on the mesh's topic and is not admitted", now, out);
    // What overtakes its sender's hello is lost, and no reason to cut it off.
    if (!gossip_.wants(from) && !mesh_->admission.is_introducing(from)) out.push_back(AbandonPeer{from});
    return false;
}

// Rule 3, our side. To say goodbye nobody is greeted.
void Node::Impl::say(const base::EndpointId& to, const base::TopicId& topic, wire::TopicMessage message, Effects& out) {
    if (!is_mesh_topic(topic) || !mesh_->admission.closed() || mesh_->admission.is_acquainted(to)) {
        out.push_back(SendMessage{to, topic, std::move(message)});
        return;
    }
    if (is_goodbye(message)) return mesh_->admission.give_up(to);
    if (mesh_->admission.hold(to, std::move(message)) == MeshAdmission::Hold::begins) out.push_back(Introduce{to});
}

// The link to the peer is gone, or about to be.
void Node::Impl::let_go(const base::EndpointId& peer) {
    if (!mesh_ || !mesh_->admission.closed()) return;
    mesh_->admission.forget(peer);
    const bool known = mesh_->directory.find(peer) != nullptr;
    mesh_->admission.release_unused(peer, known ? MeshAdmission::Entry::present : MeshAdmission::Entry::absent);
}

void Node::Impl::on_session_began(const base::EndpointId& peer, Standing standing, Effects& out) {
    if (!mesh_) return;
    mesh_->admission.session_began(peer, standing);
    if (!mesh_->admission.closed() || standing != Standing::member) return;
    on_introduced(peer, out);
    if (const auto* list = mesh_->admission.revocations()) out.push_back(SayRevocations{peer, list->envelope});
}

void Node::Impl::on_session_ended(const base::EndpointId& peer, Standing standing) {
    if (!mesh_) return;
    mesh_->admission.session_ended(peer, standing);
    if (!gossip_.wants(peer)) let_go(peer);
}

void Node::Impl::on_denied(const base::EndpointId& peer, std::string_view why, base::TimePoint now, Effects& out) {
    if (mesh_ && mesh_->denials_told.take(kDenialsTold, now))
        out.push_back(AdmissionNews{AdmissionEvent::denied, peer, std::string(why)});
}

void Node::Impl::on_introduced(const base::EndpointId& peer, Effects& out) {
    if (!mesh_ || !mesh_->admission.is_member(peer)) return;
    for (auto& message : mesh_->admission.acquaint(peer))
        out.push_back(SendMessage{peer, mesh_->topic, std::move(message)});
}

void Node::Impl::on_introduction_failed(const base::EndpointId& peer, std::string_view reason, base::TimePoint now,
                                        Effects& out) {
    if (!mesh_ || !mesh_->admission.is_introducing(peer)) return;
    const Narrator::Moment moment(narrator_);
    mesh_->admission.count_failed();
    mesh_->admission.give_up(peer);
    GossipEffects effects;
    gossip_.on_peer_lost(mesh_->topic, peer, now, effects);
    route(effects, now, out);
    paths::SeedEffects retries;
    mesh_->seeds.on_attempt_failed(peer, std::string(reason), now, retries);
    route(mesh_->topic, retries, now, out);
}

Node::Impl::ListSource Node::Impl::list_source(const std::optional<base::EndpointId>& from) const {
    if (!from) return ListSource::here;
    const bool newcomer = mesh_->directory.sync_source(*from) == directory::Source::bootstrap;
    return newcomer ? ListSource::newcomers_session : ListSource::session;
}

// A list that is new here is new to this part of the mesh, too, and said to it; unless it came from the topic, where it
// is on its way, or to a newcomer, whom the mesh tells what it knows.
void Node::Impl::on_revocations(ListSource source, base::ByteView envelope, base::TimePoint now, Effects& out) {
    if (!mesh_) return;
    admission::Effects effects;
    mesh_->admission.on_revocations(envelope, effects);
    const bool changed = std::any_of(effects.begin(), effects.end(), [](const admission::Effect& effect) {
        return std::holds_alternative<admission::RevocationsChanged>(effect);
    });
    if (changed && (source == ListSource::session || source == ListSource::here)) {
        GossipEffects gossip;
        (void)gossip_.broadcast(mesh_->topic, base::Bytes(envelope.begin(), envelope.end()), wire::ScopeKind::swarm,
                                now, gossip);
        route(gossip, now, out);
    }
    route(effects, now, out);
}

void Node::Impl::route(admission::Effects& effects, base::TimePoint now, Effects& out) {
    for (auto& effect : effects)
        std::visit(
            Overloaded{
                [&](admission::RevocationsChanged& e) { out.push_back(RevocationsLearned{std::move(e.envelope)}); },
                [&](const admission::RevocationsRefused& e) {
                    on_denied(self_, "list of revocations: " + std::string(admission::name(e.refusal)), now, out);
                },
                [&](const admission::Revoked& e) {
                    for (const auto& holder : e.holders)
                        put_out(holder, "its ticket is revoked", now, out);
                },
                [&](const admission::GrantExpired& e) { put_out(e.holder, "its ticket has expired", now, out); },
                [&](const admission::GrantWithdrawn& e) {
                    put_out(e.holder, "by the new policy: " + std::string(admission::name(e.cause)), now, out);
                },
                [&](const admission::OwnTicketLost& e) {
                    out.push_back(AdmissionNews{AdmissionEvent::own_ticket, self_,
                                                "own ticket: " + std::string(admission::name(e.cause)) +
                                                    "; others refuse this node until it has a new one"});
                },
            },
            effect);
}

// The gatekeeper has forgotten the holder already.
void Node::Impl::put_out(const admission::Holder& holder, std::string_view why, base::TimePoint now, Effects& out) {
    mesh_->admission.count_put_out();
    out.push_back(AdmissionNews{AdmissionEvent::put_out, holder.id, std::string(why)});
    out.push_back(CloseSessions{holder.id});
    if (holder.use == admission::Use::member) cut_off(holder.id, now, out);
}

// No entry, no place in the topic, no link.
void Node::Impl::cut_off(const base::EndpointId& peer, base::TimePoint now, Effects& out) {
    const Narrator::Moment moment(narrator_);
    directory::Effects removed;
    mesh_->directory.expel(peer, now, removed);
    route(removed, now, out);
    mesh_->admission.give_up(peer);
    GossipEffects lost;
    gossip_.on_peer_lost(mesh_->topic, peer, now, lost);
    route(lost, now, out);
    lost.clear();
    gossip_.on_peer_lost(mesh_->topic, peer, now, lost);  // From the passive view, too.
    route(lost, now, out);
    let_go(peer);
    mesh_->remembered.forget(peer);
    if (!gossip_.wants(peer)) return out.push_back(AbandonPeer{peer});
    // The link stays for another topic; that this one is over, the peer would not notice.
    out.push_back(SendMessage{peer, mesh_->topic, wire::MembershipMessage{wire::Disconnect{false, false}}});
    out.push_back(FinishTopic{peer, mesh_->topic});
}

base::Status Node::Impl::set_admission(const std::optional<base::EndpointId>& authority, base::Bytes ticket,
                                       base::TimePoint now, Effects& out) {
    if (!mesh_) return base::invalid("admission: this endpoint has no mesh");
    const bool was_closed = mesh_->admission.closed();
    admission::Effects effects;
    auto policy = mesh_->admission.policy(authority, std::move(ticket));
    if (auto set = mesh_->admission.set_policy(std::move(policy), now, effects); !set) return set;
    out.push_back(TicketReplaced{mesh_->admission.own_ticket()});
    directory::Effects said;
    mesh_->directory.set_ticket(mesh_->admission.own_ticket(), now, said);
    if (!was_closed && mesh_->admission.closed()) put_out_unadmitted(now, out);
    route(effects, now, out);
    route(said, now, out);
    refresh_fabric(now, out);
    return {};
}

// Where an open mesh becomes a closed one: nobody was asked so far.
void Node::Impl::put_out_unadmitted(base::TimePoint now, Effects& out) {
    std::vector<base::EndpointId> denied;
    for (const auto& [id, entry] : mesh_->directory.entries())
        if (id != self_ && !mesh_->admission.admits(id, entry.digest, now)) denied.push_back(id);
    for (const auto& peer : mesh_neighbors()) {
        if (mesh_->admission.is_member(peer))
            (void)mesh_->admission.acquaint(peer);
        else if (std::find(denied.begin(), denied.end(), peer) == denied.end())
            denied.push_back(peer);
    }
    out.push_back(CloseSessions{});
    for (const auto& peer : denied) {
        mesh_->admission.count_put_out();
        cut_off(peer, now, out);
    }
}

Judgement Node::greet(const base::EndpointId& peer, const wire::Hello& hello, Caller caller, base::TimePoint now) {
    if (!impl_->mesh_) return {};
    return impl_->mesh_->admission.greet(peer, hello, caller, now);
}

base::Bytes Node::ticket_for(const base::EndpointId& peer) const {
    if (!impl_->mesh_) return {};
    const bool known = impl_->mesh_->directory.find(peer) != nullptr;
    return impl_->mesh_->admission.ticket_for(peer,
                                              known ? MeshAdmission::Entry::present : MeshAdmission::Entry::absent);
}

void Node::on_session_began(const base::EndpointId& peer, Standing standing, base::TimePoint, Effects& out) {
    impl_->on_session_began(peer, standing, out);
}

void Node::on_session_ended(const base::EndpointId& peer, Standing standing) {
    impl_->on_session_ended(peer, standing);
}

void Node::on_denied(const base::EndpointId& peer, std::string_view why, base::TimePoint now, Effects& out) {
    impl_->on_denied(peer, why, now, out);
}

void Node::on_introduced(const base::EndpointId& peer, Effects& out) {
    impl_->on_introduced(peer, out);
}

void Node::on_introduction_failed(const base::EndpointId& peer, std::string_view reason, base::TimePoint now,
                                  Effects& out) {
    impl_->on_introduction_failed(peer, reason, now, out);
}

void Node::on_revocations(const std::optional<base::EndpointId>& from, base::ByteView envelope, base::TimePoint now,
                          Effects& out) {
    if (impl_->mesh_) impl_->on_revocations(impl_->list_source(from), envelope, now, out);
}

std::optional<base::EndpointId> Node::authority() const {
    return impl_->mesh_ ? impl_->mesh_->admission.gatekeeper().policy().authority : std::nullopt;
}

std::uint64_t Node::revocations_version() const {
    const auto* list = impl_->mesh_ ? impl_->mesh_->admission.revocations() : nullptr;
    return list == nullptr ? 0 : list->value.list_version;
}

base::Status Node::set_admission(const std::optional<base::EndpointId>& authority, base::Bytes ticket,
                                 base::TimePoint now, Effects& out) {
    return impl_->set_admission(authority, std::move(ticket), now, out);
}

}  // namespace grapevine::node
