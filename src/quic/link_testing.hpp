#pragma once

// Endpoints joined by a network in memory, with virtual time: delay, loss, reordering, duplication, moved addresses.
// In a header alone, because tests, fuzzers and benchmarks all use it.

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "quic/endpoint.hpp"

namespace grapevine::quic::testing {

inline constexpr std::string_view kAlpn = "test/1";

struct Link {
    base::Duration delay = base::Duration(std::chrono::milliseconds(10));
    base::Duration jitter{};  // Each packet waits up to this much longer, so packets overtake each other.
    double loss = 0;
    double duplication = 0;
    std::size_t mtu = 1500 - 28;  // Larger UDP payloads vanish, as with the don't-fragment bit.
};

class World;

// One endpoint and what it reported. Data of streams is collected and, unless told otherwise, consumed.
class Host {
public:
    Host(World& world, const base::SecretKey& key, const Config& config, const base::SocketAddr& addr);

    ConnectionRef dial(const Host& peer, std::string_view alpn = kAlpn);
    // All of `data` in pieces as the send buffer takes them, then fin.
    void send_all(ConnectionRef connection, StreamRef stream, base::Bytes data);
    void poll();

    template <typename T>
    [[nodiscard]] std::vector<T> seen() const {
        std::vector<T> out;
        for (const Event& event : events) {
            if (const T* match = std::get_if<T>(&event)) {
                out.push_back(*match);
            }
        }
        return out;
    }
    // The connection of the `index`-th Connected event.
    [[nodiscard]] ConnectionRef connected(std::size_t index = 0) const {
        return seen<Connected>().at(index).connection;
    }

    struct Received {
        base::Bytes data;
        bool fin = false;
    };
    using StreamKey = std::pair<ConnectionRef, StreamRef>;

    World& world;
    telemetry::Ledger ledger;
    base::Rng rng;
    base::SecretKey key;
    std::unique_ptr<Endpoint> endpoint;
    std::vector<base::SocketAddr> addrs;  // Reachable at each; sends from the first.
    std::vector<Event> events;            // All but StreamData.
    std::map<StreamKey, Received> received;
    std::set<StreamKey> unread;  // Streams whose data is kept and not consumed.
    bool keep_all_unread = false;
    bool echo = false;         // Sends back what a bidirectional stream brings.
    bool silent = false;       // A dead host: takes nothing, sends nothing.
    std::size_t wake_ups = 0;  // Deadlines that came due.

private:
    void on_data(const StreamData& data);
    void pump(const StreamKey& key);
    struct Outgoing {
        base::Bytes data;
        std::size_t sent = 0;
        bool fin = false;
    };
    std::map<StreamKey, Outgoing> outgoing_;
};

class World {
public:
    explicit World(std::uint64_t seed = 1) : rng(seed) {}

    // Host number n has the address 10.0.0.n:4000.
    Host& add(const Config& config);
    Host& add() { return add(default_config()); }
    static Config default_config();

    // Runs until `done` or until `limit` has passed. True if done.
    bool run(const std::function<bool()>& done, base::Duration limit = base::Duration(std::chrono::seconds(30)));
    void run_for(base::Duration duration);
    // A datagram from outside.
    void inject(const base::SocketAddr& from, const base::SocketAddr& to, base::Bytes payload);

    base::Rng rng;
    Link link;
    base::TimePoint now{base::Duration(std::chrono::seconds(1000))};
    std::vector<std::unique_ptr<Host>> hosts;
    std::uint64_t datagrams = 0;
    std::size_t largest_train = 0;
    // Sees every datagram sent; false swallows it.
    std::function<bool(const Host& from, const base::SocketAddr& to, base::ByteView payload)> filter;

private:
    struct Packet {
        base::SocketAddr from;
        base::SocketAddr to;
        Ecn ecn;
        base::Bytes payload;
    };
    void send(Host& host, const Transmit& transmit);
    void enqueue(const base::SocketAddr& from, const base::SocketAddr& to, Ecn ecn, base::ByteView payload);
    void deliver(const Packet& packet);
    [[nodiscard]] std::optional<base::TimePoint> next() const;
    void tick();
    void flush(Host& host);
    void flush_all();
    Host* host_at(const base::SocketAddr& addr);
    std::map<std::pair<base::TimePoint, std::uint64_t>, Packet> queue_;
    std::uint64_t sequence_ = 0;
};

inline base::SecretKey key_of(std::uint8_t number) {
    const base::Bytes seed(32, number);
    return *base::SecretKey::from_seed(seed);
}

inline base::Bytes random_bytes(base::Rng& rng, std::size_t count) {
    base::Bytes out(count);
    rng.fill(out);
    return out;
}

inline Host::Host(World& world_in, const base::SecretKey& key_in, const Config& config, const base::SocketAddr& addr)
    : world(world_in),
      rng(world_in.rng.fork()),
      key(key_in),
      endpoint(std::make_unique<Endpoint>(config, key, rng, ledger)),
      addrs{addr} {}

inline ConnectionRef Host::dial(const Host& peer, std::string_view alpn) {
    return endpoint->connect(peer.key.id(), peer.addrs, alpn, world.now).value();
}

inline void Host::send_all(ConnectionRef connection, StreamRef stream, base::Bytes data) {
    outgoing_[{connection, stream}] = Outgoing{std::move(data), 0, true};
    pump({connection, stream});
}

inline void Host::pump(const StreamKey& stream) {
    Outgoing& out = outgoing_[stream];
    const auto taken =
        endpoint->write(stream.first, stream.second, base::ByteView(out.data).subspan(out.sent), out.fin);
    if (!taken) {
        outgoing_.erase(stream);
        return;
    }
    out.sent += *taken;
    if (out.sent == out.data.size()) {
        out.data.clear();
        out.sent = 0;
    }
}

inline void Host::on_data(const StreamData& data) {
    const StreamKey stream{data.connection, data.stream};
    Received& sink = received[stream];
    sink.data.insert(sink.data.end(), data.data.begin(), data.data.end());
    sink.fin = sink.fin || data.fin;
    if (!keep_all_unread && unread.count(stream) == 0) {
        endpoint->consume(data.connection, data.stream, data.data.size());
    }
    if (echo && data.stream.is_bidirectional()) {
        Outgoing& out = outgoing_[stream];
        out.data.insert(out.data.end(), data.data.begin(), data.data.end());
        out.fin = data.fin;
        pump(stream);
    }
}

inline void Host::poll() {
    while (auto event = endpoint->poll_event()) {
        if (const auto* data = std::get_if<StreamData>(&*event)) {
            on_data(*data);
            continue;
        }
        if (const auto* writable = std::get_if<StreamWritable>(&*event)) {
            const StreamKey stream{writable->connection, writable->stream};
            if (outgoing_.count(stream) > 0) {
                pump(stream);
            }
        }
        events.push_back(std::move(*event));
    }
}

inline Config World::default_config() {
    Config config;
    config.alpns = {std::string(kAlpn)};
    return config;
}

inline Host& World::add(const Config& config) {
    const auto number = static_cast<std::uint8_t>(hosts.size() + 1);
    const auto addr = base::SocketAddr::v4(10, 0, 0, number, 4000);
    hosts.push_back(std::make_unique<Host>(*this, key_of(number), config, addr));
    return *hosts.back();
}

inline Host* World::host_at(const base::SocketAddr& addr) {
    for (const auto& host : hosts) {
        if (std::find(host->addrs.begin(), host->addrs.end(), addr) != host->addrs.end()) {
            return host.get();
        }
    }
    return nullptr;
}

inline void World::enqueue(const base::SocketAddr& from, const base::SocketAddr& to, Ecn ecn, base::ByteView payload) {
    if (payload.size() > link.mtu || rng.chance(link.loss)) {
        return;
    }
    const base::Duration extra =
        link.jitter > base::Duration::zero() ? rng.between(base::Duration::zero(), link.jitter) : base::Duration{};
    queue_.emplace(std::pair{now + link.delay + extra, sequence_++},
                   Packet{from, to, ecn, base::Bytes(payload.begin(), payload.end())});
}

inline void World::inject(const base::SocketAddr& from, const base::SocketAddr& to, base::Bytes payload) {
    enqueue(from, to, Ecn::not_ect, payload);
}

inline void World::send(Host& host, const Transmit& transmit) {
    base::ByteView rest = transmit.payload;
    const std::size_t segment = transmit.segment_bytes == 0 ? rest.size() : transmit.segment_bytes;
    largest_train = std::max(largest_train, (rest.size() + segment - 1) / segment);
    while (!rest.empty()) {
        const base::ByteView piece = rest.first(std::min(segment, rest.size()));
        rest = rest.subspan(piece.size());
        ++datagrams;
        if (host.silent || (filter && !filter(host, transmit.remote, piece))) {
            continue;
        }
        const bool bound = !transmit.local.is_unspecified() &&
                           std::find(host.addrs.begin(), host.addrs.end(), transmit.local) != host.addrs.end();
        const base::SocketAddr from = bound ? transmit.local : host.addrs.front();
        enqueue(from, transmit.remote, transmit.ecn, piece);
        if (rng.chance(link.duplication)) {
            enqueue(from, transmit.remote, transmit.ecn, piece);
        }
    }
}

inline void World::flush(Host& host) {
    if (!host.endpoint) {
        return;
    }
    host.poll();
    host.endpoint->flush(now, [&](const Transmit& transmit) { send(host, transmit); });
    host.poll();
}

inline void World::deliver(const Packet& packet) {
    Host* host = host_at(packet.to);
    if (host != nullptr && host->endpoint && !host->silent) {
        host->endpoint->on_datagram({packet.to, packet.from, packet.ecn, packet.payload, 0}, now);
    }
}

inline void World::flush_all() {
    for (const auto& host : hosts) {
        flush(*host);
        const auto due = host->endpoint ? host->endpoint->next_deadline() : std::nullopt;
        GRAPEVINE_ASSERT(host->silent || !due || *due > now,
                         "a deadline that is not in the future: the loop would spin");
    }
}

inline std::optional<base::TimePoint> World::next() const {
    std::optional<base::TimePoint> next;
    if (!queue_.empty()) {
        next = queue_.begin()->first.first;
    }
    for (const auto& host : hosts) {
        if (!host->silent && host->endpoint) {
            next = base::earliest(next, host->endpoint->next_deadline());
        }
    }
    return next;
}

// All that is due at `now`: packets first, then deadlines.
inline void World::tick() {
    while (!queue_.empty() && queue_.begin()->first.first <= now) {
        const Packet packet = std::move(queue_.begin()->second);
        queue_.erase(queue_.begin());
        deliver(packet);
    }
    for (const auto& host : hosts) {
        if (host->silent || !host->endpoint) {
            continue;
        }
        const auto due = host->endpoint->next_deadline();
        if (due && *due <= now) {
            ++host->wake_ups;
            host->endpoint->on_deadline(now);
        }
    }
    flush_all();
}

inline bool World::run(const std::function<bool()>& done, base::Duration limit) {
    const base::TimePoint end = now + limit;
    flush_all();
    while (!done()) {
        const auto moment = next();
        if (!moment || *moment > end) {
            now = end;
            return false;
        }
        now = std::max(now, *moment);
        tick();
    }
    return true;
}

inline void World::run_for(base::Duration duration) {
    run([] { return false; }, duration);
}

}  // namespace grapevine::quic::testing
