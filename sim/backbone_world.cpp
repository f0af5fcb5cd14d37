#include "sim/backbone_world.hpp"

#include <algorithm>
#include <utility>

#include "base/overloaded.hpp"
#include "fabric/duty.hpp"
#include "sim/sites.hpp"

namespace grapevine::sim {

namespace {

using namespace std::chrono_literals;

constexpr base::Duration kStartNoticed = 300ms;
constexpr base::Duration kDeathNoticed = 3s;
constexpr base::Duration kToldWithin = 80ms;
constexpr base::Duration kAloneFor = 2s;
constexpr base::Duration kBootWithoutGossip = 5s;  // All gateways have had their turn to speak, and to greet.
constexpr std::size_t kSeeds = 3;
constexpr std::array<const char*, 3> kTypes{"broker", "compute", "registry"};
constexpr std::uint64_t kEpochMs = 1'700'000'000'000;  // Wall time when virtual time begins.

void add(fabric::Counters& sum, const fabric::Counters& other) {
    for (std::size_t i = 0; i < sum.refused.size(); ++i)
        sum.refused[i] += other.refused[i];
    for (std::size_t i = 0; i < sum.said.size(); ++i)
        sum.said[i] += other.said[i];
    sum.accepted += other.accepted;
    sum.sequence_jumps += other.sequence_jumps;
    sum.fellows_heard += other.fellows_heard;
    sum.appeared += other.appeared;
    sum.gone_stale += other.gone_stale;
    sum.gone_displaced += other.gone_displaced;
    sum.gone_moved += other.gone_moved;
    sum.speakers_displaced += other.speakers_displaced;
    sum.speakers_superseded += other.speakers_superseded;
    sum.graves_displaced += other.graves_displaced;
}

}  // namespace

BackboneWorld::BackboneWorld(FabricShape shape)
    : shape_(std::move(shape)),
      rng_(shape_.seed),
      meshes_(shape_.meshes),
      network_(shape_.network, shape_.seed + 1, *this) {
    for (std::size_t node = 0; node < gateways() + shape_.strangers; ++node) {
        Gateway gateway;
        gateway.mesh = node / shape_.gateways;
        gateway.key = key_of(node, rng_);
        wire::AddrInfo info;
        info.direct = addrs_of(gateway.mesh, node);
        gateway.addr.id = gateway.key->id();
        gateway.addr.addrs.assign(info.direct.begin(), info.direct.end());
        network_.add(gateway.addr.id, wire::encode(info));
        gateways_.push_back(std::move(gateway));
    }
    for (std::size_t mesh = 0; mesh < std::min(kSeeds, shape_.meshes); ++mesh)
        seeds_.push_back(gateways_[gateway(mesh, 0)].addr);
    const std::size_t others = shape_.nodes > shape_.gateways ? shape_.nodes - shape_.gateways : 0;
    for (Mesh& mesh : meshes_) {
        for (std::size_t i = 0; i < others; ++i)
            ++mesh.members[i % kTypes.size()];
    }
}

BackboneWorld::~BackboneWorld() = default;

void BackboneWorld::boot() {
    for (std::size_t mesh = 0; mesh < shape_.meshes; ++mesh) {
        // The seeds of the fabric are there first, as whoever sets up a fabric would have it.
        const base::TimePoint when = network_.now() + (mesh < kSeeds ? base::Duration{} : up_to(shape_.boot_spread));
        for (std::size_t n = 0; n < shape_.gateways; ++n)
            network_.at(when + up_to(1s), [this, node = gateway(mesh, n)] { start(node); });
        plan_death(mesh);
    }
    set_gateway_life(shape_.gateway_life);
}

void BackboneWorld::boot_without_gossip() {
    without_gossip_ = true;
    for (std::size_t node = 0; node < gateways(); ++node) {
        start(node);
        gateways_[node].noticed = true;
    }
    for (std::size_t mesh = 0; mesh < shape_.meshes; ++mesh) {
        tell(mesh);
        plan_death(mesh);
    }
    run_for(kBootWithoutGossip);
    without_gossip_ = false;
}

void BackboneWorld::set_gateway_life(base::Duration life) {
    shape_.gateway_life = life;
    ++regime_;
    if (life == base::Duration{}) return;
    for (std::size_t mesh = 0; mesh < shape_.meshes; ++mesh)
        network_.at(network_.now() + up_to(life), [this, mesh, regime = regime_] { plan_restart(mesh, regime); });
}

void BackboneWorld::plan_restart(std::size_t mesh, std::uint64_t regime) {
    if (regime != regime_) return;
    const std::size_t node = gateway(mesh, meshes_[mesh].restarted++ % shape_.gateways);
    stop(node);
    network_.at(network_.now() + shape_.gateway_gap, [this, node] { start(node); });
    network_.at(network_.now() + shape_.gateway_life, [this, mesh, regime] { plan_restart(mesh, regime); });
}

void BackboneWorld::start(std::size_t node) {
    if (network_.runs(node)) return;
    network_.start(node);
    Gateway& gateway = gateways_[node];
    gateway.rng = std::make_unique<base::Rng>(rng_.fork());
    fabric::BackboneConfig config = shape_.backbone;
    config.mesh = name_of(gateway.mesh);
    config.started = base::WallTime{kEpochMs + static_cast<std::uint64_t>(network_.now().time_since_epoch() / 1ms)};
    config.seeds = seeds_;
    config.verified = &memo_;
    gateway.backbone = std::make_unique<fabric::Backbone>(config, *gateway.key, *gateway.rng);
    if (without_gossip_) return;
    network_.at(node, network_.now() + kStartNoticed, [this, node] {
        gateways_[node].noticed = true;
        tell(gateways_[node].mesh);
    });
}

void BackboneWorld::admit_stranger(std::size_t node) {
    network_.start(node);
    join(node, seeds_);
    rejoin_if_alone(node);
}

void BackboneWorld::broadcast(std::size_t node, base::Bytes content) {
    if (network_.topic(node) != nullptr) (void)network_.broadcast(node, std::move(content));
}

std::vector<fabric::Side> BackboneWorld::route(std::size_t node, std::size_t mesh) {
    return gateways_[node].backbone->route(name_of(mesh), network_.now());
}

void BackboneWorld::stop(std::size_t node) {
    if (!network_.runs(node)) return;
    network_.stop(node);
    Gateway& gateway = gateways_[node];
    add(ended_, gateway.backbone->counters());
    gateway.backbone.reset();
    gateway.out.clear();
    network_.at(network_.now() + kDeathNoticed, [this, node] {
        if (network_.runs(node)) return;
        gateways_[node].noticed = false;
        tell(gateways_[node].mesh);
    });
}

void BackboneWorld::tell(std::size_t mesh) {
    for (std::size_t n = 0; n < shape_.gateways; ++n) {
        const std::size_t node = gateway(mesh, n);
        if (!network_.runs(node)) continue;
        network_.at(node, network_.now() + up_to(kToldWithin), [this, node] {
            Gateway& told = gateways_[node];
            told.backbone->set_own(facts_of(told.mesh), network_.now(), told.out);
            flush(node);
        });
    }
}

fabric::OwnFacts BackboneWorld::facts_of(std::size_t mesh) const {
    std::vector<base::EndpointId> ids;
    for (std::size_t n = 0; n < shape_.gateways; ++n) {
        if (gateways_[gateway(mesh, n)].noticed) ids.push_back(network_.id(gateway(mesh, n)));
    }
    fabric::OwnFacts facts;
    for (const base::EndpointId& id : fabric::on_duty(shape_.backbone.fabric, ids)) {
        for (std::size_t n = 0; n < shape_.gateways; ++n) {
            if (network_.id(gateway(mesh, n)) == id) facts.gateways.push_back(gateways_[gateway(mesh, n)].addr);
        }
    }
    for (std::size_t type = 0; type < kTypes.size(); ++type) {
        if (meshes_[mesh].members[type] > 0) facts.members.push_back({kTypes[type], meshes_[mesh].members[type]});
    }
    facts.members.push_back({"gateway", static_cast<std::uint32_t>(ids.size())});
    return facts;
}

void BackboneWorld::flush(std::size_t node) {
    Gateway& gateway = gateways_[node];
    for (const fabric::Effect& effect : std::exchange(gateway.out, {})) {
        std::visit(base::Overloaded{[&](const fabric::Broadcast& e) { say(node, e.envelope); },
                                    [&](const fabric::JoinBackbone& e) {
                                        join(node, e.peers);
                                        rejoin_if_alone(node);
                                    },
                                    [&](const fabric::LeaveBackbone&) { network_.leave(node); }, [](const auto&) {}},
                   effect);
    }
    network_.reschedule(node);
}

void BackboneWorld::say(std::size_t node, const base::Bytes& envelope) {
    if (without_gossip_) {
        network_.at(network_.now() + kToldWithin, [this, node, envelope] { say_to_all(node, envelope); });
    } else if (network_.topic(node) != nullptr) {
        (void)network_.broadcast(node, envelope);
    }
}

void BackboneWorld::say_to_all(std::size_t node, const base::Bytes& envelope) {
    for (std::size_t other = 0; other < gateways_.size(); ++other) {
        if (other == node || !gateways_[other].backbone) continue;
        gateways_[other].backbone->on_summary(network_.id(node), envelope, network_.now(), gateways_[other].out);
        flush(other);
    }
}

void BackboneWorld::join(std::size_t node, const std::vector<wire::EndpointAddr>& peers) {
    std::vector<base::EndpointId> ids;
    ids.reserve(peers.size());
    for (const auto& peer : peers)
        ids.push_back(peer.id);
    network_.join(node, ids);
}

void BackboneWorld::rejoin_if_alone(std::size_t node) {
    network_.at(node, network_.now() + kAloneFor, [this, node] {
        const node::Topic* topic = network_.topic(node);
        if (topic == nullptr || !topic->membership().active().empty()) return;
        const auto& backbone = gateways_[node].backbone;
        join(node, backbone ? backbone->bootstrap() : seeds_);
        rejoin_if_alone(node);
    });
}

void BackboneWorld::on_delivered(std::size_t node, const broadcast::Deliver& message) {
    Gateway& gateway = gateways_[node];
    if (!gateway.backbone) {
        if (gateway.heard.size() < kHeardMax) gateway.heard.push_back(message.content);
        return;
    }
    ++delivered_;
    gateway.backbone->on_summary(message.from, message.content, network_.now(), gateway.out);
    flush(node);
}

void BackboneWorld::on_neighbor_up(std::size_t node, const base::EndpointId& peer) {
    Gateway& gateway = gateways_[node];
    if (!gateway.backbone) return;
    gateway.backbone->on_neighbor_up(peer, network_.now(), gateway.out);
    flush(node);
}

void BackboneWorld::on_neighbor_down(std::size_t node, const base::EndpointId& /*peer*/) {
    const node::Topic* topic = network_.topic(node);
    if (topic != nullptr && topic->membership().active().empty()) rejoin_if_alone(node);
}

std::optional<base::TimePoint> BackboneWorld::deadline(std::size_t node) const {
    const auto& backbone = gateways_[node].backbone;
    return backbone ? backbone->next_deadline() : std::nullopt;
}

void BackboneWorld::on_deadline(std::size_t node) {
    Gateway& gateway = gateways_[node];
    gateway.backbone->on_deadline(network_.now(), gateway.out);
    flush(node);
}

// Uniform up to twice the mean: what matters is the rate.
void BackboneWorld::plan_death(std::size_t mesh) {
    const std::size_t others = shape_.nodes > shape_.gateways ? shape_.nodes - shape_.gateways : 0;
    if (others == 0 || shape_.member_life == base::Duration{}) return;
    const auto mean = shape_.member_life / static_cast<base::Duration::rep>(others);
    network_.at(network_.now() + up_to(2 * mean), [this, mesh] {
        lose_member(mesh);
        plan_death(mesh);
    });
}

void BackboneWorld::lose_member(std::size_t mesh) {
    const std::size_t type = rng_.index(kTypes.size());
    if (meshes_[mesh].members[type] == 0) return;
    network_.at(network_.now() + kDeathNoticed, [this, mesh, type] {
        if (meshes_[mesh].members[type] > 0) --meshes_[mesh].members[type];
        tell(mesh);
    });
    network_.at(network_.now() + shape_.member_gap + kStartNoticed, [this, mesh, type] {
        ++meshes_[mesh].members[type];
        tell(mesh);
    });
}

fabric::Counters BackboneWorld::counters() const {
    fabric::Counters sum = ended_;
    for (const Gateway& gateway : gateways_) {
        if (gateway.backbone) add(sum, gateway.backbone->counters());
    }
    return sum;
}

std::size_t BackboneWorld::unknown() const {
    std::size_t missing = 0;
    for (std::size_t node = 0; node < gateways(); ++node) {
        const Gateway& gateway = gateways_[node];
        if (!gateway.backbone) {
            missing += shape_.meshes - 1;
            continue;
        }
        const auto& known = gateway.backbone->table().meshes();
        const std::size_t others = known.size() - known.count(name_of(gateway.mesh));
        missing += shape_.meshes - 1 - std::min(others, shape_.meshes - 1);
    }
    return missing;
}

std::optional<base::Duration> BackboneWorld::time_until_all_known(base::Duration limit) {
    const base::TimePoint begin = network_.now();
    while (unknown() > 0 && network_.now() - begin < limit)
        run_for(250ms);
    return unknown() == 0 ? std::optional(network_.now() - begin) : std::nullopt;
}

}  // namespace grapevine::sim
