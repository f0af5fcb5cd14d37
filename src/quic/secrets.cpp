#include "quic/secrets.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include "base/assert.hpp"

namespace grapevine::quic {
namespace {

Secret hmac(base::ByteView key, base::ByteView data) {
    Secret out{};
    const int rv = gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.data(), key.size(), data.data(), data.size(), out.data());
    GRAPEVINE_ASSERT(rv == 0, "HMAC-SHA256 failed");
    return out;
}

Secret derive(const base::SecretKey& key, std::string_view label) {
    return hmac(key.seed(), base::as_bytes(label));
}

}  // namespace

Secrets::Secrets(const base::SecretKey& key, base::Rng& rng)
    : rng_(rng),
      reset_secret_(derive(key, "grapevine quic 1 stateless reset")),
      retry_secret_(derive(key, "grapevine quic 1 retry")),
      stream_secret_(derive(key, "grapevine quic 1 connection ids")) {}

Secrets::~Secrets() {
    for (Secret* secret : {&reset_secret_, &retry_secret_, &stream_secret_, &block_}) {
        gnutls_memset(secret->data(), 0, secret->size());
    }
}

void Secrets::fill(std::span<std::uint8_t> out) {
    while (!out.empty()) {
        if (used_ == block_.size()) {
            const std::array<std::uint64_t, 2> input{++counter_, rng_.next()};
            block_ = hmac(stream_secret_, {reinterpret_cast<const std::uint8_t*>(input.data()), sizeof input});
            used_ = 0;
        }
        const std::size_t count = std::min(out.size(), block_.size() - used_);
        std::memcpy(out.data(), block_.data() + used_, count);
        used_ += count;
        out = out.subspan(count);
    }
}

ngtcp2_cid Secrets::new_cid() {
    ngtcp2_cid cid{};
    cid.datalen = kCidBytes;
    fill({cid.data, kCidBytes});
    return cid;
}

ResetToken Secrets::reset_token(const ngtcp2_cid& cid) const {
    ResetToken token{};
    const int rv =
        ngtcp2_crypto_generate_stateless_reset_token(token.data(), reset_secret_.data(), reset_secret_.size(), &cid);
    GRAPEVINE_ASSERT(rv == 0, "HKDF-SHA256 failed");
    return token;
}

ResetToken Secrets::token_digest(base::ByteView token) const {
    const Secret full = hmac(reset_secret_, token);
    ResetToken digest{};
    std::copy_n(full.begin(), digest.size(), digest.begin());
    return digest;
}

}  // namespace grapevine::quic
