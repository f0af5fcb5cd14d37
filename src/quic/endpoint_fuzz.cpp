// Arbitrary datagrams at a server endpoint that has a live connection. The input is a sequence of records: two bytes of
// length, one of instructions, then that many bytes, which are a datagram as they stand or are laid over a genuine one,
// so that mutations reach behind the packet header. In every other input the genuine ones are the first flight of a
// dial with early data that the server has not seen. Afterwards the live connection must still carry a message.

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "quic/link_testing.hpp"

namespace {

using namespace grapevine;
using namespace grapevine::quic::testing;
using namespace std::chrono_literals;

struct Scene {
    explicit Scene(bool early_data) {
        quic::Config config = World::default_config();
        config.zero_rtt = early_data;
        world.filter = [this](const Host& from, const base::SocketAddr&, base::ByteView payload) {
            if (&from == client && captured.size() < 32) {
                captured.emplace_back(payload.begin(), payload.end());
            }
            return !intercept || &from != client;
        };
        client = &world.add(config);
        server = &world.add(config);
        server->echo = true;
        connection = client->dial(*server);
        world.run([this] { return !server->seen<quic::Connected>().empty(); });
        world.run_for(1s);
        if (early_data) {
            capture_first_flight();
        }
    }

    void capture_first_flight() {
        captured.clear();
        intercept = true;
        const auto again = client->dial(*server);
        const auto stream = client->endpoint->open_stream(again, quic::Direction::bidirectional);
        if (!stream) {
            std::abort();
        }
        client->send_all(again, *stream, base::Bytes(2000, 5));
        world.run_for(1ms);
        intercept = false;
    }

    void feed(std::uint8_t instructions, base::ByteView bytes) {
        base::Bytes packet(bytes.begin(), bytes.end());
        if ((instructions & 1U) != 0) {
            base::Bytes genuine = captured[(instructions >> 3U) % captured.size()];
            const std::size_t offset = packet.empty() ? 0 : packet.front() % genuine.size();
            for (std::size_t i = 1; i < packet.size() && offset + i - 1 < genuine.size(); ++i) {
                genuine[offset + i - 1] ^= packet[i];
            }
            packet = std::move(genuine);
        }
        const auto from = (instructions & 2U) != 0 ? client->addrs.front() : base::SocketAddr::v4(172, 16, 0, 1, 9);
        const std::size_t segment = (instructions & 4U) != 0 ? 100 : 0;
        server->endpoint->on_datagram({server->addrs.front(), from, quic::Ecn::ect0, packet, segment}, world.now);
        world.run_for(1ms);
    }

    World world;
    bool intercept = false;
    Host* client = nullptr;
    Host* server = nullptr;
    quic::ConnectionRef connection;
    std::vector<base::Bytes> captured;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Scene scene(size % 2 == 1);
    base::ByteView rest(data, size);
    for (int records = 0; records < 64 && rest.size() > 3; ++records) {
        const std::size_t length = (std::size_t{rest[0]} << 8U | rest[1]) % 1500;
        const std::uint8_t instructions = rest[2];
        const base::ByteView body = rest.subspan(3, std::min(length, rest.size() - 3));
        rest = rest.subspan(3 + body.size());
        scene.feed(instructions, body);
    }
    const auto stream = scene.client->endpoint->open_stream(scene.connection, quic::Direction::bidirectional);
    if (!stream) {
        std::abort();
    }
    scene.client->send_all(scene.connection, *stream, base::to_bytes("still here"));
    const Host::StreamKey key{scene.connection, *stream};
    if (!scene.world.run([&] { return scene.client->received[key].fin; }, 20s)) {
        std::abort();
    }
    return 0;
}
