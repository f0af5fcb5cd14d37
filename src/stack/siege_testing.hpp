#pragma once

// One node of a closed mesh and peers that speak QUIC correctly and, above it, whatever a test wants.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/blake3.hpp"
#include "node/node.hpp"
#include "quic/endpoint.hpp"
#include "stack/admission_testing.hpp"
#include "stack/stack.hpp"
#include "wire/gossip.hpp"
#include "wire/mesh.hpp"

namespace grapevine::stack::testing {

using namespace std::chrono_literals;

inline base::SecretKey siege_key(std::uint8_t fill) {
    return *base::SecretKey::from_seed(base::Bytes(32, fill));
}

// A peer and all that it was ever told.
struct RawPeer {
    explicit RawPeer(std::uint8_t number)
        : key(siege_key(number)),
          addr(base::SocketAddr::v4(10, 0, 0, number, number)),
          rng(number),
          endpoint(config(), key, rng, ledger) {}

    static quic::Config config() {
        quic::Config config;
        config.alpns = {std::string(wire::kGossipAlpn), std::string(wire::kMeshAlpn)};
        config.limits.connections_per_peer_max = 100;
        return config;
    }

    void take_events() {
        while (auto event = endpoint.poll_event()) {
            if (const auto* data = std::get_if<quic::StreamData>(&*event)) {
                heard.insert(heard.end(), data->data.begin(), data->data.end());
                endpoint.consume(data->connection, data->stream, data->data.size());
            }
            if (const auto* opened = std::get_if<quic::StreamOpened>(&*event)) streams_opened += opened != nullptr;
            if (std::holds_alternative<quic::Closed>(*event)) ++closed;
        }
    }
    [[nodiscard]] bool heard_of(base::ByteView bytes) const {
        return std::search(heard.begin(), heard.end(), bytes.begin(), bytes.end()) != heard.end();
    }

    base::SecretKey key;
    base::SocketAddr addr;
    base::Rng rng;
    telemetry::Ledger ledger;
    quic::Endpoint endpoint;
    base::Bytes heard;
    std::size_t streams_opened = 0;  // By the node.
    std::size_t closed = 0;
};

class Siege : public ::testing::Test {
protected:
    Siege() : victim_(config(), victim_key_, rng_, ledger_) {
        victim_.start({kVictimAddr}, now_);
        settle();
    }

    Config config() {
        Config config;
        config.mesh.emplace();
        config.mesh->mesh = "mesh1";
        config.mesh->type = "broker";
        config.mesh->staleness = 1h;  // Nobody here refreshes its digest.
        close_mesh(config, signed_by(authority(), ticket_for(victim_key_.id(), 1)));
        return config;
    }

    // Lets all run until nothing is in flight.
    void settle() {
        for (bool moved = true; moved;) {
            moved = false;
            struct Packet {
                base::SocketAddr from, to;
                base::Bytes bytes;
            };
            std::vector<Packet> packets;
            const auto sink = [&](const base::SocketAddr& from) {
                return [&packets, from](const quic::Transmit& t) {
                    const std::size_t step = t.segment_bytes == 0 ? t.payload.size() : t.segment_bytes;
                    for (std::size_t at = 0; at < t.payload.size(); at += step) {
                        const auto piece = t.payload.subspan(at, std::min(step, t.payload.size() - at));
                        packets.push_back({from, t.remote, {piece.begin(), piece.end()}});
                    }
                };
            };
            victim_.flush(now_, sink(kVictimAddr));
            for (const auto& peer : peers_)
                peer->endpoint.flush(now_, sink(peer->addr));
            now_ += 1ms;
            for (const auto& packet : packets) {
                const quic::ReceivedDatagram datagram{packet.to, packet.from, quic::Ecn::not_ect, packet.bytes, 0};
                if (packet.to == kVictimAddr) victim_.on_datagram(datagram, now_);
                for (const auto& peer : peers_)
                    if (peer->addr == packet.to) peer->endpoint.on_datagram(datagram, now_);
                moved = true;
            }
            due();
        }
    }
    void due() {
        if (victim_.next_deadline().value_or(base::TimePoint::max()) <= now_) victim_.on_deadline(now_);
        for (const auto& peer : peers_) {
            if (peer->endpoint.next_deadline().value_or(base::TimePoint::max()) <= now_)
                peer->endpoint.on_deadline(now_);
            peer->take_events();
        }
        while (auto event = victim_.poll_event())
            heard_.push_back(std::move(*event));
    }
    void run_for(base::Duration duration) {
        const auto end = now_ + duration;
        while (now_ < end) {
            auto next = victim_.next_deadline();
            for (const auto& peer : peers_)
                next = base::earliest(next, peer->endpoint.next_deadline());
            now_ = next && *next < end ? std::max(now_ + 1ms, *next) : end;
            due();
            settle();
        }
    }

    RawPeer& add_peer(std::uint8_t number) { return *peers_.emplace_back(std::make_unique<RawPeer>(number)); }

    quic::ConnectionRef connect(RawPeer& peer, std::string_view alpn) {
        const auto connection = peer.endpoint.connect(victim_.id(), {kVictimAddr}, alpn, now_);
        EXPECT_TRUE(connection);
        settle();
        return *connection;
    }
    // Nothing where the connection is closed already.
    void send(RawPeer& peer, quic::ConnectionRef connection, quic::Direction direction, base::ByteView bytes,
              bool fin) {
        const auto stream = peer.endpoint.open_stream(connection, direction);
        if (stream) (void)peer.endpoint.write(connection, *stream, bytes, fin);
        settle();
    }
    void close(RawPeer& peer, quic::ConnectionRef connection) {
        peer.endpoint.close(connection, 0, "", now_);
        settle();
    }
    // A session of this peer, as a member or a visitor.
    quic::ConnectionRef greet(RawPeer& peer, const base::Bytes& ticket, const std::string& mesh = "mesh1",
                              const std::string& type = "gateway") {
        const auto connection = connect(peer, wire::kMeshAlpn);
        send(peer, connection, kBidi, wire::encode(wire::Hello{1, mesh, type, 7, ticket}), true);
        return connection;
    }

    base::Bytes digest_of(const RawPeer& peer, std::uint64_t sequence, const base::Bytes& ticket,
                          const std::string& type = "gateway") const {
        wire::Digest digest;
        digest.mesh = "mesh1";
        digest.type = type;
        digest.sequence = wire::Sequence{sequence};
        digest.ticket = ticket;
        return wire::sign(peer.key, digest).envelope;
    }
    static base::Bytes frame_of(const wire::TopicMessage& message) { return wire::encode_frame(wire::encode(message)); }
    static wire::BroadcastMessage gossip_of(const base::Bytes& content) {
        return wire::Gossip{base::MessageId{base::blake3(content)}, content, {wire::ScopeKind::swarm, {}}};
    }
    static base::Bytes topic_stream(const std::vector<wire::TopicMessage>& messages) {
        base::Bytes bytes = wire::encode_stream_header(node::Node::topic_of_mesh("mesh1"));
        for (const auto& message : messages)
            for (const std::uint8_t byte : frame_of(message))
                bytes.push_back(byte);
        return bytes;
    }

    std::uint64_t figure(std::string_view name) const {
        for (const auto& f : victim_.figures())
            if (f.name == name) return f.value;
        ADD_FAILURE() << "no figure " << name;
        return 0;
    }
    std::size_t handled() const {
        return static_cast<std::size_t>(std::count_if(heard_.begin(), heard_.end(), [](const Event& event) {
            return report_in<delivery::Handle>(event) != nullptr;
        }));
    }

    static constexpr auto kUni = quic::Direction::unidirectional;
    static constexpr auto kBidi = quic::Direction::bidirectional;
    const base::SocketAddr kVictimAddr = base::SocketAddr::v4(10, 0, 0, 1, 1);
    base::TimePoint now_{1000s};
    base::SecretKey victim_key_ = siege_key(1);
    base::Rng rng_{1};
    telemetry::Ledger ledger_;
    Stack victim_;
    std::vector<std::unique_ptr<RawPeer>> peers_;
    std::vector<Event> heard_;  // By the node's application.
};

}  // namespace grapevine::stack::testing
