#pragma once

// Two QUIC endpoints in one process, joined by memory instead of sockets, in virtual time: what the endpoint itself
// costs, without the kernel.

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/ed25519.hpp"
#include "base/rng.hpp"
#include "quic/endpoint.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::bench {

class QuicPair {
public:
    static constexpr const char* kAlpn = "bench/1";
    static constexpr base::Duration kLatency = base::Duration(std::chrono::microseconds(50));

    explicit QuicPair(const quic::Config& config)
        : client_(config, base::SocketAddr::v4(10, 0, 0, 1, 4000), 1),
          server_(config, base::SocketAddr::v4(10, 0, 0, 2, 4000), 2) {}

    // Starts a handshake and runs it to its end. False if it failed.
    bool connect() {
        const std::size_t before = connected_;
        if (!client_.endpoint.connect(server_.key.id(), {server_.addr}, kAlpn, now_)) return false;
        return run([&] { return connected_ >= before + 2; }, std::chrono::seconds(5));
    }

    // Lets virtual time pass: keep-alives and timers run.
    void run_for(base::Duration duration) {
        run([] { return false; }, duration);
    }

    [[nodiscard]] std::size_t connected() const { return connected_; }
    [[nodiscard]] std::size_t closed() const { return closed_; }
    [[nodiscard]] quic::Endpoint& client() { return client_.endpoint; }
    [[nodiscard]] quic::Endpoint& server() { return server_.endpoint; }

private:
    struct Side {
        Side(const quic::Config& config, const base::SocketAddr& address, std::uint64_t seed)
            : addr(address), rng(seed), key(base::SecretKey::generate()), endpoint(config, key, rng, ledger) {}
        base::SocketAddr addr;
        base::Rng rng;
        base::SecretKey key;
        telemetry::Ledger ledger;
        quic::Endpoint endpoint;
    };
    struct Packet {
        base::Bytes payload;
        std::size_t segment_bytes = 0;
        quic::Ecn ecn = quic::Ecn::not_ect;
    };

    bool run(const std::function<bool()>& done, base::Duration limit) {
        const base::TimePoint end = now_ + limit;
        for (;;) {
            collect(client_, to_server_);
            collect(server_, to_client_);
            if (done()) return true;
            if (to_server_.empty() && to_client_.empty()) {
                const auto next = base::earliest(client_.endpoint.next_deadline(), server_.endpoint.next_deadline());
                if (!next || *next > end) {
                    now_ = end;
                    return done();
                }
                now_ = std::max(now_, *next);
            } else {
                now_ += kLatency;
            }
            deliver(server_, client_.addr, to_server_);
            deliver(client_, server_.addr, to_client_);
        }
    }

    void collect(Side& side, std::vector<Packet>& out) {
        side.endpoint.flush(now_, [&](const quic::Transmit& train) {
            out.push_back({base::Bytes(train.payload.begin(), train.payload.end()), train.segment_bytes, train.ecn});
        });
        while (auto event = side.endpoint.poll_event()) {
            connected_ += std::holds_alternative<quic::Connected>(*event) ? 1 : 0;
            closed_ += std::holds_alternative<quic::Closed>(*event) ? 1 : 0;
        }
    }

    void deliver(Side& side, const base::SocketAddr& from, std::vector<Packet>& in) {
        for (const Packet& packet : std::exchange(in, {}))
            side.endpoint.on_datagram({side.addr, from, packet.ecn, packet.payload, packet.segment_bytes}, now_);
        const auto due = side.endpoint.next_deadline();
        if (due && *due <= now_) side.endpoint.on_deadline(now_);
    }

    base::TimePoint now_{base::Duration(std::chrono::seconds(1000))};
    Side client_;
    Side server_;
    std::vector<Packet> to_server_;
    std::vector<Packet> to_client_;
    std::size_t connected_ = 0;
    std::size_t closed_ = 0;
};

// Limits wide enough for `connections` between one pair of endpoints.
inline quic::Config wide_config(std::size_t connections) {
    quic::Config config;
    config.alpns = {QuicPair::kAlpn};
    config.limits.connections_max = connections + 16;
    config.limits.connections_per_peer_max = connections + 16;
    return config;
}

}  // namespace grapevine::bench
