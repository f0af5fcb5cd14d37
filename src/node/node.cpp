#include "node/node.hpp"

#include <algorithm>
#include <utility>

#include "base/overloaded.hpp"
#include "node/node_impl.hpp"

namespace grapevine::node {

using base::Overloaded;

namespace {

// HyParView's overlays of a thousand nodes have a diameter of about five.
constexpr double kHopBounds[] = {0, 1, 2, 3, 4, 5, 6, 8, 10, 15};

base::Status not_for_applications() {
    return base::invalid("topic: the mesh's own topics are not for applications");
}

}  // namespace

Node::Impl::Impl(const Config& config, const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger)
    : self_(key.id()),
      narrator_(
          config.recorder, self_, [this](const base::EndpointId& id) { return label_of(id); }, config.rtt_of),
      delivery_spans_(config.recorder, narrator_, config.address_of),
      delivery_hops_(kHopBounds),
      rng_(rng),
      ledger_(ledger),
      gossip_(key.id(), GossipConfig{}, rng, ledger),
      book_(paths::AddressBookConfig{}),
      monitor_(paths::LinkMonitorConfig{}) {
    directory::Contexts* contexts = config.recorder == nullptr ? nullptr : &narrator_;
    if (!config.mesh) return;
    mesh_ = std::make_unique<MeshPart>(
        *config.mesh, config.incarnation, key, rng, ledger, contexts, delivery_spans_,
        [this](delivery::QuestionId question, const std::string& name, base::TimePoint now, Effects& out) {
            ask_elsewhere(question, name, now, out);
        },
        [this](delivery::Finished& finished, base::TimePoint now, Effects& out) {
            return on_own_message(finished, now, out);
        });
}

void Node::Impl::set_addrs(const std::vector<base::SocketAddr>& addrs, base::TimePoint now, Effects& out) {
    wire::AddrInfo info;
    info.direct = addrs;
    gossip_.set_own_data(wire::encode(info));
    if (!mesh_) return;
    std::vector<wire::TransportAddr> transport(addrs.begin(), addrs.end());
    if (transport.size() > wire::kDigestAddrsMax) transport.resize(wire::kDigestAddrsMax);
    directory::Effects effects;
    mesh_->directory.set_addrs(std::move(transport), now, effects);
    route(effects, now, out);
}

void Node::Impl::on_gossip(const base::EndpointId& from, const base::TopicId& topic, wire::TopicMessage message,
                           base::TimePoint now, Effects& out) {
    if (!may_speak(from, topic, now, out)) return;
    GossipEffects effects;
    gossip_.on_message(from, topic, std::move(message), now, effects);
    route(effects, now, out);
}

// What the cores send comes first: a new neighbour must have our Neighbor message before the statements that its coming
// makes us broadcast, since it takes those of strangers for a mistake and tells us so.
void Node::Impl::route(GossipEffects& effects, base::TimePoint now, Effects& out) {
    const auto is_send = [](const GossipEffect& e) { return std::holds_alternative<SendGossip>(e.effect); };
    for (auto& effect : effects)
        if (is_send(effect)) on_effect(effect.topic, effect.effect, now, out);
    for (auto& effect : effects)
        if (!is_send(effect)) on_effect(effect.topic, effect.effect, now, out);
}

void Node::Impl::on_effect(const base::TopicId& topic, TopicEffect& effect, base::TimePoint now, Effects& out) {
    std::visit(Overloaded{
                   [&](SendGossip& e) {
                       const auto* membership = std::get_if<wire::MembershipMessage>(&e.message);
                       const bool goodbye =
                           membership != nullptr && std::holds_alternative<wire::Disconnect>(*membership);
                       say(e.to, topic, std::move(e.message), out);
                       if (goodbye) out.push_back(FinishTopic{e.to, topic});
                   },
                   [&](membership::DisconnectPeer& e) {
                       let_go(e.peer);
                       out.push_back(DropPeer{e.peer});
                   },
                   [&](membership::NeighborUp& e) { on_neighbor_up(topic, e.peer, now, out); },
                   [&](membership::NeighborDown& e) { on_neighbor_down(topic, e.peer, e.reason, now, out); },
                   [&](membership::PeerDataLearned& e) { on_peer_data(e.peer, e.data, now); },
                   [&](membership::Isolated&) { set_connectivity(topic, paths::Connectivity::isolated, now, out); },
                   [&](membership::Rejoined&) { set_connectivity(topic, paths::Connectivity::connected, now, out); },
                   [&](broadcast::Deliver& e) {
                       if (is_mesh_topic(topic)) return on_statement(e, now, out);
                       if (is_backbone(topic)) return on_summary(e, now, out);
                       const auto step = narrator_.heard(topic, e.from, e.scope.round.value, e.content.size());
                       out.push_back(TopicReceived{topic, e.from, std::move(e.content), e.scope.round.value});
                   },
                   [](broadcast::LinkStateChanged&) {},
               },
               effect);
}

void Node::Impl::on_neighbor_up(const base::TopicId& topic, const base::EndpointId& peer, base::TimePoint now,
                                Effects& out) {
    const auto step = narrator_.neighbor_up(topic, peer);
    narrator_.seed_live(peer);
    (void)monitor_.link_up(peer, now);
    silent_until_.erase(peer);
    const auto seeds = topic_seeds_.find(topic);
    if (seeds != topic_seeds_.end()) seeds->second.on_seed_live(peer);
    if (is_backbone(topic)) return on_backbone_neighbor(peer, NeighborChange::up, now, out);
    if (!is_mesh_topic(topic)) {
        out.push_back(TopicNeighborChanged{topic, NeighborChange::up, peer});
        return;
    }
    mesh_->seeds.on_seed_live(peer);
    note_live_seeds();
    mesh_->remembered.forget(peer);
    out.push_back(MeshNeighborChanged{NeighborChange::up, peer});
    update_neighbors(now, out);
    if (self_ < peer || mesh_->directory.size() <= 1) open_sync(peer, 1, out);  // Rule 2.
}

void Node::Impl::on_neighbor_down(const base::TopicId& topic, const base::EndpointId& peer,
                                  membership::DownReason reason, base::TimePoint now, Effects& out) {
    const auto step = narrator_.neighbor_down(topic, peer, reason);
    if (!is_neighbor_anywhere(peer)) {
        monitor_.link_down(peer);
        silent_until_.erase(peer);
    }
    if (is_mesh_topic(topic)) {
        out.push_back(MeshNeighborChanged{NeighborChange::down, peer});
        update_neighbors(now, out);
        if (reason == membership::DownReason::connection_closed) replace_neighbor(peer, now, out);
        return;
    }
    if (is_backbone(topic))
        on_backbone_neighbor(peer, NeighborChange::down, now, out);
    else
        out.push_back(TopicNeighborChanged{topic, NeighborChange::down, peer});
    const auto seeds = topic_seeds_.find(topic);
    if (seeds == topic_seeds_.end() || reason == membership::DownReason::quit) return;
    // A seed that lives and merely has no place for us (or we none for it) is not lost: else all nodes of a topic would
    // fight for the few places in its view for ever.
    const bool parted = reason == membership::DownReason::evicted || reason == membership::DownReason::disconnected;
    const Topic* rest = gossip_.find(topic);
    if (parted && rest != nullptr && !rest->membership().active().empty()) return;
    paths::SeedEffects effects;
    seeds->second.on_seed_lost(peer, "no neighbour any more", now, effects);
    route(topic, effects, now, out);
}

bool Node::Impl::is_neighbor_anywhere(const base::EndpointId& peer) const {
    const auto topics = gossip_.topics();
    return std::any_of(topics.begin(), topics.end(), [&](const base::TopicId& topic) {
        const Topic* found = gossip_.find(topic);
        return found != nullptr && found->membership().is_active(peer);
    });
}

void Node::Impl::on_peer_data(const base::EndpointId& peer, const wire::PeerData& data, base::TimePoint now) {
    const auto info = wire::decode_addr_info(data);
    if (!info) return;
    const std::vector<wire::TransportAddr> addrs(info->direct.begin(), info->direct.end());
    book_.learn(peer, addrs, paths::AddressSource::peer_data, now);
}

void Node::Impl::set_connectivity(const base::TopicId& topic, paths::Connectivity connectivity, base::TimePoint now,
                                  Effects& out) {
    paths::SeedEffects effects;
    if (is_mesh_topic(topic)) {
        mesh_->remembered.set_connectivity(connectivity, now);
        mesh_->seeds.set_connectivity(connectivity, now, effects);
    } else if (const auto seeds = topic_seeds_.find(topic); seeds != topic_seeds_.end()) {
        seeds->second.set_connectivity(connectivity, now, effects);
    }
    route(topic, effects, now, out);
}

void Node::Impl::route(const base::TopicId& topic, paths::SeedEffects& effects, base::TimePoint now, Effects& out) {
    for (auto& effect : effects) {
        if (auto* join = std::get_if<paths::JoinVia>(&effect)) {
            narrator_.seed_tried(join->seed.id);
            subscribe(topic, &join->seed, now, out);
            continue;
        }
        auto& retry = std::get<paths::SeedRetry>(effect);
        narrator_.seed_waits(retry.id, retry.attempt, retry.delay, retry.reason);
        out.push_back(SeedRetry{retry.id, retry.attempt, retry.delay, std::move(retry.reason)});
    }
}

void Node::Impl::subscribe(const base::TopicId& topic, const wire::EndpointAddr* via, base::TimePoint now,
                           Effects& out) {
    std::vector<base::EndpointId> peers;
    if (via != nullptr) {
        book_.learn(via->id, via->addrs, paths::AddressSource::ticket, now);
        peers.push_back(via->id);
        const Topic* joined = gossip_.find(topic);
        if (joined == nullptr || joined->membership().active().empty()) narrator_.join_asked(topic, via->id, now);
    }
    GossipEffects effects;
    (void)gossip_.subscribe(topic, peers, now, effects);
    route(effects, now, out);
}

base::Status Node::Impl::join_topic(const base::TopicId& topic, const std::vector<wire::EndpointAddr>& bootstrap,
                                    base::TimePoint now, Effects& out) {
    GossipEffects effects;
    base::Status status;
    {
        const auto step = narrator_.subscribing(topic, {});
        status = gossip_.subscribe(topic, {}, now, effects);
        route(effects, now, out);
    }
    if (!status) return status;
    auto& seeds = topic_seeds_.try_emplace(topic, self_, paths::SeedConfig{}, rng_).first->second;
    paths::SeedEffects joins;
    for (const auto& seed : bootstrap)
        (void)seeds.add_seed(seed, now, joins);
    route(topic, joins, now, out);
    return {};
}

void Node::Impl::leave_topic(const base::TopicId& topic, base::TimePoint now, Effects& out) {
    narrator_.join_over(topic, "the topic was left");
    GossipEffects effects;
    gossip_.leave(topic, now, effects);
    route(effects, now, out);
    topic_seeds_.erase(topic);
}

void Node::Impl::on_link_lost(const base::EndpointId& peer, LinkEnd end, std::string_view reason, base::TimePoint now,
                              Effects& out) {
    const Narrator::Moment moment(narrator_);
    if (mesh_ && end == LinkEnd::lost && is_neighbor_anywhere(peer))  // Rule 4.
        accuse(peer, wire::AccusationReason::connection_lost, now, out);
    let_go(peer);
    GossipEffects effects;
    gossip_.on_peer_disconnected(peer, now, effects);
    route(effects, now, out);
    paths::SeedEffects retries;
    if (mesh_) {
        mesh_->seeds.on_attempt_failed(peer, std::string(reason), now, retries);
        route(mesh_->topic, retries, now, out);
    }
    for (auto& [topic, seeds] : topic_seeds_) {
        retries.clear();
        seeds.on_attempt_failed(peer, std::string(reason), now, retries);
        route(topic, retries, now, out);
    }
}

void Node::Impl::route(const paths::LinkEffects& effects, base::TimePoint now, Effects& out) {
    for (const auto& effect : effects)
        std::visit(Overloaded{
                       [&](const paths::Probe& e) { out.push_back(ProbePeer{e.peer}); },
                       [&](const paths::Silent& e) { on_silent(e, now, out); },
                       [&](const paths::Recovered& e) { silent_until_.erase(e.peer); },
                   },
                   effect);
}

// Rule 3.
void Node::Impl::on_silent(const paths::Silent& silent, base::TimePoint now, Effects& out) {
    silent_until_[silent.peer] = now + kSilenceMax;
    const auto reason = silent.cause == paths::SilenceCause::unreachable ? wire::AccusationReason::unreachable
                                                                         : wire::AccusationReason::silent;
    accuse(silent.peer, reason, now, out);
    const auto neighbors = mesh_neighbors();
    const bool of_mesh = std::find(neighbors.begin(), neighbors.end(), silent.peer) != neighbors.end();
    if (mesh_ && of_mesh) replace_neighbor(silent.peer, now, out);
}

// The peer is given up: its link is closed, and every topic learns it.
void Node::Impl::abandon(const base::EndpointId& peer, base::TimePoint now, Effects& out) {
    monitor_.link_down(peer);
    silent_until_.erase(peer);
    let_go(peer);
    out.push_back(AbandonPeer{peer});
    GossipEffects effects;
    gossip_.on_peer_disconnected(peer, now, effects);
    route(effects, now, out);
}

void Node::Impl::on_deadline(base::TimePoint now, Effects& out) {
    if (left_) return;
    const Narrator::Moment moment(narrator_);
    GossipEffects gossip;
    gossip_.on_deadline(now, gossip);
    route(gossip, now, out);
    paths::LinkEffects links;
    monitor_.on_deadline(now, links);
    route(links, now, out);
    std::vector<base::EndpointId> given_up;
    for (const auto& [peer, until] : silent_until_)
        if (until <= now) given_up.push_back(peer);
    for (const auto& peer : given_up)
        abandon(peer, now, out);
    for (auto& [topic, seeds] : topic_seeds_) {
        paths::SeedEffects effects;
        seeds.on_deadline(now, effects);
        route(topic, effects, now, out);
    }
    if (mesh_) mesh_deadline(now, out);
}

std::optional<base::TimePoint> Node::Impl::next_deadline() const {
    if (left_) return std::nullopt;
    auto deadline = base::earliest(gossip_.next_deadline(), monitor_.next_deadline());
    for (const auto& [peer, until] : silent_until_)
        deadline = base::earliest(deadline, until);
    for (const auto& [topic, seeds] : topic_seeds_)
        deadline = base::earliest(deadline, seeds.next_deadline());
    if (!mesh_) return deadline;
    deadline = base::earliest(deadline, mesh_->directory.next_deadline());
    deadline = base::earliest(deadline, mesh_->seeds.next_deadline());
    deadline = base::earliest(deadline, mesh_->delivery.next_deadline());
    deadline = base::earliest(deadline, mesh_->fabric.next_deadline());
    deadline = base::earliest(deadline, mesh_->admission.next_deadline());
    deadline = base::earliest(deadline, mesh_->publications.next_deadline());
    deadline = base::earliest(deadline, mesh_->watches.next_deadline());
    deadline = base::earliest(deadline, mesh_->teller.next_deadline());
    return base::earliest(deadline, mesh_->remembered.next_deadline());
}

void Node::Impl::leave(base::TimePoint now, Effects& out) {
    if (left_) return;
    const Narrator::Moment moment(narrator_);
    if (mesh_) {
        directory::Effects effects;
        mesh_->directory.leave(now, effects);
        say_to_lazy(effects, out);
        route(effects, now, out);
    }
    for (const auto& topic : gossip_.topics()) {
        GossipEffects effects;
        gossip_.leave(topic, now, effects);
        route(effects, now, out);
    }
    left_ = true;
    narrator_.end_all("the node left");
    delivery_spans_.end_all("the node left");
}

Node::Node(const Config& config, const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger)
    : impl_(std::make_unique<Impl>(config, key, rng, ledger)) {}

Node::~Node() = default;

void Node::start(const std::vector<base::SocketAddr>& addrs, base::TimePoint now, Effects& out) {
    impl_->set_addrs(addrs, now, out);
    impl_->start(now, out);
}

void Node::set_addrs(const std::vector<base::SocketAddr>& addrs, base::TimePoint now, Effects& out) {
    impl_->set_addrs(addrs, now, out);
}

void Node::set_load(const wire::Load& load, base::TimePoint now, Effects& out) {
    if (!impl_->mesh_ || impl_->left_) return;
    directory::Effects effects;
    impl_->mesh_->directory.set_load(load, now, effects);
    impl_->route(effects, now, out);
}

void Node::on_gossip(const base::EndpointId& from, const base::TopicId& topic, wire::TopicMessage message,
                     base::TimePoint now, Effects& out) {
    if (!impl_->left_) impl_->on_gossip(from, topic, std::move(message), now, out);
}

void Node::on_link_up(const base::EndpointId& peer, std::optional<base::SocketAddr> remote, base::TimePoint now) {
    if (!remote) return;
    const wire::TransportAddr addr = *remote;
    impl_->book_.learn(peer, std::span(&addr, 1), paths::AddressSource::observed, now);
    impl_->book_.succeeded(peer, addr, now);
}

void Node::on_link_lost(const base::EndpointId& peer, LinkEnd end, std::string_view reason, base::TimePoint now,
                        Effects& out) {
    if (!impl_->left_) impl_->on_link_lost(peer, end, reason, now, out);
}

void Node::on_unreachable(const base::EndpointId& peer, base::TimePoint now, Effects& out) {
    if (impl_->left_) return;
    const Narrator::Moment moment(impl_->narrator_);
    paths::LinkEffects effects;
    impl_->monitor_.unreachable(peer, now, effects);
    impl_->route(effects, now, out);
}

void Node::heard(const base::EndpointId& peer, base::TimePoint at, base::TimePoint now, Effects& out) {
    impl_->monitor_.heard(peer, at);
    if (!impl_->mesh_ || impl_->left_) return;
    directory::Effects effects;
    impl_->mesh_->directory.on_neighbor_heard(peer, at, effects);
    impl_->route(effects, now, out);
}

std::vector<base::EndpointId> Node::monitored() const {
    std::vector<base::EndpointId> peers;
    impl_->monitor_.for_each([&](const base::EndpointId& peer) { peers.push_back(peer); });
    return peers;
}

void Node::on_sync_opened(SyncRef sync, const base::EndpointId& peer, base::TimePoint now, Effects& out) {
    impl_->on_sync_opened(sync, peer, now, out);
}

void Node::on_sync_received(SyncRef sync, const wire::SyncTurn& turn, base::TimePoint now, Effects& out) {
    impl_->on_sync_received(sync, turn, now, out);
}

void Node::on_sync_ended(SyncRef sync, std::string_view error, base::TimePoint now, Effects& out) {
    impl_->on_sync_ended(sync, error, now, out);
}

void Node::on_deadline(base::TimePoint now, Effects& out) {
    impl_->on_deadline(now, out);
}
std::optional<base::TimePoint> Node::next_deadline() const {
    return impl_->next_deadline();
}
void Node::leave(base::TimePoint now, Effects& out) {
    impl_->leave(now, out);
}

base::Status Node::join_topic(const base::TopicId& topic, const std::vector<wire::EndpointAddr>& bootstrap,
                              base::TimePoint now, Effects& out) {
    if (impl_->is_own_topic(topic)) return not_for_applications();
    return impl_->join_topic(topic, bootstrap, now, out);
}

void Node::leave_topic(const base::TopicId& topic, base::TimePoint now, Effects& out) {
    if (!impl_->is_own_topic(topic)) impl_->leave_topic(topic, now, out);
}

base::Status Node::broadcast(const base::TopicId& topic, base::ByteView content, base::TimePoint now, Effects& out) {
    if (impl_->is_own_topic(topic)) return not_for_applications();
    const auto step = impl_->narrator_.said(topic, content.size());
    GossipEffects effects;
    const auto receipt = impl_->gossip_.broadcast(topic, base::Bytes(content.begin(), content.end()),
                                                  wire::ScopeKind::swarm, now, effects);
    impl_->route(effects, now, out);
    if (!receipt) return tl::unexpected(receipt.error());
    if (receipt->novelty == broadcast::Novelty::duplicate)
        return base::invalid("content: the same bytes were broadcast within 90 s and count as one message");
    return {};
}

std::vector<base::SocketAddr> Node::candidates(const base::EndpointId& peer, base::TimePoint now) const {
    return impl_->book_.endpoint_addr(peer, now).direct();
}

std::vector<paths::Candidate> Node::addresses(const base::EndpointId& peer, base::TimePoint now) const {
    return impl_->book_.candidates(peer, now);
}

void Node::learn_address(const wire::EndpointAddr& addr, base::TimePoint now) {
    impl_->book_.learn(addr.id, addr.addrs, paths::AddressSource::ticket, now);
}

std::vector<base::EndpointId> Node::mesh_neighbors() const {
    return impl_->mesh_neighbors();
}

bool Node::is_eager(const base::EndpointId& peer) const {
    const Topic* topic = impl_->mesh_ ? impl_->gossip_.find(impl_->mesh_->topic) : nullptr;
    return topic != nullptr && topic->broadcast().link(peer) == broadcast::LinkState::eager;
}

std::vector<Figure> Node::figures() const {
    return impl_->figures();
}

void Node::within(const telemetry::OpenSpan* span) {
    impl_->narrator_.within(span);
}
const telemetry::OpenSpan* Node::joining(const base::EndpointId& peer) const {
    return impl_->narrator_.joining(peer);
}
void Node::describe(telemetry::OpenSpan& span, const base::EndpointId& peer) const {
    impl_->narrator_.describe(span, peer);
}
telemetry::ClockOffsets& Node::clocks() {
    return impl_->narrator_.clocks();
}
const telemetry::Histogram& Node::delivery_hops() const {
    return impl_->delivery_hops_;
}

}  // namespace grapevine::node
