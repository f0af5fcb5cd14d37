#include "wire/postcard.hpp"

namespace grapevine::wire {

namespace {

constexpr std::uint8_t kMore = 0x80;
constexpr std::uint8_t kGroup = 0x7f;

}  // namespace

std::size_t varint_size(std::uint64_t value) {
    std::size_t size = 1;
    for (; value > kGroup; value >>= 7U)
        ++size;
    return size;
}

void Writer::varint(std::uint64_t value) {
    for (; value > kGroup; value >>= 7U)
        u8(static_cast<std::uint8_t>((value & kGroup) | kMore));
    u8(static_cast<std::uint8_t>(value));
}

void Writer::bytes(base::ByteView bytes) {
    varint(bytes.size());
    raw(bytes);
}

std::uint8_t Reader::u8(std::string_view field) {
    if (!ok()) return 0;
    if (remaining() == 0) {
        truncated(field);
        return 0;
    }
    return input_[offset_++];
}

bool Reader::boolean(std::string_view field) {
    const std::uint8_t value = u8(field);
    if (value > 1) fail(field, "must be 0 or 1, is " + std::to_string(value));
    return ok() && value == 1;
}

std::uint64_t Reader::varint(std::string_view field, std::size_t bytes_max, std::uint8_t last_max) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes_max; ++i) {
        const std::uint8_t byte = u8(field);
        if (!ok()) return 0;
        if (i + 1 == bytes_max && byte > last_max) break;
        value |= static_cast<std::uint64_t>(byte & kGroup) << (7 * i);
        if ((byte & kMore) == 0) return value;
    }
    fail(field, "integer does not fit its type");
    return 0;
}

std::uint16_t Reader::u16(std::string_view field) {
    return static_cast<std::uint16_t>(varint(field, kVarint16Max, 0x03));
}

std::uint32_t Reader::u32(std::string_view field) {
    return static_cast<std::uint32_t>(varint(field, kVarint32Max, 0x0f));
}

std::uint64_t Reader::u64(std::string_view field) {
    return varint(field, kVarint64Max, 0x01);
}

std::uint32_t Reader::discriminant(std::string_view field, std::uint32_t variants) {
    const std::uint32_t value = u32(field);
    if (value < variants) return value;
    fail(field, "unknown variant " + std::to_string(value));
    return 0;
}

std::size_t Reader::count(std::string_view field, std::size_t limit) {
    const std::uint64_t value = u64(field);
    if (value <= limit) return static_cast<std::size_t>(value);
    fail(field, std::to_string(value) + " items where " + std::to_string(limit) + " are allowed");
    return 0;
}

base::ByteView Reader::raw(std::string_view field, std::size_t size) {
    if (!ok()) return {};
    if (remaining() < size) {
        truncated(field);
        return {};
    }
    const base::ByteView view = input_.subspan(offset_, size);
    offset_ += size;
    return view;
}

base::ByteView Reader::bytes(std::string_view field, std::size_t limit) {
    const std::uint64_t size = u64(field);
    if (size <= limit) return raw(field, static_cast<std::size_t>(size));
    fail(field, std::to_string(size) + " bytes where " + std::to_string(limit) + " are allowed");
    return {};
}

void Reader::truncated(std::string_view field) {
    fail(field, "truncated at byte " + std::to_string(input_.size()));
}

void Reader::fail(std::string_view field, std::string_view rule) {
    if (!ok()) return;
    std::string message(what_);
    message.append(": ").append(field).append(": ").append(rule);
    error_ = base::Error{base::ErrorCode::invalid, std::move(message)};
}

}  // namespace grapevine::wire
