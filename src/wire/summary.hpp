#pragma once

// What a gateway says of its mesh on the backbone: a signed, sequenced summary (docs/design/0002-fabric.md).
//
// The envelope is that of wire/envelope.hpp, kind 1, under "grapevine summary 1". Body, in postcard: version u8 ·
// fabric · mesh · sequence u64 · list of gateways (id of 32 bytes, list of addresses) · list of members (type, count
// u32) · Option of the authority (32 bytes) · ticket (bytes) · context. Bytes after the known fields are ignored.
//
// A body has one meaning: types ascend strictly, no gateway is named twice, a mesh with an authority (a closed one)
// tells no members, and only such a one has a ticket, which is the signer's and opaque here. The context is that of
// digests (wire/digest.hpp).
//
// An address of more than kSummaryAddrBytesMax is left out by the signer and refused by the reader. That bounds the
// whole: the largest summary takes kSummaryMax, which fits one message of iroh-gossip.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/ed25519.hpp"
#include "base/ids.hpp"
#include "base/trace_context.hpp"
#include "base/verification_memo.hpp"
#include "wire/addr.hpp"
#include "wire/admission.hpp"
#include "wire/digest.hpp"

namespace grapevine::wire {

inline constexpr std::uint8_t kSummaryVersion = 1;
inline constexpr std::uint8_t kSummaryKind = 1;  // Of an envelope.
inline constexpr std::size_t kSummaryGatewaysMax = 3;
inline constexpr std::size_t kSummaryAddrsMax = 4;        // Of one gateway.
inline constexpr std::size_t kSummaryAddrBytesMax = 128;  // Of one address as written.
inline constexpr std::size_t kSummaryTypesMax = 16;       // Types that members are told of.
inline constexpr std::size_t kSummaryMax = 3072;          // Bytes of one envelope. Target: 512 with three gateways.

struct TypeCount {
    std::string type;
    std::uint32_t count = 0;
    friend bool operator==(const TypeCount&, const TypeCount&) = default;
};

struct Summary {
    std::uint8_t version = kSummaryVersion;
    std::string fabric;
    std::string mesh;
    Sequence sequence;
    std::vector<EndpointAddr> gateways;  // In order of duty.
    std::vector<TypeCount> members;      // Sorted by type; the signer leaves out what is over the limit.
    std::optional<base::EndpointId> authority;
    base::Bytes ticket;  // Empty: none.
    base::TraceContext context{};
    friend bool operator==(const Summary&, const Summary&) = default;
};

// A summary whose signature was checked, with its bytes as signed.
struct SignedSummary {
    base::EndpointId signer;
    Summary summary;
    base::Bytes envelope;
    friend bool operator==(const SignedSummary&, const SignedSummary&) = default;
};

// The summary as it would be signed: what breaks a rule above is left out. Names must be valid, and the ticket within
// its limit (our own bug otherwise).
Summary normalized(Summary summary);
// Signs the normalized summary, which is also the one returned.
SignedSummary sign(const base::SecretKey& key, Summary summary);

// Checks size, form, version and names first, because they are cheap, and the signature last.
tl::expected<SignedSummary, StatementError> open_summary(base::ByteView envelope,
                                                         base::VerificationMemo* memo = nullptr);

// A look before the signature is checked, as wire/glance.hpp: nothing is believed because of it. Nothing when the bytes
// have not the form above; open_summary then says what is wrong.
struct SummaryGlance {
    base::EndpointId signer;
    std::string fabric;
    std::string mesh;
    Sequence sequence;
};
std::optional<SummaryGlance> glance_at_summary(base::ByteView envelope);

}  // namespace grapevine::wire
