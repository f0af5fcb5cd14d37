#pragma once

// The frames of ALPN grapevine/mesh/1: hello, ping and pong, echo, directory exchange, questions of names, list of
// revocations.
//
// Every exchange is one bidirectional stream opened by the asker. A frame is tag u8, length (postcard varint), payload
// (postcard). The dialler's first stream carries Hello and is answered by Hello or Refused; no other stream is served
// before. Bytes of a payload after the known fields are ignored, so that later versions can add fields.
//
// Payloads: Hello: version u8, mesh, type, incarnation u64, admission ticket (bytes), context, times · Refused: code
// u8, text · Ping: nonce u64, context · Pong: nonce u64, context, times · Echo: bytes · SyncTurn: list of ranges, list
// of wanted ids, list of statements, context · Resolve and Resolved: resolve.hpp · Revocations: bytes. A range is its
// `from` and its content: `00`, or `01` and 16 bytes, or `02` and a list of {id, sequence u64}. Ranges ascend strictly
// by `from`; so do the entries of a range, within its bounds.
//
// Context and times (wire/trace_codec.hpp) are there only in a trace: the context of the span that sends the
// frame, in a SyncTurn only in an exchange's first; the times in an answer to a frame that had a context.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "wire/admission.hpp"
#include "wire/digest.hpp"
#include "wire/frame_splitter.hpp"
#include "wire/resolve.hpp"
#include "wire/trace_codec.hpp"

namespace grapevine::wire {

inline constexpr std::string_view kMeshAlpn = "grapevine/mesh/1";
inline constexpr std::size_t kMeshFrameMax = 64U * 1024U;  // Bytes of one payload.
inline constexpr std::size_t kMeshSmallFrameMax = 1024;    // The same for those that have no limit of their own.
inline constexpr std::size_t kMeshRevocationsMax = kRevocationListMax + 64;  // With room for fields to come.
inline constexpr std::size_t kEchoMax = 32U * 1024U;
inline constexpr std::size_t kRefusalTextMax = 256;
inline constexpr std::size_t kSyncRangesMax = 256;     // Ranges of one frame.
inline constexpr std::size_t kSyncItemsMax = 512;      // (id, sequence) pairs of one frame, over all ranges.
inline constexpr std::size_t kSyncStatementsMax = 64;  // Statements of one frame.

struct Hello {  // Tag 0x01.
    std::uint8_t version = 1;
    std::string mesh;
    std::string type;
    std::uint64_t incarnation = 0;  // Drawn anew in each life of a node; zero: not told.
    base::Bytes ticket{};           // An admission ticket for the mesh of the one that is greeted; empty: none.
    base::TraceContext context{};
    std::optional<AnswerTimes> times{};  // Only of the one that answers.
    friend bool operator==(const Hello&, const Hello&) = default;
};
enum class RefusalCode : std::uint8_t { wrong_mesh = 0, bad_version = 1, busy = 2, not_admitted = 3, protocol = 4 };
struct Refused {  // Tag 0x02.
    RefusalCode code = RefusalCode::protocol;
    std::string text;  // Printable ASCII.
    friend bool operator==(const Refused&, const Refused&) = default;
};
struct Ping {  // Tag 0x10.
    std::uint64_t nonce = 0;
    base::TraceContext context{};
    friend bool operator==(const Ping&, const Ping&) = default;
};
struct Pong {  // Tag 0x11.
    std::uint64_t nonce = 0;
    base::TraceContext context{};
    std::optional<AnswerTimes> times{};
    friend bool operator==(const Pong&, const Pong&) = default;
};
struct Echo {  // Tag 0x12; answered by the same frame.
    base::Bytes payload;
    friend bool operator==(const Echo&, const Echo&) = default;
};

// Range-based set reconciliation (Meyer, "Range-Based Set Reconciliation", SRDS 2023) over the directory, ordered by
// id. A fingerprint is the sum modulo 2^128 of BLAKE3(id || sequence u64 big-endian) truncated to 16 bytes.
struct Fingerprint {
    std::array<std::uint8_t, 16> bytes{};
    friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};
struct KnownEntry {
    base::EndpointId id;
    Sequence sequence;
    friend bool operator==(const KnownEntry&, const KnownEntry&) = default;
};
// The ids from `from` (inclusive) to the next range's `from` (exclusive; the last range ends after the largest id).
struct SyncRange {
    base::EndpointId from;
    std::variant<std::monostate, Fingerprint, std::vector<KnownEntry>>
        content;  // Nothing to say, a summary, or all entries.
    friend bool operator==(const SyncRange&, const SyncRange&) = default;
};
// One turn of the exchange: what remains open, what the peer lacks (statements), what the peer should send (wanted).
// A turn with no ranges and no wanted ends the exchange.
struct SyncTurn {  // Tag 0x20.
    std::vector<SyncRange> ranges;
    std::vector<base::EndpointId> wanted;  // At most kSyncItemsMax.
    std::vector<base::Bytes> statements;   // Envelopes, at most kSyncStatementsMax.
    base::TraceContext context{};
    friend bool operator==(const SyncTurn&, const SyncTurn&) = default;
};

// The list of a closed mesh (wire/admission.hpp), said once on a new session; nothing answers it.
struct Revocations {       // Tag 0x03.
    base::Bytes envelope;  // Unexamined, at most kRevocationListMax.
    friend bool operator==(const Revocations&, const Revocations&) = default;
};

// Resolve has tag 0x21, Resolved 0x22.
using MeshFrame = std::variant<Hello, Refused, Ping, Pong, Echo, SyncTurn, Resolve, Resolved, Revocations>;

// A caller keeps to the limits above. The lists of a SyncTurn at their limits together may pass kMeshFrameMax, which
// the peer refuses: whoever fills one keeps payload_size() within it.
base::Bytes encode(const MeshFrame& frame);
[[nodiscard]] std::size_t payload_size(const SyncTurn& turn);
// One frame's tag and payload.
base::Result<MeshFrame> decode_mesh_frame(std::uint8_t tag, base::ByteView payload);

// Splits a stream into mesh frames, as frame_splitter.hpp says.
class MeshFrameReader {
public:
    MeshFrameReader();
    void feed(base::ByteView data) { splitter_.feed(data); }
    base::Result<std::optional<MeshFrame>> next() { return splitter_.next<MeshFrame>(decode_mesh_frame); }
    // True when the stream may end here: no half frame is held.
    [[nodiscard]] bool at_boundary() const { return splitter_.at_boundary(); }

private:
    FrameSplitter splitter_;
};

}  // namespace grapevine::wire
