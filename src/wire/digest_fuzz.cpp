// Statements: arbitrary bytes as an envelope, and the same bytes as the body of a well-signed one, so that the fuzzer
// gets past the signature. What opens, signs again to a statement with the same claim.

#include <cstddef>
#include <cstdint>
#include <variant>

#include "wire/digest.hpp"
#include "wire/fuzz_require_testing.hpp"
#include "wire/glance.hpp"
#include "wire/postcard.hpp"

namespace {

using namespace grapevine;
using wire::testing::require;

const base::SecretKey& key() {
    static const base::SecretKey kKey = *base::SecretKey::from_seed(base::Bytes(32, 1));
    return kKey;
}

base::Bytes signed_envelope(std::uint8_t kind, base::ByteView body) {
    base::Bytes message = base::to_bytes("grapevine statement 1");
    message.push_back(kind);
    message.insert(message.end(), body.begin(), body.end());
    wire::Writer out;
    out.u8(kind);
    out.raw(key().id().view());
    out.bytes(body);
    out.raw(key().sign(message));
    return out.take();
}

bool agrees(const wire::Glance& seen, const wire::Claim& claim) {
    if (const auto* digest = std::get_if<wire::Digest>(&claim))
        return !seen.accused && seen.mesh == digest->mesh && seen.sequence == digest->sequence;
    const auto& accusation = std::get<wire::Accusation>(claim);
    return seen.accused == accusation.accused && seen.mesh == accusation.mesh && seen.sequence == accusation.sequence &&
           seen.phase == accusation.phase;
}

void check(base::ByteView bytes) {
    (void)wire::origin_of(bytes);
    (void)wire::glance(bytes);
    const auto statement = wire::open_statement(bytes);
    if (!statement) {
        require(!statement.error().message.empty());
        return;
    }
    require(statement->envelope == base::Bytes(bytes.begin(), bytes.end()));
    const auto seen = wire::glance(bytes);
    require(seen && seen->signer == statement->signer && agrees(*seen, statement->claim));
    const auto origin = wire::origin_of(bytes);
    require(origin && origin->signer == statement->signer);
    require(origin->context == std::visit([](const auto& claim) { return claim.context; }, statement->claim));
    const wire::Statement again = wire::sign(key(), statement->claim);
    require(again.claim == statement->claim);
    const auto opened = wire::open_statement(again.envelope);
    require(opened && opened->claim == statement->claim);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const base::ByteView input(data, size);
    check(input);
    if (size > 0) check(signed_envelope(static_cast<std::uint8_t>(1 + input.front() % 2), input.subspan(1)));
    return 0;
}
