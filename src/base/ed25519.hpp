#pragma once

// Ed25519 keys and signatures (RFC 8032) by libsodium, whose verification is strict (no small-order keys, canonical S).

#include <array>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"

namespace grapevine::base {

using Signature = std::array<std::uint8_t, 64>;

// The 32-byte secret seed of a node. Wiped when destroyed; never printed.
class SecretKey {
public:
    // A fresh key from the kernel's randomness.
    static SecretKey generate();
    // Exactly 32 bytes.
    static Result<SecretKey> from_seed(ByteView seed);

    SecretKey(const SecretKey&) = default;
    SecretKey& operator=(const SecretKey&) = default;
    ~SecretKey();

    [[nodiscard]] const EndpointId& id() const { return id_; }
    [[nodiscard]] Signature sign(ByteView message) const;
    // For the key file and for the TLS credentials only.
    [[nodiscard]] ByteView seed() const { return ByteView(expanded_).first(kIdBytes); }

private:
    SecretKey() = default;
    std::array<std::uint8_t, 64> expanded_{};  // libsodium's form: seed, then public key.
    EndpointId id_;
};

[[nodiscard]] bool verify(const EndpointId& signer, ByteView message, const Signature& signature);

}  // namespace grapevine::base
