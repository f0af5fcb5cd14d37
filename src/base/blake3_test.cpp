#include "base/blake3.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/blake3_vectors.hpp"
#include "base/encoding.hpp"

namespace grapevine::base {
namespace {

using blake3_vectors::kContext;
using blake3_vectors::kExtended;
using blake3_vectors::kShort;

Bytes counting_input(std::size_t size) {
    Bytes input(size);
    for (std::size_t i = 0; i < size; ++i)
        input[i] = static_cast<std::uint8_t>(i % 251);
    return input;
}

Blake3Hash test_key() {
    Blake3Hash key{};
    const ByteView text = as_bytes(blake3_vectors::kKey);
    std::copy(text.begin(), text.end(), key.begin());
    return key;
}

TEST(Blake3, AllThirtyFiveOfficialLengthsInAllModes) {
    for (const auto& vector : kShort) {
        const Bytes input = counting_input(vector.input_bytes);
        EXPECT_EQ(hex_encode(blake3(input)), vector.hash) << vector.input_bytes;
        EXPECT_EQ(hex_encode(blake3_keyed(test_key(), input)), vector.keyed) << vector.input_bytes;
        EXPECT_EQ(hex_encode(blake3_derive_key(kContext, input)), vector.derived) << vector.input_bytes;
    }
}

TEST(Blake3, OfficialExtendedOutput) {
    for (const auto& vector : kExtended) {
        const Bytes input = counting_input(vector.input_bytes);
        Bytes out(131);
        blake3_xof(input, out);
        EXPECT_EQ(hex_encode(out), vector.hash) << vector.input_bytes;
        blake3_keyed_xof(test_key(), input, out);
        EXPECT_EQ(hex_encode(out), vector.keyed) << vector.input_bytes;
        blake3_derive_key_xof(kContext, input, out);
        EXPECT_EQ(hex_encode(out), vector.derived) << vector.input_bytes;
    }
}

TEST(Blake3, MessageIdOfHi) {
    EXPECT_EQ(hex_encode(blake3(as_bytes("hi"))), "85052e9aab1b67b6622d94a08441b09fd5b7aca61ee360416d70de5da67d86ca");
}

TEST(Blake3, ExtendedOutputOfEveryLengthIsAPrefix) {
    const Bytes input = counting_input(1500);
    Bytes longest(200);
    blake3_xof(input, longest);
    for (std::size_t size = 0; size < longest.size(); ++size) {
        Bytes out(size);
        blake3_xof(input, out);
        EXPECT_TRUE(std::equal(out.begin(), out.end(), longest.begin())) << size;
    }
}

TEST(Blake3, EveryBitMatters) {
    EXPECT_TRUE(rc::check([](const Bytes& start, std::uint32_t seed) {
        Bytes input = start;
        input.resize(1 + seed % 3000);
        const auto before = blake3(input);
        input[(seed / 3000) % input.size()] ^= static_cast<std::uint8_t>(1U << (seed % 8));
        RC_ASSERT(blake3(input) != before);
    }));
}

}  // namespace
}  // namespace grapevine::base
