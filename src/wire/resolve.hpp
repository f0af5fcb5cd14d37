#pragma once

// The question where somebody is, and its answer: payloads of two frames of ALPN grapevine/mesh/1. One stream each;
// the asker sends Resolve and is answered by Resolved, or by Refused (wire/mesh.hpp).
//
// Payloads: Resolve: name, hops u8, context · Resolved: code u8, list of (age u32, envelope), text, context, times.
// Bytes after the known fields are ignored. Context and times are those of all answered frames (wire/trace_codec.hpp).
//
// A name is not empty and printable ASCII here; whether it is the name of anything, whoever answers decides, so that
// later forms of names are answered and do not break the stream. A digest travels as the envelope that its author
// signed; the age is the answerer's word, in milliseconds since the digest was heard, and nothing more than that.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/trace_context.hpp"
#include "wire/postcard.hpp"
#include "wire/trace_codec.hpp"

namespace grapevine::wire {

inline constexpr std::uint8_t kResolveTag = 0x21;
inline constexpr std::uint8_t kResolvedTag = 0x22;
inline constexpr std::size_t kResolveNameMax = 200;  // Bytes; the longest name has 192.
inline constexpr std::size_t kResolvedDigestsMax = 16;
inline constexpr std::size_t kResolveTextMax = 256;

struct Resolve {
    std::string name;
    std::uint8_t hops = 0;  // How many more gateways the question may pass, the one that reads this included.
    base::TraceContext context{};
    friend bool operator==(const Resolve&, const Resolve&) = default;
};

enum class ResolveCode : std::uint8_t {
    found = 0,
    unknown_mesh = 1,
    no_such_node = 2,
    ambiguous = 3,
    refused = 4,
    busy = 5,
    unreachable = 6,  // The mesh is known, but none of its gateways that were asked gave an answer that counts.
};
inline constexpr std::size_t kResolveCodes = 7;
std::string_view name(ResolveCode code);

struct AgedDigest {
    std::uint32_t age_ms = 0;
    base::Bytes envelope;  // At most kStatementMax.
    friend bool operator==(const AgedDigest&, const AgedDigest&) = default;
};

struct Resolved {
    ResolveCode code = ResolveCode::refused;
    std::vector<AgedDigest> digests;  // At most kResolvedDigestsMax.
    std::string text;                 // Printable ASCII, for people.
    base::TraceContext context{};
    std::optional<AnswerTimes> times{};
    friend bool operator==(const Resolved&, const Resolved&) = default;
};

// Payloads. A caller keeps to the limits above; then a payload is within kMeshFrameMax.
void write(Writer& out, const Resolve& resolve);
void write(Writer& out, const Resolved& resolved);
Resolve read_resolve(Reader& in);
Resolved read_resolved(Reader& in);

}  // namespace grapevine::wire
