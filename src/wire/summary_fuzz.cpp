// Summaries: arbitrary bytes as an envelope, and the same bytes as the body of a well-signed one, so that the fuzzer
// gets past the signature. What opens, signs again to the same summary and fits its limit.

#include <cstddef>
#include <cstdint>

#include "wire/envelope.hpp"
#include "wire/fuzz_require_testing.hpp"
#include "wire/summary.hpp"

namespace {

using namespace grapevine;
using wire::testing::require;

const base::SecretKey& key() {
    static const base::SecretKey kKey = *base::SecretKey::from_seed(base::Bytes(32, 1));
    return kKey;
}

void check(base::ByteView bytes) {
    const auto seen = wire::glance_at_summary(bytes);
    const auto opened = wire::open_summary(bytes);
    if (!opened) {
        require(!opened.error().message.empty());
        return;
    }
    require(seen && seen->signer == opened->signer && seen->mesh == opened->summary.mesh);
    require(seen->fabric == opened->summary.fabric && seen->sequence == opened->summary.sequence);
    require(opened->envelope == base::Bytes(bytes.begin(), bytes.end()));
    const wire::SignedSummary again = wire::sign(key(), opened->summary);
    require(again.summary == opened->summary);
    require(again.envelope.size() <= wire::kSummaryMax);
    const auto reopened = wire::open_summary(again.envelope);
    require(reopened && reopened->summary == opened->summary);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const base::ByteView input(data, size);
    check(input);
    check(wire::sign_envelope(key(), "grapevine summary 1", wire::kSummaryKind, input));
    return 0;
}
