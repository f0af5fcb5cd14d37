#pragma once

// Content for a whole mesh: the notice by which its author announces it, signed, said on the mesh's topic, and the
// question for a piece of it (delivery/publications.hpp says what is done with both).
//
// A notice has the envelope of envelope.hpp, with a domain and a kind of its own, so that it is never taken for
// another statement of the topic (digest.hpp, admission.hpp). Its body, in postcard: version u8 · mesh · type · number
// u64 · hash (32 bytes) · size u32 · ticket (bytes) · context. The type is the author's, and the ticket its admission
// to a closed mesh, empty in an open one: so whoever hears the notice can judge it without having met the author.
//
// A piece is asked for by a request (delivery.hpp) to chunk_target() of whoever may have the content. Payload: hash (32
// bytes) · offset u32 · size u32. The reply is the bytes from there on, at most `size`; none says that the content is
// not there. Names that end so are the library's own, and no application's.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/blake3.hpp"
#include "base/bytes.hpp"
#include "base/ed25519.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/trace_context.hpp"
#include "base/verification_memo.hpp"
#include "wire/delivery.hpp"
#include "wire/digest.hpp"

namespace grapevine::wire {

inline constexpr std::uint8_t kNoticeVersion = 1;
inline constexpr std::uint8_t kNoticeKind = 0x12;  // Of an envelope.
inline constexpr std::size_t kNoticeMax = 1100;    // Bytes: the longest names and ticket, and room for fields.
inline constexpr std::size_t kPublicationMax = 1024U * 1024U;
inline constexpr std::size_t kChunkMax = kDeliverPayloadMax;
inline constexpr std::string_view kChunkSuffix = "#publication";

struct Notice {
    std::uint8_t version = kNoticeVersion;
    std::string mesh;
    std::string type;
    std::uint64_t number = 0;  // Of the author's publications.
    base::Blake3Hash hash{};   // Of the content.
    std::uint32_t size = 1;    // 1 to kPublicationMax.
    base::Bytes ticket{};      // Unexamined, at most kAdmissionTicketMax; empty: none.
    base::TraceContext context{};
    friend bool operator==(const Notice&, const Notice&) = default;
};

// With its bytes as signed.
struct SignedNotice {
    base::EndpointId author;
    Notice notice;
    base::Bytes envelope;
    friend bool operator==(const SignedNotice&, const SignedNotice&) = default;
};

// Names, size and ticket must be valid (our own bug otherwise).
SignedNotice sign(const base::SecretKey& key, Notice notice);
// Size, form, version and names, which are cheap. Nothing here is to be believed before signature_holds().
tl::expected<SignedNotice, StatementError> read_notice(base::ByteView envelope);
// Whether its author signed it. A signature that `memo` knows is not verified again; one that holds is added.
[[nodiscard]] bool signature_holds(const SignedNotice& notice, base::VerificationMemo* memo = nullptr);

struct ChunkQuestion {
    base::Blake3Hash hash{};
    std::uint32_t offset = 0;  // Less than kPublicationMax.
    std::uint32_t size = 1;    // 1 to kChunkMax.
    friend bool operator==(const ChunkQuestion&, const ChunkQuestion&) = default;
};
base::Bytes encode(const ChunkQuestion& question);
base::Result<ChunkQuestion> decode_chunk_question(base::ByteView payload);

// "<64 hex>#publication"
std::string chunk_target(const base::EndpointId& peer);
// Of whatever node; nothing for other names.
std::optional<base::EndpointId> parse_chunk_target(std::string_view name);
// Of these, or of watch.hpp.
[[nodiscard]] bool is_reserved_name(std::string_view name);

}  // namespace grapevine::wire
