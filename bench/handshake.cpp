// CPU of one QUIC handshake with mutual raw public keys, both ends together, without sockets. The floor in the same run
// is cryptography that no implementation can avoid: two Ed25519 signatures and two verifications.

#include <array>

#include "bench/clocks.hpp"
#include "bench/figures.hpp"
#include "bench/quic_pair.hpp"

namespace grapevine::bench {
namespace {

double handshake_us(std::size_t count, Figures& figures) {
    QuicPair pair(wide_config(count));
    const double begin = cpu_now();
    for (std::size_t i = 0; i < count; ++i)
        if (!pair.connect()) figures.fail("a handshake failed");
    return (cpu_now() - begin) / static_cast<double>(count) * 1e6;
}

double signatures_us(std::size_t count, Figures& figures) {
    const auto key = base::SecretKey::generate();
    std::array<std::uint8_t, 130> message{};  // A TLS 1.3 CertificateVerify signs 130 bytes with SHA-256.
    const double begin = cpu_now();
    for (std::size_t i = 0; i < 2 * count; ++i) {
        message[i % message.size()] ^= 1U;
        if (!base::verify(key.id(), message, key.sign(message))) figures.fail("a signature was wrong");
    }
    return (cpu_now() - begin) / static_cast<double>(count) * 1e6;
}

int run(const Arguments& arguments) {
    Figures figures("handshake", arguments);
    const std::size_t count = arguments.number("--handshakes");
    std::vector<double> handshakes;
    std::vector<double> floors;
    for (std::uint64_t round = 0; round < arguments.number("--rounds"); ++round) {
        handshakes.push_back(handshake_us(count, figures));
        floors.push_back(signatures_us(count, figures));
    }
    const double cost = median(handshakes);
    const double floor = median(floors);
    figures.add("handshake_cpu_us_both_ends", cost, "us");
    figures.add("handshakes_per_s_and_core", 1e6 / cost, "1/s");
    figures.add("floor_signatures_cpu_us", floor, "us");
    figures.add("ratio_to_floor", cost / floor, "");
    return figures.finish();
}

}  // namespace
}  // namespace grapevine::bench

int main(int argc, char** argv) {
    using namespace grapevine::bench;
    return run(parse_arguments(argc, argv, {false, false, {{"--handshakes", 300}, {"--rounds", 5}}}));
}
