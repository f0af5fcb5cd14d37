#pragma once

// What the frame formats of ALPN grapevine/mesh/1 share: tag u8, length (postcard varint), payload. A family of frames
// (mesh.hpp, delivery.hpp) says which tags it has and how large each may be; splitting and refusing is the same for
// all.
//
// A caller that drains next() after each feed() makes a splitter hold less than one frame; an unknown tag and a length
// over the limit are refused before any byte of the payload is waited for. After an error the stream is dead: what is
// fed is dropped and next() goes on failing.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/stream_buffer.hpp"

namespace grapevine::wire {

struct FrameRule {
    std::string_view name;        // In errors: "ping".
    std::size_t payload_max = 0;  // Bytes.
};

struct FrameFamily {
    std::string_view name;                                  // In errors: "mesh".
    std::optional<FrameRule> (*rule_of)(std::uint8_t tag);  // Nothing for a tag that the family lacks.
};

// The rule of `tag` if the family has it and allows a payload of `size` bytes.
base::Result<FrameRule> check_frame(const FrameFamily& family, std::uint8_t tag, std::size_t size);
// One whole frame.
base::Bytes frame_bytes(std::uint8_t tag, base::ByteView payload);

class FrameSplitter {
public:
    // The family is a constant: it outlives the splitter.
    explicit FrameSplitter(const FrameFamily& family) : family_(&family) {}

    void feed(base::ByteView data);
    // True when the stream may end here: no half frame is held.
    [[nodiscard]] bool at_boundary() const { return !dead_ && buffer_.empty(); }
    // What follows the frames that were taken, where a stream goes on with raw bytes; the splitter is empty then.
    base::Bytes take_rest();

    // The next frame, decoded by `decode(tag, payload)`; nothing while it is not whole.
    template <typename Frame>
    base::Result<std::optional<Frame>> next(base::Result<Frame> (*decode)(std::uint8_t, base::ByteView)) {
        const auto whole = peek();
        if (!whole) return tl::unexpected(whole.error());
        if (!*whole) return std::nullopt;
        auto frame = decode((*whole)->tag, (*whole)->payload);
        if (!frame) return tl::unexpected(die(frame.error()));
        buffer_.consume((*whole)->size);
        return std::optional<Frame>(*std::move(frame));
    }

private:
    struct Whole {
        std::uint8_t tag = 0;
        base::ByteView payload;  // In the buffer.
        std::size_t size = 0;    // Tag, length and payload.
    };
    base::Result<std::optional<Whole>> peek();
    base::Error die(base::Error error);

    const FrameFamily* family_;
    StreamBuffer buffer_;
    bool dead_ = false;
};

}  // namespace grapevine::wire
