#include "stack/cluster_testing.hpp"

#include <algorithm>
#include <utility>

namespace grapevine::stack {

std::size_t TestCluster::add(const std::optional<std::string>& mesh, const std::string& type,
                             std::vector<std::size_t> seeds, const std::function<void(Config&)>& configure) {
    const std::size_t index = size();
    const auto once = [&](Config& config, const base::EndpointId&) {
        if (configure) configure(config);
    };
    add(mesh, type, std::move(seeds), Configure(once));
    lasting_.erase(index);
    return index;
}

std::size_t TestCluster::add(const std::optional<std::string>& mesh, const std::string& type,
                             std::vector<std::size_t> seeds, const Configure& configure) {
    const std::size_t index = members_.size();
    base::Bytes seed(32);
    rng_.fill(seed);
    Member member;
    member.key = std::make_unique<base::SecretKey>(*base::SecretKey::from_seed(seed));
    member.addr = base::SocketAddr::v4(10, 0, static_cast<std::uint8_t>(index / 200),
                                       static_cast<std::uint8_t>(index % 200 + 1), 4000);
    by_addr_[member.addr] = index;
    members_.push_back(std::move(member));
    kinds_[index] = {mesh.value_or(""), type};
    lasting_[index] = configure;
    start(index, std::move(seeds), configure, mesh, type);
    return index;
}

void TestCluster::restart(std::size_t index, std::vector<std::size_t> seeds) {
    members_[index].stack.reset();
    members_[index].events.clear();
    silent_.erase(index);
    const auto lasting = lasting_.find(index);
    const Configure configure = lasting == lasting_.end() ? Configure{} : lasting->second;
    start(index, std::move(seeds), configure, kinds_[index].first, kinds_[index].second);
}

void TestCluster::restart_elsewhere(std::size_t index, std::vector<std::size_t> seeds) {
    by_addr_.erase(members_[index].addr);
    ++members_[index].addr.port;
    by_addr_[members_[index].addr] = index;
    restart(index, std::move(seeds));
}

void TestCluster::start(std::size_t index, std::vector<std::size_t> seeds, const Configure& configure,
                        const std::optional<std::string>& mesh, const std::string& type) {
    Member& member = members_[index];
    Config config;
    if (mesh) {
        config.mesh.emplace();
        config.mesh->mesh = *mesh;
        config.mesh->type = type;
        config.mesh->started_unix_ms = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch()).count());
        for (const std::size_t other : seeds)
            config.mesh->seeds.push_back(members_[other].stack->addr());
    }
    if (configure) configure(config, member.key->id());
    member.ledger = std::make_unique<telemetry::Ledger>();
    member.rng = std::make_unique<base::Rng>(rng_.fork());
    member.stack = std::make_unique<Stack>(config, *member.key, *member.rng, *member.ledger);
    member.stack->start({member.addr}, now_);
    turn(index);
}

void TestCluster::turn(std::size_t index) {
    Member& member = members_[index];
    ++member.turns;
    member.stack->flush(now_, [&](const quic::Transmit& transmit) {
        const auto to = by_addr_.find(transmit.remote);
        ++datagrams;
        if (to == by_addr_.end() || silent_.contains(index)) return;
        if (apart.contains(index) != apart.contains(to->second)) return;
        for (int copies = duplication > 0 && rng_.chance(duplication) ? 2 : 1; copies > 0; --copies) {
            if (rng_.chance(loss)) continue;
            const base::Duration more = jitter.count() == 0 ? base::Duration{} : rng_.between({}, jitter);
            wire_.push({now_ + latency + more, order_++, to->second, member.addr, transmit.remote,
                        base::Bytes(transmit.payload.begin(), transmit.payload.end()), transmit.segment_bytes});
        }
    });
    while (auto event = member.stack->poll_event())
        member.events.push_back(std::move(*event));
}

bool TestCluster::step(base::TimePoint limit) {
    std::optional<base::TimePoint> next;
    if (!wire_.empty()) next = wire_.top().at;
    for (std::size_t i = 0; i < members_.size(); ++i)
        if (!silent_.contains(i)) next = base::earliest(next, members_[i].stack->next_deadline());
    if (!next || *next > limit) {
        now_ = limit;
        return false;
    }
    now_ = std::max(now_, *next);
    std::set<std::size_t> touched;
    while (!wire_.empty() && wire_.top().at <= now_) {
        const InFlight packet = wire_.top();
        wire_.pop();
        if (silent_.contains(packet.to)) continue;
        members_[packet.to].stack->on_datagram(
            {packet.to_addr, packet.from_addr, quic::Ecn::not_ect, packet.payload, packet.segment_bytes}, now_);
        touched.insert(packet.to);
    }
    for (std::size_t i = 0; i < members_.size(); ++i) {
        const auto due = members_[i].stack->next_deadline();
        if (silent_.contains(i) || !due || *due > now_) continue;
        members_[i].stack->on_deadline(now_);
        touched.insert(i);
    }
    for (const std::size_t i : touched)
        turn(i);
    return true;
}

void TestCluster::run_for(base::Duration duration) {
    const base::TimePoint limit = now_ + duration;
    while (step(limit)) {
    }
}

bool TestCluster::run_until(const std::function<bool()>& condition, base::Duration limit) {
    const base::TimePoint end = now_ + limit;
    while (!condition())
        if (!step(end)) return condition();
    return true;
}

bool TestCluster::converged(const std::vector<std::size_t>& indices) {
    return std::all_of(indices.begin(), indices.end(), [&](std::size_t i) {
        const auto rows = stack(i).directory(now_);
        if (rows.size() != indices.size()) return false;
        return std::all_of(indices.begin(), indices.end(), [&](std::size_t j) {
            return std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.id == stack(j).id(); });
        });
    });
}

}  // namespace grapevine::stack
