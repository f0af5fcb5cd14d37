#pragma once

// Strong 32-byte identifiers. Text form: 64 lower-case hex characters; an EndpointId also parses from base32 (52
// characters, any case), as iroh prints it.

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace grapevine::base {

inline constexpr std::size_t kIdBytes = 32;

template <typename Tag>
struct Id {
    std::array<std::uint8_t, kIdBytes> bytes{};

    [[nodiscard]] ByteView view() const { return bytes; }
    [[nodiscard]] std::string hex() const;
    // The first `digits` hex characters, for names and logs.
    [[nodiscard]] std::string short_hex(std::size_t digits = 10) const { return hex().substr(0, digits); }

    // Exactly 32 bytes, else an error that names `Tag::kName`.
    static Result<Id> from_bytes(ByteView view);
    static Result<Id> parse(std::string_view text);

    friend auto operator<=>(const Id&, const Id&) = default;
    friend bool operator==(const Id&, const Id&) = default;
};

struct EndpointTag {
    static constexpr std::string_view kName = "endpoint id";
};
struct TopicTag {
    static constexpr std::string_view kName = "topic";
};
struct MessageTag {
    static constexpr std::string_view kName = "message id";
};

using EndpointId = Id<EndpointTag>;  // An Ed25519 public key, which is the node's address.
using TopicId = Id<TopicTag>;        // BLAKE3 of the mesh name, or any 32 bytes.
using MessageId = Id<MessageTag>;    // BLAKE3 of the content.

extern template struct Id<EndpointTag>;
extern template struct Id<TopicTag>;
extern template struct Id<MessageTag>;

// For unordered look-up only (never iterated): ids are uniformly distributed, so eight bytes are a hash.
struct IdHash {
    template <typename Tag>
    std::size_t operator()(const Id<Tag>& id) const {
        std::uint64_t word = 0;
        std::memcpy(&word, id.bytes.data(), sizeof word);
        return static_cast<std::size_t>(word);
    }
};

}  // namespace grapevine::base
