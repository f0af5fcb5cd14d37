#include "wire/frame_splitter.hpp"

#include <algorithm>
#include <string>

#include "wire/postcard.hpp"

namespace grapevine::wire {

namespace {

// Whether `head`, the bytes after a tag, holds a whole length (or as much as shows that it is none).
bool holds_length(base::ByteView head) {
    const auto last = [](std::uint8_t byte) { return byte < 0x80; };
    return head.size() >= kVarint32Max || std::any_of(head.begin(), head.end(), last);
}

}  // namespace

base::Result<FrameRule> check_frame(const FrameFamily& family, std::uint8_t tag, std::size_t size) {
    const auto rule = family.rule_of(tag);
    if (!rule) return base::invalid(std::string(family.name) + " frame: unknown tag " + std::to_string(tag));
    if (size <= rule->payload_max) return *rule;
    return base::invalid(std::string(rule->name) + ": " + std::to_string(size) + " bytes where " +
                         std::to_string(rule->payload_max) + " are allowed");
}

base::Bytes frame_bytes(std::uint8_t tag, base::ByteView payload) {
    Writer out(1 + kVarint32Max + payload.size());
    out.u8(tag);
    out.bytes(payload);
    return out.take();
}

base::Bytes FrameSplitter::take_rest() {
    const base::ByteView held = buffer_.view();
    base::Bytes rest(held.begin(), held.end());
    buffer_.clear();
    return rest;
}

void FrameSplitter::feed(base::ByteView data) {
    if (!dead_) buffer_.append(data);
}

base::Result<std::optional<FrameSplitter::Whole>> FrameSplitter::peek() {
    if (dead_) return base::invalid(std::string(family_->name) + " stream: dead after an error");
    const base::ByteView held = buffer_.view();
    if (held.empty()) return std::nullopt;
    const std::uint8_t tag = held.front();
    const auto rule = check_frame(*family_, tag, 0);
    if (!rule) return tl::unexpected(die(rule.error()));
    if (!holds_length(held.subspan(1))) return std::nullopt;
    Reader head(rule->name, held.subspan(1));
    const std::uint32_t length = head.u32("length");
    if (!head.ok()) return tl::unexpected(die(head.error()));
    if (const auto fits = check_frame(*family_, tag, length); !fits) return tl::unexpected(die(fits.error()));
    if (head.remaining() < length) return std::nullopt;
    const base::ByteView payload = head.raw("payload", length);
    return std::optional(Whole{tag, payload, 1 + head.offset()});
}

base::Error FrameSplitter::die(base::Error error) {
    dead_ = true;
    buffer_.clear();
    return error;
}

}  // namespace grapevine::wire
