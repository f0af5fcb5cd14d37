#pragma once

// What an endpoint derives from its secret key: the keys of stateless reset and Retry, and unpredictable bytes.
//
// Rules
// - Reset tokens (RFC 9000 section 10.3.2) are a function of the key and the connection id alone, so that a node that
//   restarts with the same key can still reset the connections that it has forgotten.
// - Connection ids and path challenges are HMAC-SHA256 over a counter and the endpoint's Rng: a replay with the same
// key
//   and Rng gives the same bytes, and a peer that has seen any number of them cannot predict the next, which it could
//   from the Rng alone. A predicted path challenge would be a forged address validation.

#include <array>
#include <cstdint>
#include <span>

#include <ngtcp2/ngtcp2.h>

#include "base/bytes.hpp"
#include "base/ed25519.hpp"
#include "base/rng.hpp"

namespace grapevine::quic {

// Length of the connection ids that we issue: iroh's, and enough that 4096 connections never collide.
inline constexpr std::size_t kCidBytes = 8;

using Secret = std::array<std::uint8_t, 32>;
using ResetToken = std::array<std::uint8_t, NGTCP2_STATELESS_RESET_TOKENLEN>;

class Secrets {
public:
    Secrets(const base::SecretKey& key, base::Rng& rng);
    ~Secrets();
    Secrets(const Secrets&) = delete;
    Secrets& operator=(const Secrets&) = delete;

    void fill(std::span<std::uint8_t> out);
    [[nodiscard]] ngtcp2_cid new_cid();
    [[nodiscard]] ResetToken reset_token(const ngtcp2_cid& cid) const;
    // A keyed digest under which a reset token is stored and looked up, so that the time a look-up takes tells nothing
    // about the tokens stored (RFC 9000 section 10.3.1).
    [[nodiscard]] ResetToken token_digest(base::ByteView token) const;
    [[nodiscard]] const Secret& retry_secret() const { return retry_secret_; }

private:
    base::Rng& rng_;
    Secret reset_secret_{};
    Secret retry_secret_{};
    Secret stream_secret_{};
    Secret block_{};
    std::size_t used_ = sizeof(Secret);
    std::uint64_t counter_ = 0;
};

}  // namespace grapevine::quic
