#pragma once

// BLAKE3 (O'Connor, Aumasson, Neves, Wilcox-O'Hearn 2020), portable. 32-byte output unless said otherwise.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.hpp"

namespace grapevine::base {

using Blake3Hash = std::array<std::uint8_t, 32>;

Blake3Hash blake3(ByteView input);
Blake3Hash blake3_keyed(const Blake3Hash& key, ByteView input);
// `context` is a hard-coded, globally unique string (section 2.3, key derivation).
Blake3Hash blake3_derive_key(std::string_view context, ByteView key_material);

// Extended output: fills `out`, of any length, for the three modes; the first 32 bytes equal the functions above.
void blake3_xof(ByteView input, std::span<std::uint8_t> out);
void blake3_keyed_xof(const Blake3Hash& key, ByteView input, std::span<std::uint8_t> out);
void blake3_derive_key_xof(std::string_view context, ByteView key_material, std::span<std::uint8_t> out);

}  // namespace grapevine::base
