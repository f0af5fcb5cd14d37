#include "wire/delivery.hpp"

#include <algorithm>
#include <array>

#include "wire/mesh.hpp"
#include "wire/postcard.hpp"

namespace grapevine::wire {

namespace {

enum class Tag : std::uint8_t { deliver = 0x30, outcome = 0x31, window = 0x32, open_stream = 0x33, large = 0x34 };

// Sequence, kind, copy, after, settled, time left, two lengths and a context fit what the payload leaves of a frame.
static_assert(kDeliverPayloadMax + kTargetNameMax + 3 * kVarint64Max + 2 + 3 * kVarint32Max + kContextBytes <=
              kMeshFrameMax);

std::optional<FrameRule> rule_of(std::uint8_t tag) {
    switch (static_cast<Tag>(tag)) {
        case Tag::deliver: return FrameRule{"deliver", kMeshFrameMax};
        case Tag::outcome: return FrameRule{"outcome", kMeshFrameMax};
        case Tag::window: return FrameRule{"window", kMeshSmallFrameMax};
        case Tag::open_stream: return FrameRule{"open stream", kMeshSmallFrameMax};
        case Tag::large: return FrameRule{"deliver large", kMeshSmallFrameMax};
    }
    return std::nullopt;
}

constexpr FrameFamily kDeliveryFrames{"delivery", rule_of};

Tag tag_of(const DeliveryFrame& frame) {
    constexpr std::array<Tag, std::variant_size_v<DeliveryFrame>> kTags{Tag::deliver, Tag::outcome, Tag::window,
                                                                        Tag::open_stream, Tag::large};
    return kTags[frame.index()];
}

bool is_printable(char c) {
    return c >= 0x20 && c < 0x7f;
}

void write_head(Writer& out, const Deliver& deliver) {
    out.varint(deliver.sequence.value);
    out.u8(static_cast<std::uint8_t>(deliver.kind));
    out.u8(static_cast<std::uint8_t>(deliver.copy));
    out.varint(deliver.after.value);
    out.varint(deliver.settled.value);
    out.varint(deliver.time_left_ms);
    out.text(deliver.name);
}

void write(Writer& out, const Deliver& deliver) {
    write_head(out, deliver);
    out.bytes(deliver.payload);
    write_context(out, deliver.context);
}

void write(Writer& out, const DeliverLarge& large) {
    write_head(out, large.message);
    out.varint(large.size);
    write_context(out, large.message.context);
}

void write(Writer& out, const Outcome& outcome) {
    out.varint(outcome.sequence.value);
    out.u8(static_cast<std::uint8_t>(outcome.code));
    out.bytes(outcome.payload);
    write_answer(out, outcome.context, outcome.times);
}

void write(Writer& out, const Window& window) {
    out.varint(window.messages);
    out.varint(window.bytes);
}

void write(Writer& out, const OpenStream& open) {
    out.varint(open.sequence.value);
    out.varint(open.time_left_ms);
    out.text(open.name);
    write_context(out, open.context);
}

MessageSequence read_sequence(Reader& in) {
    const MessageSequence sequence{in.u64("sequence")};
    if (sequence.value == 0) in.fail("sequence", "begins at 1");
    return sequence;
}

std::string read_target(Reader& in) {
    std::string name = base::to_text(in.bytes("name", kTargetNameMax));
    if (!is_target_name(name)) in.fail("name", "must be printable ASCII without spaces");
    return name;
}

base::Bytes read_payload(Reader& in, std::size_t limit) {
    const base::ByteView payload = in.bytes("payload", limit);
    return {payload.begin(), payload.end()};
}

Deliver read_head(Reader& in) {
    Deliver deliver;
    deliver.sequence = read_sequence(in);
    deliver.kind = static_cast<MessageKind>(in.discriminant("kind", 2));
    deliver.copy = static_cast<MessageCopy>(in.discriminant("copy", 2));
    deliver.after = MessageSequence{in.u64("after")};
    if (deliver.after > deliver.sequence) in.fail("after", "must not be above the sequence");
    deliver.settled = MessageSequence{in.u64("settled")};
    if (deliver.settled >= deliver.sequence) in.fail("settled", "must be below the sequence");
    deliver.time_left_ms = in.u32("time left");
    deliver.name = read_target(in);
    return deliver;
}

Deliver read_deliver(Reader& in) {
    Deliver deliver = read_head(in);
    deliver.payload = read_payload(in, kDeliverPayloadMax);
    deliver.context = read_context(in);
    return deliver;
}

DeliverLarge read_large(Reader& in) {
    DeliverLarge large;
    large.message = read_head(in);
    large.size = in.u32("size");
    if (large.size == 0 || large.size > kLargePayloadMax) in.fail("size", "must be 1 to 16 MiB");
    large.message.context = read_context(in);
    return large;
}

Outcome read_outcome(Reader& in) {
    Outcome outcome;
    outcome.sequence = read_sequence(in);
    outcome.code = static_cast<OutcomeCode>(in.discriminant("code", kOutcomeCodes));
    const bool is_reply = outcome.code == OutcomeCode::acknowledged;
    outcome.payload = read_payload(in, is_reply ? kDeliverPayloadMax : kOutcomeTextMax);
    const std::string_view text = base::as_text(outcome.payload);
    if (!is_reply && !std::all_of(text.begin(), text.end(), is_printable))
        in.fail("payload", "must be printable ASCII where it is no reply");
    outcome.context = read_context(in);
    outcome.times = read_answer_times(in);
    return outcome;
}

Window read_window(Reader& in) {
    Window window;
    window.messages = in.u32("messages");
    window.bytes = in.u32("bytes");
    return window;
}

OpenStream read_open_stream(Reader& in) {
    OpenStream open;
    open.sequence = read_sequence(in);
    open.time_left_ms = in.u32("time left");
    open.name = read_target(in);
    open.context = read_context(in);
    return open;
}

DeliveryFrame read_frame(Tag tag, Reader& in) {
    switch (tag) {
        case Tag::deliver: return read_deliver(in);
        case Tag::outcome: return read_outcome(in);
        case Tag::window: return read_window(in);
        case Tag::open_stream: return read_open_stream(in);
        case Tag::large: break;
    }
    return read_large(in);
}

}  // namespace

std::string_view name(OutcomeCode code) {
    switch (code) {
        case OutcomeCode::acknowledged: return "acknowledged";
        case OutcomeCode::handler_failed: return "handler_failed";
        case OutcomeCode::refused: return "refused";
        case OutcomeCode::too_large: return "too_large";
        case OutcomeCode::busy: return "busy";
        case OutcomeCode::deadline: return "deadline";
        case OutcomeCode::in_doubt: return "in_doubt";
    }
    return "unknown";
}

std::size_t window_cost(std::size_t name_size, std::size_t payload_size) {
    return kDeliverOverhead + name_size + std::min(payload_size, kDeliverPayloadMax);
}

bool is_target_name(std::string_view text) {
    return !text.empty() && text.size() <= kTargetNameMax &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_printable(c) && c != ' '; });
}

bool is_delivery_tag(std::uint8_t tag) {
    return rule_of(tag).has_value();
}

bool is_open_stream_tag(std::uint8_t tag) {
    return tag == static_cast<std::uint8_t>(Tag::open_stream);
}

bool is_large_tag(std::uint8_t tag) {
    return tag == static_cast<std::uint8_t>(Tag::large);
}

base::Bytes encode(const DeliveryFrame& frame) {
    const auto* deliver = std::get_if<Deliver>(&frame);
    Writer payload(deliver != nullptr ? deliver->payload.size() + kTargetNameMax : 64);
    std::visit([&](const auto& value) { write(payload, value); }, frame);
    return frame_bytes(static_cast<std::uint8_t>(tag_of(frame)), payload.take());
}

base::Result<DeliveryFrame> decode_delivery_frame(std::uint8_t tag, base::ByteView payload) {
    const auto rule = check_frame(kDeliveryFrames, tag, payload.size());
    if (!rule) return tl::unexpected(rule.error());
    Reader in(rule->name, payload);
    auto frame = read_frame(static_cast<Tag>(tag), in);
    return in.finish(std::move(frame));
}

DeliveryFrameReader::DeliveryFrameReader() : splitter_(kDeliveryFrames) {}

}  // namespace grapevine::wire
