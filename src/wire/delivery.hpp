#pragma once

// The frames by which messages are delivered on ALPN grapevine/mesh/1: a message, how it ended, how many more are
// taken, a message that is too large for a frame, and a stream of bytes.
//
// Form and rules are those of mesh.hpp: tag u8, length (postcard varint), payload (postcard); bytes after the known
// fields are ignored. A sender's first bidirectional stream that begins with Deliver is the delivery stream of its
// session: Deliver one way, Outcome and Window the other. OpenStream begins a stream of its own, is answered by an
// Outcome on it, and raw bytes follow both ways once that is `acknowledged`. DeliverLarge begins one, too: its payload
// follows as raw bytes, then the end of that direction; the Outcome comes back on it, perhaps before the payload is
// whole.
//
// Payloads: Deliver: sequence u64, kind u8, copy u8, after u64, settled u64, time left u32 (ms), name, payload, context
// · Outcome: sequence u64, code u8, payload (a reply, or a text where it is no acknowledgement), context, times ·
// Window: messages u32, bytes u32 · OpenStream: sequence u64, time left u32 (ms), name, context · DeliverLarge: as
// Deliver, with size u32 in place of the payload.
//
// Time travels as time left, so that clocks do not matter: the deadline of the receiver is that of the sender and the
// way of the frame. Hence two fields beside the sequence by which the receiver knows what it may forget:
//  - `settled`: the sender has the outcome of all its messages up to this sequence, whoever they were for, and sends
//    none of them any more. What the receiver still remembers of them is of no use.
//  - `copy`: `again` where an earlier copy was written on a session that is gone, so that it may have been handled. The
//    receiver takes it only if it can be sure that it did not handle it. A sender that does not mind says `first`.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/trace_context.hpp"
#include "wire/frame_splitter.hpp"
#include "wire/trace_codec.hpp"

namespace grapevine::wire {

inline constexpr std::size_t kDeliverPayloadMax = 60U * 1024U;        // Bytes of a message, and of a reply.
inline constexpr std::size_t kLargePayloadMax = 16U * 1024U * 1024U;  // Of a message on a stream of its own.
inline constexpr std::size_t kTargetNameMax = 200;                    // "mesh.type.digits" with room for later forms.
inline constexpr std::size_t kOutcomeTextMax = 256;
// What a message takes of a window's bytes beside its payload and its name; a round figure for what both ends keep.
inline constexpr std::size_t kDeliverOverhead = 64;

// Counts the messages of one life of a sender, from 1, whoever they are for.
struct MessageSequence {
    std::uint64_t value = 0;
    friend auto operator<=>(const MessageSequence&, const MessageSequence&) = default;
};

// A send's outcome carries no reply. A stream is asked for by OpenStream, never by Deliver.
enum class MessageKind : std::uint8_t { send = 0, request = 1, stream = 2 };
enum class MessageCopy : std::uint8_t { first = 0, again = 1 };

struct Deliver {  // Tag 0x30.
    MessageSequence sequence{1};
    MessageKind kind = MessageKind::send;
    MessageCopy copy = MessageCopy::first;
    // Zero: in no order. Else the last message of the same lane before this one that has no outcome yet, or this one's
    // own sequence if there is none. At most `sequence`.
    MessageSequence after;
    MessageSequence settled;  // Less than `sequence`.
    std::uint32_t time_left_ms = 0;
    std::string name;  // As addressed: 1 to kTargetNameMax printable ASCII characters, no space.
    base::Bytes payload;
    base::TraceContext context{};
    friend bool operator==(const Deliver&, const Deliver&) = default;
};

// How a message ended at its receiver.
enum class OutcomeCode : std::uint8_t {
    acknowledged = 0,    // Handled; the payload is the reply of a request.
    handler_failed = 1,  // Handled, and the handler said that it failed.
    refused = 2,         // Not handled: nobody here handles the name, or the sender may not.
    too_large = 3,       // Not handled: larger than its handler takes.
    busy = 4,            // Not handled: a bound is reached, or the message before it in its lane is not known here.
    deadline = 5,        // Its time passed before its handler answered.
    in_doubt = 6,        // It came again, and what was handled at its first coming is not known any more.
};
inline constexpr std::size_t kOutcomeCodes = 7;
std::string_view name(OutcomeCode code);

struct Outcome {  // Tag 0x31.
    MessageSequence sequence{1};
    OutcomeCode code = OutcomeCode::acknowledged;
    base::Bytes payload;  // A reply, or printable ASCII of at most kOutcomeTextMax.
    base::TraceContext context{};
    std::optional<AnswerTimes> times{};
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

// How many messages without an outcome the receiver takes from this sender on this session, and how many bytes of them
// (window_cost); replaces the window before. Until the first one comes, nothing may be sent.
struct Window {  // Tag 0x32.
    std::uint32_t messages = 0;
    std::uint32_t bytes = 0;
    friend bool operator==(const Window&, const Window&) = default;
};

struct OpenStream {  // Tag 0x33.
    MessageSequence sequence{1};
    std::uint32_t time_left_ms = 0;  // For the Outcome; the stream may live on.
    std::string name;
    base::TraceContext context{};
    friend bool operator==(const OpenStream&, const OpenStream&) = default;
};

struct DeliverLarge {        // Tag 0x34.
    Deliver message;         // Without its payload.
    std::uint32_t size = 1;  // Of the payload: at most kLargePayloadMax.
    friend bool operator==(const DeliverLarge&, const DeliverLarge&) = default;
};

using DeliveryFrame = std::variant<Deliver, Outcome, Window, OpenStream, DeliverLarge>;

// Whether a stream whose first byte is `tag` carries frames of this kind.
[[nodiscard]] bool is_delivery_tag(std::uint8_t tag);
// Whether that frame is OpenStream, or DeliverLarge, and the stream one of its own.
[[nodiscard]] bool is_open_stream_tag(std::uint8_t tag);
[[nodiscard]] bool is_large_tag(std::uint8_t tag);
// What a message takes of a window's bytes. What of a payload is over kDeliverPayloadMax has room of its own.
[[nodiscard]] std::size_t window_cost(std::size_t name_size, std::size_t payload_size);
// 1 to kTargetNameMax printable ASCII characters, no space.
[[nodiscard]] bool is_target_name(std::string_view text);

// A caller keeps to the limits and rules above.
base::Bytes encode(const DeliveryFrame& frame);
// One frame's tag and payload.
base::Result<DeliveryFrame> decode_delivery_frame(std::uint8_t tag, base::ByteView payload);

// Splits a stream into delivery frames, as frame_splitter.hpp says.
class DeliveryFrameReader {
public:
    DeliveryFrameReader();
    void feed(base::ByteView data) { splitter_.feed(data); }
    base::Result<std::optional<DeliveryFrame>> next() { return splitter_.next<DeliveryFrame>(decode_delivery_frame); }
    // True when the stream may end here: no half frame is held.
    [[nodiscard]] bool at_boundary() const { return splitter_.at_boundary(); }
    // The raw bytes behind the last frame of a stream that OpenStream began.
    base::Bytes take_rest() { return splitter_.take_rest(); }

private:
    FrameSplitter splitter_;
};

}  // namespace grapevine::wire
