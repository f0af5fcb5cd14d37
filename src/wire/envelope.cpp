#include "wire/envelope.hpp"

#include <tuple>

#include "base/blake3.hpp"
#include "wire/postcard.hpp"

namespace grapevine::wire {

namespace {

constexpr std::size_t kSignatureBytes = std::tuple_size_v<base::Signature>;

base::Bytes signed_bytes(std::string_view domain, std::uint8_t kind, base::ByteView body) {
    base::Bytes out;
    out.reserve(domain.size() + 1 + body.size());
    out.insert(out.end(), domain.begin(), domain.end());
    out.push_back(kind);
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

}  // namespace

std::size_t envelope_size(std::size_t body) {
    return 1 + base::kIdBytes + varint_size(body) + body + kSignatureBytes;
}

base::Result<SignedEnvelope> read_envelope(std::string_view what, base::ByteView bytes, std::size_t body_max) {
    Reader in(what, bytes);
    SignedEnvelope envelope;
    envelope.kind = in.u8("kind");
    envelope.signer = in.id<base::EndpointId>("signer");
    envelope.body = in.bytes("body", body_max);
    envelope.signature = in.array<kSignatureBytes>("signature");
    if (in.remaining() != 0) in.fail("end", "bytes after the signature");
    if (bytes.size() != envelope_size(envelope.body.size())) in.fail("body", "length is not in its shortest form");
    return in.finish(envelope);
}

base::Bytes sign_envelope(const base::SecretKey& key, std::string_view domain, std::uint8_t kind, base::ByteView body) {
    Writer out(envelope_size(body.size()));
    out.u8(kind);
    out.raw(key.id().view());
    out.bytes(body);
    out.raw(key.sign(signed_bytes(domain, kind, body)));
    return out.take();
}

bool signature_holds(std::string_view domain, const SignedEnvelope& envelope, base::ByteView bytes,
                     base::VerificationMemo* memo) {
    const auto verify = [&] {
        return base::verify(envelope.signer, signed_bytes(domain, envelope.kind, envelope.body), envelope.signature);
    };
    if (memo == nullptr) return verify();
    // A hash of the bytes alone would let one purpose vouch for another, since several share a memo.
    const auto hash = base::blake3_derive_key(domain, bytes);
    if (memo->contains(hash)) return true;
    if (!verify()) return false;
    memo->add(hash);
    return true;
}

}  // namespace grapevine::wire
