#include "sim/world.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/overloaded.hpp"

namespace grapevine::sim {

namespace {

constexpr base::Duration kGoodbyeMax = std::chrono::seconds(2);
constexpr std::uint64_t kUnixEpoch = 1'700'000'000'000'000'000;  // Of virtual time zero, for spans.

base::SecretKey make_key(base::Rng& rng) {
    std::array<std::uint8_t, base::kIdBytes> seed{};
    rng.fill(seed);
    auto key = base::SecretKey::from_seed(seed);
    GRAPEVINE_ASSERT(key.has_value(), "32 bytes are a seed");
    return *key;
}

base::SocketAddr make_addr(std::size_t node, std::uint16_t port) {
    return base::SocketAddr::v4(10, static_cast<std::uint8_t>(node >> 16U), static_cast<std::uint8_t>(node >> 8U),
                                static_cast<std::uint8_t>(node), port);
}

std::string_view packet_name(const Packet& packet) {
    const auto* message = std::get_if<MessageBody>(&packet.body);
    return message == nullptr ? std::string_view("datagram") : name(message->message);
}

// The kind of a packet as a number for the hash.
std::uint64_t packet_kind(const Packet& packet) {
    const auto* message = std::get_if<MessageBody>(&packet.body);
    return message == nullptr ? 0x20U : 0x40U + message->message.index();
}

}  // namespace

std::string_view name(const Message& message) {
    return std::visit(base::Overloaded{
                          [](const Dial&) { return "dial"; },
                          [](const DialAccepted&) { return "accepted"; },
                          [](const GossipMessage& e) {
                              return std::holds_alternative<wire::MembershipMessage>(e.message) ? "membership"
                                                                                                : "gossip";
                          },
                          [](const ProbeMessage&) { return "probe"; },
                          [](const ProbeAnswer&) { return "answer"; },
                          [](const CloseMessage&) { return "close"; },
                          [](const ResetMessage&) { return "reset"; },
                          [](const ExchangeTurn&) { return "sync"; },
                          [](const ExchangeAborted&) { return "sync-abort"; },
                      },
                      message);
}

std::uint64_t World::Clock::unix_ns() const {
    return kUnixEpoch + static_cast<std::uint64_t>(world_.now_.time_since_epoch().count());
}

World::World(const NetworkConfig& network, std::uint64_t seed) : network_(network, seed), rng_(seed) {}

std::size_t World::add(NodeSpec spec) {
    const std::size_t node = machines_.size();
    Machine machine{std::move(spec), make_key(rng_), make_addr(node, 4433), {}, {}, 0, {}, {}, {}, {}, {}, 0, {}, {}};
    by_id_.emplace(machine.key.id(), node);
    by_addr_.emplace(machine.addr, node);
    machines_.push_back(std::move(machine));
    return node;
}

void World::start(std::size_t node) {
    Machine& m = machines_[node];
    if (m.power != Power::off) return;
    trace("start", node, node, 0);
    m.power = Power::running;
    ++m.incarnation;
    m.ledger = std::make_unique<telemetry::Ledger>();
    m.rng = std::make_unique<base::Rng>(rng_.fork());
    m.spins = 0;
    // Its Rng is its own: what is recorded never changes what happens.
    if (recording_ && !m.recorder)
        m.recorder = std::make_unique<telemetry::Recorder>(*recording_, base::Rng(node + 1), clock_);
    boot(node);
    rearm(node);
}

void World::crash(std::size_t node, Host host) {
    if (machines_[node].power == Power::off) return;
    trace("crash", node, node, 0);
    machines_[node].host = host;
    end_process(node);
}

void World::end_process(std::size_t node) {
    Machine& m = machines_[node];
    m.power = Power::off;
    m.wake_at.reset();
    m.ends_at.reset();
    m.socket_buffer.clear();
    destroy(node);
    check_ledger(node);
}

void World::leave(std::size_t node) {
    if (machines_[node].power != Power::running) return;
    trace("leave", node, node, 0);
    machines_[node].host = Host::answers;
    machines_[node].ends_at = now_ + kGoodbyeMax;
    say_goodbye(node);
    rearm(node);
}

void World::pause(std::size_t node) {
    if (machines_[node].power != Power::running) return;
    trace("pause", node, node, 0);
    machines_[node].power = Power::paused;
    machines_[node].wake_at.reset();
}

void World::resume(std::size_t node) {
    Machine& m = machines_[node];
    if (m.power != Power::paused) return;
    trace("resume", node, node, 0);
    m.power = Power::running;
    std::vector<Packet> waiting = std::exchange(m.socket_buffer, {});
    for (Packet& packet : waiting)
        if (m.power == Power::running) take(node, packet);
    if (m.power == Power::running) rearm(node);
}

void World::stop_all() {
    for (std::size_t node = 0; node < machines_.size(); ++node)
        if (machines_[node].power != Power::off) end_process(node);
}

void World::run_until(base::TimePoint end) {
    (void)run_until(end, [] { return false; });
}

bool World::run_until(base::TimePoint end, const std::function<bool()>& done) {
    while (!queue_.empty() && queue_.next_at() <= end) {
        step();
        if (done()) return true;
    }
    now_ = std::max(now_, end);
    return false;
}

void World::step() {
    auto event = queue_.pop();
    now_ = event.at;
    std::visit(base::Overloaded{
                   [](std::monostate) {},
                   [&](Wake& e) { on_wake(e.node); },
                   [&](Packet& e) { on_arrival(e); },
                   [&](OwnEvent& e) {
                       const Machine& m = machines_[e.node];
                       if (m.power == Power::off || m.incarnation != e.incarnation) return;
                       ++events_;
                       hash(static_cast<std::uint64_t>(now_.time_since_epoch().count()) ^ e.what.index() << 56U);
                       take_own(e);
                   },
               },
               event.payload);
}

void World::on_wake(std::size_t node) {
    Machine& m = machines_[node];
    if (m.power != Power::running || m.wake_at != now_) return;
    m.wake_at.reset();
    ++m.counters.wakes;
    trace("wake", node, node, 0);
    if (m.ends_at && *m.ends_at <= now_) return end_process(node);
    take_deadline(node);
    if (m.power != Power::running) return;
    check_spin(node);
    rearm(node);
}

void World::check_spin(std::size_t node) {
    Machine& m = machines_[node];
    const auto next = deadline(node);
    if (!next || *next > now_) {
        m.spins = 0;
        return;
    }
    if (++m.spins == kSpinsMax) fault("node " + std::to_string(node) + " spins: its deadline stays in the past");
}

void World::on_arrival(Packet& packet) {
    Machine& m = machines_[packet.to];
    hash(packet_kind(packet) << 56U ^ packet.bytes);
    trace(packet_name(packet), packet.from, packet.to, packet.bytes);
    if (m.power == Power::off) {
        if (m.host == Host::answers && m.incarnation > 0) nobody_there(packet);
        return;
    }
    if (m.power == Power::paused) {
        if (m.socket_buffer.size() < kSocketBufferMax) m.socket_buffer.push_back(std::move(packet));
        return;
    }
    ++m.counters.arrivals;
    take(packet.to, packet);
    if (m.power == Power::running) rearm(packet.to);
}

bool World::transmit(Packet packet, std::size_t bytes) {
    packet.bytes = bytes;
    Machine& m = machines_[packet.from];
    ++m.counters.sent;
    m.counters.bytes_sent += bytes;
    const Fate fate = network_.send(packet.from, packet.to, bytes, now_);
    if (!fate.arrival) return false;
    if (fate.copy) queue_.push(now_ + *fate.copy, packet);
    queue_.push(now_ + *fate.arrival, std::move(packet));
    return true;
}

void World::schedule(base::TimePoint at, OwnEvent event) {
    event.incarnation = machines_[event.node].incarnation;
    queue_.push(at, std::move(event));
}

void World::rearm(std::size_t node) {
    Machine& m = machines_[node];
    auto next = base::earliest(deadline(node), m.ends_at);
    if (m.spins >= kSpinsMax && next) next = std::max(*next, now_ + std::chrono::seconds(1));
    if (next) next = std::max(*next, now_);
    if (next == m.wake_at) return;
    m.wake_at = next;
    if (next) queue_.push(*next, Wake{node});
}

void World::report(std::size_t node, Report report) {
    if (on_report_) on_report_(node, report);
}

void World::fault(std::string line) {
    constexpr std::size_t kFaultsMax = 20;
    if (faults_.size() < kFaultsMax) faults_.push_back(std::move(line));
}

void World::check_ledger(std::size_t node) {
    const telemetry::Ledger& ledger = *machines_[node].ledger;
    for (std::size_t kind = 0; kind < telemetry::kKinds; ++kind) {
        const auto& tally = ledger[static_cast<telemetry::Kind>(kind)];
        if (tally.alive() != 0)
            fault("node " + std::to_string(node) + " ended with " + std::to_string(tally.alive()) + " of " +
                  std::string(telemetry::name(static_cast<telemetry::Kind>(kind))) + " alive in its ledger");
    }
}

void World::change_address(std::size_t node, Notice notice) {
    Machine& m = machines_[node];
    by_addr_.erase(m.addr);
    m.addr = make_addr(node, next_port_++);
    by_addr_.emplace(m.addr, node);
    trace("address", node, node, 0);
    if (notice == Notice::no || m.power != Power::running) return;
    tell_address(node);
    rearm(node);
}

std::optional<std::size_t> World::find(const base::EndpointId& id) const {
    const auto it = by_id_.find(id);
    return it == by_id_.end() ? std::nullopt : std::optional(it->second);
}

std::optional<std::size_t> World::at_address(const base::SocketAddr& addr) const {
    const auto it = by_addr_.find(addr);
    return it == by_addr_.end() ? std::nullopt : std::optional(it->second);
}

std::uint64_t World::figure(std::size_t node, std::string_view name) const {
    for (const auto& figure : figures(node))
        if (figure.name == name) return figure.value;
    return 0;
}

std::vector<wire::EndpointAddr> World::seed_addrs(std::size_t node) const {
    std::vector<wire::EndpointAddr> seeds;
    for (const std::size_t seed : machines_[node].spec.seeds) {
        wire::EndpointAddr addr;
        addr.id = machines_[seed].key.id();
        addr.addrs.emplace_back(machines_[seed].addr);
        seeds.push_back(std::move(addr));
    }
    return seeds;
}

std::optional<node::MeshConfig> World::mesh_config(std::size_t node) {
    const NodeSpec& spec = machines_[node].spec;
    if (!spec.mesh) return std::nullopt;
    node::MeshConfig mesh;
    mesh.mesh = *spec.mesh;
    mesh.type = spec.type;
    mesh.verified = &verified_;
    mesh.seeds = seed_addrs(node);
    if (spec.staleness) mesh.staleness = *spec.staleness;
    const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch() + spec.clock_skew);
    mesh.started_unix_ms = kWallClockStart + static_cast<std::uint64_t>(wall.count());
    return mesh;
}

void World::note(std::string_view what) {
    for (const char c : what)
        hash(static_cast<unsigned char>(c));
    if (trace_) trace_(std::to_string(now_.time_since_epoch().count() / 1000) + "us " + std::string(what));
}

void World::hash(std::uint64_t word) {
    hash_ = std::rotl((hash_ ^ word) * 0x9e3779b97f4a7c15ULL, 29);
}

void World::trace(std::string_view kind, std::size_t from, std::size_t to, std::size_t bytes) {
    ++events_;
    hash(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    hash(static_cast<std::uint64_t>(from) << 32U ^ to);
    hash(kind.empty() ? 0U : static_cast<std::uint64_t>(static_cast<unsigned char>(kind.front())) << 8U | kind.size());
    if (!trace_) return;
    std::string line = std::to_string(now_.time_since_epoch().count() / 1000) + "us " + std::string(kind);
    line += " " + std::to_string(from);
    if (to != from) line += " -> " + std::to_string(to);
    if (bytes > 0) line += " " + std::to_string(bytes) + "B";
    trace_(line);
}

}  // namespace grapevine::sim
