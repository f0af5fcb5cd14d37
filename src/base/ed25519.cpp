#include "base/ed25519.hpp"

#include <algorithm>

#include <sodium.h>

#include "base/assert.hpp"

namespace grapevine::base {

namespace {

// sodium_init is idempotent and safe to call from several threads.
void ensure_sodium() {
    GRAPEVINE_ASSERT(sodium_init() >= 0, "libsodium did not initialise");
}

}  // namespace

SecretKey SecretKey::generate() {
    ensure_sodium();
    std::array<std::uint8_t, kIdBytes> seed{};
    randombytes_buf(seed.data(), seed.size());
    auto key = from_seed(seed);
    sodium_memzero(seed.data(), seed.size());
    return *key;
}

Result<SecretKey> SecretKey::from_seed(ByteView seed) {
    ensure_sodium();
    if (seed.size() != kIdBytes)
        return invalid("secret key: " + std::to_string(seed.size()) + " bytes where 32 are needed");
    SecretKey key;
    crypto_sign_seed_keypair(key.id_.bytes.data(), key.expanded_.data(), seed.data());
    return key;
}

SecretKey::~SecretKey() {
    sodium_memzero(expanded_.data(), expanded_.size());
}

Signature SecretKey::sign(ByteView message) const {
    Signature signature{};
    crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), expanded_.data());
    return signature;
}

bool verify(const EndpointId& signer, ByteView message, const Signature& signature) {
    ensure_sodium();
    return crypto_sign_verify_detached(signature.data(), message.data(), message.size(), signer.bytes.data()) == 0;
}

}  // namespace grapevine::base
