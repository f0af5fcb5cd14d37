#pragma once

// Postcard (the Rust crate's wire format, version 1), as far as our messages need it.
//
//   u8 raw · bool 0 or 1 · u16, u32, u64 LEB128 varint, low group first · Option `00`, or `01` and the value · enum u32
//   varint · bytes, String and lists: count (u64 varint), then the items · fixed arrays and structs: their fields alone
//
// Varint rules are those of the Rust decoder: at most 3, 5 and 10 bytes; the last of them at most 0x03, 0x0f and 0x01,
// so that nothing overflows; shorter forms padded with zero groups are accepted. Bytes after the last field are
// ignored.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"

namespace grapevine::wire {

inline constexpr std::size_t kVarint16Max = 3;
inline constexpr std::size_t kVarint32Max = 5;
inline constexpr std::size_t kVarint64Max = 10;

// Bytes of the shortest varint of `value`.
[[nodiscard]] std::size_t varint_size(std::uint64_t value);

class Writer {
public:
    explicit Writer(std::size_t reserve = 64) { bytes_.reserve(reserve); }

    void u8(std::uint8_t value) { bytes_.push_back(value); }
    void boolean(bool value) { u8(value ? 1 : 0); }
    // u16, u32, u64, counts and enum discriminants all have this one shortest form.
    void varint(std::uint64_t value);
    void raw(base::ByteView bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
    void bytes(base::ByteView bytes);
    void text(std::string_view text) { bytes(base::as_bytes(text)); }

    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] base::Bytes take() { return std::move(bytes_); }

private:
    base::Bytes bytes_;
};

// Reads fields one after another and remembers the first error. After an error every read returns zero or nothing, and
// count() returns 0, so a decoder reads straight through and asks ok() once at the end. Views point into the input.
class Reader {
public:
    // `what` names the message in errors: "gossip message: ttl: truncated at byte 12".
    Reader(std::string_view what, base::ByteView input) : what_(what), input_(input) {}

    std::uint8_t u8(std::string_view field);
    bool boolean(std::string_view field);
    std::uint16_t u16(std::string_view field);
    std::uint32_t u32(std::string_view field);
    std::uint64_t u64(std::string_view field);
    // An enum discriminant below `variants`.
    std::uint32_t discriminant(std::string_view field, std::uint32_t variants);
    // The count of a list, at most `limit`.
    std::size_t count(std::string_view field, std::size_t limit);
    // Exactly `size` bytes.
    base::ByteView raw(std::string_view field, std::size_t size);
    // Length and bytes, at most `limit`.
    base::ByteView bytes(std::string_view field, std::size_t limit);

    template <typename IdType>
    IdType id(std::string_view field) {
        IdType id;
        copy(raw(field, base::kIdBytes), id.bytes);
        return id;
    }
    template <std::size_t N>
    std::array<std::uint8_t, N> array(std::string_view field) {
        std::array<std::uint8_t, N> out{};
        copy(raw(field, N), out);
        return out;
    }

    // Records that `field` breaks `rule`, unless an earlier error stands.
    void fail(std::string_view field, std::string_view rule);
    [[nodiscard]] bool ok() const { return !error_; }
    // Only after a failure.
    [[nodiscard]] const base::Error& error() const { return *error_; }
    [[nodiscard]] std::size_t offset() const { return offset_; }
    [[nodiscard]] std::size_t remaining() const { return input_.size() - offset_; }

    // The value if everything was read, else the first error.
    template <typename T>
    base::Result<T> finish(T value) const {
        if (!ok()) return tl::unexpected(*error_);
        return value;
    }

private:
    std::uint64_t varint(std::string_view field, std::size_t bytes_max, std::uint8_t last_max);
    void truncated(std::string_view field);

    template <std::size_t N>
    static void copy(base::ByteView from, std::array<std::uint8_t, N>& to) {
        for (std::size_t i = 0; i < from.size(); ++i)
            to[i] = from[i];
    }

    std::string_view what_;
    base::ByteView input_;
    std::size_t offset_ = 0;
    std::optional<base::Error> error_;
};

}  // namespace grapevine::wire
