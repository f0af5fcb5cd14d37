#pragma once

// The envelope of what is signed: kind u8, signer id (32 bytes), body (length and bytes), signature (64 bytes) over
// domain || kind || body. It has one form only: its length is the shortest varint and nothing follows the signature, so
// that nobody can make a second message of a signed one. The domain says what the signature is for; one is never a
// prefix of another.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"
#include "base/ed25519.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/verification_memo.hpp"

namespace grapevine::wire {

// Views of the bytes that were read.
struct SignedEnvelope {
    std::uint8_t kind = 0;
    base::EndpointId signer;
    base::ByteView body;
    base::Signature signature{};
};

// Bytes of the envelope of a body of `body` bytes.
[[nodiscard]] std::size_t envelope_size(std::size_t body);

// `what` names the message in errors. Checks the form, not the signature.
base::Result<SignedEnvelope> read_envelope(std::string_view what, base::ByteView bytes, std::size_t body_max);
base::Bytes sign_envelope(const base::SecretKey& key, std::string_view domain, std::uint8_t kind, base::ByteView body);

// `bytes` are those that `envelope` was read from. A signature that `memo` knows is not verified again; one that holds
// is added. Null: it is verified.
[[nodiscard]] bool signature_holds(std::string_view domain, const SignedEnvelope& envelope, base::ByteView bytes,
                                   base::VerificationMemo* memo);

}  // namespace grapevine::wire
