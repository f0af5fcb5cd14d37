#pragma once

// Keys and addresses of simulated nodes, as long on the wire as real ones.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ed25519.hpp"
#include "base/rng.hpp"
#include "base/socket_addr.hpp"

namespace grapevine::sim {

inline base::SecretKey key_of(std::size_t node, base::Rng& rng) {
    base::Bytes seed(base::kIdBytes);
    rng.fill(seed);
    for (std::size_t i = 0; i < sizeof(std::uint32_t); ++i)
        seed[i] = static_cast<std::uint8_t>(node >> (8 * i));
    return *base::SecretKey::from_seed(seed);
}

// As many as a host of a site usually has: of its network, of the site's router, and a global one.
inline std::vector<base::SocketAddr> addrs_of(std::size_t mesh, std::size_t node) {
    const auto byte = [](std::size_t number, unsigned shift) { return static_cast<std::uint8_t>(number >> shift); };
    const auto port = static_cast<std::uint16_t>(20'000 + node % 40'000);
    const std::array<std::uint8_t, 16> global{0x20, 0x01, 0x0d, 0xb8, 0x17, 0x2a, byte(mesh, 8), byte(mesh, 0),
                                              0x5a, 0x1c, 0x9e, 0x40, 0xb7, 0x03, byte(node, 8), byte(node, 0)};
    return {base::SocketAddr::v4(10, byte(mesh, 0), byte(node, 8), byte(node, 0), port),
            base::SocketAddr::v4(198, 51, byte(mesh, 8), byte(mesh, 0), port), base::SocketAddr::v6(global, port)};
}

}  // namespace grapevine::sim
