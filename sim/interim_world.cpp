#include "sim/interim_world.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "sim/sites.hpp"
#include "wire/addr.hpp"

namespace grapevine::sim {

namespace {

using namespace std::chrono_literals;

constexpr base::Duration kAloneFor = 2s;
constexpr std::size_t kGateways = 3;
constexpr std::array<const char*, 3> kTypes{"broker", "compute", "registry"};
constexpr std::uint64_t kEpochMs = 1'700'000'000'000;
constexpr wire::Load kLoad{35, 7'800, 1'000, 262'144};

}  // namespace

InterimWorld::InterimWorld(const InterimShape& shape)
    : shape_(shape), rng_(shape.seed), network_(shape.network, shape.seed + 1, *this) {
    for (std::size_t node = 0; node < shape_.members + shape_.listeners; ++node) {
        Member member;
        member.key = key_of(node, rng_);
        member.addrs = addrs_of(node < shape_.members ? 0 : 1 + (node - shape_.members) / kGateways, node);
        wire::AddrInfo info;
        info.direct = member.addrs;
        network_.add(member.key->id(), wire::encode(info));
        members_.push_back(std::move(member));
    }
}

InterimWorld::~InterimWorld() = default;

void InterimWorld::boot() {
    for (std::size_t node = 0; node < members_.size(); ++node) {
        const base::Duration wait = node < kGateways ? base::Duration{} : rng_.between(0s, shape_.boot_spread);
        network_.at(network_.now() + wait, [this, node] { start(node); });
    }
}

void InterimWorld::start(std::size_t node) {
    network_.start(node);
    enter(node);
    if (node >= shape_.members) return;
    const directory::Config config;
    const base::Duration refresh = std::chrono::duration_cast<base::Duration>(config.staleness / config.refreshes);
    network_.at(node, network_.now() + shape_.quiet + rng_.between(0s, refresh), [this, node] { speak(node); });
}

void InterimWorld::speak(std::size_t node) {
    Member& member = members_[node];
    member.rng = std::make_unique<base::Rng>(rng_.fork());
    directory::Config config;
    config.mesh = "mesh-0";
    config.type = node < kGateways ? "gateway" : kTypes[node % kTypes.size()];
    config.started = base::WallTime{kEpochMs + static_cast<std::uint64_t>(network_.now().time_since_epoch() / 1ms)};
    member.directory = std::make_unique<directory::Directory>(config, *member.key, *member.rng, ledger_);
    directory::Effects effects;
    const base::TimePoint now = network_.now();
    member.directory->set_addrs({member.addrs.begin(), member.addrs.end()}, now, effects);
    member.directory->set_load(kLoad, now, effects);
    member.directory->set_neighbors(network_.topic(node)->membership().active(), now, effects);
    member.directory->start(now, effects);
    flush(node, effects);
}

// Again every two seconds while nobody answers.
void InterimWorld::enter(std::size_t node) {
    std::vector<base::EndpointId> gateways;
    for (std::size_t peer = 0; peer < std::min(kGateways, shape_.members); ++peer) {
        if (peer != node) gateways.push_back(network_.id(peer));
    }
    network_.join(node, gateways);
    network_.at(node, network_.now() + kAloneFor, [this, node] {
        if (network_.topic(node)->membership().active().empty()) enter(node);
    });
}

void InterimWorld::on_delivered(std::size_t /*node*/, const broadcast::Deliver& /*message*/) {
    ++delivered_;
}

void InterimWorld::on_neighbor_up(std::size_t node, const base::EndpointId& /*peer*/) {
    tell_neighbors(node);
}

void InterimWorld::on_neighbor_down(std::size_t node, const base::EndpointId& /*peer*/) {
    tell_neighbors(node);
    if (network_.topic(node)->membership().active().empty()) enter(node);
}

void InterimWorld::tell_neighbors(std::size_t node) {
    if (!members_[node].directory) return;
    directory::Effects effects;
    members_[node].directory->set_neighbors(network_.topic(node)->membership().active(), network_.now(), effects);
    flush(node, effects);
}

std::optional<base::TimePoint> InterimWorld::deadline(std::size_t node) const {
    const auto& directory = members_[node].directory;
    return directory ? directory->next_deadline() : std::nullopt;
}

void InterimWorld::on_deadline(std::size_t node) {
    directory::Effects effects;
    members_[node].directory->on_deadline(network_.now(), effects);
    flush(node, effects);
}

void InterimWorld::flush(std::size_t node, const directory::Effects& effects) {
    for (const directory::Effect& effect : effects) {
        const auto* statement = std::get_if<directory::BroadcastStatement>(&effect);
        if (statement == nullptr) continue;
        ++said_;
        (void)network_.broadcast(node, statement->envelope);
    }
    network_.reschedule(node);
}

}  // namespace grapevine::sim
