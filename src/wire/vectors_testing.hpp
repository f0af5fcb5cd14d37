#pragma once

// What the tests of this folder share: bytes written as hex with spaces, and the ids of the reference's vectors.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/ed25519.hpp"
#include "base/encoding.hpp"
#include "base/ids.hpp"
#include "base/trace_context.hpp"

namespace grapevine::wire::testing {

inline constexpr std::string_view kId1 = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
inline constexpr std::string_view kId2a = "197f6b23e16c8532c6abc838facd5ea789be0c76b2920334039bfa8b3d368d61";
inline constexpr std::string_view kHiId = "85052e9aab1b67b6622d94a08441b09fd5b7aca61ee360416d70de5da67d86ca";
inline constexpr std::string_view kRelayHex = "687474703a2f2f3132372e302e302e313a333334302f";  // http://127.0.0.1:3340/

// Bytes of hex digits; everything that is no letter or digit is for reading only.
inline base::Bytes hex(std::string_view text) {
    std::string digits;
    for (const char c : text) {
        if (c != ' ' && c != '\n') digits.push_back(c);
    }
    return *base::hex_decode(digits);
}

inline std::string concat(std::initializer_list<std::string_view> parts) {
    std::string out;
    for (const auto part : parts)
        out += part;
    return out;
}

template <typename IdType>
IdType id_of(std::string_view text) {
    return *IdType::parse(text);
}

// A sampled context (the ids of the W3C recommendation's example), and its bytes.
inline constexpr std::string_view kContextHex =
    "01 0af7651916cd43dd8448eb211c80319c b7ad6b7169203331 01 17979cfe362a0000";
inline base::TraceContext sampled_context() {
    auto context = *base::TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    context.sent_unix_ns = 1'700'000'000'000'000'000;
    return context;
}

inline base::SecretKey key_of(std::uint8_t byte) {
    return *base::SecretKey::from_seed(base::Bytes(32, byte));
}

template <typename IdType>
IdType filled(std::uint8_t byte) {
    IdType id;
    id.bytes.fill(byte);
    return id;
}

}  // namespace grapevine::wire::testing
